"""Ages as people write them."""

from __future__ import annotations

import re

from .errors import UsageError

DAY = 24 * 3600.0
AGES = {"h": 3600.0, "d": DAY, "w": 7 * DAY}  # seconds


def age(text: str) -> float:
    """`30d`, `30 days`, `12h` or `2w` in seconds. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,6}) ?(?:(h)(?:ours?)?|(d)(?:ays?)?|(w)(?:eeks?)?)", text.strip().lower())
    if not match:
        raise UsageError(f"{text[:40]!r} is no age.", "Write hours, days or weeks: 12h, 30d, 2w.")
    return int(match[1]) * AGES[match[match.lastindex or 1]]
