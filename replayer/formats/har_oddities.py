"""What browsers and proxies write beside HTTP Archive 1.2: answers that no server gave, and files that were cut."""

from __future__ import annotations

import json
import re

from .har_fields import HarObject

_CACHED = "answered from the browser's cache"
_WORKER = "answered by a service worker"
_SAFARI = {"memory cache": _CACHED, "disk cache": _CACHED, "service worker": _WORKER}
_ENTRIES = re.compile(r'"entries"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")


def answered_by_the_browser(entry: HarObject, browser: str) -> str:
    """Why no server answered, where a browser says so; "" where one did.

    Chromium writes `_fromCache` and `_fetchedViaServiceWorker`; Firefox puts `afterRequest` into `cache`, where others
    describe a cache that was not asked; Safari writes `_fetchType`.
    """
    if entry.has("_fromCache"):
        return _CACHED
    response = entry.data.get("response")
    given = response if isinstance(response, dict) else {}
    if given.get("_fetchedViaServiceWorker") is True or entry.data.get("_fetchedViaServiceWorker") is True:
        return _WORKER
    cache = entry.data.get("cache")
    if browser.lower().startswith("firefox") and isinstance(cache, dict) and "afterRequest" in cache:
        return _CACHED
    return _SAFARI.get(str(given.get("_fetchType", "")).lower(), "")


def entries_until_torn(data: bytes) -> list[object]:
    """The entries that a file which is no whole JSON holds in full, up to the place at which it is torn."""
    text = data.decode("utf-8", "replace")
    start = _ENTRIES.search(text)
    if start is None:
        return []
    found: list[object] = []
    decoder = json.JSONDecoder()
    position = start.end()
    while True:
        between = _BETWEEN.match(text, position)
        position = between.end() if between else position
        try:
            entry, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return found
        found.append(entry)
