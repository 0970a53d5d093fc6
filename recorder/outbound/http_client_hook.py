"""http.client, and with it urllib.request: `HTTPConnection.request` and `getresponse`.

Calls that are put together by hand (`putrequest`, `putheader`, `endheaders`, as xmlrpc.client does) are not noted.
"""

from __future__ import annotations

import functools
import io
from typing import Any

from ..exchange import RecordedResponse
from .calls import Call, begin, guard, inside, log_of_request
from .reading import attach, note_reads

MODULE = "http.client"
_PENDING = "_understudy_pending"
_NOT_AS_SERVED = frozenset(["transfer-encoding", "content-length", "connection"])


def install(module: Any) -> None:
    """Wraps the classes of http.client."""
    connection = module.HTTPConnection
    original_request, original_response = connection.request, connection.getresponse

    @functools.wraps(original_request)
    def request(self: Any, method: str, url: str, body: Any = None, headers: Any = {}, **kwargs: Any) -> Any:  # noqa: B006 - the signature of the method that it stands for
        self.__dict__.pop(_PENDING, None)
        log = log_of_request()
        if log is None or inside.get() is not None:
            return original_request(self, method, url, body, headers, **kwargs)
        call = begin(log, method, lambda: _absolute(self, url), headers, body)
        if call is not None:
            setattr(self, _PENDING, call)
            if call.answer is not None:
                return None
        return original_request(self, method, url, body, headers, **kwargs)

    @functools.wraps(original_response)
    def getresponse(self: Any) -> Any:
        call: Call | None = self.__dict__.pop(_PENDING, None)
        if call is not None and call.answer is not None:
            return _played(self, module, call, call.answer.response)
        response = original_response(self)
        if call is not None:
            try:
                call.responded(response.status, response.reason, response.headers)
                attach(response, call)
            except Exception as error:
                guard().failed("noting a response of an outbound call", error)
        return response

    connection.request = request
    connection.getresponse = getresponse
    note_reads(module.HTTPResponse, ("read", "read1", "readline"), lambda response: bool(response.isclosed()))


def _absolute(connection: Any, url: str) -> str:
    if "://" in url.partition("?")[0]:
        return url  # through a proxy
    secure = connection.default_port == 443
    host, port = connection._tunnel_host or connection.host, connection._tunnel_port or connection.port
    shown = f"[{host}]" if ":" in host else host
    suffix = "" if port == connection.default_port else f":{port}"
    return f"{'https' if secure else 'http'}://{shown}{suffix}{url}"


class _Wire:
    """A socket's part in a response: the bytes that came."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: Any, **__: Any) -> io.BytesIO:
        return io.BytesIO(self._data)


def _played(connection: Any, module: Any, call: Call, answer: RecordedResponse | None) -> Any:
    if answer is None:
        raise module.RemoteDisconnected("Understudy: this call failed in the recording, or may not go out")
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers if name.lower() not in _NOT_AS_SERVED]
    lines += [f"Content-Length: {len(answer.body.data)}", "Connection: close", "", ""]
    data = "\r\n".join(lines).encode("latin-1") + answer.body.data
    response = connection.response_class(_Wire(data), method=call.request().method)
    response.begin()
    return response
