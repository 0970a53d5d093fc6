"""Text as GitHub and GitLab flavoured Markdown in which nothing that was recorded has a meaning of its own."""

from __future__ import annotations

import re

from .wording import visible

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_REFERENCE = re.compile(r"(@(?=\S)|~(?=\w)|[#!&%$](?=\d)|\bGH-(?=\d))", re.I)
"""What people, issues, merge requests, labels, milestones and snippets are linked by, and notified of it."""
_RUNS = re.compile("`+")
_APART = "\u200b"  # of no width


def prose(text: str) -> str:
    """The text as it is: every mark is escaped, and nobody is mentioned, nothing linked. On one line."""
    line = " ".join(visible(text).split())
    return _PUNCTUATION.sub(r"\\\1", _REFERENCE.sub(rf"\1{_APART}", line))


def code(text: str) -> str:
    """The text as a code span, whatever it holds. On one line; control characters are shown as escapes."""
    shown = visible(text) or " "
    fence = "`" * (max((len(run) for run in _RUNS.findall(shown)), default=0) + 1)
    at_edges = shown.strip() and (shown[0] in "` " or shown[-1] in "` ")
    apart = " " if at_edges else ""
    return f"{fence}{apart}{shown}{apart}{fence}"


def size(text: str) -> int:
    """Characters as the strictest of all counts them: units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
