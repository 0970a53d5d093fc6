"""A day at the helpdesk: customers, staff with rights of their own, programs, an administrator, people who may not."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .django_client import ApiClient, Browser
from .django_staff import Staff
from .django_words import SUBJECTS, submit_ticket, ticket

PASSWORD = "correct-horse-7"
QUEUES = {"alice": (1, 2), "bob": (1, 3), "carol": (2,), "dave": (3,)}
"""Which queues each of the staff may see."""


def drive(base: str, seed: int, rounds: int) -> None:
    """Everybody at once, each in the order of their own draw; `rounds` is how many things each of them does."""
    people: list[Callable[[], None]] = [
        *(lambda name=name: _staff(base, name, random.Random(f"{seed} {name}"), rounds) for name in QUEUES),
        *(
            lambda name=name: _customer(base, name, random.Random(f"{seed} {name}"), rounds)
            for name in ("erin", "frank", "grace")
        ),
        lambda: _visitor(base, random.Random(f"{seed} visitor"), rounds),
        *(
            lambda name=name: _program(base, name, random.Random(f"{seed} program {name}"), rounds)
            for name in ("alice", "dave")
        ),
        lambda: _admin(base, random.Random(f"{seed} admin"), rounds),
    ]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(person) for person in people]:
            done.result()


# -- people -----------------------------------------------------------------------------------------------------------


def _staff(base: str, name: str, draw: random.Random, rounds: int) -> None:
    browser = Browser(base, name)
    browser.get("/tickets/")  # not logged in: to the form
    if draw.random() < 0.4:
        browser.submit("/login/", username=name, password="wrong-one")
    browser.submit("/login/?next=/dashboard/", username=name, password=PASSWORD)
    mine = Staff(browser, draw, QUEUES[name])
    for _ in range(rounds):
        draw.choice(mine.habits)()
    browser.submit("/dashboard/", "/logout/")
    browser.get("/dashboard/")
    browser.close()


def _customer(base: str, name: str, draw: random.Random, rounds: int) -> None:
    browser = Browser(base, name)
    browser.get("/")
    browser.submit("/login/", username=name, password=PASSWORD)
    for _ in range(rounds):
        what = draw.randrange(8)
        if what <= 1:
            submit_ticket(browser, draw, f"{name}@mail.example")
        elif what == 2:
            browser.get("/tickets/my-tickets/")
            tickets = browser.get("/api/user_tickets/", page_size=draw.choice((3, 25))).json()["results"]
            if tickets:
                one = draw.choice(tickets)
                browser.get(f"/api/user_tickets/{one['id']}/")
                browser.get("/view/", ticket=one["ticket"].split("[")[1].rstrip("]"), email=f"{name}@mail.example")
        elif what == 3:
            item = draw.randrange(1, 9)
            slug = "mail" if item < 5 else "printers"
            browser.submit(f"/kb/{slug}/?kbitem={item}", f"/kb/{item}/vote/{draw.choice(('up', 'down'))}/")
        elif what == 4:
            browser.get("/dashboard/")  # staff only
            browser.get(f"/tickets/{draw.randrange(1, 41)}/")
            browser.get("/api/tickets/")
        elif what == 5:
            browser.get("/api/user_tickets/", page=draw.choice((1, 2, 99)), page_size=4)
        elif what == 6:
            browser.get("/kb/")
            browser.get("/help/context/")
            browser.get("/system_settings/")
        else:
            browser.get("/change_language/", return_to="/kb/")
            browser.get("/password_change/")
    browser.close()


def _visitor(base: str, draw: random.Random, rounds: int) -> None:
    browser = Browser(base, "somebody")
    for turn in range(rounds):
        what = draw.randrange(7)
        if what <= 1:
            email = f"visitor{turn}@else.example"
            page = submit_ticket(browser, draw, email)
            if "key=" in str(page.url) and draw.random() < 0.7:
                number = re.search(r"ticket=\w+-(\d+)", str(page.url))
                if number:
                    browser.submit(
                        str(page.url.raw_path, "ascii"),
                        f"/tickets/{number[1]}/update/",
                        comment="It still fails.",
                        new_status=1,
                    )
        elif what == 2:
            browser.get("/view/", ticket=f"support-{draw.randrange(1, 60)}", email="erin@mail.example", key="guessed")
            browser.get("/view/", email="x@y.example")
        elif what == 3:
            browser.get("/kb/")
            browser.get(f"/kb/{draw.choice(('mail', 'printers', 'nothing'))}/")
            browser.get("/kb_iframe/mail/", kbitem=draw.randrange(1, 5))
        elif what == 4:
            browser.submit("/login/", username=draw.choice(("alice", "nobody")), password="guess")
            browser.get("/tickets/my-tickets/")
        elif what == 5:
            browser.submit("/password-reset/", email=draw.choice(("erin@mail.example", "no@where.example")))
        else:
            browser.post("/login/", {"username": "alice", "password": PASSWORD})  # no CSRF field: refused
            submit_ticket(browser, draw, "not-an-address")
            browser.submit("/tickets/submit/", title="No body", body="", queue=1, submitter_email="not-an-address")
    browser.close()


def _program(base: str, name: str, draw: random.Random, rounds: int) -> None:
    client = ApiClient(base, name)
    client.call("GET", "/api/tickets/")  # 401
    client.login(name, "wrong")
    client.login(name, PASSWORD)
    known: list[int] = []
    for _ in range(rounds * 2):
        what = draw.randrange(11)
        if what <= 1 or not known:
            made = client.call("POST", "/api/tickets/", ticket(draw, draw.choice(QUEUES[name]), f"{name}@desk.example"))
            if made.is_success:
                known.append(made.json()["id"])
        elif what == 2:
            page = client.call("GET", f"/api/tickets/?page={draw.choice((1, 1, 2))}&page_size={draw.choice((5, 25))}")
            if page.is_success:
                known += [each["id"] for each in page.json()["results"] if each["id"] not in known][:3]
        elif what == 3:
            client.call("GET", f"/api/tickets/?status={draw.choice(('1', '1,2', '3', '4'))}")
        elif what == 4:
            client.call("GET", f"/api/tickets/{draw.choice(known)}/")
            client.call("GET", f"/api/tickets/{draw.randrange(1, 45)}/")  # perhaps another queue's: 404
        elif what == 5:
            client.call(
                "PATCH",
                f"/api/tickets/{draw.choice(known)}/",
                {"priority": draw.randrange(1, 6), "custom_cost": draw.randrange(500)},
            )
            client.call("PATCH", f"/api/tickets/{draw.choice(known)}/", {"priority": "high", "status": 77})
        elif what == 6:
            one = draw.choice(known)
            follow = client.call(
                "POST",
                "/api/followups/",
                {
                    "ticket": one,
                    "user": None,
                    "title": "From a program",
                    "comment": f"{draw.choice(SUBJECTS)} seen",
                    "public": draw.random() < 0.5,
                },
            )
            client.call("GET", f"/api/tickets/{one}/")
            if follow.is_success and "id" in follow.json():
                client.call(
                    "PATCH",
                    f"/api/followups/{follow.json()['id']}/",
                    {"comment": "Corrected", "time_spent": "01:15:00"},
                )
        elif what == 7:
            client.call("GET", f"/api/followups/?page_size={draw.choice((4, 10))}&page={draw.choice((1, 2, 50))}")
            client.call("GET", "/api/followups-attachments/")
        elif what == 8:
            client.call("POST", "/api/tickets/", {"title": "No queue"})
            client.call("POST", "/api/tickets/", ticket(draw, 9, "x"))
        elif what == 9:
            client.call(
                "POST",
                "/api/users/",
                {"username": f"new{draw.randrange(99)}", "email": "n@w.example", "password": "a-good-one-5"},
            )  # not allowed
            client.call(
                "PUT",
                f"/api/tickets/{draw.choice(known)}/",
                {**ticket(draw, QUEUES[name][0], f"{name}@desk.example"), "status": draw.randrange(1, 5)},
            )
        elif len(known) > 3:
            gone = known.pop(0)
            client.call("DELETE", f"/api/tickets/{gone}/")
            client.call("GET", f"/api/tickets/{gone}/")
    client.close()


def _admin(base: str, draw: random.Random, rounds: int) -> None:
    browser = Browser(base, "admin")
    browser.submit("/login/?next=/ignore/", username="admin", password=PASSWORD)
    client = ApiClient(base, "admin")
    client.login("admin", PASSWORD)
    for turn in range(rounds):
        what = draw.randrange(6)
        if what == 0:
            browser.submit(
                "/ignore/add/", "/ignore/add/", name=f"Spam {turn}", email_address=f"spam{turn}@bad.example", queues=1
            )
            for number in re.findall(r"/ignore/delete/(\d+)/", browser.get("/ignore/").text)[:1]:
                browser.submit(f"/ignore/delete/{number}/")
        elif what == 1:
            client.call(
                "POST",
                "/api/users/",
                {
                    "username": f"user{turn}",
                    "email": f"user{turn}@mail.example",
                    "first_name": "New",
                    "last_name": "One",
                    "password": "a-good-one-5",
                },
            )
            client.call("POST", "/api/users/", {"username": "alice", "email": "bad", "password": "1"})
        elif what == 2:
            browser.get("/admin/helpdesk/ticket/", q=draw.choice(SUBJECTS))
            browser.get(f"/admin/helpdesk/queue/{draw.randrange(1, 4)}/change/")
        elif what == 3:
            page = browser.get(f"/tickets/{draw.randrange(1, 41)}/")
            found = re.findall(r"/tickets/(\d+)/followup_delete/(\d+)/", page.text)
            if found:
                browser.get(f"/tickets/{found[0][0]}/followup_delete/{found[0][1]}/")
        elif what == 4:
            browser.submit(
                "/checklist-templates/", name=f"Steps {turn}", task_list=json.dumps(["look", " think ", "act"])
            )
            numbers = re.findall(r"/checklist-templates/(\d+)/delete/", browser.get("/checklist-templates/").text)
            if len(numbers) > 2:
                browser.submit(f"/checklist-templates/{numbers[-1]}/delete/")
        else:
            browser.get("/api/tickets/", page_size=10, page=draw.randrange(1, 4))
            browser.get("/rss/queue/network/")
    browser.close()
    client.close()
