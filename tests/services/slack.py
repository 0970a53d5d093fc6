"""A server that speaks the part of Slack's Web API that posts messages, with its errors, its limits and its pauses.

It refuses what Slack would refuse: more than 50 blocks, texts that are too long, a message with nothing to notify of,
channels and tokens that are not there. Limits: docs.slack.dev, reference of blocks and of `chat.postMessage`.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "xoxb-1-test"
HOOK_PATH = "/services/T1/B1/secret"


@dataclass
class Said:
    """One call that was taken: its method and its arguments."""

    method: str
    arguments: dict[str, Any]

    @property
    def channel(self) -> str:
        return str(self.arguments.get("channel", ""))


@dataclass
class Fault:
    """What the server does instead of answering."""

    status: int = 0  # an HTTP status; 0: no answer at all until the server is stopped
    after: str = ""  # Retry-After
    error: str = ""  # with 200: {"ok": false, "error": …}


@dataclass
class FakeSlack:
    """`calls` are those that were taken, `faults` come first, one for each call."""

    channels: dict[str, str] = field(default_factory=lambda: {"#releases": "C1", "#payments-alerts": "C2"})
    token: str = TOKEN
    calls: list[Said] = field(default_factory=list)
    tried: int = 0
    faults: deque[Fault] = field(default_factory=deque)
    port: int = 0
    messages: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def hook(self) -> str:
        return f"http://127.0.0.1:{self.port}{HOOK_PATH}"

    def answer(self, method: str, authorization: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if authorization != f"Bearer {self.token}":
            return {"ok": False, "error": "invalid_auth"}
        error = refusal(arguments)
        if error:
            return {"ok": False, "error": error}
        if method == "chat.update":
            place = (arguments.get("channel", ""), arguments.get("ts", ""))
            if place[0] not in self.channels.values():
                return {"ok": False, "error": "channel_not_found"}  # a name is none: an update needs the id
            if place not in self.messages:
                return {"ok": False, "error": "message_not_found"}
        elif method == "chat.postMessage":
            channel = arguments.get("channel", "")
            channel = self.channels.get(channel, channel)
            if channel not in self.channels.values():
                return {"ok": False, "error": "channel_not_found"}
            thread = arguments.get("thread_ts")
            if thread is not None and (channel, thread) not in self.messages:
                return {"ok": False, "error": "thread_not_found"}
            place = (channel, f"1700000000.{len(self.messages) + 1:06d}")
        else:
            return {"ok": False, "error": "unknown_method"}
        self.messages[place] = arguments
        self.calls.append(Said(method, arguments))
        return {"ok": True, "channel": place[0], "ts": place[1]}


def refusal(arguments: dict[str, Any]) -> str:
    """Slack's word for what is wrong with a message; "" when nothing is."""
    blocks = arguments.get("blocks", [])
    text = arguments.get("text", "")
    if not text:  # with blocks alone Slack warns, and notifies with nothing
        return "no_text"
    if len(text) > 40_000:
        return "msg_too_long"
    if not isinstance(blocks, list) or len(blocks) > 50 or not all(map(_fits, blocks)):
        return "invalid_blocks"
    if sum(len(json.dumps(block, ensure_ascii=False)) for block in blocks) > 16_000:
        return "msg_blocks_too_long"
    return ""


def _fits(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    if kind == "header":
        return set(block) == {"type", "text"} and _text(block["text"], 150, ("plain_text",))
    if kind == "section":
        fields = block.get("fields")
        if fields is not None and not (0 < len(fields) <= 10 and all(_text(each, 2000) for each in fields)):
            return False
        return ("text" in block or fields is not None) and ("text" not in block or _text(block["text"], 3000))
    if kind == "context":
        elements = block.get("elements", [])
        return 0 < len(elements) <= 10 and all(_text(each, 3000) for each in elements)
    if kind == "actions":
        elements = block.get("elements", [])
        return 0 < len(elements) <= 25 and all(map(_button, elements))
    return kind == "divider"


def _button(element: dict[str, Any]) -> bool:
    shown = element.get("type") == "button" and _text(element.get("text"), 75, ("plain_text",))
    return shown and 0 < len(element.get("url", "x")) <= 3000


def _text(value: Any, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> bool:
    return isinstance(value, dict) and value.get("type") in kinds and 0 < len(value.get("text", "")) <= most


@contextmanager
def fake_slack(**facts: Any) -> Iterator[FakeSlack]:
    """A server on a port of its own, with an incoming webhook beside the API."""
    slack = FakeSlack(**facts)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with slack.lock:
                slack.tried += 1
                fault = slack.faults.popleft() if slack.faults else None
            if fault is not None and not fault.error:
                if not fault.status:
                    slack.stopped.wait()
                    self.close_connection = True
                    return
                self._send(fault.status, b"no\n", fault.after)
                return
            arguments = json.loads(body)
            with slack.lock:
                if self.path == HOOK_PATH:
                    error = fault.error if fault else refusal(arguments)
                    if not error:
                        slack.calls.append(Said("webhook", arguments))
                    self._send(400 if error else 200, (error or "ok").encode())
                    return
                if self.path.startswith("/services/"):
                    self._send(404, b"no_service")
                    return
                authorization = self.headers.get("Authorization", "")
                method = self.path.rpartition("/")[2]
                answer = (
                    {"ok": False, "error": fault.error} if fault else slack.answer(method, authorization, arguments)
                )
            self._send(200, json.dumps(answer).encode())

        def _send(self, status: int, body: bytes, after: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if after:
                self.send_header("Retry-After", after)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    slack.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield slack
    finally:
        slack.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
