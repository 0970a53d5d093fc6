"""Which HTTP clients this process has loaded: each is wrapped once, when it has been imported, and never imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

from . import aiohttp_hook, http_client_hook, httpx_hook, threads, urllib3_hook
from .calls import guard

_HOOKS: dict[str, Callable[[ModuleType], None]] = {
    hook.MODULE: hook.install for hook in (urllib3_hook, http_client_hook, httpx_hook, aiohttp_hook)
}
_waiting = dict(_HOOKS)
_seen = [0]


def wrap_loaded_clients() -> None:
    """Wraps what has been imported since the last time. Cheap where nothing has."""
    if not _waiting or _seen[0] == len(sys.modules):
        return
    _seen[0] = len(sys.modules)
    threads.install()
    for name in list(_waiting):
        module = sys.modules.get(name)
        if module is None or _importing(module):
            continue
        install = _waiting.pop(name)
        try:
            install(module)
        except Exception as error:  # another version of the library than is known: left alone
            guard().failed(f"hooking {name}", error)


def _importing(module: ModuleType) -> bool:
    """Whether another thread is in the middle of importing it."""
    spec = getattr(module, "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
