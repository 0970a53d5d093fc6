"""The shelf of tests/apps, recorded by a few people, and its tests exported."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from recorder import RecorderConfig, RecorderMiddleware
from recorder.exchange import Exchange
from recorder.keys import load_key
from recorder.sinks.memory import memory_sink
from tests.apps import shelf_app

ROOT = Path(__file__).parents[3]
KEY = "a key of at least thirty-two bytes"


class _Covers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"url": f"https://covers.example{self.path}.png"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def covers() -> Iterator[str]:
    """The address of another system that the shelf asks for covers."""
    with HTTPServer(("127.0.0.1", 0), _Covers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def recorded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """The exchanges of three people, as production's recorder keeps them; `folder` gets the snapshot."""
    snapshot, database = folder / "snapshot.sqlite", folder / "production.sqlite"
    shelf_app.fill(str(snapshot))
    database.write_bytes(snapshot.read_bytes())
    sink = memory_sink("shelf")
    sink.clear()
    with covers() as address:
        monkeypatch.setenv("SHELF_DATABASE", str(database))
        monkeypatch.setenv("SHELF_COVERS", address)
        config = RecorderConfig(sink="memory:shelf", key=KEY)
        app = RecorderMiddleware(shelf_app.create_app("of production"), config)
        for number, drive in enumerate((_ann, _ben, _newcomer), 1):
            client = Client(app)
            drive(_Person(client, f"10.0.0.{number}"))
        app.flush()
        app.close()
    return sink.exchanges()


@dataclass
class _Person:
    client: Client
    address: str
    token: str = ""

    def ask(self, method: str, path: str, status: int, **options: Any) -> Any:
        headers = {"User-Agent": f"agent of {self.address}"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        base = {"REMOTE_ADDR": self.address}
        response = self.client.open(path, method=method, headers=headers, environ_overrides=base, **options)
        assert response.status_code == status, response.text
        return response

    def log_in(self, email: str, password: str) -> None:
        answer = self.ask("POST", "/login", 200, json={"email": email, "password": password})
        self.token = answer.json["token"]


def _books(person: _Person, title: str) -> None:
    person.ask("GET", "/books", 200)
    made = person.ask("POST", "/books", 201, json={"title": title, "pages": 320, "price": "9.90"}).json["id"]
    person.ask("GET", f"/books/{made}", 200)
    person.ask("PATCH", f"/books/{made}", 200, json={"title": f"{title}, again"})
    person.ask("POST", f"/books/{made}/lend", 200, json={"to": "Zoë"})
    person.ask("POST", f"/books/{made}/lend", 409, json={"to": "Max"})
    person.ask("GET", f"/books/{made}", 200)
    person.ask("GET", f"/books/{made}/cover", 200)
    person.ask("DELETE", f"/books/{made}", 204)
    person.ask("GET", f"/books/{made}", 404)
    person.ask("POST", "/books", 422, json={"title": ""})


def _ann(person: _Person) -> None:
    person.ask("GET", "/status", 200)
    person.ask("GET", "/books", 401)
    person.log_in("ann@example.org", "ann-secret")
    _books(person, "Emma")
    person.ask("GET", "/books/4", 404)  # of another user
    person.ask("GET", "/books/1", 200)


def _ben(person: _Person) -> None:
    person.ask("POST", "/login", 401, json={"email": "ben@example.org", "password": "wrong-one"})
    person.log_in("ben@example.org", "ben-secret")
    _books(person, "Dubliners")
    person.token = ""
    person.ask("GET", "/web/shelf", 302)
    page = person.ask("GET", "/web/login", 200).text
    csrf = re.search('value="([^"]+)"', page)
    assert csrf is not None
    form = {"csrf_token": csrf[1], "email": "ben@example.org", "password": "ben-secret"}
    person.ask("POST", "/web/login", 303, data=form)
    person.ask("GET", "/web/shelf", 200)


def _newcomer(person: _Person) -> None:
    person.ask("POST", "/register", 422, json={"email": "nobody", "password": "cleo-secret"})
    person.ask("POST", "/register", 201, json={"email": "cleo@example.org", "password": "cleo-secret"})
    person.log_in("cleo@example.org", "cleo-secret")
    _books(person, "Orlando")
    person.ask("GET", "/books", 200)


@dataclass(frozen=True)
class ExportedTests:
    """A folder of exported tests."""

    folder: Path

    def run(self, *arguments: str, faults: str = "", all_of_them: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs them as their owner would."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("UNDERSTUDY_", "SHELF_"))}
        environ |= {"PYTHONPATH": str(ROOT), "SHELF_FAULTS": faults}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        command += [str(self.folder)] if all_of_them else []
        return subprocess.run(command, cwd=self.folder.parent, env=environ, capture_output=True, text=True, check=False)

    def texts(self) -> dict[str, str]:
        return {path.name: path.read_text("utf-8") for path in sorted(self.folder.glob("*.py"))}


def key() -> Any:
    return load_key(KEY, None)
