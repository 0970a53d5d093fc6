"""Digits of a payment card that an answer repeats, where the recording shows those of the real card.

A recording holds pseudonyms of card numbers, and they are what a replay sends. `**** 4242`, of the real one, was too
short to be found and replaced in the answer; the candidate takes its digits from the pseudonym.
"""

from __future__ import annotations

import re

from recorder.exchange import RecordedRequest

_NUMBER = re.compile(rb"(?<!\d)\d{13,19}(?!\d)")
_MAX_BYTES = 65_536
"""Of a body that are searched: who pays sends a form, not a file."""


def cards_in(request: RecordedRequest) -> tuple[str, ...]:
    """The numbers in a request that have a card's check digit."""
    text = request.target.encode("latin-1", "replace") + b"\n" + request.body.data[:_MAX_BYTES]
    return tuple({number for match in _NUMBER.finditer(text) if _has_check_digit(number := match.group().decode())})


def _has_check_digit(number: str) -> bool:
    """Luhn's formula (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def alike_but_for_cards(recorded: str, candidate: str, cards: tuple[str, ...]) -> bool:
    """Whether two texts differ only where the candidate's shows the first six or last four digits of a card."""
    if len(recorded) != len(candidate):
        return False
    shown: set[int] = set()
    for number in cards:
        for part in (number[:6], number[-4:]):
            at = candidate.find(part)
            while at >= 0:
                shown.update(range(at, at + len(part)))
                at = candidate.find(part, at + 1)
    differing = [i for i, (one, other) in enumerate(zip(recorded, candidate, strict=True)) if one != other]
    return bool(shown) and all(i in shown and recorded[i].isdigit() for i in differing)
