"""Who may do what at the dashboard: users with a role and a password, and secrets that stand for a login."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from enum import Enum
from functools import cache
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from .errors import UsageError, nearest
from .store import Login, Store, UserRecord

SHORTEST_PASSWORD = 12
"""Characters; NIST SP 800-63B asks for 8 at least, and for no rules about their kinds."""

LONGEST_PASSWORD = 1_000
LONGEST_NAME = 100

LOGIN_SECONDS = 12 * 3600.0
"""How long a login lasts: a working day."""


class Role(Enum):
    """What somebody may do: each role may do what those before it may, too."""

    VIEWER = "viewer"  # look
    REVIEWER = "reviewer"  # decide on findings
    ADMIN = "admin"  # start and cancel runs

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def may(self, needed: Role) -> bool:
        """Whether this role suffices for what another one may do."""
        return self.rank >= needed.rank


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in."""

    name: str
    role: Role


class Accounts:
    """The users of one store. Everything wrong with a name, role or password is a UsageError."""

    def __init__(self, store: Store, by: str = "") -> None:
        self._store = store
        self._by = by  # who changes them, for the journal

    def add(self, name: str, role: str, password: str) -> UserRecord:
        """A new user."""
        user = UserRecord(as_name(name), as_role(role).value, hashed(password), time.time())
        if not self._store.add_user(user):
            raise UsageError(f"There is a user {user.name!r} already.", "`understudy users list` shows them.")
        self._store.note(self._by, "user.added", user.name, after=user.role)
        return user

    def change(self, name: str, *, role: str = "", password: str = "", disable: bool = False) -> None:
        """Another role or password, or none of it any more. Whoever is logged in by this name is logged out."""
        before = self._store.user(as_name(name))
        known = self._store.change_user(
            as_name(name),
            role=as_role(role).value if role else "",
            password=hashed(password) if password else "",
            disabled=time.time() if disable else None,
            enable=bool(password),
        )
        if not known:
            names = [user.name for user in self._store.users()]
            raise UsageError(f"There is no user {as_name(name)!r}.", nearest(name, names))
        after = self._store.user(as_name(name))
        if before and after:
            changed = _in_words(after) + (", another password" if password else "")
            self._store.note(self._by, "user.changed", after.name, _in_words(before), changed)

    def users(self) -> list[UserRecord]:
        """All users by name."""
        return self._store.users()

    def log_in(self, name: str, password: str) -> str | None:
        """The secret of a new login; None when name and password do not belong together, whichever is wrong."""
        user = self._store.user(" ".join(name.split())[:LONGEST_NAME])
        right = is_password(user.password if user is not None else _nobody(), password)
        if user is None or user.disabled is not None or not right:
            if user is not None:  # another name may be a password that was typed in the wrong field
                self._store.note(user.name, "login.refused", user.name)
            return None
        return self.welcome(Person(user.name, Role(user.role)))

    def welcome(self, person: Person) -> str:
        """As `admit`, and in the journal."""
        self._store.note(person.name, "login", person.name, after=person.role.value)
        return self.admit(person)

    def admit(self, person: Person) -> str:
        """The secret of a new login of somebody who need not be a user."""
        secret = secrets.token_urlsafe(32)
        now = time.time()
        self._store.open_login(digest(secret), Login(person.name, person.role.value, now, now + LOGIN_SECONDS), now)
        return secret

    def person(self, secret: str) -> Person | None:
        """Who is logged in by a secret."""
        login = self._store.login(digest(secret), time.time())
        return None if login is None else Person(login.name, Role(login.role))

    def log_out(self, secret: str) -> None:
        """The secret stands for nobody any more."""
        if person := self.person(secret):
            self._store.note(person.name, "logout", person.name)
        self._store.close_login(digest(secret))


def _in_words(user: UserRecord) -> str:
    return user.role if user.disabled is None else f"{user.role}, disabled"


def as_name(text: str) -> str:
    """A user's name: with single spaces inside, none around, and nothing that can not be seen."""
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f"A user's name has 1 to {LONGEST_NAME} visible characters; {text!r} has not.")
    return name


def as_role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        names = [role.value for role in Role]
        raise UsageError(f"There is no role {text!r}.", nearest(text, names) or f"Roles: {', '.join(names)}.") from None


def hashed(password: str) -> str:
    """The argon2id hash of a password, with the parameters of RFC 9106's second choice."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UsageError(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return _hasher().hash(password)


def is_password(hashed_before: str, password: str) -> bool:
    """Whether a hash is this password's."""
    try:
        return len(password) <= LONGEST_PASSWORD and _hasher().verify(hashed_before, password)
    except (VerificationError, InvalidHashError):
        return False


def digest(secret: str) -> bytes:
    """What the store knows of a secret: it is random, so that a fast hash does."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    """The hash of nobody's password: asking for a user who is not there takes as long as for one who is."""
    return _hasher().hash(secrets.token_urlsafe(16))
