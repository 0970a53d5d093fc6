"""A message as Slack shows it: blocks, and a text for notifications and screen readers. Pure.

Slack refuses what is beyond its limits, so everything is cut here; what comes from outside stands in code spans, in
which nothing but `&`, `<`, `>` and the backtick means anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..reports.wording import counted, visible
from .message import APPROVED, DETAILS, FLAKY, KNOWN, NONE, RESOLVED, TEST, UNDER_WAY, Item, Message

MAX_SECTION = 3000  # characters of a section's text
MAX_HEADER = 150
MAX_FIELD = 2000
MAX_ROUTE = 140  # characters that we show of one route
MAX_CHANGE = 200
MAX_NAME = 80

_VERDICTS = {
    "pass": "passes",
    "inconclusive": "can not be judged",
    NONE: "was not judged: the run ended early",
    UNDER_WAY: "is being judged",
}
_ENDED = {RESOLVED: "no longer there", APPROVED: "approved", FLAKY: "not confirmed in the end"}

Blocks = list[dict[str, Any]]


def rendered(message: Message) -> tuple[str, Blocks]:
    """The text and the blocks of a message."""
    if message.kind == DETAILS:
        return _details(message)
    title = _title(message)
    lines = [_sentence(message)]
    blocks: Blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, MAX_HEADER), "emoji": False}},
        _section(lines),
    ]
    if message.kind == TEST:
        return title, blocks
    facts = _facts(message)
    blocks.append({"type": "section", "fields": [{"type": "mrkdwn", "text": _cut(each, MAX_FIELD)} for each in facts]})
    if message.items:
        more = [f"and {message.more} more"] if message.more else []
        blocks += _sections([*map(_line, message.items), *more])
    if message.ended:
        blocks += _sections(["Over:", *map(_ended_line, message.ended)])
    if message.link:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Open run"}, "url": message.link}
        blocks.append({"type": "actions", "elements": [button]})
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": f"Understudy run {code(message.run)}"}]})
    return " ".join((title + ".", *_calls(message))), blocks


def code(text: str, most: int = MAX_NAME) -> str:
    """A text from outside as a code span: visible, cut to `most` characters, and without a way out of it."""
    shown = _cut(visible(text), most).replace("`", "'")
    whole = escaped(shown)
    while len(whole) > most:  # what is escaped takes up to five times the room
        shown = shown[: -max(2, (len(whole) - most) // 5)] + "…"
        whole = escaped(shown)
    return f"`{whole}`" if shown else "`(none)`"


def escaped(text: str) -> str:
    """The three characters that mean something to Slack wherever they stand."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _title(message: Message) -> str:
    """Plain text; whatever comes from outside in it is cut and escaped."""
    project = escaped(_cut(visible(message.project or message.recording), 40)).replace("`", "'")
    if message.kind == TEST:
        return "This is a test message of Understudy"
    if message.verdict == "fail" and message.doubts:
        return f"{project}: the release fails"
    if message.verdict == "fail":
        return f"{project}: {counted(message.failing, 'finding')} fail{'s' * (message.failing == 1)} the release"
    if message.verdict == UNDER_WAY:
        return f"{project}: {counted(message.failing, 'finding')} confirmed while the release is judged"
    return f"{project}: the release {_VERDICTS[message.verdict]}"


def _sentence(message: Message) -> str:
    """What happened, who is called, and what comes next."""
    if message.kind == TEST:
        return "No release was judged. If this can be read, alerts arrive here."
    said = []
    if message.tags:
        said.append("On tagged routes: " + ", ".join(f"{code(tag)} {count}" for tag, count in message.tags) + ".")
    if message.verdict == UNDER_WAY:
        said.append("The run is under way; this message will tell the verdict.")
    elif message.verdict == "inconclusive":
        said.append(f"The evidence was not enough ({counted(message.doubts, 'reason')}, in the report).")
    elif message.verdict == NONE:
        said.append("What was confirmed until then is below.")
    elif message.verdict == "pass":
        said.append("What was told before is over.")
    elif message.doubts:
        said.append(f"Policy fails it without a finding ({counted(message.doubts, 'reason')}, in the report).")
    else:
        said.append("Each has to be fixed, or approved.")
    return " ".join((*_calls(message), *said))


def _calls(message: Message) -> Iterable[str]:
    """Those who are called, in Slack's own form. The settings have checked what they are."""
    for who in message.mentions:
        if who in ("here", "channel", "everyone"):
            yield f"<!{who}>"
        else:
            yield f"<!subteam^{who}>" if who.startswith("S") else f"<@{who}>"


def _facts(message: Message) -> list[str]:
    """Up to ten fields."""
    facts = [f"*Candidate*\n{code(message.candidate)}", f"*Recording*\n{code(message.recording)}"]
    if message.branch:
        facts.append(f"*Branch*\n{code(message.branch)}")
    if message.commit:
        facts.append(f"*Commit*\n{code(message.commit[:12])}")
    if message.severities:
        facts.append("*Severity*\n" + ", ".join(f"{count} {name}" for name, count in message.severities))
    if message.news:
        facts.append("*Since the last alert*\n" + ", ".join(f"{count} {_news(name)}" for name, count in message.news))
    return facts


def _news(name: str) -> str:
    return _ENDED.get(name, "known" if name == KNOWN else name)


def _line(item: Item) -> str:
    seen = f"{item.count} of {counted(item.out_of, 'exchange')}"
    places = f", {counted(item.places, 'place')}" if item.places > 1 else ""
    news = "" if item.news == KNOWN else f" · {item.news}"
    what = f"{code(item.route, MAX_ROUTE)} {code(item.change, MAX_CHANGE)}"
    return f"• *{escaped(item.severity)}* {what} · {seen}{places}{news}"


def _ended_line(item: Item) -> str:
    what = f"{code(item.route, MAX_ROUTE)} {code(item.change, MAX_CHANGE)}"
    return f"• {what} · {_ENDED.get(item.news, escaped(item.news))}"


def _details(message: Message) -> tuple[str, Blocks]:
    """All findings in a thread, with what one types to approve them."""
    part = f" ({message.part} of {message.parts})" if message.parts > 1 else ""
    text = f"Findings of run {code(message.run)}{part}"
    lines = [f"{_line(item)} · {code(item.fingerprint)}" for item in message.items]
    if message.more:
        lines.append(f"and {message.more} more, in the report")
    return text, [*_sections([f"*{text}*", *lines])]


def _sections(lines: Iterable[str]) -> Blocks:
    """Lines in as few sections as hold them; no line is cut in two."""
    blocks: Blocks = []
    held: list[str] = []
    size = 0
    for line in lines:
        if held and size + len(line) + 1 > MAX_SECTION:
            blocks.append(_section(held))
            held, size = [], 0
        held.append(line)
        size += len(line) + 1
    return [*blocks, _section(held)] if held else blocks


def _section(lines: Sequence[str]) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(lines)}}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
