"""Passwords, access and refresh tokens, and who may call what."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

import jwt
from flask import Flask, current_app, g, request

from .clock import now
from .database import db
from .errors import ApiError, forbidden
from .models import RefreshToken, User

P = ParamSpec("P")
R = TypeVar("R")

ROUNDS = 200  # few, so that a rehearsal is not spent on hashing
ACCESS_SECONDS = 15 * 60
REFRESH_DAYS = 30
ROLES = ("customer", "support", "admin")
STAFF = ("support", "admin")


def hash_password(password: str, salt: str | None = None) -> str:
    salt = salt or secrets.token_hex(8)
    return salt + "$" + hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), ROUNDS).hex()


def password_matches(password: str, stored: str) -> bool:
    return hmac.compare_digest(hash_password(password, stored.partition("$")[0]), stored)


def digest(token: str) -> str:
    """Opaque tokens are kept as digests only."""
    return hashlib.sha256(token.encode()).hexdigest()


def access_token(user_id: int, role: str, key: str, issued: int, token_id: str) -> str:
    claims = {"sub": str(user_id), "role": role, "iat": issued, "exp": issued + ACCESS_SECONDS, "jti": token_id}
    return jwt.encode(claims, key, algorithm="HS256")


def issue_tokens(user: User, device: str) -> dict[str, object]:
    refresh = secrets.token_urlsafe(32)
    expires = now() + timedelta(days=REFRESH_DAYS)
    db().add(RefreshToken(user_id=user.id, digest=digest(refresh), device=device, expires_at=expires))
    key = current_app.config["SHOP_SETTINGS"].signing_key
    token = access_token(user.id, user.role, key, int(time.time()), secrets.token_hex(8))
    return {"access_token": token, "refresh_token": refresh, "token_type": "Bearer", "expires_in": ACCESS_SECONDS}


def usable(token: RefreshToken | None, moment: datetime) -> bool:
    return token is not None and token.revoked_at is None and token.expires_at > moment


def init_app(app: Flask) -> None:
    app.before_request(_identify)


def _identify() -> None:
    """Finds out who calls; whether they must be known is each route's own question."""
    g.user = None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return
    try:
        claims = jwt.decode(token, current_app.config["SHOP_SETTINGS"].signing_key, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return
    identify(db().get(User, int(claims["sub"])))


def identify(user: User | None) -> None:
    """Makes a user the caller of this request, and tells a recorder, if there is one, whose request it is."""
    if user is not None and user.active:
        g.user = user
        request.environ["understudy.principal"] = str(user.id)


def current_user() -> User:
    """The caller. Raises ApiError 401 when nobody is logged in."""
    user: User | None = g.user
    if user is None:
        raise ApiError(401, "unauthorized", "Log in first.")
    return user


def is_staff(user: User) -> bool:
    return user.role in STAFF


def requires(*roles: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The route needs a logged-in caller, of one of the roles if any are named."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            user = current_user()
            if roles and user.role not in roles:
                raise forbidden()
            return view(*args, **kwargs)

        return guarded

    return decorate
