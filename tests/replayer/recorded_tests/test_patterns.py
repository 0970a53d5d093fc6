"""Patterns fit the next text that varies, and no text of another format. And how values are written as Python."""

from __future__ import annotations

import ast
import re

import pytest

from replayer.recorded_tests.literals import Made, literal, wrapped
from replayer.recorded_tests.patterns import pattern_of


@pytest.mark.parametrize(
    ("texts", "fits", "not_this"),
    [
        (["2026-11-27T18:13:18.289Z"], "2031-01-02T03:04:05.678Z", "1795803198"),
        (["2026-11-27T18:13:18.289Z"], "2031-01-02T03:04:05.000Z", "2031-01-02T03:04:05Z"),
        (["2026-11-27"], "2027-01-01", "01.01.2027"),
        (["5.123ms", "38.811ms"], "0.4ms", "5.1s"),
        (["ORD-000017", "ORD-000152"], "ORD-000900", "order 900"),
        (["NFbocvRCcC2U", "5f89HUNpDNPd"], "a_-9HUNpDNPd", "a_-9HUNpDNP"),
        (
            ["eyJjc3JmIjoiZ0.awoMiw.u5ArYUWFPq-f1cLP", "eyJjc3JmIjoiZ9.awoMiw.hscnNAw0zMx_k2Ab"],
            "eyJjc3JmIjoiZ1.bwaaaa.hscnNAw0zMx_k2Ac",
            "eyJjc3JmIjoiZ1.hscnNAw0zMx_k2Ac",
        ),
        (
            ["eyJjc3JmIjoiZ0.awoclw.u5ArYUWFPq-f1cLP", "eyJjc3JmIjoiZ9.awoclw.hscnNAw0zMx_k2Ab"],
            "eyJjc3JmIjoiZ1.awocmg.hscnNAw0zMx_k2Ac",
            "eyJjc3JmIjoiZ1.hscnNAw0zMx_k2Ac",
        ),
        (
            ["sessions:tqwert:u5ArYUWFPq-f1cLP", "sessions:tqwert:hscnNAw0zMx_k2Ab"],
            "sessions:tqwery:hscnNAw0zMx_k2Ac",
            "receipts:tqwert:hscnNAw0zMx_k2Ac",
        ),
        (["Bearer a9_cvRCcC2Uu", "Bearer f9-cvRCcC2Ux"], "Bearer f0-cvRCcC2Ux", "Basics f0-cvRCcC2Ux"),
        (
            ["a9_cvRCcC2Uu.public.jpeg", "f9-cvRCcC2Ux.public.jpeg"],
            "f0-cvRCcC2Ux.public.jpeg",
            "f0-cvRCcC2Ux.secret.jpeg",
        ),
        (["d1f5836878504fe6a1617f561d5c76f0", "c1df64e7513d413e841a648ea4392e2f"], "0" * 32, "G" * 32),
        (
            ["70c7d4ed1a2bb39d", "12c4a4ba2f2ac83e"],  # as many runs of digits and letters, by chance
            "d244bdd833f74df0",
            "d244bdd833f74dg0",
        ),
        (["Made for 70c7d4ed1a2bb39d.", "Made for 12c4a4ba2f2ac83e."], "Made for d244bdd833f74df0.", "Made for it."),
        (["9f3c1e7a-1f2b-4c3d-8e4f-123456789abc"], "00000000-0000-0000-0000-000000000000", "0"),
        (["a day", "7 days, or so"], "never", ""),
    ],
)
def test_the_next_one_fits(texts: list[str], fits: str, not_this: str) -> None:
    pattern = pattern_of(texts)
    assert [text for text in [*texts, fits] if not re.fullmatch(pattern, text)] == []
    assert re.fullmatch(pattern, not_this) is None


@pytest.mark.parametrize(
    "value",
    ["it's", 'say "x"', "both \" and '", "back\\slash'", "tab\t", "Zoë", b"\x00'\"", b'"', {"a": (1,)}, [None, True]],
)
def test_a_literal_means_the_value(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value


def test_what_does_not_fit_a_line_is_spread_over_several() -> None:
    value = Made("exactly", ({"items": [{"id": 1, "name": "x" * 40}, {"id": 2, "name": "y" * 40}]},))
    assert wrapped("assert a == ", value, 4).splitlines() == [
        "assert a == exactly(",
        "        {",
        '            "items": [',
        f'                {{"id": 1, "name": "{"x" * 40}"}},',
        f'                {{"id": 2, "name": "{"y" * 40}"}},',
        "            ],",
        "        }",
        "    )",
    ]
