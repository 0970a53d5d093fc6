"""Users of the dashboard, who is logged in, and tokens. Secrets come as hashes and digests, and are kept as such."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from .dialect import insert_new, read, write
from .people_tables import logins, tokens, users
from .records import Login, TokenRecord, UserRecord


class AccountStore:
    """The part of the store that knows people. Names are compared as they are: see `accounts.as_name`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_user(self, user: UserRecord) -> bool:
        """Keep a new user; False when there is one of this name."""
        values = {"name": user.name, "role": user.role, "password": user.password, "created": user.created}
        before = self.user(user.name)
        write(self._engine, lambda connection: insert_new(connection, users, [values]))
        return before is None and self.user(user.name) == user

    def user(self, name: str) -> UserRecord | None:
        """One user, disabled or not."""
        query = select(users).where(users.c.name == name)
        row = read(self._engine, lambda connection: connection.execute(query).first())
        return None if row is None else UserRecord(*row)

    def users(self) -> list[UserRecord]:
        """All users by name, the disabled ones too."""
        query = select(users).order_by(users.c.name)
        return [UserRecord(*row) for row in read(self._engine, lambda connection: connection.execute(query).all())]

    def change_user(
        self, name: str, *, role: str = "", password: str = "", disabled: float | None = None, enable: bool = False
    ) -> bool:
        """Change what is given, and log the user out everywhere; False when there is no such user."""
        values: dict[str, object] = {}
        if role:
            values["role"] = role
        if password:
            values["password"] = password
        if disabled is not None or enable:
            values["disabled"] = disabled
        change = update(users).where(users.c.name == name).values(values)
        if not write(self._engine, lambda connection: connection.execute(change).rowcount):
            return False
        write(self._engine, lambda connection: connection.execute(delete(logins).where(logins.c.name == name)))
        return True

    def open_login(self, digest: bytes, login: Login, now: float) -> None:
        """Keep a login; those that are over are forgotten."""
        values = {
            "digest": digest,
            "name": login.name,
            "role": login.role,
            "created": login.created,
            "expires": login.expires,
        }
        write(self._engine, lambda connection: connection.execute(delete(logins).where(logins.c.expires <= now)))
        write(self._engine, lambda connection: connection.execute(insert(logins).values(values)))

    def login(self, digest: bytes, now: float) -> Login | None:
        """Who has the secret of this digest, unless the login is over."""
        columns = (logins.c.name, logins.c.role, logins.c.created, logins.c.expires)
        query = select(*columns).where(logins.c.digest == digest, logins.c.expires > now)
        row = read(self._engine, lambda connection: connection.execute(query).first())
        return None if row is None else Login(*row)

    def close_login(self, digest: bytes) -> None:
        """Log out."""
        write(self._engine, lambda connection: connection.execute(delete(logins).where(logins.c.digest == digest)))

    def add_token(self, digest: bytes, token: TokenRecord) -> bool:
        """Keep a new token; False when there is one of this name."""
        values = {
            "digest": digest,
            "name": token.name,
            "scopes": " ".join(sorted(token.scopes)),
            "owner": token.owner,
            "created": token.created,
            "expires": token.expires,
        }
        write(self._engine, lambda connection: insert_new(connection, tokens, [values]))
        return self.token(digest) is not None

    def token(self, digest: bytes) -> TokenRecord | None:
        """The token of this digest, over or not."""
        query = select(tokens).where(tokens.c.digest == digest)
        row = read(self._engine, lambda connection: connection.execute(query).first())
        return None if row is None else _token(row)

    def tokens(self) -> list[TokenRecord]:
        """All tokens by name, those that are over, too."""
        query = select(tokens).order_by(tokens.c.name)
        return [_token(row) for row in read(self._engine, lambda connection: connection.execute(query).all())]

    def use_token(self, digest: bytes, now: float) -> None:
        """Note when a token was used last."""
        change = update(tokens).where(tokens.c.digest == digest).values(used=now)
        write(self._engine, lambda connection: connection.execute(change))

    def remove_token(self, name: str) -> bool:
        """Forget a token; False when there is none of this name."""
        gone = delete(tokens).where(tokens.c.name == name)
        return bool(write(self._engine, lambda connection: connection.execute(gone).rowcount))


def _token(row: Any) -> TokenRecord:
    return TokenRecord(row.name, tuple(row.scopes.split()), row.owner, row.created, row.expires, row.used)
