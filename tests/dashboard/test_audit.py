"""Who did what: told on a page, by the API and as files, to whoever may know."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import httpx
import pytest

from replayer.accounts import Accounts, Role
from replayer.audit import Event, events, to_csv
from replayer.store import Store
from replayer.tokens import TokenScope
from tests.replayer.test_report import HOSTILE, PRICES

from .desk import PASSWORD, Desk, csrf, run_of


@pytest.fixture(scope="module")
def desk(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One in which much has been done: hashing passwords takes its time."""
    desk = Desk(f"sqlite:///{shutil.copy(migrated, tmp_path_factory.mktemp('audit') / 'store.db')}")
    run = run_of(desk.url, [PRICES])
    with Store.open(desk.url) as store:
        accounts = Accounts(store, by="root")
        accounts.add("Ann", "reviewer", PASSWORD)
        accounts.change("Ann", role="admin", password=PASSWORD + "!")
    client = desk.client()
    for name, password in (("Nobody", PASSWORD), ("Ann", PASSWORD), ("Ann", PASSWORD + "!")):
        client.post("/login", data={"name": name, "password": password})
    finding = f"/runs/{run}/findings/{PRICES.fingerprint}"
    hostile = HOSTILE.encode("utf-8", "ignore").decode()
    for decision, reason in (("approve", "=cmd|'/c calc'!A1"), ("reject", hostile)):
        answer = client.post(finding, data={"decision": decision, "reason": reason, **csrf(client)})
        identity = answer.headers["location"].partition("decided=")[2]
    client.post(f"/decisions/{identity}/withdraw", data={"reason": "too early", **csrf(client)})
    client.post("/logout", data=csrf(client))
    return desk


def test_everything_is_told_with_what_it_was_before(desk: Desk) -> None:
    with Store.open(desk.url) as store:
        found = [(each.actor, each.action, each.before, each.after) for each in events(store, desk.settings)]
        assert PASSWORD not in str(store.journal())
    assert sorted(each for each in found if not each[1].startswith("token")) == sorted(
        [
            ("root", "user.added", "", "reviewer"),
            ("root", "user.changed", "reviewer", "admin, another password"),
            ("Ann", "login.refused", "", ""),
            ("Ann", "login", "", "admin"),
            ("Ann", "decision.made", "", "approve by Ann, always"),
            ("Ann", "decision.made", "approve by Ann, always", "reject by Ann, always"),
            ("Ann", "decision.withdrawn", "reject by Ann, always", ""),
            ("Ann", "logout", "", ""),
        ]
    )


def test_what_programs_are_given_is_told_and_no_secret(desk: Desk) -> None:
    secret = desk.token(TokenScope.READ)
    with Store.open(desk.url) as store:
        entry = next(each for each in store.journal() if each.action == "token.added")
        assert (entry.subject, entry.after) == ("token", "read, for owner")
        assert secret not in str(store.journal())


def test_who_logged_in_is_told_to_admins_alone(desk: Desk) -> None:
    for role, seen in ((Role.ADMIN, True), (Role.REVIEWER, False), (Role.VIEWER, False)):
        text = desk.client(role).get("/audit").text
        assert "decision.withdrawn" in text
        assert ("login.refused" in text) == seen, role
        assert ("user.changed" in text) == seen, role
    for scopes, seen in (([TokenScope.READ], False), ([TokenScope.READ, TokenScope.RUNS], True)):
        client = desk.client()
        client.headers["Authorization"] = f"Bearer {desk.token(*scopes, name=str(len(scopes)))}"
        found = listed(client)
        assert ("login" in {each["action"] for each in found}) == seen
        assert found[0]["at"] >= found[-1]["at"]


def listed(client: httpx.Client) -> list[dict[str, str]]:
    """All of it, by pages of two."""
    found: list[dict[str, str]] = []
    cursor = ""
    while cursor is not None:
        answer = client.get("/api/v1/audit", params={"limit": 2, "cursor": cursor}).json()
        found += answer["items"]
        cursor = answer["next"]
    return found


def test_both_files_hold_all_of_it_and_are_no_pages(desk: Desk) -> None:
    client = desk.client(Role.ADMIN)
    files = {form: client.get("/api/v1/audit/export", params={"format": form}) for form in ("csv", "json")}
    for form, answer in files.items():
        assert answer.headers["content-disposition"] == f'attachment; filename="understudy-audit.{form}"'
    rows = list(csv.DictReader(io.StringIO(files["csv"].text)))
    entries = json.loads(files["json"].text)
    assert [row["id"] for row in rows] == [entry["id"] for entry in entries] == [each["id"] for each in listed(client)]
    assert "'=cmd|'/c calc'!A1" in {row["reason"] for row in rows}
    assert "=cmd|'/c calc'!A1" in {entry["reason"] for entry in entries}
    assert "<img" not in client.get("/audit").text


def test_no_cell_is_a_formula_and_an_empty_file_has_its_names() -> None:
    assert list(to_csv([])) == [",".join(Event.__dataclass_fields__) + "\r\n"]
