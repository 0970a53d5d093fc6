"""The settings of alerts: `[slack]` and `[webhook]`. What is secret is read from the environment alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from .errors import UsageError
from .target_settings import Expansion
from .toml_table import Table

_TOKEN = re.compile(r"\bxox[a-z]([.-]|\b)|\bxapp-|hooks\.slack(-gov)?\.com/", re.I)
"""Slack's tokens, and the addresses of its incoming webhooks: who has one can post."""
_CHANNEL = re.compile(r"#?[^\s#<>&|]{1,80}")
_MENTION = re.compile(r"here|channel|everyone|[UW][A-Z0-9]{5,30}|S[A-Z0-9]{5,30}")
MAX_LINK = 2000
"""Characters; Slack takes 3,000 for the address of a button, and a run's id comes in."""


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """Where alerts go; no channel: nowhere."""

    channel: str = ""
    tag_channels: tuple[tuple[str, str], ...] = ()  # tag name -> channel
    mentions: tuple[tuple[str, str], ...] = ()  # tag name -> who is called: "here", a user's or a group's id
    link: str = ""  # address of a run for people, with {run} in it


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where alerts go as signed JSON; no url: nowhere."""

    url: str = field(default="", repr=False)  # its path may be a secret; a variable that is not set stays in it


def read_slack(top: Table) -> SlackSettings:
    """`[slack]`; who checks that its tags are defined has the names. Raises UsageError."""
    refuse_secrets(top, "slack", "Slack token or webhook", "UNDERSTUDY_SLACK_TOKEN or UNDERSTUDY_SLACK_WEBHOOK")
    table = top.table("slack", [field.name for field in fields(SlackSettings)])
    channels, mentions = table.mapping("tag_channels"), table.mapping("mentions")
    for name, channel in channels:
        _check_channel(table.table("tag_channels"), name, channel)
    if "channel" in table:
        _check_channel(table, "channel", table.text("channel"))
    for name, who in mentions:
        if not _MENTION.fullmatch(who):
            hint = "A name is none: Slack's profile and group pages show the id."
            table.table("mentions").wrong(name, "here, channel, everyone, or the id of a user or a group", hint)
    link = table.text("link")
    if link and (not re.match(r"https?://[^\s]+\Z", link) or "{run}" not in link or len(link) > MAX_LINK):
        table.wrong("link", "an http(s) address with {run} in it", 'For example: "https://ci.example/runs/{run}".')
    return SlackSettings(table.text("channel"), channels, mentions, link)


def read_webhook(top: Table, environ: Mapping[str, str]) -> WebhookSettings:
    """`[webhook]`. Raises UsageError."""
    table = top.table("webhook", ("url",))
    expansion = Expansion(environ)
    url = expansion.of(table.text("url"))
    if url and not expansion.missing and not re.match(r"https?://[^\s/]+\S*\Z", url):
        raise UsageError(f"{top.source}: 'url' in [webhook] must be an http or https address.")
    return WebhookSettings(url)


def refuse_secrets(top: Table, key: str, what: str, variable: str) -> None:
    """Raise UsageError, without the value, when something in this table looks like a secret of Slack's."""
    for place, text in _texts(top.data.get(key), f"[{key}]"):
        if _TOKEN.search(text):
            raise UsageError(
                f"{top.source}: {place} looks like a {what}, which is not to stand in a file.",
                f"Revoke it, since it may have been read, and set a new one in the environment: {variable}.",
            )


def _texts(value: object, place: str) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [found for name, inner in value.items() for found in _texts(inner, f"{name!r} in {place}")]
    if isinstance(value, list):
        return [found for inner in value for found in _texts(inner, place)]
    return [(place, value)] if isinstance(value, str) else []


def _check_channel(table: Table, key: str, channel: str) -> None:
    if not _CHANNEL.fullmatch(channel):
        table.wrong(key, "a channel", 'Write "#releases", or the id of the channel.')
