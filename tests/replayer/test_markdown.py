from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given, settings
from hypothesis import strategies as st

from diffing.difference import Severity
from diffing.gate import Outcome, Verdict
from diffing.grouping import CONFIRMED
from replayer.reports.gfm import code, prose
from replayer.reports.markdown import marker_of, says_the_same, to_markdown
from replayer.reports.model import RunReport

from .test_report import COLOUR, HOSTILE, PRICES, REPORT

BREAKOUTS = [
    "`` ` ```",
    "``\n# heading",
    "<img src=x onerror=alert(1)>",
    "[x](https://evil.example)",
    "![x](https://evil.example/a.png)",
    "@octocat and #1 and GH-2 and !3",
    "https://evil.example www.evil.example mail@evil.example",
    "| a | b |\n|---|---|",
    "--> <!-- x",
    "\\",
    "&lt;b&gt; **b** __b__ ~~b~~ :tada: $x$",
    HOSTILE,
]


class _Page(HTMLParser):
    """The elements of a page, the addresses in it, and the text that stands outside of code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str | None] = []
        self.outside: list[str] = []
        self.inside: list[str] = []
        self._code = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src")]
        self._code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"

    def handle_data(self, data: str) -> None:
        (self.inside if self._code else self.outside).append(data)


def rendered(text: str) -> _Page:
    """As GitHub renders it, HTML in it left alone, so that nothing can hide behind its filter."""
    return _Page(cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE))


def many(count: int) -> RunReport:
    findings = [
        replace(PRICES, fingerprint=f"{n:016x}", tags=("payments",) if n == count - 1 else (), route=f"/api/{n}")
        for n in range(count)
    ]
    return replace(REPORT, findings=findings, verdict=replace(REPORT.verdict, blocking=(findings[0].fingerprint,)))


def test_it_reads_from_the_verdict_down() -> None:
    lines = to_markdown(REPORT).splitlines()

    assert lines == [
        "<!-- understudy:checkout -->",
        "## ❌ Understudy: FAIL",
        "",
        "`checkout`: `next` against `prod, prod`. 2 findings, 1 blocking, 1 approved.",
        "",
        "- 1 finding that policy fails on\\.",
        "",
        "### Findings",
        "",
        "#### BREAKING `GET /api/orders/<int:id>` \\[payments\\] **blocks**",
        "",
        "- `$.items[*].price int -> str`, 12 of 40 exchanges",
        "- baseline `1999`",
        '- candidate `"1999"`',
        "- also `GET /api/cart $.items[*].price int -> str` (3)",
        "- `75cf471c6b25a327`, confirmed",
        "",
        "### Exchanges",
        "",
        "45 recorded = 30 matched + 12 differed + 0 errored + 2 not compared + 1 skipped. 1 of 2 routes replayed."
        " Fidelity 99.8 %.",
        "",
        "- 2 not compared: truncated (a cap cut the recorded or the replayed body)",
        "- 1 skipped: unsafe method (a write\\, and the target is not declared disposable)",
        "",
        "Approve what is intended: `understudy findings approve 75cf471c6b25a327 --reason WHY`",
        "",
        "### Could not tell",
        "",
        "- The recording can not tell\\.",
        "",
        "### Approved",
        "",
        "- `GET /api/products $.colour missing -> present`: approved by ann until 2027\\-01\\-31\\: wanted\\; flaky\\:"
        " did not come back\\, or the baseline shows it\\, too\\; does not block",
        "",
        "Run `r42`, commit `abc`, 12.3 s.",
    ]


def test_tagged_routes_come_first_and_then_what_weighs_more() -> None:
    light = replace(COLOUR, fingerprint="c" * 16, tags=("payments",), severity=Severity.MINOR, state=CONFIRMED)
    report = replace(REPORT, findings=(replace(PRICES, tags=()), light), standings={})

    assert re.findall(r"^#### (\w+)", to_markdown(report), re.M) == ["MINOR", "BREAKING"]


def test_what_does_not_fit_is_counted_and_what_is_tagged_is_not_left_out() -> None:
    text = to_markdown(many(3000))

    assert len(text.encode("utf-16-le")) // 2 <= 65_536
    assert len(text.encode()) <= 2**20
    shown = len(re.findall("^#### ", text, re.M))
    assert shown > 100
    assert f"**and {3000 - shown} more**" in text
    assert "GET /api/2999" in text


@pytest.mark.parametrize("hostile", ["😀" * 9000, "`" * 9000, "\\" * 9000, "\n" * 9000])
def test_long_values_do_not_break_the_limit(hostile: str) -> None:
    finding = replace(PRICES, route=hostile, detail=hostile, baseline=hostile, tags=(hostile,) * 50, members=())
    report = replace(
        REPORT,
        recording=hostile,
        candidate=hostile,
        baselines=(hostile,) * 9,
        verdict=Verdict(Outcome.FAIL, (hostile,) * 50, 1, (finding.fingerprint,)),
        findings=(finding, replace(COLOUR, route=hostile)) * 40,
        limits=(hostile,) * 50,
    )
    text = to_markdown(report)

    assert len(text.encode("utf-16-le")) // 2 <= 65_536
    assert marker_of(text)


@pytest.mark.parametrize("hostile", BREAKOUTS)
def test_nothing_that_was_recorded_breaks_out(hostile: str) -> None:
    finding = replace(PRICES, route=hostile, baseline=hostile, candidate={hostile: 1}, detail=hostile, tags=(hostile,))
    report = replace(
        REPORT,
        recording=hostile,
        candidate=hostile,
        findings=(finding,),
        verdict=Verdict(Outcome.FAIL, (hostile,), 1, (finding.fingerprint,)),
        limits=(hostile,),
        commit=hostile,
    )
    harmless = replace(
        report,
        recording="x",
        candidate="x",
        findings=(replace(finding, route="x", baseline="x", candidate={"x": 1}, detail="x", tags=("x",)),),
        verdict=replace(report.verdict, reasons=("x",)),
        limits=("x",),
        commit="x",
    )
    page = rendered(to_markdown(report))

    assert page.elements == rendered(to_markdown(harmless)).elements
    assert page.addresses == []
    assert not re.search(r"@\w|#\d|\bGH-\d|!\d", "".join(page.outside))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.text("`*_[]()<>!|\\#@~&$ a1\n", max_size=30))
def test_code_shows_exactly_the_text(text: str) -> None:
    page = rendered(f"- {code(text)} x")

    assert page.elements == ["ul", "li", "code"]
    if text.isprintable() and text:
        assert "".join(page.inside) == text


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.text("`*_[]()<>!|\\#@~&$:/. wht1\n", max_size=30))
def test_prose_shows_the_text_and_nothing_else(text: str) -> None:
    page = rendered(f"- x {prose(text)}")

    assert page.elements == ["ul", "li"]
    if text.isprintable():
        assert "".join(page.outside).replace("\u200b", "").split() == ["x", *text.replace("\u200b", "").split()]


def test_only_what_was_found_makes_another_text() -> None:
    first = to_markdown(REPORT)
    again = to_markdown(replace(REPORT, run_id="r43", seconds=9.0, commit="def", started_at=1.0))
    other = to_markdown(replace(REPORT, findings=(PRICES,), standings={}))

    assert first != again
    assert says_the_same(first, again.replace("\n", "\r\n").strip())
    assert not says_the_same(first, other)


def test_the_marker_names_the_recording_and_can_not_be_forged_by_a_value() -> None:
    forged = "<!-- understudy:other -->\n"
    report = replace(REPORT, recording=f"a --> {forged}", limits=(forged,), commit=forged)

    assert marker_of(to_markdown(REPORT)) == "checkout"
    assert marker_of(to_markdown(report)) == "a_--____--_understudy_other_--__"
    assert marker_of(f"Look: {to_markdown(REPORT)}") == ""
    assert marker_of("") == ""
