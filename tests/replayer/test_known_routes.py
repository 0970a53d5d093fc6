"""What of the routes that there are a run has reached, by whoever says which there are."""

from __future__ import annotations

from dataclasses import replace

from diffing.clauses import NewRoutes
from diffing.difference import Answer
from diffing.ledger import LeftOut
from recorder.exchange import RecordedResponse
from replayer.engine import PassResult
from replayer.known_routes import SILENT, RouteSource, reached
from replayer.passes import CanaryRead, Pass
from replayer.plan import make_plan
from replayer.reports.model import Coverage, CoverageRoute
from replayer.target_settings import TargetSettings
from replayer.told_routes import Routes

from .tiny import record, route_of

EXCHANGES = [replace(each, route=route_of(each)) for each in record(users=2, rounds=1, seed=1).exchanges]
PLAN = make_plan(EXCHANGES, route_of)
APP: Routes = (("GET", "/stats"), ("POST", "/login"), ("POST", "/orders"), ("GET", "/orders/<int:order_id>"))


def passed(routes: Routes | None, answered: bool = True) -> Pass:
    answer = Answer(RecordedResponse(200, "", ())) if answered else Answer(None, "timeout")
    result = PassResult([answer] * len(PLAN.steps))
    return Pass("candidate", TargetSettings("t"), result, CanaryRead({}, {}, frozenset()), routes=routes)


def counts(coverage: Coverage) -> tuple[int, int]:
    return coverage.routes_replayed, coverage.routes_known


def test_the_recording_of_the_test_is_what_the_test_takes_it_for() -> None:
    assert sorted({route_of(each) for each in EXCHANGES}) == ["/login", "/orders"]


def test_without_another_word_the_routes_are_those_of_the_recording() -> None:
    found = reached(RouteSource(), PLAN, [], passed(None), [LeftOut("GET", "/left", "/left", 3)])

    assert found.coverage == Coverage(
        3,
        2,
        (
            CoverageRoute("GET", "/left", 0),
            CoverageRoute("POST", "/login", 2, {"200": 2}),
            CoverageRoute("POST", "/orders", 2, {"200": 2}),
        ),
    )
    assert (found.unknown, found.new) == ("", None)


def test_what_got_no_answer_was_not_replayed() -> None:
    assert counts(reached(RouteSource(), PLAN, [], passed(None, answered=False)).coverage) == (0, 2)


def test_the_application_says_which_routes_there_are() -> None:
    found = reached(RouteSource("app"), PLAN, [], passed(APP))

    assert counts(found.coverage) == (2, 4)
    assert found.coverage.missing == ("GET /orders/<int:order_id>", "GET /stats")
    assert found.coverage.routes_from == "app"


def test_what_is_recorded_and_not_known_is_listed_and_not_counted() -> None:
    found = reached(RouteSource("app"), PLAN, [], passed((("POST", "/orders"),))).coverage

    assert counts(found) == (1, 1)
    assert found.routes[0] == CoverageRoute("POST", "/login", 2, {"200": 2}, known=False)


def test_an_application_that_is_silent_leaves_coverage_untold() -> None:
    found = reached(RouteSource("app"), PLAN, [], passed(None))

    assert found.unknown == SILENT.format(side="candidate")


def test_a_description_says_which_routes_there_are_and_patterns_take_some_away() -> None:
    described = RouteSource("openapi", (("POST", "/login"), ("GET", "/a"), ("GET", "/b")), ("* /a",))

    assert counts(reached(described, PLAN, [], passed(None)).coverage) == (1, 2)
    assert counts(reached(RouteSource(excluded=("* /login",)), PLAN, [], passed(None)).coverage) == (1, 1)


def test_new_routes_are_those_that_the_baseline_lacks_under_any_name() -> None:
    baseline: Routes = (("GET", "/stats"), ("POST", "/login"), ("GET", "/orders/{id}"))

    new = reached(RouteSource(), PLAN, [passed(baseline)], passed((*APP, ("GET", "/newer")))).new

    assert new == NewRoutes(("POST /orders",), ("GET /newer",))
    silent = reached(RouteSource(), PLAN, [passed(baseline)], passed(APP, answered=False)).new
    assert silent == NewRoutes((), ("POST /orders",))


def test_what_is_new_can_not_be_told_when_a_side_is_silent() -> None:
    asked = RouteSource(ask=True)

    assert reached(asked, PLAN, [passed(None)], passed(APP)).new == NewRoutes(unknown=SILENT.format(side="baseline"))
    assert reached(asked, PLAN, [], passed(APP)).new == NewRoutes(unknown=SILENT.format(side="baseline"))
    assert reached(asked, PLAN, [passed(APP)], passed(None)).new == NewRoutes(unknown=SILENT.format(side="candidate"))
