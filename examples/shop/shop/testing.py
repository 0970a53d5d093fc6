"""How a rehearsal logs in: `mint = "shop.testing:credentials"` in understudy.toml.

The recording names its users by keyed hashes only. The staging snapshot (SHOP_SNAPSHOT) holds the same users, whose
passwords we know there; so a fresh login at the target stands in for the one that was recorded.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any, Protocol

import requests

from .seed import password_for

TIMEOUT_SECONDS = 10
CSRF_FIELD = re.compile(r'name="csrf_token" value="([0-9a-f]+)"')


class Principal(Protocol):
    """A user as the recording knows them."""

    @property
    def digest(self) -> str: ...

    def matches(self, value: str) -> bool: ...

    def find(self, values: Iterable[str]) -> str | None: ...


def credentials(principal: Principal, target: str) -> dict[str, Any] | None:
    """What a request of this user needs at the target, or None for a user whom the snapshot does not hold.

    A login that the target refuses leaves its part out: whether it should have refused is for the comparison to say.
    """
    emails = snapshot_users()
    found = principal.find(emails)
    if found is None:
        return None
    email = emails[found]
    password = password_for(email)
    minted: dict[str, Any] = {
        "headers": {},
        "cookies": {},
        "body": {"password": password, "current_password": password},
    }
    with requests.Session() as http:
        answer = http.post(
            f"{target}/api/auth/login",
            json={"email": email, "password": password, "device": "rehearsal"},
            timeout=TIMEOUT_SECONDS,
        )
        if answer.status_code == 200:
            tokens = answer.json()
            minted["headers"]["Authorization"] = f"Bearer {tokens['access_token']}"
            minted["body"]["refresh_token"] = tokens["refresh_token"]
        _log_in_by_form(http, target, email, password)
        minted["cookies"] = {cookie.name: cookie.value for cookie in http.cookies}
    return minted


def snapshot_users() -> dict[str, str]:
    """E-mail addresses by user id, both as strings. Raises RuntimeError without a snapshot."""
    path = os.environ.get("SHOP_SNAPSHOT")
    if not path or not os.path.isfile(path):
        raise RuntimeError("SHOP_SNAPSHOT must name the staging snapshot's file")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {str(row[0]): row[1] for row in connection.execute("SELECT id, email FROM users")}


def _log_in_by_form(http: requests.Session, target: str, email: str, password: str) -> None:
    form = http.get(f"{target}/web/login", timeout=TIMEOUT_SECONDS)
    token = CSRF_FIELD.search(form.text)
    if token is not None:
        data = {"csrf_token": token[1], "email": email, "password": password}
        http.post(f"{target}/web/login", data=data, allow_redirects=False, timeout=TIMEOUT_SECONDS)
