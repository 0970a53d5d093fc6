"""A server with the comments of one pull request of GitHub and one merge request of GitLab, by their own APIs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

GITHUB = re.compile(r"/repos/acme/shop/issues/(?:7/comments|comments/(\d+))")
GITLAB = re.compile(r"/projects/42/merge_requests/7/notes(?:/(\d+))?")


@dataclass
class Forge:
    """`comments` are those of the request; `fails` is a status that every write is answered with."""

    port: int = 0
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    fails: int = 0

    def add(self, *bodies: str) -> None:
        self.comments += [{"id": 1000 + len(self.comments) + index, "body": body} for index, body in enumerate(bodies)]

    def github(self, folder: Path) -> dict[str, str]:
        """The environment of a job of GitHub Actions."""
        event = folder / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": 7}}))
        return {
            "GITHUB_API_URL": f"http://127.0.0.1:{self.port}",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_TOKEN": "token of github",
        }

    def gitlab(self) -> dict[str, str]:
        """The environment of a job of GitLab CI."""
        return {
            "CI_API_V4_URL": f"http://127.0.0.1:{self.port}",
            "CI_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_IID": "7",
            "UNDERSTUDY_GITLAB_TOKEN": "token of gitlab",
        }

    def answer(self, method: str, url: str, token: str, sent: bytes) -> tuple[int, Any]:
        address = urlsplit(url)
        self.asked.append(f"{method} {address.path}")
        github, gitlab = GITHUB.fullmatch(address.path), GITLAB.fullmatch(address.path)
        if token != ("Bearer token of github" if github else "token of gitlab"):
            return 401, {"message": "Bad credentials"}
        found = github or gitlab
        if found is None:
            return 404, {"message": "Not Found"}
        if method == "GET":
            query = {name: int(value[0]) for name, value in parse_qs(address.query).items() if value[0].isdigit()}
            start = (query["page"] - 1) * query["per_page"]
            return 200, self.comments[start : start + query["per_page"]]
        if self.fails:
            return self.fails, {"message": "no"}
        body = json.loads(sent)["body"]
        if method == "POST" and found[1] is None:
            self.add(body)
            return 201, self.comments[-1]
        if method == ("PATCH" if github else "PUT") and found[1]:
            changed = next(each for each in self.comments if each["id"] == int(found[1]))
            changed["body"] = body
            return 200, changed
        return 405, {"message": "no"}


@contextmanager
def forge() -> Iterator[Forge]:
    """The server, answering until the block ends."""
    found = Forge()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
            status, data = found.answer(self.command, self.path, token, sent)
            content = json.dumps(data).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"http://127.0.0.1:{found.port}/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = _answer

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
