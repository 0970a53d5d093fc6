"""The pages that browsers see: a login by cookie, guarded against forged requests."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Blueprint, g, jsonify, make_response, redirect, render_template_string, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import now
from ..database import db
from ..errors import ApiError
from ..intake import flag, form_body, json_body, text
from ..models import Order, User, WebSession
from ..money import show
from ..security import current_user, identify, password_matches

bp = Blueprint("web", __name__, url_prefix="/web")
P = ParamSpec("P")
R = TypeVar("R")

PAGE = """<!doctype html>
<html lang="en"><head><title>{{ title }} · Shop</title></head>
<body><h1>{{ title }}</h1>{% if notice %}<p class="notice">{{ notice }}</p>{% endif %}
{{ content }}
<footer>Page made for request {{ request_id }}</footer></body></html>
"""
LOGIN = """<form method="post" action="/web/login"><input type="hidden" name="csrf_token" value="{{ csrf }}">
<label>E-mail <input name="email" value="{{ email }}"></label>
<label>Password <input type="password" name="password"></label><button>Log in</button></form>"""
ACCOUNT = """<p>Hello, <b id="name">{{ user.name }}</b> ({{ user.email }})</p>
<form method="post" action="/web/account"><input type="hidden" name="csrf_token" value="{{ csrf }}">
<label>Name <input name="name" value="{{ user.name }}"></label><button>Save</button></form>"""
ORDERS = """<table><tr><th>Number</th><th>Status</th><th>Total</th></tr>
{% for order in orders %}<tr><td><a href="/api/orders/{{ order.id }}">{{ order.number }}</a></td>
<td>{{ order.status }}</td><td>{{ show(order.total_cents) }}</td></tr>
{% endfor %}</table>"""


def page(title: str, template: str, *, notice: str = "", **values: object) -> str:
    from markupsafe import Markup

    content = Markup(render_template_string(template, csrf=session.get("csrf", ""), **values))
    return render_template_string(PAGE, title=title, notice=notice, content=content, request_id=g.request_id)


@bp.before_request
def identify_by_cookie() -> None:
    key = session.get("key")
    if key is not None:
        found = db().scalar(select(WebSession).where(WebSession.key == key, WebSession.ended_at.is_(None)))
        identify(db().get(User, found.user_id) if found else None)


def csrf_checked(view: Callable[P, R]) -> Callable[P, R]:
    """The request must carry the token of its own session, in the form or in a header."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        sent = request.form.get("csrf_token") or request.headers.get("X-CSRF-Token", "")
        if not secrets.compare_digest(sent.encode(), str(session.get("csrf", "")).encode()) or not sent:
            raise ApiError(400, "csrf", "The form is too old. Load the page again.")
        return view(*args, **kwargs)

    return guarded


@bp.get("/login")
def login_form() -> ResponseReturnValue:
    if g.user is not None:
        return redirect("/web/account")
    session.setdefault("csrf", secrets.token_hex(16))
    return page("Log in", LOGIN, email="")


@bp.post("/login")
@csrf_checked
def login() -> ResponseReturnValue:
    data = form_body(email=text(1, 200), password=text(1, 200))
    address = data["email"].lower()
    if on("web_login_plus"):
        address = address.replace("+", " ")
    user = db().scalar(select(User).where(User.email == address))
    if user is None or not user.active or not password_matches(data["password"], user.password_hash):
        return page("Log in", LOGIN, email=data["email"], notice="That was not right."), 401
    session.clear()
    session["key"] = secrets.token_hex(16)
    session["csrf"] = secrets.token_hex(16)
    db().add(WebSession(user_id=user.id, key=session["key"]))
    response = make_response(redirect("/web/account", 303))
    exposed = on("device_cookie_exposed")
    response.set_cookie("device", secrets.token_hex(8), max_age=31_536_000, httponly=not exposed, samesite="Lax")
    return response


@bp.post("/logout")
@csrf_checked
def logout() -> ResponseReturnValue:
    current_user()
    found = db().scalar(select(WebSession).where(WebSession.key == session.get("key", "")))
    if found is not None:
        found.ended_at = now()
    session.clear()
    return redirect("/web/login", 303)


@bp.get("/account")
def account() -> ResponseReturnValue:
    if g.user is None:
        return redirect("/web/login")
    return page("Your account", ACCOUNT, user=g.user)


@bp.post("/account")
@csrf_checked
def rename() -> ResponseReturnValue:
    user = current_user()
    try:
        user.name = form_body(name=text(2, 80))["name"]
    except ApiError:
        return page("Your account", ACCOUNT, user=user, notice="A name has 2 to 80 characters."), 422
    return redirect("/web/account", 303)


@bp.get("/session")
def session_state() -> ResponseReturnValue:
    user = current_user()
    return jsonify(user={"id": user.id, "name": user.name}, csrf_token=session["csrf"])


@bp.get("/orders")
def orders() -> ResponseReturnValue:
    user = current_user()
    mine = db().scalars(select(Order).where(Order.user_id == user.id).order_by(Order.id.desc()).limit(20))
    return page("Your orders", ORDERS, orders=list(mine), show=show)


@bp.post("/newsletter")
@csrf_checked
def newsletter() -> ResponseReturnValue:
    user = current_user()
    user.marketing = json_body(subscribe=flag())["subscribe"]
    return jsonify(subscribed=user.marketing)
