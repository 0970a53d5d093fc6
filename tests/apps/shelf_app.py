"""A small Flask application for tests of exported tests: tokens, cookie sessions with CSRF, integer ids from 1, SQLite.

SHELF_DATABASE names its file. SHELF_FAULTS lists what is wrong with this release, SHELF_COVERS whom it asks for covers.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import sqlite3
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, abort, g, jsonify, redirect, request, session

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, password TEXT);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, user_id INTEGER);
CREATE TABLE IF NOT EXISTS books (
    id INTEGER PRIMARY KEY, user_id INTEGER, title TEXT, pages INTEGER, price TEXT, added TEXT, lent_to TEXT
);
"""


def fill(path: str) -> None:
    """The seed: two users with some books."""
    with sqlite3.connect(path) as database:
        database.executescript(SCHEMA)
        for number, name in enumerate(("ann", "ben"), 1):
            database.execute("INSERT INTO users VALUES (?, ?, ?)", (number, f"{name}@example.org", f"{name}-secret"))
            for title in ("Middlemarch", "Ulysses", "Persuasion"):
                database.execute(
                    "INSERT INTO books (user_id, title, pages, price, added) VALUES (?, ?, ?, ?, ?)",
                    (number, f"{title} of {name}", 300 + len(title), "12.50", "2020-02-03T04:05:06Z"),
                )
    database.close()


def on(fault: str) -> bool:
    return fault in os.environ.get("SHELF_FAULTS", "").split(",")


def create_app(secret: str = "development") -> Flask:
    app = Flask("shelf")
    app.secret_key = secret
    path = os.environ["SHELF_DATABASE"]

    @app.before_request
    def _open() -> None:
        g.db = sqlite3.connect(path)
        g.db.row_factory = sqlite3.Row

    @app.teardown_appcontext
    def _close(_error: BaseException | None) -> None:
        if "db" in g:
            g.db.commit()
            g.db.close()

    @app.after_request
    def _stamp(response: Response) -> Response:
        response.headers["X-Request-Id"] = secrets.token_hex(16)
        return response

    app.add_url_rule("/register", view_func=register, methods=["POST"])
    app.add_url_rule("/login", view_func=login, methods=["POST"])
    app.add_url_rule("/books", view_func=books, methods=["GET"])
    app.add_url_rule("/books", "add_book", view_func=add_book, methods=["POST"])
    app.add_url_rule("/books/<int:book_id>", view_func=book, methods=["GET", "PATCH", "DELETE"])
    app.add_url_rule("/books/<int:book_id>/lend", view_func=lend, methods=["POST"])
    app.add_url_rule("/books/<int:book_id>/cover", view_func=cover)
    app.add_url_rule("/status", view_func=status)
    app.add_url_rule("/web/login", view_func=web_login, methods=["GET", "POST"])
    app.add_url_rule("/web/shelf", view_func=web_shelf)
    return app


def _user() -> int:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    row = g.db.execute("SELECT user_id FROM tokens WHERE token = ?", (token,)).fetchone()
    if row is None:
        abort(401)
    request.environ["understudy.principal"] = str(row["user_id"])
    return int(row["user_id"])


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    found = {key: row[key] for key in ("id", "title", "pages", "price", "added", "lent_to")}
    if on("pages_as_text"):
        found["pages"] = str(found["pages"])
    if on("lent_dropped"):
        del found["lent_to"]
    return found


def register() -> Any:
    data = request.get_json()
    if "@" not in data.get("email", ""):
        return jsonify(error="an address, please"), 500 if on("register_500") else 422
    number = g.db.execute(
        "INSERT INTO users (email, password) VALUES (?, ?)", (data["email"], data["password"])
    ).lastrowid
    return jsonify(id=number, email=data["email"]), 201


def login() -> Any:
    data = request.get_json()
    row = g.db.execute(
        "SELECT id FROM users WHERE email = ? AND password = ?", (data["email"], data["password"])
    ).fetchone()
    if row is None:
        return jsonify(error="wrong password"), 401
    token = secrets.token_urlsafe(24)
    g.db.execute("INSERT INTO tokens VALUES (?, ?)", (token, row["id"]))
    request.environ["understudy.principal"] = str(row["id"])
    return jsonify(token=token, expires_in=3600)


def books() -> Any:
    user = _user()
    rows = g.db.execute("SELECT * FROM books WHERE user_id = ? ORDER BY id", (user,)).fetchall()
    found = [_shown(row) for row in rows]
    found = found[::-1] if on("books_turned") else found
    return jsonify(books=found, total=len(found) + on("total_wrong"), tip=random.choice(["read", "lend", "sell"]))


def add_book() -> Any:
    user, data = _user(), request.get_json()
    if not data.get("title"):
        return jsonify(error="a title, please"), 422
    added = datetime.now(UTC).isoformat(timespec="seconds")
    number = g.db.execute(
        "INSERT INTO books (user_id, title, pages, price, added) VALUES (?, ?, ?, ?, ?)",
        (user, data["title"], data.get("pages"), data.get("price", "0.00"), added),
    ).lastrowid
    row = g.db.execute("SELECT * FROM books WHERE id = ?", (number,)).fetchone()
    return jsonify(_shown(row)), 201, {"Location": "/books/0" if on("location_wrong") else f"/books/{number}"}


def book(book_id: int) -> Any:
    user = _user()
    row = g.db.execute("SELECT * FROM books WHERE id = ?", (book_id,)).fetchone()
    if row is None or (row["user_id"] != user and not on("others_shown")):
        return jsonify(error="no such book"), 404
    if request.method == "DELETE":
        g.db.execute("DELETE FROM books WHERE id = ?", (book_id,))
        return "", 204
    if request.method == "PATCH":
        g.db.execute("UPDATE books SET title = ? WHERE id = ?", (request.get_json()["title"], book_id))
        row = g.db.execute("SELECT * FROM books WHERE id = ?", (book_id,)).fetchone()
    return jsonify(_shown(row))


def lend(book_id: int) -> Any:
    user = _user()
    row = g.db.execute("SELECT * FROM books WHERE id = ? AND user_id = ?", (book_id, user)).fetchone()
    if row is None:
        return jsonify(error="no such book"), 404
    if row["lent_to"] is not None and not on("lent_twice"):
        return jsonify(error=f"{row['lent_to']} has it"), 409
    g.db.execute("UPDATE books SET lent_to = ? WHERE id = ?", (request.get_json()["to"], book_id))
    return jsonify(_shown(g.db.execute("SELECT * FROM books WHERE id = ?", (book_id,)).fetchone()))


def cover(book_id: int) -> Any:
    _user()
    try:
        with urllib.request.urlopen(f"{os.environ['SHELF_COVERS']}/covers/{book_id}", timeout=5) as answer:
            found = json.load(answer)
    except (urllib.error.URLError, KeyError):
        return jsonify(error="no covers today"), 502
    return jsonify(cover=found["url"])


def status() -> Any:
    return jsonify(ok=True, now=time.time(), release="1")


def web_login() -> Any:
    if request.method == "GET":
        session["csrf"] = secrets.token_hex(8)
        return f'<title>Log in</title><form><input name="csrf_token" type="hidden" value="{session["csrf"]}"></form>'
    if request.form["csrf_token"] != session.get("csrf"):
        abort(400)
    row = g.db.execute(
        "SELECT id FROM users WHERE email = ? AND password = ?", (request.form["email"], request.form["password"])
    ).fetchone()
    if row is None:
        abort(401)
    session["user"] = row["id"]
    request.environ["understudy.principal"] = str(row["id"])
    return redirect("/web/shelf", 303)


def web_shelf() -> Any:
    if "user" not in session:
        return redirect("/web/login", 302)
    request.environ["understudy.principal"] = str(session["user"])
    rows = g.db.execute("SELECT title FROM books WHERE user_id = ? ORDER BY id", (session["user"],)).fetchall()
    title = "Shelf" if on("page_title") else "My shelf"
    items = "".join(f"<li>{row['title']}</li>" for row in rows)
    return f"<title>{title}</title><ul>{items}</ul>"


def credentials(principal: Any, base_url: str) -> dict[str, Any] | None:
    """The mint hook: logs a user of the snapshot in."""
    emails = {"1": "ann", "2": "ben"}
    found = principal.find(emails)
    if found is None:
        return None
    name = emails[found]
    body = json.dumps({"email": f"{name}@example.org", "password": f"{name}-secret"}).encode()
    asked = urllib.request.Request(f"{base_url}/login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        token = json.load(answer)["token"]
    return {"headers": {"Authorization": f"Bearer {token}"}, "cookies": {}, "body": {"password": f"{name}-secret"}}
