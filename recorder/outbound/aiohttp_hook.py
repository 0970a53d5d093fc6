"""aiohttp: `ClientSession._request`, and in a replay the connector, which hands out a connection that is none."""

from __future__ import annotations

import asyncio
import functools
import json as json_module
from typing import Any

from ..exchange import RecordedResponse
from .calls import Call, begin, guard, inside, log_of_request

MODULE = "aiohttp"
_NOT_AS_SERVED = frozenset(["transfer-encoding", "content-length", "connection"])


def install(aiohttp: Any) -> None:
    """Wraps the session and the connector of an imported aiohttp."""
    original, connect = aiohttp.ClientSession._request, aiohttp.BaseConnector.connect
    read = aiohttp.ClientResponse.read

    @functools.wraps(original)
    async def _request(self: Any, method: str, str_or_url: Any, **kwargs: Any) -> Any:
        call = _begin(self, method, str_or_url, kwargs)
        if call is None:
            return await original(self, method, str_or_url, **kwargs)
        if call.answer is not None and call.answer.response is None:
            raise aiohttp.ClientConnectionError("Understudy: this call failed in the recording, or may not go out")
        token = inside.set(call)
        try:
            response = await original(self, method, str_or_url, **kwargs)
        finally:
            inside.reset(token)
        if call.answer is None:
            try:
                call.responded(response.status, response.reason, response.raw_headers)
                call.decoded = True
                response._understudy_call = call
            except Exception as error:
                guard().failed("noting a response of an outbound call", error)
        return response

    @functools.wraps(read)
    async def noted_read(self: Any) -> Any:
        data = await read(self)
        call: Call | None = self.__dict__.pop("_understudy_call", None)
        if call is not None:
            call.took(data, True)
        return data

    @functools.wraps(connect)
    async def connected(self: Any, req: Any, *args: Any, **kwargs: Any) -> Any:
        call = inside.get()
        if call is None or call.answer is None or call.answer.response is None:
            return await connect(self, req, *args, **kwargs)
        return _connection(self, req, call.answer.response)

    aiohttp.ClientSession._request = _request
    aiohttp.ClientResponse.read = noted_read
    aiohttp.BaseConnector.connect = connected


def _begin(session: Any, method: str, str_or_url: Any, kwargs: dict[str, Any]) -> Call | None:
    log = log_of_request()
    if log is None or inside.get() is not None:
        return None
    try:
        url = session._build_url(str_or_url)
        if kwargs.get("params"):
            url = url.extend_query(kwargs["params"])
        headers = dict(session._prepare_headers(kwargs.get("headers")))
        body = _body(kwargs, headers)
        auth = kwargs.get("auth") or session._default_auth
        if auth is not None:
            headers.setdefault("Authorization", auth.encode())
        return begin(log, method, lambda: str(url.with_user(None)), headers, body)
    except Exception as error:
        if log.player is not None:
            raise  # what cannot be read cannot be answered, and must not go out
        guard().failed("noting an outbound call", error)
        return None


def _body(kwargs: dict[str, Any], headers: dict[str, Any]) -> Any:
    if kwargs.get("json") is not None:
        headers.setdefault("Content-Type", "application/json")
        return json_module.dumps(kwargs["json"])
    data = kwargs.get("data")
    if isinstance(data, dict | list | tuple):
        from urllib.parse import urlencode

        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return urlencode(data, doseq=True)
    return data


class _Nowhere(asyncio.Transport):
    """Takes what is written and sends it nowhere."""

    def write(self, data: Any) -> None:
        """Nobody reads it."""

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """There is nothing to close."""

    def abort(self) -> None:
        """There is nothing to break off."""


def _connection(connector: Any, req: Any, answer: RecordedResponse) -> Any:
    from aiohttp.client_proto import ResponseHandler  # loaded already
    from aiohttp.connector import Connection

    loop = asyncio.get_running_loop()
    protocol = ResponseHandler(loop=loop)
    protocol.connection_made(_Nowhere())
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers if name.lower() not in _NOT_AS_SERVED]
    lines += [f"Content-Length: {len(answer.body.data)}", "Connection: close", "", ""]
    protocol.data_received("\r\n".join(lines).encode("latin-1") + answer.body.data)
    return Connection(connector, req.connection_key, protocol, loop)
