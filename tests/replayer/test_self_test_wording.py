"""What the reports say of a self-test."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from diffing.difference import Part, Reason
from diffing.gate import Outcome, Verdict
from diffing.inventory import Knowledge
from diffing.mutations import Mutation
from diffing.sensitivity import BlindSpot, Sensitivity, Share
from replayer.reports.html import to_html
from replayer.reports.json_report import to_json
from replayer.reports.model import RunReport
from replayer.reports.self_test_wording import KNOWLEDGE, MUTATIONS, blind_spot, summary, why_sentence
from replayer.reports.terminal import to_text

WEAK = BlindSpot(
    "GET", "/api/orders", Part.BODY, "$.items", Knowledge.FIXED, "", False, (Mutation.REVERSE,), 1, 4, "e1"
)  # fmt: skip
NOISY = BlindSpot(
    "GET", "/api/tags", Part.HEADER, "x-\x1b[2Jnode", Knowledge.VARIES, "noise profile", True,
    (Mutation.HEADER, Mutation.DROP_HEADER), 2, 2, "e2",
)  # fmt: skip
FOUND = Sensitivity(
    source="baseline 2",
    total=Share(500, 497),
    equivalent=9,
    by_mutation=((Mutation.HEADER, Share(20, 18)), (Mutation.REVERSE, Share(20, 19)), (Mutation.NULL, Share(20, 20))),
    by_knowledge=((Knowledge.FIXED, Share(400, 399)), (Knowledge.VARIES, Share(100, 98))),
    by_reach=(("exchange", Share(340, 337)), ("route", Share(160, 160))),
    by_route=((("GET", "/api/orders"), Share(300, 299)), (("GET", "/api/tags"), Share(200, 198))),
    blind_spots=(WEAK, NOISY),
    untested=(("POST", "/api/<b>"),),
)
REPORT = RunReport("r1", "shop", "next", Verdict(Outcome.PASS, ("Fine.",), 0), self_test=FOUND)


def test_the_terminal_tells_the_share_and_where_faults_pass() -> None:
    told = to_text(REPORT, width=100)
    assert told[told.index("Self-test") :].rstrip().splitlines() == [
        "Self-test",
        "  99.4 % of 500 planted faults were caught (497; 95 % interval 98.2 % to 99.7 %), in the answers of",
        "  baseline 2. 9 more turned out to be no faults: other names that nothing else names.",
        "  - fixed 399/400, varies 98/100",
        "  - in one exchange 337/340, in a whole route 160/160",
        "  - not all caught: another value in a header, or a cookie without a flag 18/20, an array in reverse",
        "    order 19/20",
        "  - unexplained: GET /api/orders $.items (fixed), 1 of 4: reverse; nothing explains it: a weakness",
        "    of the comparison",
        "  - explained: GET /api/tags header x-\\x1b[2Jnode (varies), 2 of 2: header, drop header; it varies",
        "    between passes, and what was put there may well be there",
        "  - no fault could be planted: POST /api/<b>",
    ]


def test_the_page_tells_the_same_and_escapes() -> None:
    page = to_html(REPORT)
    assert "99.4 % of 500 planted faults" in page
    assert "GET /api/orders $.items" in page
    assert "POST /api/&lt;b&gt;" in page
    assert "\x1b" not in page
    assert "<details open>" in page
    assert "<details open>" not in to_html(replace(REPORT, self_test=replace(FOUND, blind_spots=(NOISY,))))


def test_without_a_self_test_nothing_is_said() -> None:
    silent = replace(REPORT, self_test=None)
    assert "Self-test" not in to_text(silent)
    assert "Self-test" not in to_html(silent)
    assert to_json(silent)["self_test"] is None


def test_the_json_report_holds_everything() -> None:
    document = to_json(REPORT)["self_test"]
    assert json.loads(json.dumps(document)) == document
    assert {name: document[name] for name in ("source", "planted", "caught", "share", "equivalent", "unexplained")} == {
        "source": "baseline 2", "planted": 500, "caught": 497, "share": 0.994, "equivalent": 9, "unexplained": 1,
    }  # fmt: skip
    assert document["interval"] == [0.98251, 0.997957]
    assert document["by_mutation"][0] == {"mutation": "header", "planted": 20, "caught": 18}
    assert document["by_knowledge"][0] == {"knowledge": "fixed", "planted": 400, "caught": 399}
    assert document["by_reach"][1] == {"reach": "route", "planted": 160, "caught": 160}
    assert document["by_route"][0] == {"method": "GET", "route": "/api/orders", "planted": 300, "caught": 299}
    assert document["untested"] == [{"method": "POST", "route": "/api/<b>"}]
    assert document["blind_spots"][0] == {
        "method": "GET",
        "route": "/api/orders",
        "location": {"part": "body", "path": "$.items"},
        "knowledge": "fixed",
        "mutations": ["reverse"],
        "survived": 1,
        "planted": 4,
        "explained": False,
        "why": "",
        "sentence": "nothing explains it: a weakness of the comparison",
        "exemplar": "e1",
    }


@pytest.mark.parametrize(
    ("why", "explained", "sentence"),
    [
        ("rule GET /a $.b (any)", True, "noise rule GET /a $.b (any)"),
        ("approved", True, "the change is approved"),
        (f"not compared: {Reason.UNFAITHFUL.value}", True,
         "not compared: the baseline does not give the recorded status"),
        ("not compared: for reasons unheard of", True, "not compared: for reasons unheard of"),
        ("binding", True,
         "an identifier that nothing else in the recording names, so that another one is as good"),
        ("binding", False,
         "taken for a name that is known from elsewhere, where no identifier is known to be: a weakness"),
    ],
)  # fmt: skip
def test_every_reason_has_a_sentence(why: str, explained: bool, sentence: str) -> None:
    assert why_sentence(replace(WEAK, why=why, explained=explained)) == sentence


def test_every_fault_and_every_knowledge_has_words() -> None:
    assert set(MUTATIONS) == set(Mutation)
    assert set(KNOWLEDGE) == set(Knowledge)


def test_nothing_planted_is_said_as_such() -> None:
    none = Sensitivity("recording", Share(), 0, (), (), (), (), (), (("GET", "/a"),))
    assert summary(none) == "No fault could be planted: no answer matched."
    assert "no answer matched" in to_text(replace(REPORT, self_test=none))
    assert "no answer matched" in to_html(replace(REPORT, self_test=none))


def test_a_status_is_named_without_a_path() -> None:
    status = replace(WEAK, part=Part.STATUS, path="")
    assert blind_spot(status).startswith("GET /api/orders status (fixed), 1 of 4: reverse; ")
