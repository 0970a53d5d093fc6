"""urllib3, and with it requests, botocore and most SDKs: `HTTPConnectionPool.urlopen`."""

from __future__ import annotations

import functools
import io
from typing import Any

from ..exchange import RecordedResponse
from .calls import Call, begin, guard, inside, log_of_request
from .reading import attach, note_pieces, note_reads

MODULE = "urllib3.response"
_PORTS = {"http": 80, "https": 443}
_NOT_AS_SERVED = frozenset(["transfer-encoding", "content-length"])


def install(module: Any) -> None:
    """Wraps the classes of an imported urllib3."""
    import urllib3  # loaded already, see MODULE

    original = urllib3.HTTPConnectionPool.urlopen

    @functools.wraps(original)
    def urlopen(
        self: Any, method: str, url: str, body: Any = None, headers: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        log = log_of_request()
        if log is None:
            return original(self, method, url, body, headers, *args, **kwargs)
        outer = inside.get()
        if outer is not None:  # its own retries and redirects come back to this very method
            outer.attempts += 1
            return original(self, method, url, body, headers, *args, **kwargs)
        sent = self.headers if headers is None else headers
        call = begin(log, method, lambda: _absolute(self, url), sent or {}, body)
        if call is None:
            return original(self, method, url, body, headers, *args, **kwargs)
        if call.answer is not None:
            return _played(urllib3, call.answer.response, method, url, kwargs)
        token = inside.set(call)
        try:
            response = original(self, method, url, body, headers, *args, **kwargs)
        finally:
            inside.reset(token)
        try:
            _note(response, call, kwargs)
        except Exception as error:
            guard().failed("noting a response of an outbound call", error)
        return response

    urllib3.HTTPConnectionPool.urlopen = urlopen  # type: ignore[method-assign]
    note_reads(urllib3.HTTPResponse, ("read", "read1"), lambda response: bool(response.closed))
    note_pieces(urllib3.HTTPResponse, ("read_chunked",))


def _absolute(pool: Any, url: str) -> str:
    if "://" in url.partition("?")[0]:
        return url  # through a proxy
    host = f"[{pool.host}]" if ":" in pool.host and not pool.host.startswith("[") else pool.host
    port = "" if pool.port in (None, _PORTS.get(pool.scheme)) else f":{pool.port}"
    return f"{pool.scheme}://{host}{port}{url}"


def _note(response: Any, call: Call, kwargs: dict[str, Any]) -> None:
    call.responded(response.status, response.reason, response.headers)
    if kwargs.get("preload_content", True):
        call.decoded = bool(kwargs.get("decode_content", True))
        call.took(response.data, True)  # read already: this is a field
    else:
        attach(response, call)


def _played(urllib3: Any, answer: RecordedResponse | None, method: str, url: str, kwargs: dict[str, Any]) -> Any:
    if answer is None:
        raise urllib3.exceptions.ProtocolError("Understudy: this call failed in the recording, or may not go out")
    headers = urllib3._collections.HTTPHeaderDict()  # where version 1 has it, too
    for name, value in answer.headers:
        if name.lower() not in _NOT_AS_SERVED:
            headers.add(name, value)
    headers.add("Content-Length", str(len(answer.body.data)))
    return urllib3.HTTPResponse(
        body=io.BytesIO(answer.body.data),
        headers=headers,
        status=answer.status,
        version=11,
        reason=answer.reason,
        preload_content=kwargs.get("preload_content", True),
        decode_content=kwargs.get("decode_content", True),
        request_method=method,
        request_url=url,
    )
