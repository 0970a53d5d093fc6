"""The ways to people that settings and environment open, and what each of them needs and lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..settings import Settings
from .messenger import Messenger
from .planning import Way
from .slack import API, SlackBot, SlackHook
from .webhook import Webhook

TOKEN = "UNDERSTUDY_SLACK_TOKEN"
HOOK = "UNDERSTUDY_SLACK_WEBHOOK"
SLACK_API = "UNDERSTUDY_SLACK_API"
SECRET = "UNDERSTUDY_WEBHOOK_SECRET"
SHORTEST_SECRET = 16
_ADDRESS = re.compile(r"https?://[^\s/]+\S*")
ALL_ITEMS = 500
"""Findings in one message of the webhook: nobody reads it line by line, and it stays below a megabyte."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What is open, and why something that the settings ask for is not."""

    ways: tuple[Way, ...] = ()
    messengers: Mapping[str, Messenger] = field(default_factory=dict)
    closed: tuple[str, ...] = ()  # sentences

    def close(self) -> None:
        """Ends connections."""
        for messenger in self.messengers.values():
            messenger.close()


def open_ways(settings: Settings, environ: Mapping[str, str]) -> Ways:
    """The ways of the settings. One that lacks something, or has a secret that can not be one, is closed, which is no
    error: a file serves laptops and CI alike, and no gate fails because of its alerts.
    """
    ways: list[Way] = []
    messengers: dict[str, Messenger] = {}
    closed: list[str] = []
    for found in (_slack(settings, environ), _webhook(settings, environ)):
        if isinstance(found, str):
            closed += [found] if found else []
        else:
            way, messengers[found[0].name] = found
            ways.append(way)
    return Ways(tuple(ways), messengers, tuple(closed))


def _slack(settings: Settings, environ: Mapping[str, str]) -> tuple[Way, Messenger] | str:
    """Slack; or why it is closed, "" when nobody asks for it."""
    slack = settings.slack
    token, hook = environ.get(TOKEN, "").strip(), environ.get(HOOK, "").strip()
    api = environ.get(SLACK_API, "").strip() or API
    channels, mentions = dict(slack.tag_channels), dict(slack.mentions)
    if not (slack.channel or channels or hook):
        return ""
    wrong = ""
    if token and not re.fullmatch(r"[!-~]+", token):
        wrong = f"{TOKEN} holds characters that no token has"
    elif token and not _ADDRESS.fullmatch(api):
        wrong = f"{SLACK_API} is no http or https address"
    elif hook and not token and not _ADDRESS.fullmatch(hook):
        wrong = f"{HOOK} is no http or https address"
    elif not token and not hook:
        wrong = f"neither {TOKEN} nor {HOOK} is set"
    elif token and not (slack.channel or channels):
        wrong = "[slack] names no channel"
    if wrong:
        return f"Nothing is posted to Slack: {wrong}."
    if token:
        return Way("slack", slack.channel, channels, mentions, slack.link), SlackBot(token, api)
    return Way("slack", "", channels, mentions, slack.link, many=False), SlackHook(hook)


def _webhook(settings: Settings, environ: Mapping[str, str]) -> tuple[Way, Messenger] | str:
    url, secret = settings.webhook.url, environ.get(SECRET, "")
    if not url:
        return ""
    wrong = ""
    if unset := re.search(r"\$\{(\w+)\}", url):
        wrong = f"its url names {unset[1]}, which is not set"
    elif not secret:
        wrong = f"{SECRET} is not set"
    elif len(secret) < SHORTEST_SECRET:
        wrong = f"{SECRET} is shorter than {SHORTEST_SECRET} characters; openssl rand -hex 32 makes one"
    if wrong:
        return f"Nothing is sent to the webhook: {wrong}."
    return Way("webhook", link=settings.slack.link, many=False, top=ALL_ITEMS), Webhook(url, secret)


def chosen(ways: Sequence[Way], name: str) -> Sequence[Way]:
    """All ways, or the one with this name."""
    return [way for way in ways if name in ("", way.name)]
