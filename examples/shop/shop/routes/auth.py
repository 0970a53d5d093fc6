"""Accounts' coming and going: registration, tokens, passwords."""

from __future__ import annotations

import secrets

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select, update

from ..changes import on
from ..clock import iso, now
from ..database import db
from ..errors import ApiError, conflict, forbidden, not_found
from ..intake import email, json_body, optional, password, text
from ..models import Notification, PasswordReset, RefreshToken, User
from ..security import current_user, digest, hash_password, issue_tokens, password_matches, requires, usable
from .users import show_user

bp = Blueprint("auth", __name__, url_prefix="/api/auth")


@bp.post("/register")
def register() -> ResponseReturnValue:
    data = json_body(email=email(), password=password(), name=text(2, 80), phone=optional(text(5, 20)))
    if db().scalar(select(User.id).where(User.email == data["email"])):
        raise conflict("email_taken", "There is an account with this e-mail address already.")
    user = User(
        email=data["email"], name=data["name"], phone=data["phone"], password_hash=hash_password(data["password"])
    )
    db().add(user)
    db().flush()
    db().add(Notification(user_id=user.id, kind="welcome", text=f"Welcome, {user.name}!"))
    return jsonify(show_user(user)), 201, {"Location": f"/api/users/{user.id}"}


@bp.post("/login")
def login() -> ResponseReturnValue:
    data = json_body(email=email(), password=text(1, 200), device=optional(text(1, 60), "unknown"))
    user = db().scalar(select(User).where(User.email == data["email"]))
    if user is None or not password_matches(data["password"], user.password_hash):
        message = "Wrong e-mail or password." if on("login_wording") else "Invalid credentials."
        raise ApiError(401, "bad_credentials", message)
    if not user.active:
        raise forbidden("This account is suspended.")
    return jsonify(issue_tokens(user, data["device"]) | {"user": show_user(user)})


@bp.post("/refresh")
def refresh() -> ResponseReturnValue:
    data = json_body(refresh_token=text(1, 200))
    token = db().scalar(select(RefreshToken).where(RefreshToken.digest == digest(data["refresh_token"])))
    user = db().get(User, token.user_id) if token else None
    if token is None or not usable(token, now()) or user is None or not user.active:
        raise ApiError(401, "bad_refresh_token", "The refresh token is not valid any more.")
    token.revoked_at = now()
    return jsonify(issue_tokens(user, token.device))


@bp.post("/logout")
@requires()
def logout() -> ResponseReturnValue:
    data = json_body(refresh_token=text(1, 200))
    token = db().scalar(
        select(RefreshToken).where(
            RefreshToken.digest == digest(data["refresh_token"]), RefreshToken.user_id == current_user().id
        )
    )
    if token is None or token.revoked_at is not None:
        raise not_found("session")
    token.revoked_at = now()
    return "", 204


@bp.post("/logout-all")
@requires()
def logout_all() -> ResponseReturnValue:
    open_tokens = (RefreshToken.user_id == current_user().id) & RefreshToken.revoked_at.is_(None)
    db().execute(update(RefreshToken).where(open_tokens).values(revoked_at=now()))
    return "", 204


@bp.post("/password")
@requires()
def change_password() -> ResponseReturnValue:
    data = json_body(current_password=text(1, 200), new_password=password())
    user = current_user()
    if not password_matches(data["current_password"], user.password_hash):
        raise forbidden("The current password is wrong.")
    if data["current_password"] == data["new_password"]:
        raise conflict("same_password", "The new password is the old one.")
    user.password_hash = hash_password(data["new_password"])
    db().add(Notification(user_id=user.id, kind="security", text="Your password was changed."))
    return "", 204


@bp.post("/password/forgot")
def forgot() -> ResponseReturnValue:
    json_body(email=email())
    return jsonify(message="If there is such an account, we have sent it an e-mail."), 202


@bp.post("/password/reset")
def reset() -> ResponseReturnValue:
    data = json_body(reset_token=text(1, 200), new_password=password())
    found = db().scalar(select(PasswordReset).where(PasswordReset.digest == digest(data["reset_token"])))
    if found is None or found.used_at is not None:
        raise ApiError(400, "bad_reset_token", "This link has been used or is too old.")
    found.used_at = now()
    user = db().get_one(User, found.user_id)
    user.password_hash = hash_password(data["new_password"])
    return jsonify(message="Your password was changed.")


@bp.get("/sessions")
@requires()
def sessions() -> ResponseReturnValue:
    mine = select(RefreshToken).where(RefreshToken.user_id == current_user().id, RefreshToken.revoked_at.is_(None))
    rows = db().scalars(mine.order_by(RefreshToken.id))
    return jsonify(items=[{"id": row.id, "device": row.device, "created_at": iso(row.created_at)} for row in rows])


@bp.delete("/sessions/<int:session_id>")
@requires()
def end_session(session_id: int) -> ResponseReturnValue:
    token = db().get(RefreshToken, session_id)
    if token is None or token.user_id != current_user().id or token.revoked_at is not None:
        raise not_found("session")
    token.revoked_at = now()
    return "", 204


@bp.get("/whoami")
def whoami() -> ResponseReturnValue:
    if "Authorization" not in request.headers:
        return jsonify(user=None, visitor=secrets.token_hex(6))
    user = current_user()
    return jsonify(user={"id": user.id, "name": user.name, "role": user.role}, server_time=iso(now()))
