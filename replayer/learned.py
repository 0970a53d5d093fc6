"""What a pass has taught so far: what the target calls the recorded values. Every change is a fact that can be kept.

Whoever replays another part of the same pass takes the facts in, and then knows what those know who learned them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Fact = tuple[str | int | bool, ...]
"""Which of the maps below has changed, by its letter, and how; plain values, so that it can be stored as JSON."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One recorded value's stand-in, and the circumstances in which it was learned."""

    value: str
    producer: str  # location key
    session: int
    made: bool  # in the answer to a write, rather than seen in a listing
    index: int  # of the step


@dataclass(slots=True)
class Learned:
    """The maps that one pass fills. They are read as they are, and changed through the methods alone."""

    bindings: dict[tuple[str, str], list[Binding]] = field(default_factory=dict)  # sort, recorded value
    images: dict[tuple[str, str], str] = field(default_factory=dict)  # location, value here -> recorded value
    settled: dict[str, int] = field(default_factory=dict)  # sort -> largest number that a listing shows the same here
    tokens: dict[str, str] = field(default_factory=dict)  # opaque recorded value -> what it is here
    cookies: dict[tuple[int, str, str], str] = field(default_factory=dict)  # session, name, recorded value
    jars: dict[tuple[int, str], tuple[str, str]] = field(default_factory=dict)  # session, name: recorded, and held here
    secrets: dict[tuple[str, str], str] = field(default_factory=dict)  # principal, recorded -> minted
    secret_names: dict[tuple[str, str], str] = field(default_factory=dict)  # principal, minted -> recorded
    given: set[str] = field(default_factory=set)  # passwords that the target has taken as they were recorded
    _facts: list[Fact] = field(default_factory=list)

    def bind(self, sort: str, recorded: str, binding: Binding) -> None:
        """A recorded value of a sort is called otherwise here, or the same."""
        self._note("b", sort, recorded, *_fields(binding))

    def sight(self, sort: str, recorded: str) -> None:
        """A recorded value was seen here, though nothing is known to stand for it: who needs it is not blocked."""
        if (sort, recorded) not in self.bindings:
            self._note("k", sort, recorded)

    def settle(self, sort: str, number: int) -> None:
        """What was there before the recording has the same numbers here, up to this one."""
        if number > self.settled.get(sort, -1):
            self._note("s", sort, number)

    def token(self, recorded: str, here: str) -> None:
        if self.tokens.get(recorded) != here:
            self._note("t", recorded, here)

    def cookie(self, session: int, name: str, recorded: str, here: str) -> None:
        if self.cookies.get((session, name, recorded)) != here:
            self._note("c", session, name, recorded, here)

    def jar(self, session: int, name: str, recorded: str, held: str) -> None:
        """What a session's client holds under a cookie's name."""
        if self.jars.get((session, name)) != (recorded, held):
            self._note("j", session, name, recorded, held)

    def secret(self, principal: str, recorded: str, minted: str) -> None:
        """A principal's password or token, unless another recorded one has come to stand for the same."""
        if self.secret_names.get((principal, minted), recorded) == recorded:
            self._note("m", principal, recorded, minted)

    def give(self, password: str) -> None:
        if password not in self.given:
            self._note("g", password)

    def take(self) -> list[Fact]:
        """The facts that were learned here since the last call."""
        facts, self._facts = self._facts, []
        return facts

    def absorb(self, facts: Iterable[Fact]) -> None:
        """Take in what others have learned; it is not told again by `take`. Raises ValueError for what is no fact."""
        for fact in facts:
            self._apply(fact)

    def _note(self, *fact: str | int | bool) -> None:
        self._apply(fact)
        self._facts.append(fact)

    def _apply(self, fact: Fact) -> None:
        match fact:
            case ("b", str(sort), str(recorded), str(value), str(producer), int(session), made, int(index)):
                binding = Binding(value, producer, session, bool(made), index)
                self.bindings.setdefault((sort, recorded), []).append(binding)
                self.images[producer, value] = recorded
            case ("k", str(sort), str(recorded)):
                self.bindings.setdefault((sort, recorded), [])
            case ("s", str(sort), int(number)):
                self.settled[sort] = max(number, self.settled.get(sort, 0))
            case ("t", str(recorded), str(here)):
                self.tokens[recorded] = here
            case ("c", int(session), str(name), str(recorded), str(here)):
                self.cookies[session, name, recorded] = here
            case ("j", int(session), str(name), str(recorded), str(held)):
                self.jars[session, name] = recorded, held
            case ("m", str(principal), str(recorded), str(minted)):
                self.secret_names[principal, minted] = recorded
                self.secrets[principal, recorded] = minted
            case ("g", str(password)):
                self.given.add(password)
            case _:
                raise ValueError(f"not a fact of a pass: {str(fact)[:80]}")


def _fields(binding: Binding) -> tuple[str | int | bool, ...]:
    return binding.value, binding.producer, binding.session, binding.made, binding.index
