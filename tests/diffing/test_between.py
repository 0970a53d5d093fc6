from __future__ import annotations

from dataclasses import replace

from diffing.between import Between, between
from diffing.difference import Severity
from diffing.ledger import Ledger, RouteTally, Tally
from tests.replayer.test_report import COLOUR, PRICES

COMPARED = Ledger(routes=(RouteTally(COLOUR.method, COLOUR.route, Tally(recorded=1, matched=1)),))


def test_what_is_new_gone_and_still_there() -> None:
    grey = replace(COLOUR, fingerprint="9" * 16, members=())
    assert between([COLOUR], [grey], COMPARED) == Between((grey,), (), (), (COLOUR,), ())
    assert between([COLOUR], [COLOUR], COMPARED) == Between((), (), ((COLOUR, COLOUR),), (), ())


def test_what_was_not_compared_is_not_gone() -> None:
    skipped = Ledger(routes=(RouteTally(COLOUR.method, COLOUR.route, Tally(recorded=1, skipped={"unsafe": 1})),))
    assert between([COLOUR], [], skipped) == Between((), (), (), (), (COLOUR,))
    assert between([COLOUR], [], Ledger()) == Between((), (), (), (), (COLOUR,))


def test_what_got_graver_and_what_got_milder() -> None:
    mild, grave = replace(PRICES, severity=Severity.MINOR), replace(PRICES, severity=Severity.BREAKING)
    assert between([mild], [grave], COMPARED) == Between((), ((mild, grave),), (), (), ())
    assert between([grave], [mild], COMPARED) == Between((), (), ((grave, mild),), (), ())


def test_a_finding_that_another_place_leads_is_the_same() -> None:
    first, second = PRICES.members[:2]
    moved = replace(PRICES, fingerprint=second.fingerprint, members=(second,))
    assert first.fingerprint == PRICES.fingerprint
    assert between([PRICES], [moved], COMPARED) == Between((), (), ((PRICES, moved),), (), ())
    assert between([moved], [PRICES], COMPARED) == Between((), (), ((moved, PRICES),), (), ())
