"""Draws are the same for a seed, all modules have their turn, and every mutant is a changed module that compiles."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

from benchmarks.accuracy.draw import SHOP, draw, modules, write
from benchmarks.accuracy.operators import OPERATORS, plain


def test_a_seed_draws_the_same_mutants_again_and_another_seed_others() -> None:
    first = list(islice(draw(5), 8))
    assert list(islice(draw(5), 8)) == first
    assert list(islice(draw(6), 8)) != first


def test_mutants_differ_compile_and_are_told_apart() -> None:
    drawn = list(islice(draw(11), 60))
    for mutant in drawn:
        before = plain((SHOP / "shop" / mutant.module).read_text(encoding="utf-8"))
        assert mutant.source != before
        assert mutant.diff
        compile(mutant.source, mutant.module, "exec")
    assert len({(mutant.module, mutant.source) for mutant in drawn}) == len(drawn)
    assert len({mutant.operator for mutant in drawn}) >= len(OPERATORS) - 4
    assert max(Counter(mutant.module for mutant in drawn).values()) < 10


def test_only_what_answers_requests_is_mutated() -> None:
    names = {path.relative_to(SHOP / "shop").as_posix() for path in modules(SHOP / "shop")}
    assert "routes/orders.py" in names
    assert not names & {"serve.py", "provider.py", "seed.py", "testing.py", "demo.py", "routes/__init__.py"}


def test_a_copy_holds_the_mutant_and_nothing_else_that_is_new(tmp_path: Path) -> None:
    mutant = next(draw(3))
    write(mutant, tmp_path)
    copied = {path.relative_to(tmp_path / "shop").as_posix() for path in (tmp_path / "shop").rglob("*.py")}
    changed = [
        name for name in copied if (tmp_path / "shop" / name).read_bytes() != (SHOP / "shop" / name).read_bytes()
    ]
    assert changed == [mutant.module]
    assert (tmp_path / "shop" / mutant.module).read_text(encoding="utf-8") == mutant.source
