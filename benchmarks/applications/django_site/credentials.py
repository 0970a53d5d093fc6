"""Logs recorded users in at a staging site: `mint = "benchmarks.applications.django_site.credentials:credentials"`."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from .seed import PASSWORD


def credentials(principal: Any, base_url: str) -> dict[str, Any] | None:
    """The password of the snapshot's users, and a token; None for whom the snapshot does not know."""
    with closing(sqlite3.connect(Path(os.environ["APPLICATION_SNAPSHOT"]) / "db.sqlite3")) as database:
        names = {str(number): name for number, name in database.execute("SELECT id, username FROM auth_user")}
    found = principal.find(names)
    if found is None:
        return None
    login = {"username": names[found], "password": PASSWORD}
    request = Request(f"{base_url}/api-token/", json.dumps(login).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=10) as answer:
        token = json.load(answer)["token"]
    return {"headers": {"Authorization": f"Token {token}"}, "cookies": {}, "body": {"password": PASSWORD}}
