"""A gate on a recording that is being collected: it runs on what is there, and what was lost on the way is no pass."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from diffing.gate import Outcome
from replayer.intake import Intake
from replayer.rehearsal import Rehearsal
from replayer.service import GateOptions, run_gate
from replayer.store import Store

from .batches import batch, header
from .tiny import record

ROOT = Path(__file__).parents[2]
SETTINGS = f"""
[targets.same]
start = ["{sys.executable}", "-m", "tests.replayer.tiny_server", "{{port}}"]
cwd = "{ROOT}"
ready = "/products"
disposable = true

[policy]
min_fidelity = 0.5
"""


def gate(folder: Path, missing: range) -> Rehearsal:
    """What comes of a recording of which these exchanges never arrived."""
    (folder / "understudy.toml").write_text(SETTINGS)
    url = f"sqlite:///{folder}/store.db"
    exchanges = record(users=3, rounds=4).exchanges
    with Store.open(url) as store:
        given = [item for item in exchanges if item.sequence not in missing]
        Intake(store, "a stream").take([batch(header("p"), *given)])
    return run_gate(GateOptions("shop-1.0", "same", ("same",), folder / "understudy.toml", url, passes=2))


def test_an_open_recording_is_replayed_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_KEY", "k" * 32)
    report = gate(tmp_path, range(0)).report
    assert report.verdict.outcome is Outcome.PASS
    assert report.notes == ("The recording shop-1.0 is still open: it was replayed as it stood when the run began.",)


def test_what_was_lost_on_the_way_makes_a_run_inconclusive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_KEY", "k" * 32)
    report = gate(tmp_path, range(6, 9)).report
    assert report.verdict.outcome is Outcome.INCONCLUSIVE
    assert "3 seen, but 0 recorded" in " ".join(report.ledger.imbalance)
    assert any("3 exchanges of the recording were lost on their way" in note for note in report.notes)
