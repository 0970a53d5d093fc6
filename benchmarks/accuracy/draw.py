"""Mutants of a package, drawn with a seed: uniformly over its modules, then over the operators, then the edits."""

from __future__ import annotations

import ast
import difflib
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .operators import Edit, edits, mutate, plain

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
ANSWERING = ("routes/*.py", "models/*.py", "application.py", "clock.py", "database.py", "errors.py", "intake.py",
             "money.py", "paging.py", "pricing.py", "provider_client.py", "security.py", "timing.py")  # fmt: skip
"""What answers requests; seeding, serving, traffic and the provider are the benchmark's own ground."""

MAX_DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutated module of the shop."""

    module: str  # relative to the package
    line: int  # of the unmutated source
    operator: str
    what: str
    source: str
    diff: str  # without context, both sides as `ast.unparse` writes them


def modules(package: Path) -> list[Path]:
    found = {path for pattern in ANSWERING for path in package.glob(pattern) if path.name != "__init__.py"}
    return sorted(found)


def draw(seed: int, package: Path = SHOP / "shop") -> Iterator[Mutant]:
    """Mutants without end, none of them twice; all compile and differ from what was there."""
    chance = random.Random(seed)
    sources = {path: path.read_text(encoding="utf-8") for path in modules(package)}
    known: dict[Path, list[Edit]] = {}
    seen: set[tuple[Path, str]] = set()
    for _ in range(MAX_DRAWS):
        path = chance.choice(list(sources))
        if path not in known:
            known[path] = edits(ast.parse(sources[path]))
        found = known[path]
        if not found:
            continue
        operator = chance.choice(sorted({edit.operator for edit in found}))
        number = chance.choice([number for number, edit in enumerate(found) if edit.operator == operator])
        source = mutate(sources[path], number)
        before = plain(sources[path])
        if source == before or (path, source) in seen or not _compiles(source):
            continue
        seen.add((path, source))
        module = path.relative_to(package).as_posix()
        yield Mutant(module, found[number].line, operator, found[number].what, source, _diff(before, source))


def write(mutant: Mutant | None, folder: Path) -> None:
    """A copy of the package in `folder`, mutated; without a mutant the copy is as it was."""
    shutil.copytree(SHOP / "shop", folder / "shop", ignore=shutil.ignore_patterns("__pycache__"))
    if mutant is not None:
        (folder / "shop" / mutant.module).write_text(mutant.source, encoding="utf-8")


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))
