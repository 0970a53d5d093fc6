"""Requests that reach a WSGI application in this very process, so that coverage, debuggers and patches work"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import httpx

from ..errors import UsageError
from ..instances.wsgi_child import is_factory, make_environ

AUTHORITY = ("localhost", 80)


def load_application(spec: str) -> Any:
    """The WSGI callable that `module:attribute` names, or that the factory there makes. Raises UsageError."""
    module, _, attribute = spec.partition(":")
    called = attribute.endswith("()")
    try:
        found: Any = importlib.import_module(module)
        for name in attribute.removesuffix("()").split("."):
            found = getattr(found, name)
        if called or is_factory(found, attribute.removesuffix("()").rpartition(".")[2]):
            found = found()
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{spec} cannot be loaded: {error}", "It is MODULE:NAME, e.g. shop:create_app.") from error
    if not callable(found) or inspect.isclass(found):
        raise UsageError(f"{spec} is no WSGI application, nor a factory of one.")
    return found


class InProcess(httpx.AsyncBaseTransport):
    """Calls the application in this thread, once for each request. What it raises is an answer of status 500."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.raised: BaseException | None = None  # what the last request raised

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([piece async for piece in request.stream])
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        target = request.extensions["target"].decode("latin-1")
        environ = make_environ(request.method, target, "HTTP/1.1", fields, ("127.0.0.1", 1), AUTHORITY)
        environ |= {"wsgi.input": BytesIO(body), "wsgi.multithread": False, "CONTENT_LENGTH": str(len(body))}
        self.raised = None
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started[:] = [status, headers]
            return written.append

        written: list[bytes] = []
        try:
            result: Iterable[bytes] = self.application(environ, start_response)
            try:
                written.extend(result)
            finally:
                getattr(result, "close", lambda: None)()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.raised = error
            return httpx.Response(500, headers={"Content-Type": "text/plain"}, content=str(error).encode())
        status, headers = started
        return httpx.Response(
            int(status.partition(" ")[0]),
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            stream=httpx.ByteStream(b"".join(written)),
            extensions={"reason_phrase": status.partition(" ")[2].encode("latin-1")},
        )
