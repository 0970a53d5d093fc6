"""Tokens: what a program shows to the API instead of logging in, and what it may do with one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from .accounts import Person, Role, as_name, digest
from .errors import UsageError, nearest
from .store import Store, TokenRecord

PREFIX = "understudy_"
"""Begins every token, so that one that was published by mistake is found."""

LONGEST_SECONDS = 366 * 86_400.0
"""How long a token may last."""

USED_SECONDS = 60.0
"""How exactly it is known when a token was used last: not each request is to write."""


class TokenScope(Enum):
    """One thing that a token lets a program do. No scope includes another."""

    READ = "read"  # look at everything
    DECIDE = "decide"  # decide on findings for a user
    RUNS = "runs"  # start and cancel runs, send recordings

    @property
    def role(self) -> Role:
        """What a person has to be to do the same."""
        return {TokenScope.READ: Role.VIEWER, TokenScope.DECIDE: Role.REVIEWER, TokenScope.RUNS: Role.ADMIN}[self]


@dataclass(frozen=True, slots=True)
class Bearer:
    """A program that shows a token."""

    token: str  # its name
    person: Person  # for whom it acts
    scopes: frozenset[TokenScope]


class Tokens:
    """The tokens of one store. Everything wrong with a name, a scope or a user is a UsageError."""

    def __init__(self, store: Store, by: str = "") -> None:
        self._store = store
        self._by = by  # who makes and ends them, for the journal

    def add(self, name: str, scopes: Iterable[str], owner: str = "", seconds: float = LONGEST_SECONDS) -> str:
        """The secret of a new token: it is not to be had again."""
        name, wanted = as_name(name), {as_scope(text) for text in scopes}
        if not wanted:
            raise UsageError("A token without a scope lets nobody do anything.", "Give --scope read, decide or runs.")
        if not 0 < seconds <= LONGEST_SECONDS:
            raise UsageError(f"A token lasts {LONGEST_SECONDS / 86_400:.0f} days at most.", "Give --expires-in 90d.")
        owner = self._owner(owner, wanted)
        secret, now = PREFIX + secrets.token_urlsafe(32), time.time()
        record = TokenRecord(name, tuple(sorted(each.value for each in wanted)), owner, now, now + seconds)
        if not self._store.add_token(digest(secret), record):
            raise UsageError(f"There is a token {name!r} already.", f"`understudy tokens remove {name!r}` ends it.")
        words = " ".join(record.scopes) + (f", for {owner}" if owner else "")
        self._store.note(self._by, "token.added", name, after=words)
        return secret

    def tokens(self) -> list[TokenRecord]:
        """All tokens by name, those that are over, too."""
        return self._store.tokens()

    def remove(self, name: str) -> None:
        """Ends a token at once."""
        if not self._store.remove_token(as_name(name)):
            names = [token.name for token in self._store.tokens()]
            raise UsageError(f"There is no token {as_name(name)!r}.", nearest(name, names))
        self._store.note(self._by, "token.removed", as_name(name))

    def bearer(self, secret: str) -> Bearer | None:
        """Who shows this secret. None: nobody made it, it is over, or the user for whom it acts may not log in."""
        known, now = digest(secret), time.time()
        token = self._store.token(known)
        if token is None or token.expires <= now:
            return None
        scopes = frozenset(TokenScope(text) for text in token.scopes)
        person = self._person(token, scopes)
        if person is None:
            return None
        if token.used is None or now - token.used >= USED_SECONDS:
            self._store.use_token(known, now)
        return Bearer(token.name, person, frozenset(each for each in scopes if person.role.may(each.role)))

    def _owner(self, owner: str, wanted: set[TokenScope]) -> str:
        if not owner:
            if TokenScope.DECIDE in wanted:
                raise UsageError("A token with which findings are decided on acts for a user.", "Give --user NAME.")
            return ""
        user = self._store.user(as_name(owner))
        if user is None:
            names = [each.name for each in self._store.users()]
            raise UsageError(f"There is no user {as_name(owner)!r}.", nearest(owner, names))
        for scope in sorted(wanted, key=lambda each: each.value):
            if not Role(user.role).may(scope.role):
                raise UsageError(
                    f"The scope {scope.value} takes the role {scope.role.value}; {user.name} is {user.role}.",
                    "A token can do no more than the user for whom it acts.",
                )
        return user.name

    def _person(self, token: TokenRecord, scopes: frozenset[TokenScope]) -> Person | None:
        if not token.owner:
            return Person(f"token {token.name}", max((each.role for each in scopes), key=lambda role: role.rank))
        user = self._store.user(token.owner)
        return Person(user.name, Role(user.role)) if user is not None and user.disabled is None else None


def as_scope(text: str) -> TokenScope:
    """A scope by its name. Raises UsageError."""
    try:
        return TokenScope(text)
    except ValueError:
        names = [scope.value for scope in TokenScope]
        hint = nearest(text, names) or f"Scopes: {', '.join(names)}."
        raise UsageError(f"There is no scope {text!r}.", hint) from None
