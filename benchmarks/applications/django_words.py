"""What people write to a helpdesk."""

from __future__ import annotations

import random

import httpx

from .django_client import Browser

SUBJECTS = ("Printer", "Mail", "Screen", "Invoice", "Cable", "Login", "Disk")
TROUBLES = ("is lost", "fails", "is slow", "makes noise", "is too dear")


def words(draw: random.Random, body: str = "body") -> dict[str, object]:
    subject, trouble = draw.choice(SUBJECTS), draw.choice(TROUBLES)
    return {
        "title": f"{subject} {trouble}",
        body: f"Since {draw.randrange(1, 13)} o'clock the {subject.lower()} {trouble}.",
    }


def ticket(draw: random.Random, queue: int, email: str) -> dict[str, object]:
    return {
        **words(draw, "description"),
        "queue": queue,
        "submitter_email": email,
        "priority": draw.randrange(1, 6),
        "custom_machine": f"M-{draw.randrange(9)}",
    }


def submit_ticket(browser: Browser, draw: random.Random, email: str) -> httpx.Response:
    return browser.submit(
        "/tickets/submit/",
        **words(draw),
        queue=draw.choice((1, 2)),
        submitter_email=email,
        priority=draw.randrange(1, 6),
        custom_machine=draw.choice(("", "M-3")),
    )
