"""The ways to people that settings and environment open, and what each of them needs and lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import UsageError
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
    """Raises UsageError for a secret that can not be one. What is merely not set closes a way, and is no error: a file
    serves laptops and CI alike.
    """
    ways: list[Way] = []
    messengers: dict[str, Messenger] = {}
    closed: list[str] = []
    slack, webhook = settings.slack, settings.webhook
    token, hook = environ.get(TOKEN, "").strip(), environ.get(HOOK, "").strip()
    if slack.channel or slack.tag_channels or hook:
        channels, mentions = dict(slack.tag_channels), dict(slack.mentions)
        if token:
            ways.append(Way("slack", slack.channel, channels, mentions, slack.link))
            messengers["slack"] = SlackBot(_token(token), _address(environ.get(SLACK_API, "") or API, SLACK_API))
        elif hook:
            ways.append(Way("slack", "", channels, mentions, slack.link, many=False))
            messengers["slack"] = SlackHook(_address(hook, HOOK))
        else:
            closed.append(f"Nothing is posted to Slack: neither {TOKEN} nor {HOOK} is set.")
    if unset := re.search(r"\$\{(\w+)\}", webhook.url):
        closed.append(f"Nothing is sent to the webhook: its url names {unset[1]}, which is not set.")
    elif webhook.url:
        secret = environ.get(SECRET, "")
        if secret and len(secret) < SHORTEST_SECRET:
            raise UsageError(
                f"{SECRET} is shorter than {SHORTEST_SECRET} characters.", "openssl rand -hex 32 makes one."
            )
        if secret:
            ways.append(Way("webhook", link=slack.link, many=False, top=ALL_ITEMS))
            messengers["webhook"] = Webhook(webhook.url, secret)
        else:
            closed.append(f"Nothing is sent to the webhook: {SECRET} is not set.")
    return Ways(tuple(ways), messengers, tuple(closed))


def _token(token: str) -> str:
    if not re.fullmatch(r"[!-~]+", token):
        raise UsageError(f"{TOKEN} holds characters that no token has.", "Copy the token again.")
    return token


def _address(url: str, variable: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+\S*", url):
        raise UsageError(f"{variable} is no http or https address.", "Copy it again.")
    return url


def chosen(ways: Sequence[Way], name: str) -> Sequence[Way]:
    """All ways, or the one with this name."""
    return [way for way in ways if name in ("", way.name)]
