"""What the staff of the helpdesk do all day."""

from __future__ import annotations

import base64
import json
import random
import re

from .django_client import Browser
from .django_words import SUBJECTS, words

REPORTS = ("userstatus", "queuemonth", "queuepriority", "userqueue", "daysuntilticketclosedbymonth", "no-such")
NOTE = {"attachment": ("note.txt", b"What I saw\n")}


class Staff:
    """What somebody of the staff does all day; every habit is one call."""

    def __init__(self, browser: Browser, draw: random.Random, queues: tuple[int, ...]) -> None:
        self._browser, self._draw, self._queues = browser, draw, queues
        self._seen: list[int] = []
        self.habits = [
            self.look, self.look, self.answer, self.answer, self.answer, self.open, self.open, self.edit,
            self.hold, self.copies, self.links, self.checklist, self.search, self.search, self.report,
            self.many, self.merge, self.attach, self.follow_up, self.kanban, self.settings, self.refused, self.feeds,
        ]  # fmt: skip

    def _list(self, **query: object) -> list[int]:
        search = {
            "filtering": {"status__in": [1, 2]},
            "sorting": "created",
            "search_string": "",
            "sortreverse": False,
            **query,
        }
        encoded = base64.b64encode(json.dumps(search).encode()).decode()
        length, start = self._draw.choice((5, 10, 25)), self._draw.choice((0, 0, 5))
        page = self._browser.get(f"/datatables_ticket_list/{encoded}", draw=1, start=start, length=length)
        rows = page.json()["data"] if page.is_success else []
        self._seen = [row["id"] for row in rows] or self._seen
        return self._seen

    def _one(self) -> int:
        return self._draw.choice(self._seen or self._list() or [1])

    def look(self) -> None:
        self._browser.get("/dashboard/")
        self._browser.get("/tickets/")
        self._list()
        self._browser.get(f"/tickets/{self._one()}/")

    def open(self) -> None:
        page = self._browser.submit(
            "/tickets/submit/", files=NOTE if self._draw.random() < 0.3 else None,
            **{**words(self._draw), "queue": self._draw.choice(self._queues), "submitter_email": "erin@mail.example"},
            priority=self._draw.randrange(1, 6), due_date=self._draw.choice(("", "2027-03-01")), custom_machine="M-7",
        )  # fmt: skip
        made = re.search(r"/tickets/(\d+)/$", str(page.url))
        if made:
            self._seen.append(int(made[1]))

    def answer(self) -> None:
        one = self._one()
        fields = {
            "comment": f"Seen: {self._draw.choice(SUBJECTS)} #{self._draw.randrange(1, 40)}",
            "public": self._draw.randrange(2),
            "new_status": self._draw.choice((1, 1, 2, 3, 4)),
            "time_spent": self._draw.choice(("", "0:20", "1:05")),
        }
        self._browser.submit(f"/tickets/{one}/", f"/tickets/{one}/update/", **fields)
        if self._draw.random() < 0.3:
            self._browser.get(f"/tickets/{one}/", take="")

    def edit(self) -> None:
        one = self._one()
        self._browser.submit(
            f"/tickets/{one}/edit/", **words(self._draw, "description"), priority=self._draw.randrange(1, 6)
        )
        self._browser.submit(f"/tickets/{one}/edit/", title="", priority=9)

    def hold(self) -> None:
        one = self._one()
        self._browser.get(f"/tickets/{one}/hold/")
        self._browser.get(f"/tickets/{one}/unhold/")

    def copies(self) -> None:
        one = self._one()
        for email in ("friend@else.example", "friend@else.example", "not an address"):
            self._browser.submit(f"/tickets/{one}/cc/add/", email=email, can_view="on")
        for number in re.findall(rf"/tickets/{one}/cc/delete/(\d+)/", self._browser.get(f"/tickets/{one}/cc/").text)[
            :1
        ]:
            self._browser.submit(f"/tickets/{one}/cc/delete/{number}/")

    def links(self) -> None:
        one, other = self._one(), self._one()
        page = self._browser.submit(f"/tickets/{one}/dependency/add/", depends_on=other)
        for number in re.findall(rf"/tickets/{one}/dependency/delete/(\d+)/", page.text)[:1]:
            self._browser.submit(f"/tickets/{one}/dependency/delete/{number}/")

    def checklist(self) -> None:
        one = self._one()
        page = self._browser.submit(f"/tickets/{one}/", checklist_template=1, name=f"Steps for {one}")
        made = re.search(r"/checklists/(\d+)/$", str(page.url))
        if made:
            self._browser.submit(f"/tickets/{one}/checklists/{made[1]}/", name="Steps, renamed")
            if self._draw.random() < 0.5:
                self._browser.submit(f"/tickets/{one}/checklists/{made[1]}/delete/")

    def search(self) -> None:
        word = self._draw.choice((*SUBJECTS, "mail.example", "queue:Support"))
        self._browser.get("/tickets/", q=word, sort="priority")
        self._list(
            search_string=word,
            filtering={},
            sorting=self._draw.choice(("priority", "title", "queue", "last_followup")),
            sortreverse=self._draw.choice((None, "on")),
        )
        self._browser.get("/tickets/", q=self._one(), search_type="header")
        if self._draw.random() < 0.4:
            page = self._browser.submit(
                "/tickets/", "/save_query/", title=f"My {word}", **self._draw.choice(({"shared": "on"}, {}))
            )
            made = re.search(r"saved_query=(\d+)", str(page.url))
            self._browser.get("/saved-searches/")
            if made and self._draw.random() < 0.5:
                self._browser.submit(f"/delete_query/{made[1]}/")

    def report(self) -> None:
        self._browser.get("/reports/")
        self._browser.get(f"/reports/{self._draw.choice(REPORTS)}/")

    def many(self) -> None:
        some = sorted({self._one(), self._one(), self._one()})
        self._browser.submit(
            "/tickets/",
            "/tickets/update/",
            ticket_id=some,
            action=self._draw.choice(("take", "unassign", "close", "kbitem_1")),
        )

    def merge(self) -> None:
        some = sorted({self._one(), self._one()})
        address = "/tickets/merge?" + "&".join(f"tickets={each}" for each in some)
        page = self._browser.get(address)
        if len(some) == 2 and "chosen_ticket" in page.text:
            self._browser.submit(address, chosen_ticket=some[0], submitter_email=some[1], description=some[1])

    def attach(self) -> None:
        one = self._one()
        page = self._browser.submit(
            f"/tickets/{one}/",
            f"/tickets/{one}/update/",
            files={"attachment": ("log.txt", b"line 1\nline 2\n")},
            comment="See the log",
            new_status=1,
        )
        for number in re.findall(rf"/tickets/{one}/attachment_delete/(\d+)/", page.text)[:1]:
            self._browser.submit(f"/tickets/{one}/attachment_delete/{number}/")

    def follow_up(self) -> None:
        one = self._one()
        page = self._browser.get(f"/tickets/{one}/")
        for number in re.findall(rf"/tickets/{one}/followup_edit/(\d+)/", page.text)[:1]:
            self._browser.submit(
                f"/tickets/{one}/followup_edit/{number}/",
                title="Edited",
                comment="What I meant",
                public="on",
                time_spent="",
            )

    def kanban(self) -> None:
        self._browser.get("/kanban/", due_weeks=self._draw.choice(("0", "4", "x")))
        self._browser.script(f"/tickets/{self._one()}/kanban-update/", {"status": self._draw.choice((1, 2, 3))})
        self._browser.script(f"/tickets/{self._one()}/kanban-update/", {"status": self._draw.choice((99, "x"))})

    def settings(self) -> None:
        self._browser.submit("/settings/", tickets_per_page=self._draw.choice((10, 25, 50)))
        self._browser.get(f"/raw/preset/?id={self._draw.choice((1, 2, 77))}")

    def refused(self) -> None:
        self._browser.get(f"/tickets/{self._draw.randrange(1, 41)}/")
        self._browser.get(f"/tickets/{self._draw.randrange(1, 41)}/edit/")
        self._browser.get("/tickets/99999/")
        self._browser.get("/ignore/")
        self._browser.post("/save_query/", {"title": "No CSRF field", "query_encoded": "e30="})

    def feeds(self) -> None:
        self._browser.get("/rss/")
        self._browser.get(
            self._draw.choice(("/rss/unassigned/", "/rss/recent_activity/", "/rss/user/alice/", "/rss/queue/support/"))
        )
        search = base64.b64encode(
            json.dumps({"filtering": {"priority__in": [1, 2]}, "sorting": "id", "search_string": ""}).encode()
        ).decode()
        self._browser.get(f"/timeline_ticket_list/{search}")
