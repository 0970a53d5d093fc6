"""What a tap kept, read by nobody's parser but the standard library's and a few lines of our own."""

from __future__ import annotations

import http.client
import io
from dataclasses import dataclass
from typing import BinaryIO

Fields = list[tuple[str, str]]

OF_THE_CONNECTION = ("connection", "keep-alive", "transfer-encoding", "server", "date", "proxy-authenticate")
"""Response fields that gunicorn adds, or holds back because they are of one hop."""


@dataclass(frozen=True)
class WireExchange:
    """One request and its response as they went over the wire; bodies without their chunk framing."""

    method: str
    target: str
    protocol: str
    headers: Fields
    body: bytes
    status: int
    reason: str
    response_headers: Fields
    response_body: bytes


def read_conversation(sent: bytes, got: bytes) -> list[WireExchange]:
    """The exchanges of one connection, in order. Raises when either side holds less, or more, than whole messages."""
    upward, downward = io.BytesIO(sent), io.BytesIO(got)
    found = []
    while upward.tell() < len(sent):
        method, target, protocol = upward.readline().decode("latin-1").rstrip("\r\n").split(" ")
        headers = _fields(upward)
        body = _request_body(upward, {name.lower(): value for name, value in headers})
        status, reason, response_headers, response_body = _response(downward, method)
        found.append(
            WireExchange(method, target, protocol, headers, body, status, reason, response_headers, response_body)
        )
    assert downward.read() == b""
    return found


def _fields(stream: BinaryIO) -> Fields:
    found: Fields = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").rstrip("\r\n").partition(":")
        found.append((name, value.strip()))
    return found


def _request_body(stream: BinaryIO, fields: dict[str, str]) -> bytes:
    if fields.get("transfer-encoding") == "chunked":
        return _chunks(stream)
    length = int(fields.get("content-length", "0"))
    body = stream.read(length)
    assert len(body) == length
    return body


def _chunks(stream: BinaryIO) -> bytes:
    body = b""
    while size := int(stream.readline(), 16):
        body += stream.read(size)
        assert stream.readline() == b"\r\n"
    assert stream.readline() == b"\r\n"
    return body


def _response(stream: BinaryIO, method: str) -> tuple[int, str, Fields, bytes]:
    line = stream.readline().decode("latin-1").rstrip("\r\n")
    protocol, status, reason = line.split(" ", 2)
    assert protocol in ("HTTP/1.1", "HTTP/1.0"), line
    fields = _fields(stream)
    by_name = {name.lower(): value for name, value in fields}
    if method == "HEAD" or int(status) in (204, 304) or int(status) < 200:
        body = b""
    elif by_name.get("transfer-encoding") == "chunked":
        body = _chunks(stream)
    elif "content-length" in by_name:
        body = stream.read(int(by_name["content-length"]))
        if len(body) != int(by_name["content-length"]):
            raise http.client.IncompleteRead(body)
    else:
        body = stream.read()
    return int(status), reason, fields, body
