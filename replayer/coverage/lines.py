"""Which of the lines that a diff adds were run: a Cobertura report, as coverage.py writes it, beside `git diff`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ..errors import UsageError

MAX_BYTES = 256 * 1024 * 1024
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_QUOTED = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Figure:
    """So many of so many."""

    count: int
    of: int

    @property
    def share(self) -> float:
        """0.0 of nothing."""
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class FileLines:
    """The new lines of one file that can run, and those that did not."""

    path: str
    count: int
    missed: tuple[int, ...] = ()
    measured: bool = True  # the report knows the file; else none of it ran


@dataclass(frozen=True, slots=True)
class NewLines:
    """What of a diff ran. `outside` are files that the report is not about: tests, documents, other languages."""

    files: tuple[FileLines, ...]
    outside: tuple[str, ...] = ()

    @property
    def figure(self) -> Figure:
        count = sum(each.count for each in self.files)
        return Figure(count - sum(len(each.missed) for each in self.files), count)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A report: the names of each file that it is about, from the shortest on, and how often its lines ran."""

    names: tuple[str, ...]
    hits: Mapping[int, int]


def new_lines(report: Path, diff: Path) -> NewLines:
    """What of the diff ran, by the report. Raises UsageError for files that are no such things."""
    measured, added = _read_report(report), _read_diff(diff)
    found: list[FileLines] = []
    strangers: list[str] = []
    roots: set[tuple[str, str]] = set()  # of the files that both know: what stands before the short name, and the next
    for path, lines in added.items():
        match = _file(path, measured)
        if match is None:
            strangers.append(path)
            continue
        short = match.names[0]
        prefix = path.removesuffix(short) if path.endswith(short) else ""
        roots.add((prefix, _top(path.removeprefix(prefix))))
        able = [number for number in lines if number in match.hits]
        if able:
            found.append(FileLines(path, len(able), tuple(n for n in able if not match.hits[n])))
    kinds = {Path(name).suffix for each in measured for name in each.names}
    roots = roots or {("", _top(name)) for each in measured for name in each.names}
    outside = []
    for path in strangers:
        able = [number for number, text in added[path].items() if text.strip() and not text.lstrip().startswith("#")]
        within = any(path.startswith(prefix) and top in ("", _top(path.removeprefix(prefix))) for prefix, top in roots)
        if Path(path).suffix in kinds and within and able:
            found.append(FileLines(path, len(able), tuple(able), measured=False))
        else:
            outside.append(path)
    return NewLines(tuple(sorted(found, key=lambda each: each.path)), tuple(sorted(outside)))


def _top(path: str) -> str:
    """The first folder of a path; "" for a file without one."""
    return path.partition("/")[0] if "/" in path else ""


def _file(path: str, measured: Iterable[_Measured]) -> _Measured | None:
    """The file of the report that a path in the diff means: the one with the longest common end. None: none, or two."""
    fitting = [
        (len(name), each)
        for each in measured
        for name in each.names
        if path == name or path.endswith("/" + name) or name.endswith("/" + path)
    ]
    if not fitting:
        return None
    longest = max(length for length, _ in fitting)
    best = {id(each): each for length, each in fitting if length == longest}
    return next(iter(best.values())) if len(best) == 1 else None


def _read_report(path: Path) -> list[_Measured]:
    text = _text(path, "coverage report")
    if "<!ENTITY" in text:
        raise UsageError(f"{path}: the file defines entities, which no coverage report does.")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise UsageError(f"{path}: the file is not valid XML: {error}.") from None
    classes = root.findall(".//class[@filename]")
    if root.tag != "coverage" or not classes:
        raise UsageError(
            f"{path}: the file is no Cobertura report with classes in it.",
            "`coverage xml` writes one: see docs/gate.md.",
        )
    sources = [(each.text or "").strip().rstrip("/") for each in root.findall("./sources/source")]
    files: dict[str, dict[int, int]] = {}
    for entry in classes:
        hits = files.setdefault(entry.get("filename", "").replace("\\", "/"), {})
        for line in entry.findall("./lines/line"):
            try:
                number, count = int(line.get("number", "")), int(line.get("hits", ""))
            except ValueError:
                raise UsageError(f"{path}: a line of {entry.get('filename')} has no number or no hits.") from None
            hits[number] = max(hits.get(number, 0), count)
    return [
        _Measured((name, *(f"{source}/{name}" for source in sources if source and not name.startswith("/"))), hits)
        for name, hits in files.items()
    ]


def _read_diff(path: Path) -> dict[str, dict[int, str]]:
    """The added lines of each file, by their numbers in the new version."""
    found: dict[str, dict[int, str]] = {}
    current: dict[int, str] | None = None
    old = new = number = 0  # lines of the hunk that are still to come, and the next one's number
    hunks = 0
    text = _text(path, "diff")
    for line in text.split("\n"):
        if old or new:
            mark, rest = line[:1], line[1:]
            if mark == "+":
                if current is not None:
                    current[number] = rest
                number, new = number + 1, new - 1
            elif mark == "-":
                old -= 1
            elif mark != "\\":
                number, old, new = number + 1, old - 1, new - 1
            continue
        line = line.rstrip("\r")
        if line.startswith("+++ "):
            name = _name(line[4:])
            current = found.setdefault(name, {}) if name else None
        elif hunk := _HUNK.match(line):
            old, new = int(hunk[1] or 1), int(hunk[3] or 1)
            number = int(hunk[2])
            hunks += 1
        elif line.startswith("@@@"):
            raise UsageError(f"{path}: the diff is one of a merge.", "git diff -U0 main...HEAD compares two versions.")
    if old > 0 or new > 0 or (text.strip() and not hunks and "diff --git" not in text):
        raise UsageError(f"{path}: the file is no whole diff.", "git diff -U0 main...HEAD > changes.diff writes one.")
    return {name: lines for name, lines in found.items() if lines}


def _name(written: str) -> str:
    """The path in a `+++` line; "" for a file that is gone."""
    name = written.split("\t")[0]
    if name.startswith('"'):
        octets = _ESCAPE.sub(
            lambda m: chr(int(m[1], 8)) if m[1].isdigit() else _QUOTED.get(m[1], m[1]), name.strip('"')
        )
        name = octets.encode("latin-1", "replace").decode("utf-8", "replace")
    return "" if name == "/dev/null" else re.sub(r"^[biwco]/", "", name)


def _text(path: Path, what: str) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: the file has more than {MAX_BYTES:,} bytes.")
        return path.read_text("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"The {what} {path} cannot be read: {error.strerror}.") from None
