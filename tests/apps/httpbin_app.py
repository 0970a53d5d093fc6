"""httpbin, the one on PyPI, as a recorded application; with and without the recorder's brotli libraries.

Its last version that today's gevent can be installed beside was written for a Werkzeug that still had two functions
which httpbin calls, and that made bytes of a bytearray. Those are given back here; nothing else of httpbin is changed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import werkzeug.http
from flask import Flask
from werkzeug.datastructures import Authorization, WWWAuthenticate
from werkzeug.wrappers import Response

from recorder import RecorderMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def _set_digest(
    self: WWWAuthenticate,
    realm: str,
    nonce: str,
    qop: tuple[str, ...] = ("auth",),
    opaque: str | None = None,
    algorithm: str | None = None,
    stale: bool = False,
) -> None:
    fields: dict[str, str | None] = {"realm": realm, "nonce": nonce, "qop": ", ".join(qop), "opaque": opaque}
    fields |= {"algorithm": algorithm, "stale": "TRUE" if stale else None}
    self.type = "digest"
    self.parameters.clear()
    self.parameters.update({name: value for name, value in fields.items() if value is not None})


def _set_data(self: Response, value: bytes | bytearray | str) -> None:
    _set_bytes(self, value if isinstance(value, str) else bytes(value))


_set_bytes = Response.set_data
_response: Any = Response
_response.data = property(Response.get_data, _set_data)
_werkzeug: Any = werkzeug.http
_werkzeug.parse_authorization_header = Authorization.from_header
_challenge: Any = WWWAuthenticate
_challenge.set_digest = _set_digest

from httpbin import app  # type: ignore[import-untyped]  # noqa: E402  # needs what stands above

httpbin: Flask = app
bare: WSGIApplication = httpbin


def recorded() -> WSGIApplication:
    """httpbin behind the recorder, which the environment configures."""
    httpbin.wsgi_app = RecorderMiddleware(httpbin.wsgi_app)  # type: ignore[method-assign]
    return bare


def recorded_without_brotli() -> WSGIApplication:
    """The same where no brotli library can be imported; httpbin has had its own before that."""
    for name in ("brotli", "brotlicffi"):
        sys.modules[name] = None  # type: ignore[assignment]  # how the import system is told that there is none
    return recorded()
