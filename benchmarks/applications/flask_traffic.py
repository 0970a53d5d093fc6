"""People who use ihatemoney: in a browser, through its REST API, and some who knock where they are not let in."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from random import Random
from typing import Any

import requests

from .flask_people import ADMIN_CODE, PROJECTS, code_of

TIMEOUT_SECONDS = 30
CSRF = re.compile(r'name="csrf_token" type="hidden" value="([^"]+)"')
BILL = re.compile(r'/edit/(\d+)"')
MEMBER = re.compile(r'/members/(\d+)/edit"')
CHECKBOX = re.compile(r'name="payed_for" type="checkbox"[^>]*value="(\d+)"')
FEED = re.compile(r'href="(/[^"]+/feed/[^"]+\.xml)"')
INVITATION = re.compile(r"(/[\w-]+/join/[\w.-]+)")
SETTLE = re.compile(r'name="(amount|sender_id|receiver_id)"[^>]*value="([^"]*)"')
THINGS = ("Groceries", "Petrol", "Concert tickets", "Pizza & wine", "Camp site", "Müsli", "Train", "Gift for <Ann>")


class Browser:
    """One person's browser: keeps cookies, follows redirects, reads the page for its next step."""

    def __init__(self, url: str, number: int, random: Random) -> None:
        self._url = url
        self.random = random
        self._http = requests.Session()
        self._http.headers["User-Agent"] = f"Mozilla/5.0 (person {number})"
        self._http.headers["X-Forwarded-For"] = f"203.0.113.{number}"
        self._http.headers["Accept-Language"] = "en"
        self.page = ""
        self.status = 0

    def get(self, path: str, **parameters: Any) -> str:
        return self._take(self._http.get(self._url + path, timeout=TIMEOUT_SECONDS, **parameters))

    def post(self, path: str, data: dict[str, Any], *, csrf: bool = True, **parameters: Any) -> str:
        token = CSRF.search(self.page)
        if csrf and token:
            data = {"csrf_token": token[1], **data}
        referer = {"Referer": self._url + path}
        sent = self._http.post(self._url + path, data=data, headers=referer, timeout=TIMEOUT_SECONDS, **parameters)
        return self._take(sent)

    def _take(self, answer: requests.Response) -> str:
        self.page, self.status = answer.text, answer.status_code
        return self.page

    def find(self, pattern: re.Pattern[str]) -> list[str]:
        return list(dict.fromkeys(pattern.findall(self.page)))


def amount(random: Random) -> str:
    return random.choice([f"{random.randint(3, 180)}", f"{random.randint(300, 19000) / 100:.2f}", "12,5", "18+36.2"])


def date(random: Random) -> str:
    return f"2026-{random.randint(6, 11):02}-{random.randint(1, 28):02}"


# -- in the browser -------------------------------------------------------------------------------------------------


def log_in(browser: Browser, project: str, code: str, *, mistyped: bool = False) -> None:
    browser.get(f"/authenticate?project_id={project}")
    if mistyped:
        browser.post("/authenticate", {"id": project, "password": code + "x"})
    browser.post("/authenticate", {"id": project, "password": code})


def add_members(browser: Browser, project: str, names: tuple[str, ...]) -> None:
    for name in names:
        browser.get(f"/{project}/")
        browser.post(f"/{project}/members/add", {"name": name})


def add_bill(browser: Browser, project: str, *, currency: str = "XXX", kind: str = "Expense") -> None:
    random = browser.random
    browser.get(f"/{project}/add")
    members = browser.find(CHECKBOX)
    if not members:
        return
    bill = {
        "date": date(random),
        "what": random.choice(THINGS),
        "payer": random.choice(members),
        "amount": amount(random),
        "payed_for": random.sample(members, random.randint(1, len(members))),
        "original_currency": currency,
        "bill_type": kind,
        "external_link": random.choice(["", "", "https://example.org/receipt"]),
    }
    browser.post(f"/{project}/add", bill)


def change_bill(browser: Browser, project: str, currency: str = "XXX") -> None:
    browser.get(f"/{project}/")
    bills = browser.find(BILL)
    if not bills:
        return
    bill = browser.random.choice(bills[:4])
    browser.get(f"/{project}/edit/{bill}")
    members = browser.find(CHECKBOX)
    if not members:
        return  # somebody else has just deleted it
    changed = {
        "date": date(browser.random),
        "what": "Changed: " + browser.random.choice(THINGS),
        "payer": members[0],
        "amount": amount(browser.random),
        "payed_for": members,
        "original_currency": currency,
        "bill_type": "Expense",
    }
    browser.post(f"/{project}/edit/{bill}", changed)


def delete_bill(browser: Browser, project: str) -> None:
    browser.get(f"/{project}/")
    bills = browser.find(BILL)
    if bills:
        browser.post(f"/{project}/delete/{bills[-1]}", {})


def look_around(browser: Browser, project: str) -> None:
    browser.get(f"/{project}/statistics")
    browser.get(f"/{project}/settle_bills")
    browser.get(f"/{project}/history")
    browser.get(f"/{project}/export/bills.json")
    browser.get(f"/{project}/export/bills.csv")
    browser.get(f"/{project}/export/transactions.json")
    browser.get(f"/{project}/export/transactions.csv")
    browser.get(f"/{project}/")
    for feed in browser.find(FEED)[:1]:
        browser.get(feed)


def filter_bills(browser: Browser, project: str) -> None:
    random = browser.random
    browser.get(f"/{project}/", params={"search": random.choice(["Pizza", "Train", "nothing like it"])})
    browser.get(f"/{project}/", params={"amount_min": "20", "amount_max": "120,5"})
    browser.get(f"/{project}/", params={"date_from": "2026-08-01", "date_to": "2026-10-31"})


def settle(browser: Browser, project: str) -> None:
    browser.get(f"/{project}/settle_bills")
    fields = SETTLE.findall(browser.page)[:3]
    if len(fields) == 3:
        browser.post(f"/{project}/settle", dict(fields))


def change_members(browser: Browser, project: str) -> None:
    browser.get(f"/{project}/")
    members = browser.find(MEMBER)
    if not members:
        return
    browser.get(f"/{project}/members/{members[0]}/edit")
    browser.post(f"/{project}/members/{members[0]}/edit", {"name": f"Renamed {members[0]}"[:9], "weight": "2"})
    browser.post(f"/{project}/members/{members[-1]}/delete", {})
    browser.post(f"/{project}/members/{members[-1]}/reactivate", {})


def organiser(browser: Browser, number: int, shared: dict[str, str]) -> None:
    """Makes a project, invites others to it, and comes back to tidy up."""
    project = f"trip-{number}-{browser.random.randint(100, 999)}"
    code = f"code-{project}"
    browser.get("/")
    browser.get("/create")
    form = {"name": project, "id": project, "password": code, "contact_email": f"{project}@example.org"}
    browser.post("/create", {**form, "default_currency": "XXX"})
    add_members(browser, project, ("Mia", "Noah", "Olga", "Pia")[: browser.random.randint(2, 4)])
    browser.post(f"/{project}/members/add", {"name": "Mia"})  # is there already
    for _ in range(3):
        add_bill(browser, project)
    browser.get(f"/{project}/invite")
    browser.post(f"/{project}/invite", {"emails": "friend@example.org, other@example.org"})
    browser.get(f"/{project}/invite")
    browser.post(f"/{project}/invite", {"emails": "no address"})
    change_bill(browser, project)
    add_bill(browser, project, kind="Reimbursement")
    change_members(browser, project)
    look_around(browser, project)
    settle(browser, project)
    browser.get(f"/{project}/edit")
    changed = {"name": f"{project} renamed", "contact_email": f"{project}@example.org", "default_currency": "XXX"}
    browser.post(f"/{project}/edit", {**changed, "project_history": "y", "current_password": code})
    browser.get(f"/{project}/edit")
    browser.post(f"/{project}/edit", {**changed, "current_password": "wrong"})
    delete_bill(browser, project)
    if number % 2:
        browser.get(f"/{project}/edit")
        browser.post(f"/{project}/delete", {"password": code})
    browser.get("/")
    browser.post("/exit", {})


def returning(browser: Browser, number: int, shared: dict[str, str]) -> None:
    """Belongs to a project that was there before the recording."""
    project = list(PROJECTS)[number % len(PROJECTS)]
    currency = PROJECTS[project][1]
    log_in(browser, project, code_of(project), mistyped=number % 3 == 0)
    browser.get(f"/{project}/")
    filter_bills(browser, project)
    add_bill(browser, project, currency=currency)
    add_bill(browser, project, currency=currency)
    browser.post(f"/{project}/add", {"what": "", "amount": "twelve"})  # refused
    change_bill(browser, project, currency)
    look_around(browser, project)
    settle(browser, project)
    browser.get("/lang/fr")
    browser.get(f"/{project}/statistics")
    browser.get("/lang/xx")
    browser.get("/lang/en")
    delete_bill(browser, project)
    browser.get(f"/{project}/")


def visitor(browser: Browser, number: int, shared: dict[str, str]) -> None:
    """Tries the demonstration, and what is not theirs."""
    browser.get("/healthcheck")
    browser.get("/mobile")
    browser.get("/demo")
    add_bill(browser, "demo")
    look_around(browser, "demo")
    browser.get("/choir/")  # not let in: the login form
    browser.get("/road-trip/edit/1")
    browser.post("/flat-share/delete/1", {})
    browser.get("/no-such-project/")
    browser.get("/demo/edit/99999")
    browser.get("/demo/export/secrets.json")
    browser.post("/demo/delete/1", {}, csrf=False)
    browser.get("/demo/add")
    members = browser.find(CHECKBOX)
    forged = {"date": "2026-11-02", "what": "Forged", "payer": members[0], "payed_for": members, "amount": "66"}
    browser.post("/demo/add", {**forged, "original_currency": "XXX", "bill_type": "Expense"}, csrf=False)
    browser.get("/password-reminder")
    browser.post("/password-reminder", {"id": "choir"})
    browser.get("/password-reminder")
    browser.post("/password-reminder", {"id": "nobody-has-this"})
    browser.get("/reset-password?token=forged")
    browser.get("/choir/join/forged")
    browser.get("/dashboard")
    browser.get("/exit")


def admin(browser: Browser, number: int, shared: dict[str, str]) -> None:
    browser.get("/dashboard")
    browser.post("/admin?goto=%2Fdashboard", {"admin_password": "guess"})
    browser.post("/admin?goto=%2Fdashboard", {"admin_password": ADMIN_CODE})
    browser.get("/dashboard")
    browser.get("/allotment/")
    browser.get("/choir/history")
    browser.get("/static/css/main.css")


# -- through the REST API -------------------------------------------------------------------------------------------


class Client:
    """A program that speaks to the REST API as one project."""

    def __init__(self, url: str, number: int, random: Random, project: str, code: str) -> None:
        self._base = f"{url}/api"
        self.random = random
        self._http = requests.Session()
        self._http.headers["User-Agent"] = f"moneybuster/{number}"
        self._http.headers["X-Forwarded-For"] = f"203.0.113.{number}"
        self.project = f"/projects/{project}"
        self.login: tuple[str, str] | None = (project, code)

    def ask(self, method: str, path: str, data: dict[str, Any] | None = None, **headers: str) -> Any:
        answer = self._http.request(
            method, self._base + path, data=data, headers=headers, auth=self.login, timeout=TIMEOUT_SECONDS
        )
        try:
            return answer.json()
        except ValueError:
            return None


def program(url: str, number: int, random: Random) -> None:
    """Makes a project of its own, or works with one that is there, and also asks for what is wrong."""
    fresh = number % 2 == 0
    project = f"sync-{number}-{random.randint(100, 999)}" if fresh else list(PROJECTS)[number % len(PROJECTS)]
    code = f"code-{project}" if fresh else code_of(project)
    client = Client(url, number, random, project, code)
    client.ask("GET", "/currencies")
    if fresh:
        made = {"name": project, "id": project, "password": code, "contact_email": "sync@example.org"}
        client.login = None
        client.ask("POST", "/projects", {**made, "contact_email": "no address", "default_currency": "XXX"})
        client.ask("POST", "/projects", {**made, "default_currency": "XXX"})
        client.login = (project, code)
        for name in ("Rosa", "Sam", "Tess"):
            client.ask("POST", f"{client.project}/members", {"name": name})
    client.ask("POST", f"{client.project}/members", {"name": ""})
    client.ask("GET", client.project)
    members = [member["id"] for member in client.ask("GET", f"{client.project}/members")]
    bills = []
    for _ in range(4):
        bill = _bill(random, members, project)
        bills.append(client.ask("POST", f"{client.project}/bills", bill))
        client.ask("GET", f"{client.project}/bills/{bills[-1]}")
    client.ask("POST", f"{client.project}/bills", {**_bill(random, members, project), "amount": "0"})
    client.ask("POST", f"{client.project}/bills", {**_bill(random, members, project), "date": "yesterday"})
    client.ask("POST", f"{client.project}/bills", {**_bill(random, members, project), "payer": "99999"})
    client.ask("GET", f"{client.project}/bills")
    client.ask("PUT", f"{client.project}/bills/{bills[0]}", _bill(random, members, project))
    client.ask("GET", f"{client.project}/bills/{bills[0]}")
    client.ask("DELETE", f"{client.project}/bills/{bills[1]}")
    client.ask("GET", f"{client.project}/bills/{bills[1]}")
    client.ask("GET", f"{client.project}/bills/1")  # somebody else's
    client.ask("PUT", f"{client.project}/members/{members[-1]}", {"name": f"Una {number}", "weight": "1.5"})
    client.ask("GET", f"{client.project}/members/{members[-1]}")
    client.ask("GET", f"{client.project}/members/99999")
    client.ask("DELETE", f"{client.project}/members/{members[0]}")
    client.ask("GET", f"{client.project}/statistics")
    token = client.ask("GET", f"{client.project}/token")["token"]
    client.login = None
    client.ask("GET", f"{client.project}/bills", Authorization=f"Bearer {token}")
    client.ask("GET", f"{client.project}/bills")  # nobody
    client.ask("GET", "/projects/choir/bills", Authorization=f"Bearer {token}")  # somebody else's, mostly
    client.login = (project, "wrong code")
    client.ask("GET", f"{client.project}/members")
    client.login = (project, code)
    client.ask("GET", client.project)
    if fresh and number % 4 == 0:
        client.ask("DELETE", client.project)
        client.ask("GET", client.project)


def _bill(random: Random, members: list[int], project: str) -> dict[str, Any]:
    return {
        "date": date(random),
        "what": random.choice(THINGS),
        "payer": random.choice(members),
        "payed_for": random.sample(members, random.randint(1, len(members))),
        "amount": f"{random.randint(100, 9900) / 100:.2f}",
        "original_currency": PROJECTS[project][1] if project in PROJECTS else "XXX",
        "bill_type": random.choice(["Expense", "Expense", "Reimbursement"]),
    }


# -- all of them ----------------------------------------------------------------------------------------------------

BROWSING = (organiser, returning, visitor, organiser, returning, admin)


def seed(url: str) -> None:
    """Makes what is there before the recording."""
    random = Random(1)
    for number, (project, (name, currency, members)) in enumerate(PROJECTS.items(), start=200):
        browser = Browser(url, number, random)
        browser.get("/create")
        form = {"name": name, "id": project, "password": code_of(project), "contact_email": f"{project}@example.org"}
        browser.post("/create", {**form, "default_currency": currency})
        client = Client(url, number, random, project, code_of(project))
        made = client.ask("GET", client.project)
        if made["default_currency"] != currency:
            changed = {"name": name, "contact_email": f"{project}@example.org", "default_currency": currency}
            client.ask("PUT", client.project, {**changed, "current_password": code_of(project)})
        add_members(browser, project, members)
        ids = [member["id"] for member in client.ask("GET", f"{client.project}/members")]
        for _ in range(6):
            client.ask("POST", f"{client.project}/bills", _bill(random, ids, project))


def drive(url: str, seed: int) -> None:
    """Everybody at once, each with a course of their own drawn from the seed."""
    failures: list[BaseException] = []

    def alone(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as failure:
            failures.append(failure)

    people: list[Callable[[], None]] = []
    for number, part in enumerate(BROWSING, start=1):
        browser = Browser(url, number, Random(f"{seed}/{number}"))
        people.append(lambda part=part, browser=browser, number=number: part(browser, number, {}))  # type: ignore[misc]
    for number in range(11, 15):
        people.append(lambda number=number: program(url, number, Random(f"{seed}/{number}")))  # type: ignore[misc]
    threads = [threading.Thread(target=alone, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
