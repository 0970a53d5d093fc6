"""What becomes of a decision that was typed: the change that it means, and both homes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from diffing.approvals import Approval, Decision, Scope, Subject, Withdrawal
from diffing.difference import Location, Part, Severity
from diffing.gate import Outcome, Verdict
from diffing.grouping import CONFIRMED, Finding, Member
from replayer.approvals_file import FILE_NAME, read_approvals
from replayer.approving import Book, Decided, Wish, approvals_path
from replayer.errors import UsageError
from replayer.reports.json_report import to_json
from replayer.reports.model import RunReport
from replayer.settings import Settings
from replayer.store import Store

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
PRICE = Location(Part.BODY, "$.price")
ROOT = Member("75cf471c6b25a327", "GET", "/orders/<int:id>", PRICE, 12, "type", "int -> str", Severity.BREAKING)
CART = Member("75aaaaaaaaaaaaaa", "GET", "/cart", PRICE, 3, "value", "int", Severity.MINOR)
FINDING = Finding(
    ROOT.fingerprint, Severity.BREAKING, "type", "GET", ROOT.route, PRICE, "int -> str", 1, "1", 12, 40, CONFIRMED,
    (ROOT, CART), None, (), ("x1",), ("x1",),
)  # fmt: skip
WHOLE = Subject("GET", ROOT.route, PRICE, "type", "int -> str", Severity.BREAKING)
WISH = Wish("75cf", "for the new client", "ann@example.com")


class Home:
    """A store with runs, and a folder."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.path = folder / FILE_NAME

    def run(self, *findings: Finding, branch: str = "prices") -> str:
        known = {each.name: each for each in self.store.recordings()}
        info = known.get("r") or self.store.create_recording("r", service="s", release="", key_id="k", source="")
        run_id = self.store.create_run(info.id, candidate="next", branch=branch)
        report = RunReport(run_id, "r", "next", Verdict(Outcome.FAIL, (), 1), findings=findings)
        self.store.finish_run(run_id, "fail", 1, to_json(report))
        return run_id

    def book(self, now: datetime = NOON) -> Book:
        return Book(self.store, self.path, now)

    def homes(self) -> tuple[tuple[Approval, ...], tuple[Approval, ...]]:
        return read_approvals(self.path).approvals, self.store.approvals()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        yield Home(store, tmp_path)


def test_the_file_stands_beside_the_settings_or_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert approvals_path(Settings()) == tmp_path / FILE_NAME
    assert approvals_path(Settings(source=Path("/srv/app/understudy.toml"))) == Path("/srv/app") / FILE_NAME


def test_a_finding_is_approved_with_all_its_members_in_both_homes(home: Home) -> None:
    home.run(FINDING)
    done = home.book().decide(WISH)

    assert done.approval == Approval(
        id=done.approval.id,
        fingerprint=ROOT.fingerprint,
        scope=Scope.ALWAYS,
        author="ann@example.com",
        reason="for the new client",
        created=NOON,
        subject=WHOLE,
        members=(CART.fingerprint, ROOT.fingerprint),
    )
    assert done.homes == (str(home.path), "the database")
    assert home.homes() == ((done.approval,), (done.approval,))
    assert home.book().approvals().entries == (done.approval,)


def test_a_member_is_approved_alone(home: Home) -> None:
    home.run(FINDING)
    approval = home.book().decide(replace(WISH, fingerprint="75AA ")).approval

    assert approval.covers == {CART.fingerprint}
    assert approval.members == ()
    assert approval.subject == Subject("GET", "/cart", PRICE, "value", "int", Severity.MINOR)


def test_the_same_decision_twice_is_one_and_fills_the_home_that_lacks_it(home: Home) -> None:
    home.run(FINDING)
    first = home.book().decide(replace(WISH, store_only=True))
    again = home.book(NOON.replace(hour=13)).decide(WISH)

    assert first.homes == ("the database",)
    assert again == Decided(first.approval, (str(home.path),))
    assert home.book().decide(WISH) == Decided(first.approval, ())
    assert home.homes() == ((first.approval,), (first.approval,))
    assert home.book().decide(replace(WISH, author="bob")).approval.id != first.approval.id


def test_scopes_name_the_run_or_its_branch(home: Home) -> None:
    run_id = home.run(FINDING)
    decide = home.book().decide

    assert decide(replace(WISH, scope=Scope.RUN)).approval.of == run_id
    assert decide(replace(WISH, scope=Scope.BRANCH)).approval.of == "prices"
    home.run(FINDING, branch="HEAD")
    with pytest.raises(UsageError, match="not known which branch"):
        decide(replace(WISH, scope=Scope.BRANCH))


def test_the_newest_run_that_has_it_is_meant_and_another_can_be_named(home: Home) -> None:
    older = home.run(replace(FINDING, severity=Severity.MAJOR))
    home.run(FINDING)
    home.run()
    home.store.create_run(home.store.recording("r").id, candidate="still running")

    assert home.book().decide(WISH).approval.subject.severity is Severity.BREAKING
    assert home.book().decide(replace(WISH, run=older[:8])).approval.subject.severity is Severity.MAJOR


@pytest.mark.parametrize(
    ("wish", "said", "hint"),
    [
        (replace(WISH, fingerprint="75"), "too short", "at least 4"),
        (replace(WISH, fingerprint="75cg471c6b25a327"), "No finding of the last run", "Did you mean 75cf471c6b25a327"),
        (replace(WISH, fingerprint="0000"), "No finding of the last run", "75cf471c6b25a327 (GET /orders/<int:id>"),
        (replace(WISH, run="nope"), "There is no run 'nope'", "runs list"),
        (replace(WISH, reason=" \n"), "The reason is empty", "--reason"),
        (replace(WISH, reason="x" * 2001), "2001 characters", ""),
        (replace(WISH, author="\t"), "The author is empty", "--author"),
        (replace(WISH, until=date(2026, 11, 26)), "2026-11-26 is past", "last day"),
    ],
)
def test_a_wish_that_can_not_be_met_says_why_and_writes_nothing(home: Home, wish: Wish, said: str, hint: str) -> None:
    home.run(FINDING)
    with pytest.raises(UsageError) as caught:
        home.book().decide(wish)

    assert said in caught.value.message
    assert hint in caught.value.hint
    assert home.homes() == ((), ())


def test_a_beginning_that_fits_several_is_refused_and_all_of_it_is_not(home: Home) -> None:
    long = replace(CART, fingerprint=ROOT.fingerprint + "ff")
    home.run(replace(FINDING, members=(ROOT, long)))

    with pytest.raises(UsageError, match="Several findings"):
        home.book().decide(WISH)
    assert home.book().decide(replace(WISH, fingerprint=ROOT.fingerprint)).approval.fingerprint == ROOT.fingerprint


def test_without_a_run_there_is_nothing_to_decide_on(home: Home) -> None:
    with pytest.raises(UsageError, match="no finished run"):
        home.book().decide(WISH)
    home.run()
    with pytest.raises(UsageError) as caught:
        home.book().decide(WISH)
    assert "has no findings" in caught.value.hint


def test_a_file_that_can_not_be_written_leaves_the_store_alone(home: Home) -> None:
    home.run(FINDING)
    home.path.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        home.book().decide(WISH)
    assert home.store.approvals() == ()


def test_text_that_can_not_be_kept_as_it_is_is_written_out(home: Home) -> None:
    odd = "/a\0b\ud800"
    home.run(replace(FINDING, method=odd, route=odd, location=replace(PRICE, path=odd), kind=odd, transition=odd))
    approval = home.book().decide(replace(WISH, reason="two\nlines\0 \udcff")).approval

    told = "/a\\0b\\ud800"
    place = Location(Part.BODY, told)
    assert approval.reason == "two lines\\0 \\udcff"
    assert approval.subject == Subject(told, told, place, told, told, Severity.BREAKING)
    assert home.homes() == ((approval,), (approval,))
    assert home.book().approvals().notes == ()


def test_a_rejection_overrules_and_stands_in_the_way_until_it_is_withdrawn(home: Home) -> None:
    home.run(FINDING)
    yes = home.book().decide(WISH).approval
    rejected = home.book().decide(replace(WISH, author="bob", reason="not yet", decision=Decision.REJECT))

    assert rejected.against == (yes,)
    assert {each.id: state for each, state in home.book().states()} == {
        yes.id: "overruled",
        rejected.approval.id: "holds",
    }
    with pytest.raises(UsageError, match="bob has rejected this change \\(not yet\\)") as caught:
        home.book().decide(replace(WISH, fingerprint="75aa"))
    assert rejected.approval.id in caught.value.hint
    home.book().withdraw(rejected.approval.id, "bob")
    assert home.book().decide(replace(WISH, fingerprint="75aa")).homes != ()
    assert {each.id: state for each, state in home.book().states()}[yes.id] == "holds"


def test_what_is_put_down_to_the_environment_is_of_its_run_and_stands_in_the_way(home: Home) -> None:
    run = home.run(FINDING)
    blame = replace(WISH, decision=Decision.ENVIRONMENT, scope=Scope.RUN, reason="the queue was away")
    yes = home.book().decide(replace(WISH, scope=Scope.RUN)).approval
    for wrong in (replace(blame, scope=Scope.ALWAYS), replace(blame, until=date(2099, 1, 1))):
        with pytest.raises(UsageError, match="is of one run"):
            home.book().decide(wrong)
    made = home.book().decide(blame)

    assert (made.approval.of, made.against) == (run, (yes,))
    assert [state for _, state in home.book().states()] == ["overruled", "holds"]
    with pytest.raises(UsageError, match="put it down to the environment \\(the queue was away\\)") as caught:
        home.book().decide(replace(WISH, decision=Decision.NOISE))
    assert "takes the environment decision back" in caught.value.hint
    no = home.book().decide(replace(WISH, decision=Decision.REJECT, author="bob"))
    assert set(no.against) == {yes, made.approval}
    home.run(FINDING)
    home.book().withdraw(no.approval.id, "bob")
    assert home.book().decide(replace(WISH, decision=Decision.NOISE)).homes != ()  # another run


def test_a_rejection_stands_in_the_way_of_the_same_change_only(home: Home) -> None:
    other = replace(ROOT, fingerprint="0ther")
    home.run(FINDING, replace(FINDING, fingerprint=other.fingerprint, members=(other,)))
    home.book().decide(replace(WISH, fingerprint="0ther", decision=Decision.REJECT))

    assert home.book().decide(WISH).homes != ()


def test_a_rejection_overrules_no_approval_that_is_over(home: Home) -> None:
    home.run(FINDING)
    home.book().decide(replace(WISH, until=date(2026, 11, 27)))

    assert home.book(NOON.replace(day=28)).decide(replace(WISH, decision=Decision.REJECT)).against == ()


def test_an_id_that_is_the_beginning_of_another_is_meant_when_it_is_given_in_full(home: Home) -> None:
    home.run(FINDING)
    approval = home.book().decide(WISH).approval
    home.store.add_approvals([replace(approval, id=approval.id + "0")])

    with pytest.raises(UsageError, match="Several decisions"):
        home.book().withdraw(approval.id[:6], "eve")
    assert home.book().withdraw(approval.id, "eve").id == approval.id


def test_what_only_the_store_has_is_exported_and_is_the_same_in_the_file(home: Home) -> None:
    home.run(FINDING)
    home.book().decide(WISH)
    store_only = replace(WISH, store_only=True)
    noise = home.book().decide(replace(store_only, author="bob", decision=Decision.NOISE, scope=Scope.BRANCH)).approval
    home.book().decide(replace(store_only, author="eve", scope=Scope.RUN))
    home.book().decide(replace(store_only, author="kim", until=date(2026, 11, 27)))
    home.book().withdraw(home.book().decide(replace(store_only, author="pat")).approval.id, "pat")
    text = home.book(NOON.replace(day=28)).export()
    before = home.path.read_text("utf-8")
    home.path.write_text(text, "utf-8")

    assert read_approvals(home.path).approvals == (noise,)
    home.path.write_text(before + text, "utf-8")  # as by `>>`
    assert home.book().approvals().notes == ()
    assert [each.author for each in home.book().approvals().entries if each.filed] == ["ann@example.com", "bob"]


def test_several_are_decided_on_at_once_and_taken_back_at_once(home: Home) -> None:
    other = replace(FINDING, fingerprint="0ther", members=())
    run = home.run(FINDING, other)
    group, done = home.book().decide_all(replace(WISH, run=run), [ROOT.fingerprint, "0ther"])

    assert [each.approval.id for each in done] == [f"{group}-0", f"{group}-1"]
    assert [each.approval.run for each in done] == [run, run]
    assert (home.book().is_group(group), home.book().is_group(group[:5]), home.book().is_group("")) == (
        True, False, False,
    )  # fmt: skip
    with pytest.raises(UsageError, match="501 findings are chosen"):
        home.book().decide_all(replace(WISH, run=run), [ROOT.fingerprint] * 501)
    home.book().withdraw(f"{group}-1", "eve")
    assert [each.id for each in home.book().withdraw_all(group, "eve", "no")] == [f"{group}-0"]
    with pytest.raises(UsageError, match="withdrawn already"):
        home.book().withdraw_all(group, "eve")
    assert home.book().approvals().held == ()


def test_a_withdrawal_is_a_tombstone_in_every_home_of_the_entry(home: Home) -> None:
    home.run(FINDING)
    both = home.book().decide(WISH).approval
    stored = home.book().decide(replace(WISH, author="bob", store_only=True)).approval
    stone = Withdrawal("eve", NOON, "no")

    assert home.book().withdraw(both.id[:6], "eve", "no") == replace(both, withdrawn=stone)
    assert home.book().withdraw(stored.id, "eve", " ") == replace(stored, withdrawn=replace(stone, reason=""))
    assert read_approvals(home.path).withdrawals == ((both.id, stone),)
    assert {each.withdrawn for each in home.store.approvals()} == {stone, replace(stone, reason="")}
    assert home.book().approvals().held == ()


def test_an_entry_that_is_in_the_file_only_is_withdrawn_there(home: Home) -> None:
    home.run(FINDING)
    approval = home.book().decide(WISH).approval
    with Store.open("sqlite://") as elsewhere:
        Book(elsewhere, home.path, NOON).withdraw(approval.id, "eve")

        assert elsewhere.approvals() == ()
    assert [state for _, state in home.book().states()] == ["withdrawn"]
    with pytest.raises(UsageError, match="withdrawn already, by eve"):
        home.book().withdraw(approval.id, "bob")


@pytest.mark.parametrize("identity", ["", "nope"])
def test_an_unknown_id_is_refused(home: Home, identity: str) -> None:
    home.run(FINDING)
    home.book().decide(WISH)
    with pytest.raises(UsageError, match="There is no decision"):
        home.book().withdraw(identity, "bob")


def test_an_approval_is_over_after_its_last_day(home: Home) -> None:
    home.run(FINDING)
    home.book().decide(replace(WISH, until=date(2026, 11, 27)))

    assert [state for _, state in home.book().states()] == ["holds"]
    assert [state for _, state in home.book(NOON.replace(day=28)).states()] == ["expired"]
