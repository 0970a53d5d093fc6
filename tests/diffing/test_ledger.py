from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from diffing.difference import Comparison, Reason, Status
from diffing.ledger import Ledger, LeftOut, Recorded, RouteTally, Tally, build_ledger
from recorder.exchange import RouteCount


def outcome(name: str, status: Status, route: str = "/a", reason: Reason | None = None) -> Comparison:
    return Comparison(name, "GET", route, status, reason)


def test_every_exchange_is_accounted_for() -> None:
    comparisons = [
        outcome("1", Status.MATCHED),
        outcome("2", Status.DIFFERED),
        outcome("3", Status.ERRORED),
        outcome("4", Status.NOT_COMPARED, reason=Reason.OPAQUE),
        outcome("5", Status.SKIPPED, "/b", Reason.UNSAFE),
    ]
    counts = [
        RouteCount("GET", "/a", seen=7, sampled_out=2, dropped=1),
        RouteCount("GET", "/b", seen=1, sampled_out=0, dropped=0),
    ]

    one = {"opaque": 1}
    first = Tally(7, 2, 1, 4, 1, 1, 1, one, {})
    second = Tally(1, 0, 0, 1, 0, 0, 0, {}, {"unsafe method": 1})
    assert build_ledger(comparisons, counts) == Ledger(
        Tally(8, 2, 1, 5, 1, 1, 1, one, {"unsafe method": 1}),
        (RouteTally("GET", "/a", first), RouteTally("GET", "/b", second)),
    )


def test_producers_are_added_up() -> None:
    counts = [RouteCount("GET", "/a", 3, 2, 0), RouteCount("GET", "/a", 4, 3, 1)]

    total = build_ledger([outcome("1", Status.MATCHED)], counts).total

    assert (total.seen, total.sampled_out, total.dropped, total.recorded) == (7, 5, 1, 1)


def test_an_imported_recording_without_counts_saw_what_it_holds() -> None:
    book = build_ledger([outcome("1", Status.MATCHED)])

    assert (book.total.seen, book.balanced) == (1, True)


def test_what_the_recorder_kept_and_nobody_has_is_named() -> None:
    book = build_ledger([outcome("1", Status.MATCHED)], [RouteCount("GET", "/a", 10, 2, 1)])

    assert book.imbalance == (
        "GET /a: 10 seen, but 1 recorded + 2 sampled out + 1 dropped = 4",
        "In total: 10 seen, but 1 recorded + 2 sampled out + 1 dropped = 4",
    )


def test_a_process_that_did_not_report_its_last_exchanges_lost_nothing() -> None:
    book = build_ledger(
        [outcome("1", Status.MATCHED), outcome("2", Status.MATCHED)], [RouteCount("GET", "/a", 1, 0, 0)]
    )

    assert (book.total.seen, book.balanced) == (2, True)


def test_an_exchange_without_an_outcome_is_named() -> None:
    recorded = [Recorded("1", "GET", "/a"), Recorded("2", "GET", "/a")]

    assert build_ledger([outcome("1", Status.MATCHED)], recorded=recorded).imbalance == (
        "1 recorded exchanges have no outcome",
        "GET /a: 2 recorded, but the end of 1 is known",
        "In total: 2 recorded, but the end of 1 is known",
    )


def test_outcomes_given_twice_or_for_strangers_are_named() -> None:
    recorded = [Recorded("1", "GET", "/a")]
    comparisons = [outcome("1", Status.MATCHED), outcome("1", Status.DIFFERED), outcome("9", Status.MATCHED)]

    assert build_ledger(comparisons, recorded=recorded).imbalance == (
        "1 outcomes are of exchanges that the recording does not hold",
        "1 exchanges have more than one outcome",
        "GET /a: 1 recorded, but the end of 2 is known",
        "In total: 1 recorded, but the end of 2 is known",
    )


def test_what_no_route_took_may_be_listed_under_an_inferred_one() -> None:
    comparisons = [outcome("1", Status.MATCHED, "/a/{int}"), outcome("2", Status.MATCHED, "/a")]
    counts = [RouteCount("GET", "/a", 1, 0, 0), RouteCount("GET", "", 4, 3, 0)]

    book = build_ledger(comparisons, counts)

    assert (book.total.seen, book.total.recorded, book.total.sampled_out, book.imbalance) == (5, 2, 3, ())


STATUSES = st.sampled_from(list(Status))
OUTCOMES = st.lists(
    st.tuples(st.sampled_from(["/a", "/b", "/c"]), STATUSES, st.sampled_from(list(Reason))), max_size=40
)
LOST = st.dictionaries(st.sampled_from(["/a", "/b", "/z"]), st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=3)


@settings(max_examples=100, deadline=None)
@given(outcomes=OUTCOMES, lost=LOST)
def test_the_sums_balance_in_total_and_per_route(outcomes, lost) -> None:  # type: ignore[no-untyped-def]
    comparisons = [
        Comparison(str(i), "GET", route, status, reason) for i, (route, status, reason) in enumerate(outcomes)
    ]
    recorded = Counter(route for route, _, _ in outcomes)
    counts = [
        RouteCount("GET", route, recorded[route] + sampled + dropped, sampled, dropped)
        for route, (sampled, dropped) in lost.items()
    ]

    book = build_ledger(comparisons, counts)

    assert book.imbalance == ()
    for tally in (book.total, *(route.tally for route in book.routes)):
        assert tally.seen == tally.recorded + tally.sampled_out + tally.dropped
        assert tally.recorded == tally.ended
    assert book.total.recorded == len(outcomes)
    assert book.total.seen == sum(route.tally.seen for route in book.routes)
    assert book.total.dropped == sum(dropped for _, dropped in lost.values())
    assert sum(book.total.not_compared.values()) == sum(s is Status.NOT_COMPARED for _, s, _ in outcomes)


def test_what_a_budget_left_out_is_recorded_seen_and_skipped() -> None:
    counts = [RouteCount("GET", "/a", 110, 5, 1), RouteCount("GET", "", 3, 0, 0), RouteCount("POST", "/b", 7, 0, 0)]
    recorded = [Recorded("1", "GET", "/a", "/a"), Recorded("2", "GET", "/a", "/a"), Recorded("3", "GET", "/{int}", "")]
    comparisons = [
        outcome("1", Status.MATCHED),
        outcome("2", Status.SKIPPED, reason=Reason.UNSAFE),
        outcome("3", Status.MATCHED, "/{int}"),
    ]
    left_out = [LeftOut("GET", "/a", "/a", 102), LeftOut("GET", "/{int}", "", 2), LeftOut("POST", "/b", "/b", 7)]

    book = build_ledger(comparisons, counts, recorded, left_out)

    assert book.imbalance == ()
    rows = {(route.method, route.route): route.tally for route in book.routes if route.tally.recorded}
    assert rows["GET", "/a"] == Tally(110, 5, 1, 104, 1, 0, 0, {}, {"over budget": 102, "unsafe method": 1})
    assert rows["GET", "/{int}"] == Tally(3, 0, 0, 3, 1, 0, 0, {}, {"over budget": 2})
    assert rows["POST", "/b"] == Tally(7, 0, 0, 7, 0, 0, 0, {}, {"over budget": 7})
    assert (book.total.recorded, book.total.replayed, book.total.compared) == (114, 2, 2)


def test_what_neither_a_run_nor_its_budget_accounts_for_is_named() -> None:
    book = build_ledger(
        [outcome("1", Status.MATCHED)],
        [RouteCount("GET", "/a", 10, 0, 0)],
        [Recorded("1", "GET", "/a", "/a")],
        [LeftOut("GET", "/a", "/a", 8)],
    )
    assert book.imbalance[0] == "GET /a: 10 seen, but 9 recorded + 0 sampled out + 0 dropped = 9"
