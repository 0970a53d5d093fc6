"""What every executor does with a pass: the same answers, whoever sends the requests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from diffing.difference import Answer, Reason
from replayer.breaker import Reference
from replayer.engine import PassResult, closure
from replayer.errors import InconclusiveError, UsageError
from replayer.executors import Executor, LocalExecutor
from replayer.executors import lookout as lookout_module
from replayer.executors import shared as shared_module
from replayer.executors import shift as shift_module
from replayer.executors.parcels import Entry
from replayer.executors.shift import Worker, given_up
from replayer.mint import Credentials, Minted, MintFailure
from replayer.pacing import Pace
from replayer.refusals import STORM
from replayer.store import Store
from replayer.target_settings import TargetSettings

from .sharing import Crew, Stage, Target, key, recorded, replay, shared


@pytest.fixture
def stage(store: Store, database_url: str) -> Stage:
    return Stage.set_up(store, database_url, recorded())


@pytest.fixture(params=["local", "threads"])
def executor(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Executor]:
    if request.param == "local":
        yield LocalExecutor()
        return
    with Crew(stage.url).working() as crew:
        yield shared(stage.store, crew)
        assert crew.failures == []


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as opened:
        yield opened


def said(result: PassResult) -> list[tuple[int, object]]:
    """Statuses and bodies, without the tokens that each login makes anew."""

    def body(answer: Answer) -> object:
        if answer.response is None or not answer.response.body.data:
            return None
        content = json.loads(answer.response.body.data)
        return {name: value for name, value in content.items() if name not in ("token", "csrf", "code")}

    return [(answer.response.status if answer.response else 0, body(answer)) for answer in result.answers]


def test_every_step_is_answered_as_in_a_serial_replay(executor: Executor, stage: Stage, target: Target) -> None:
    told: list[tuple[int, int]] = []
    result = replay(executor, stage.job(target.url), lambda done, total: told.append((done, total)))
    with Target() as other:
        serial = replay(LocalExecutor(), stage.job(other.url, pace=type(stage.job("").pace)(1)))
    assert said(result) == said(serial)
    assert result.problem == ""
    assert result.uncertain == 0
    assert result.replaced == serial.replaced > 0
    assert result.sorts == serial.sorts != {}
    assert target.twice() == []
    assert sum(target.arrived.values()) == len(stage.plan.steps)
    assert told[-1] == (len(stage.plan.steps), len(stage.plan.steps))


def test_only_what_is_chosen_is_sent(executor: Executor, stage: Stage, target: Target) -> None:
    only = closure(stage.plan, [step.index for step in stage.plan.steps if step.session == 0])
    assert len(only) < len(stage.plan.steps)
    result = replay(executor, stage.job(target.url, only=only))
    assert {i for i, answer in enumerate(result.answers) if answer.response is not None} == only
    assert {a.reason for i, a in enumerate(result.answers) if i not in only} == {Reason.OVER_BUDGET}


def test_writes_are_not_sent_to_a_target_that_is_not_disposable(
    executor: Executor, stage: Stage, target: Target
) -> None:
    given = TargetSettings(name="tiny", url=target.url)
    result = replay(executor, stage.job(target.url, target=given))
    assert {method for method, _ in target.arrived} == {"GET"}
    assert any(answer.reason is Reason.UNSAFE for answer in result.answers)


def test_a_target_that_is_gone_leaves_an_answer_for_every_step(
    executor: Executor, stage: Stage, target: Target
) -> None:
    target.close()
    result = replay(executor, stage.job(target.url))
    assert not any(answer.response for answer in result.answers)
    assert any(answer.failure.startswith("connect") for answer in result.answers)
    assert all(answer.failure or answer.reason in (Reason.BLOCKED, Reason.CANCELLED) for answer in result.answers)


def test_credentials_are_made_where_the_pass_is_coordinated(executor: Executor, stage: Stage, target: Target) -> None:
    """The logins are not in the recording, so that whoever is asked for a bearer token has to mint it."""
    later = [each for each in recorded() if each.request.target != "/login"]
    stage = Stage.set_up(stage.store, stage.url, later, name="without logins")
    here, asked = threading.get_ident(), []

    async def mint(principal: str) -> Minted:
        assert threading.get_ident() == here
        asked.append(principal)
        if principal == "principal-2":
            return MintFailure("no such account")
        if principal == "principal-3":
            return None
        user = int(principal.rpartition("-")[2])
        token = f"{user:032x}"
        target.app.tokens[token], target.app.csrf[user] = user, "0" * 16
        return Credentials(headers=(("authorization", f"Bearer {token}"),))

    result = replay(executor, stage.job(target.url, mint=mint))
    assert len(asked) == len(set(asked)) >= 4
    assert result.minted == len(asked) - 2
    assert any("no such account" in reason for reason in result.mint_failures)
    statuses = {stage.plan.steps[i].principal: a.response.status for i, a in enumerate(result.answers) if a.response}
    assert all(status < 500 for status in statuses.values())
    assert {a.reason for i, a in enumerate(result.answers) if stage.plan.steps[i].principal == "principal-2"} == {
        Reason.CREDENTIALS
    }


def test_a_pass_goes_on_by_what_is_rung(postgres_url: str, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would look by themselves for a minute: each batch that is done and each credential is heard of."""
    monkeypatch.setattr(lookout_module, "HEARD_FIRST_SECONDS", 60.0)
    monkeypatch.setattr(lookout_module, "HEARD_LAST_SECONDS", 60.0)
    later = [each for each in recorded() if each.request.target != "/login"]
    asked: list[str] = []

    async def mint(principal: str) -> Minted:
        asked.append(principal)
        return None

    with Store.open(postgres_url) as store, Crew(postgres_url).working() as crew:
        stage = Stage.set_up(store, postgres_url, later)
        began = time.monotonic()
        result = replay(shared(store, crew), stage.job(target.url, mint=mint))
        assert time.monotonic() - began < 55
    assert result.problem == ""
    assert len(asked) >= 4
    assert not any(answer.reason is Reason.CANCELLED for answer in result.answers)


def test_nothing_of_a_pass_is_left_in_the_store(executor: Executor, stage: Stage, target: Target) -> None:
    from sqlalchemy import func, select

    from replayer.store.tables import work_answers, work_batches, work_intents, work_mints, work_passes

    replay(executor, stage.job(target.url))
    with stage.store._engine.connect() as connection:
        for table in (work_passes, work_batches, work_intents, work_answers, work_mints):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


# -- workers that end ---------------------------------------------------------------------------------------------


class Dying(Worker):
    """Ends, as a killed process would, when `fatal` says so of what it is about to do."""

    def __init__(self, store: Store, fatal: Callable[[str, int], bool]) -> None:
        super().__init__(store, key())
        self._fatal = fatal
        keep = store.keep

        def kept(*arguments: object, **named: object) -> None:
            if fatal("before it keeps", 0):
                raise SystemExit("killed")
            keep(*arguments, **named)  # type: ignore[arg-type]
            if fatal("after it kept", 0):
                raise SystemExit("killed")

        store.keep = kept  # type: ignore[method-assign]


def at_turn(moment: str, turn: int) -> Callable[[str, int], bool]:
    """What is fatal to the worker that comes to a moment as the `turn`-th of all, and to no other."""
    came, lock = [0], threading.Lock()

    def fatal(at: str, _: int) -> bool:
        with lock:
            came[0] += at == moment
            return at == moment and came[0] == turn

    return fatal


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker counts as dead after a moment."""
    monkeypatch.setattr(shift_module, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(shared_module, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(shared_module, "AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(shift_module, "BEAT_SECONDS", 0.05)


@pytest.mark.parametrize("moment", ["before it keeps", "after it kept"])
@pytest.mark.parametrize("turn", [1, 2, 4])
@pytest.mark.usefixtures("quick")
def test_no_write_is_sent_twice_by_those_who_take_over(stage: Stage, target: Target, moment: str, turn: int) -> None:
    fatal = at_turn(moment, turn)
    with ExitStack() as stack:
        crew = stack.enter_context(Crew(stage.url, make=lambda store: Dying(store, fatal)).working())
        result = replay(shared(stage.store, crew, size=5), stage.job(target.url))
    assert len(crew.failures) == 1
    assert target.twice() == []
    assert result.problem == ""
    uncertain = {i for i, answer in enumerate(result.answers) if answer.reason is Reason.UNCERTAIN}
    assert result.uncertain == len(uncertain)
    for index, answer in enumerate(result.answers):
        assert answer.response is not None or index in uncertain
        if answer.response is not None and index not in uncertain:
            assert not stage.plan.depends[index] & uncertain, "what works on something uncertain is uncertain"


@pytest.mark.usefixtures("quick")
def test_a_pass_that_can_be_made_anew_is_not_finished(stage: Stage, target: Target) -> None:
    fatal = at_turn("before it keeps", 1)
    with Crew(stage.url, size=1, make=lambda store: Dying(store, fatal)).working() as crew:
        result = replay(shared(stage.store, crew, size=5), stage.job(target.url, repeatable=True))
    assert result.uncertain > 0
    assert "worker ended" in result.problem
    assert sum(target.arrived.values()) < len(stage.plan.steps)


@pytest.mark.usefixtures("quick")
def test_that_a_batch_is_taken_puts_down_its_writes_where_a_pass_can_be_made_anew(
    stage: Stage, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker ends before it has kept anything: the next one finds no word of what was sent, and sends nothing."""
    monkeypatch.setattr(shift_module, "BEAT_SECONDS", 60.0)
    sent: list[int] = []

    def fatal(at: str, _: int) -> bool:
        dies = at == "before it keeps" and not sent
        if dies:
            sent.append(target.total())
        return dies

    with Crew(stage.url, size=1, make=lambda store: Dying(store, fatal)).working() as crew:
        result = replay(shared(stage.store, crew, size=1000), stage.job(target.url, repeatable=True))
    assert "worker ended" in result.problem
    assert result.uncertain > 0
    assert sent == [target.total()] != [0]


def test_whoever_takes_a_batch_twice_has_not_lost_it(stage: Stage) -> None:
    """The commit of which a worker never heard, since its connection broke, was its own."""
    pass_id = stage.store.open_work(stage.run_id, "a pass", b"{}", b"")
    (batch,) = stage.store.add_batches(pass_id, 0, [b""])
    first = stage.store.take_batch(batch, "one", 60.0)
    again = stage.store.take_batch(batch, "one", 60.0)
    assert first is not None
    assert again is not None
    assert (first.begun, again.begun) == (False, False)
    assert stage.store.take_batch(batch, "another", 60.0) is None
    later = stage.store.take_batch(batch, "another", -60.0)
    assert later is not None
    assert later.begun


@pytest.mark.usefixtures("quick")
def test_a_batch_of_reads_is_sent_again(stage: Stage, target: Target) -> None:
    """Where a pass can be made anew, too: a read that is asked twice is no reason for it."""
    reads = [each for each in recorded() if each.request.method == "GET" and "products" in each.request.target]
    stage = Stage.set_up(stage.store, stage.url, reads, name="reads")
    fatal = at_turn("before it keeps", 1)
    with Crew(stage.url, size=1, make=lambda store: Dying(store, fatal)).working() as crew:
        result = replay(shared(stage.store, crew, size=1000), stage.job(target.url, repeatable=True))
    assert len(crew.failures) == 1
    assert (result.problem, result.uncertain) == ("", 0)
    assert all(answer.response is not None for answer in result.answers)


@pytest.mark.parametrize("repeatable", [False, True])
def test_a_worker_that_was_taken_for_dead_sends_nothing_more(
    stage: Stage, target: Target, repeatable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first worker stands still in the middle of a request for longer than its lease; another takes over."""
    monkeypatch.setattr(shift_module, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(shared_module, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(shared_module, "AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(shift_module, "BEAT_SECONDS", 60.0)
    held = threading.Event()
    once = threading.Event()

    def stand_still(request: object) -> None:
        if not once.is_set():
            once.set()
            held.wait(2.0)
        held.wait(0.02)

    target.before = stand_still
    with Crew(stage.url).working() as crew:
        result = replay(shared(stage.store, crew), stage.job(target.url, repeatable=repeatable))
    assert target.twice() == []
    assert bool(result.problem) is repeatable
    assert result.uncertain > 0
    if repeatable:
        assert target.total() < len(stage.plan.steps)


def test_without_workers_the_run_says_so(stage: Stage, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_module, "PATIENCE_SECONDS", 0.3)
    crew = Crew(stage.url)
    with pytest.raises(InconclusiveError, match="No worker"):
        replay(shared(stage.store, crew), stage.job(target.url))
    assert target.arrived == {}


def test_a_worker_with_another_key_reads_nothing(stage: Stage, target: Target) -> None:
    other = stage.store
    with Crew(stage.url).working() as crew:
        executor = shared(other, crew)
        with pytest.raises(UsageError, match="key"):
            replay(executor, stage.job(target.url, key=None))


def test_a_read_whose_answer_was_lost_is_not_asked_after_what_may_have_changed_it() -> None:
    """Step 3 may have been sent: then 1 had been answered, and to ask it again would show what 3 did."""

    def entry(index: int, *waits: int) -> Entry:
        return Entry(index, f"{index:032x}", "/orders", 0, "", waits, "")

    entries = [entry(0), entry(1, 0), entry(2), entry(3, 1), entry(4, 3), entry(5, 2)]
    assert given_up(entries, {}, frozenset([3])) == {
        0: shift_module.BEFORE_UNCERTAIN,
        1: shift_module.BEFORE_UNCERTAIN,
        3: shift_module.UNCERTAIN,
        4: shift_module.AFTER_UNCERTAIN,
    }
    kept = {0: Answer(None, "timeout")}
    assert given_up(entries, kept, frozenset([3])).keys() == {1, 3, 4}
    assert given_up(entries, kept, frozenset()) == {}


# -- protecting the target -------------------------------------------------------------------------------------------


@pytest.fixture
def busy(stage: Stage) -> Stage:
    return Stage.set_up(stage.store, stage.url, recorded(users=8, rounds=30), name="busy")


def test_a_target_that_lets_nobody_in_ends_a_pass(executor: Executor, busy: Stage, target: Target) -> None:
    target.before = lambda request: target.app.tokens.clear()
    result = replay(executor, busy.job(target.url))
    assert result.problem.startswith(STORM)
    assert sum(target.arrived.values()) < len(busy.plan.steps)
    assert all(answer.reason is not None or answer.response for answer in result.answers)
    assert not any(answer.response and answer.response.status == 401 for answer in result.answers)


def test_refusals_are_answers_where_the_reference_says_so(executor: Executor, busy: Stage, target: Target) -> None:
    target.before = lambda request: target.app.tokens.clear()
    result = replay(executor, busy.job(target.url, reference=Reference(heed_refusals=False)))
    assert result.problem == ""
    refused = Reference(dict.fromkeys(range(len(busy.plan.steps)), 401))
    assert replay(executor, busy.job(target.url, reference=refused)).problem == ""


def test_the_pace_is_kept_by_all_who_share_a_pass(executor: Executor, stage: Stage, target: Target) -> None:
    moments: list[float] = []
    target.before = lambda request: moments.append(time.monotonic())
    assert replay(executor, stage.job(target.url, pace=Pace(4, rate=100.0))).problem == ""
    allowed = 10.0  # the first of each batch is sent at once
    assert len(moments) - allowed <= 100.0 * (max(moments) - min(moments))
