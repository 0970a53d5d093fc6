"""Links that an answer hands out whole, and that are followed whole: signed ones hold together only so.

Their parts cannot be told one by one: many links of one second share an expiry, which then stands for several values.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from diffing.atoms import MAX_ATOM, is_opaque
from recorder.exchange import RecordedRequest

from .learned import Learned

_KEY = "link "
"""Goes before the target under which a link is kept among the tokens: no value of a request begins so."""


def learn_link(learned: Learned, old: object, new: object) -> None:
    """Keeps what the query of a link with a token in it is here, if these two are such links."""
    if not (isinstance(old, str) and isinstance(new, str) and "?" in old and "?" in new):
        return
    target, query = _parts(old), _parts(new)
    if target and query and any(is_opaque(value) for _, value in parse_qsl(target[1])):
        learned.token(f"{_KEY}{target[0]}?{target[1]}", query[1])


def followed(learned: Learned, recorded: RecordedRequest, prepared: RecordedRequest) -> RecordedRequest:
    """The request with the query that the link has here, if what was recorded follows one."""
    query = learned.tokens.get(_KEY + recorded.target) if "?" in recorded.target else None
    if query is None:
        return prepared
    return replace(prepared, target=f"{prepared.target.partition('?')[0]}?{query}")


def _parts(text: str) -> tuple[str, str] | None:
    """Path and query of a URL; None for what is none."""
    if len(text) > MAX_ATOM or not text.startswith(("/", "http://", "https://")):
        return None
    try:
        split = urlsplit(text)
    except ValueError:
        return None
    return (split.path, split.query) if split.query else None
