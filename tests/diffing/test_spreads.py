"""Values at places that vary, over many exchanges: what the baseline never does is found, what it does is not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from diffing.difference import Answer, Case, Comparison, Status
from diffing.noise import NoiseRule
from diffing.profile import NoiseProfile, learn
from diffing.spreads import Sighting, Spread, deviations, learn_spread
from diffing.trial import Trial
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse

Make = Callable[[random.Random, int], object]
"""A body, by chance and number of the pass."""


def response(body: object) -> RecordedResponse:
    return RecordedResponse(200, "OK", (("Content-Type", "application/json"),), Body.of(json.dumps(body).encode()))


def cases(baseline: Make, candidate: Make, count: int = 30, passes: int = 3, seed: int = 1) -> list[Case]:
    chance = random.Random(seed)
    made = []
    for number in range(count):
        answers = [Answer(response(baseline(chance, i)), "", 1.0, 2.0) for i in range(passes)]
        judged = Answer(response(candidate(chance, passes)), "", 1.0, 2.0)
        request = RecordedRequest("GET", "/hints", ())
        exchange = Exchange(f"{number:032x}", request, answers[0].response, 1.0, 2.0)
        made.append(Case(exchange, "/hints", tuple(answers), (judged,)))
    return made


def run(made: list[Case], rules: tuple[NoiseRule, ...] = ()) -> list[Comparison]:
    return Trial(learn(made, {}), rules).first(made)


def changes(found: list[Comparison]) -> set[tuple[str, str, str]]:
    return {(d.location.shape, d.kind.value, d.transition) for c in found for d in c.differences}


def hint(share: float) -> Make:
    return lambda chance, _: {"hint": None if chance.random() < share else "try again", "n": 1}


def optional(share: float) -> Make:
    return lambda chance, _: {"n": 1} if chance.random() < share else {"n": 1, "hint": "x"}


def score(scale: float) -> Make:
    return lambda chance, _: {"rows": [{"score": round(chance.uniform(10, 90), 2) * scale} for _ in range(3)]}


def word(*words: str) -> Make:
    return lambda chance, _: {"variant": chance.choice(words)}


def flag(share: float) -> Make:
    return lambda chance, _: {"lucky": chance.random() < share}


def rows(most: int) -> Make:
    return lambda chance, _: {"tips": ["a tip"] * chance.randrange(most)}


def node(_: random.Random, number: int) -> object:
    """The same within a pass, and another one in the next: an instance's own name."""
    return {"node": f"web-{number}", "uptime": 1000 * (number + 1)}


@pytest.mark.parametrize(
    ("baseline", "candidate", "change"),
    [
        (hint(0.2), hint(1.0), ("$.hint", "null", "str -> null")),
        (optional(0.2), optional(1.0), ("$.hint", "missing", "present -> missing")),
        (score(1.0), score(100.0), ("$.rows[*].score", "value", "float -> other float")),
        (score(1.0), score(-1.0), ("$.rows[*].score", "value", "float -> other float")),
        (word("A", "B"), word("A", "B", "C"), ("$.variant", "value", "str -> other str")),
        (flag(0.5), flag(0.0), ("$.lucky", "value", "true -> false")),
        (rows(4), rows(1), ("$.tips", "length", "array -> shorter array")),
        (rows(4), lambda c, _: {"tips": ["a tip"] * 40}, ("$.tips", "length", "array -> longer array")),
    ],
)
def test_what_the_baseline_does_not_do_is_found(baseline: Make, candidate: Make, change: tuple[str, str, str]) -> None:
    assert changes(run(cases(baseline, candidate))) == {change}


@pytest.mark.parametrize(
    "same", [hint(0.2), hint(0.02), optional(0.5), score(1.0), word("A", "B", "C", "D"), flag(0.5), flag(0.05), rows(5)]
)
@pytest.mark.parametrize("count", [6, 30, 120])
def test_the_same_release_shows_nothing(same: Make, count: int) -> None:
    for seed in range(20):
        assert changes(run(cases(same, same, count=count, seed=seed))) == set(), seed


def host(chance: random.Random, number: int) -> object:
    """As `node`, and one of two for each request."""
    return {"host": f"web-{number}{chance.choice('ab')}", "started": 1000 * number + chance.randrange(9)}


@pytest.mark.parametrize("make", [node, host])
@pytest.mark.parametrize("passes", [2, 3])
@pytest.mark.parametrize("count", [3, 4, 6, 30])
def test_what_is_the_same_within_a_pass_is_not_counted_by_exchanges(make: Make, passes: int, count: int) -> None:
    for seed in range(10):
        assert changes(run(cases(make, make, count=count, passes=passes, seed=seed))) == set()


def test_each_value_that_is_new_is_told_where_it_stands() -> None:
    found = run(cases(word("A", "B"), word("A", "C")))
    differed = [one for one in found if one.status is Status.DIFFERED]
    assert 5 <= len(differed) <= 25
    (difference,) = differed[0].differences
    assert (difference.baseline, difference.candidate) == ("one of A, B", "C")
    assert f"in {len(differed)} of 30" in difference.detail


def test_a_rule_hides_a_new_value_and_is_counted() -> None:
    made = cases(word("A", "B"), word("A", "C"))
    rule = NoiseRule("GET /hints", "$.variant", kind="str", reason="an experiment")
    found = run(made, (rule,))
    assert changes(found) == set()
    assert sum(each.count for one in found for each in one.ruled) >= 5


def test_repetitions_look_for_what_was_flagged_and_for_nothing_new() -> None:
    made = cases(word("A", "B"), word("A", "C"))
    trial = Trial(learn(made, {}))
    first = trial.first(made)
    assert changes(trial.again(made)) == changes(first)
    assert changes(trial.again(cases(word("A", "B"), word("A", "B")))) == set()
    fresh = Trial(learn(made, {}))
    fresh.first(cases(word("A", "B"), word("A", "B")))
    assert changes(fresh.again(made)) == set()


def test_spreads_survive_json() -> None:
    profile = learn(cases(hint(0.3), hint(0.3)), {})
    assert list(profile.spreads) == ["GET /hints|2xx|$.hint"]
    again = NoiseProfile.from_json(json.loads(json.dumps(profile.to_json())))
    assert again == profile
    assert isinstance(again.spreads["GET /hints|2xx|$.hint"], Spread)


def skewed(scale: float) -> Make:
    return lambda chance, _: {"took_ms": round(chance.lognormvariate(1.5, 1.0) + 0.5, 2) * scale}


@pytest.mark.parametrize("scale", [-1.0, 0.0, 100.0])
def test_a_skewed_quantity_keeps_its_sign_and_its_size(scale: float) -> None:
    found = changes(run(cases(skewed(1.0), skewed(scale), count=60)))
    assert found == {("$.took_ms", "value", "float -> other float")}
    assert changes(run(cases(skewed(1.0), skewed(1.0), count=60))) == set()


def coupons(most: int) -> Make:
    return lambda chance, _: {"rows": [{"code": f"{chance.getrandbits(48):012x}"} for _ in range(most)]}


def test_rows_that_nobody_can_name_come_and_go_in_equal_number() -> None:
    assert changes(run(cases(coupons(3), coupons(3)))) == set()
    assert changes(run(cases(coupons(3), coupons(2)))) == {("$.rows", "length", "array -> shorter array")}
    assert changes(run(cases(coupons(3), coupons(4)))) == {("$.rows", "length", "array -> longer array")}


def worker(scale: float) -> Make:
    return lambda chance, number: {"worker": int((4000 + 31 * number) * scale)}


@pytest.mark.parametrize("scale", [0.0, 100.0, -1.0])
def test_a_few_numbers_tell_another_order_of_magnitude(scale: float) -> None:
    assert changes(run(cases(worker(1.0), worker(scale), count=3))) == {("$.worker", "value", "int -> other int")}
    assert changes(run(cases(worker(1.0), worker(3.0), count=3))) == set()


def test_thousands_of_sightings_of_one_place_are_counted() -> None:
    old = [Sighting("str", ("new", "paid")[i % 2], f"$.rows[{i}].state", "$.rows[*].state") for i in range(3000)]
    spread = learn_spread([old, old, old])
    assert spread is not None
    now = [Sighting("str", "open", each.path, each.shape) for each in old[:1500]] + old[:1500]
    assert [d.transition for d in deviations("GET /|2xx|$.rows[*].state", spread, now, 1e-6)] == ["str -> other str"]
    assert deviations("GET /|2xx|$.rows[*].state", spread, old, 1e-6) == []


@pytest.mark.parametrize("kind", [str, int])
def test_the_end_of_a_window_of_time_is_no_word_of_a_closed_set(kind: Callable[[int], object]) -> None:
    """`X-RateLimit-Reset` and its like: the same for all answers of a minute, and another one in the next."""

    def reset(chance: random.Random, number: int) -> object:
        return {"reset": kind(1_795_814_700 + 60 * (chance.randrange(2) + number // 3))}

    assert changes(run(cases(reset, reset, count=40))) == set()


def test_what_is_left_of_an_allowance_is_no_word_of_a_closed_set() -> None:
    def left(chance: random.Random, number: int) -> object:
        return {"remaining": str(5995 + chance.randrange(3) - number // 3)}

    assert changes(run(cases(left, left, count=40))) == set()


def test_a_file_that_holds_the_second_names_no_thing() -> None:
    """Two files of one second are equal in one pass, and of two seconds in the next: that renames nothing."""
    made = []
    for number in range(12):
        seconds = [number + 100 * each for each in range(3)] + [number // 2 + 300]
        files = [b"%%PDF-1.4\n\x00\xff /CreationDate %03d" % second for second in seconds]
        replies = [RecordedResponse(200, "", (("Content-Type", "application/pdf"),), Body.of(file)) for file in files]
        exchange = Exchange(f"{number:032x}", RecordedRequest("GET", "/label", ()), replies[0], 1.0, 2.0)
        *baseline, candidate = (Answer(reply, "", 1.0, 2.0) for reply in replies)
        made.append(Case(exchange, "/label", tuple(baseline), (candidate,)))
    assert changes(run(made)) == set()


def job(done: object, result: object = None) -> Make:
    def make(chance: random.Random, _: int) -> object:
        state = chance.choice(["queued", "running", "done"])
        progress = {"queued": 0, "running": chance.randrange(1, 100), "done": done}[state]
        return {"status": state, "progress": progress, "result": result if state == "done" else None}

    return make


def test_what_always_stands_beside_a_word_is_held_to_it() -> None:
    right = job(100, "file.csv")
    assert changes(run(cases(right, right, count=60))) == set()
    assert changes(run(cases(right, job(99, "file.csv"), count=60))) == {("$.progress", "value", "int -> other int")}
    (found,) = {
        (d.location.shape, d.baseline) for c in run(cases(right, job(99, "file.csv"), count=60)) for d in c.differences
    }
    assert found == ("$.progress", "one of 100 beside status done")
