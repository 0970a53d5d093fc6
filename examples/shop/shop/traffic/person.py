"""One client: a browser or an app, with its own connection, address, cookies and tokens."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from .board import Board
from .tally import Tally

TIMEOUT_SECONDS = 30
AGENTS = ("ShopApp/3.1 (iOS)", "ShopApp/3.0 (Android)", "Mozilla/5.0 (X11; Linux) Firefox/140", "curl/8.9")
Follow = Callable[["Person", Any], None]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: requests.structures.CaseInsensitiveDict[str]
    text: str

    @property
    def ok(self) -> bool:
        return self.status < 300

    @property
    def data(self) -> dict[str, Any]:
        """The body's object; empty when it holds none, so that a journey can go on."""
        try:
            data = json.loads(self.text)
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}

    def items(self) -> list[dict[str, Any]]:
        rows = self.data.get("items", [])
        return rows if isinstance(rows, list) else []


class Person:
    """Decisions come from `chance` alone. `foreign` holds ids of strangers' things, `peers` the numbers of others."""

    def __init__(
        self,
        number: int,
        url: str,
        account: dict[str, Any],
        foreign: dict[str, list[Any]],
        board: Board,
        tally: Tally,
        seed: int,
    ) -> None:
        self.number = number
        self.seed = seed
        self.url = url
        self.account = account
        self.foreign = foreign
        self.board = board
        self.tally = tally
        self.chance = random.Random(seed * 1000 + number)
        self.user_id: int = account.get("id", 0)
        self.access: str = account.get("access_token", "")
        self.refresh: str = account.get("refresh_token", "")
        self.sent = 0
        self.facts: dict[str, Any] = {}
        self._waiting: list[tuple[str, Follow]] = []
        self._known = self._connection()
        self._known.cookies.update(account.get("cookies", {}))
        self._unknown = self._connection()

    def _connection(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.headers["User-Agent"] = f"{AGENTS[self.number % len(AGENTS)]} client/{self.number}"
        session.headers["X-Forwarded-For"] = f"203.0.113.{self.number + 10}"
        return session

    def close(self) -> None:
        self._known.close()
        self._unknown.close()

    def call(self, method: str, path: str, body: Any = None, *, anonymous: bool = False, **options: Any) -> Answer:
        """One request. `body` is sent as JSON; `options` go to requests."""
        session = self._unknown if anonymous else self._known
        headers = dict(options.pop("headers", {}))
        if self.access and not anonymous and not path.startswith("/web"):
            headers.setdefault("Authorization", f"Bearer {self.access}")
        if body is not None:
            options["json"] = body
        if anonymous:
            session.cookies.clear()
        response = session.request(
            method, self.url + path, headers=headers, allow_redirects=False, timeout=TIMEOUT_SECONDS, **options
        )
        self.sent += 1
        self.tally.note(method, path.partition("?")[0], response.status_code, response.text)
        return Answer(response.status_code, response.headers, response.text)

    def get(self, path: str, **options: Any) -> Answer:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.call("POST", path, body, **options)

    def now_and_then(self, share: float) -> bool:
        return self.chance.random() < share

    def would(self, deed: str, share: float) -> bool:
        """As `now_and_then`, but the same for the same deed, whenever it comes up."""
        return random.Random(f"{self.seed}:{self.number}:{deed}").random() < share

    def stranger(self, name: str) -> Any:
        """The id or code of something that belongs to somebody who is not here."""
        return self.chance.choice(self.foreign[name])

    def later(self, topic: str, follow: Follow) -> None:
        """Go on with `follow` once somebody has left something under the topic."""
        self._waiting.append((topic, follow))

    def catch_up(self, seconds: float) -> None:
        """Follows what others have left, and waits that long for each thing that is not there yet.

        Waiting, not looking by, keeps each user's requests in an order that does not depend on the others' pace.
        """
        while self._waiting:
            topic, follow = self._waiting.pop(0)
            value = self.board.take(topic, seconds)
            if value is None:
                raise TimeoutError(f"nothing came for {topic}")
            follow(self, value)
