"""How users come and go: registering, logging in, changing passwords, leaving."""

from __future__ import annotations

from .person import Person


def arrive(me: Person) -> None:
    if me.access:
        me.get("/api/users/me")
        return
    if not me.user_id:
        register(me)
    log_in(me, wrong_first=me.number % 2 == 0)


def register(me: Person) -> None:
    account = {name: me.account[name] for name in ("email", "password", "name")}
    if me.now_and_then(0.4):
        me.post("/api/auth/register", account | {"email": "not an address"})
    if me.now_and_then(0.4):
        me.post("/api/auth/register", account | {"password": "short"})
    if me.now_and_then(0.3):
        me.post("/api/auth/register", account | {"email": "boss@shop.example"})
    if me.number % 3:
        account["phone"] = f"+49 40 {700_000 + me.number}"
    answer = me.post("/api/auth/register", account)
    me.user_id = answer.data.get("id", 0)


def log_in(me: Person, wrong_first: bool = False) -> None:
    login = {"email": me.account["email"], "password": me.account["password"], "device": "laptop"}
    if wrong_first:
        me.post("/api/auth/login", login | {"password": "Wrong-1234"})
        if me.now_and_then(0.3):
            me.post("/api/auth/login", {"email": login["email"]})
    tokens = me.post("/api/auth/login", login).data
    me.access = tokens.get("access_token", "")
    me.refresh = tokens.get("refresh_token", "")
    me.user_id = tokens.get("user", {}).get("id", me.user_id)


def identity(me: Person) -> None:
    me.get("/api/auth/whoami")
    me.get("/api/auth/whoami", anonymous=True)
    me.get("/api/auth/whoami", headers={"Authorization": "Bearer not-a-token"})
    me.get("/api/users/me")
    old = me.refresh
    tokens = me.post("/api/auth/refresh", {"refresh_token": old}).data
    me.access = tokens.get("access_token", me.access)
    me.refresh = tokens.get("refresh_token", me.refresh)
    me.post("/api/auth/refresh", {"refresh_token": old})  # used up
    me.get("/api/users/me")


def sessions(me: Person) -> None:
    login = {"email": me.account["email"], "password": me.account["password"], "device": "tablet"}
    second = me.post("/api/auth/login", login).data
    rows = me.get("/api/auth/sessions").items()
    tablets = [row["id"] for row in rows if row["device"] == "tablet"]
    if tablets:
        me.call("DELETE", f"/api/auth/sessions/{tablets[-1]}")
        me.call("DELETE", f"/api/auth/sessions/{tablets[-1]}")
    me.post("/api/auth/refresh", {"refresh_token": second.get("refresh_token", "none")})
    me.post("/api/auth/password/forgot", {"email": me.account["email"]})
    me.post("/api/auth/password/forgot", {"email": "nonsense"})


def password(me: Person) -> None:
    old = me.account["password"]
    new = f"Fresh-{me.chance.getrandbits(40):010x}"
    me.post("/api/auth/password", {"current_password": "Wrong-1234", "new_password": new})
    me.post("/api/auth/password", {"current_password": old, "new_password": "tiny"})
    me.post("/api/auth/password", {"current_password": old, "new_password": old})
    if me.post("/api/auth/password", {"current_password": old, "new_password": new}).ok:
        me.account["password"] = new
    log_in(me)
    me.post("/api/auth/login", {"email": me.account["email"], "password": old})


def forgotten(me: Person) -> None:
    """Support makes a reset token, see `desk`."""
    me.board.give(f"desk:{me.number % 2}", ("reset", me.number, me.user_id))
    me.later(f"reset:{me.number}", _reset)


def _reset(me: Person, token: str) -> None:
    new = f"Reset-{me.chance.getrandbits(40):010x}"
    me.post("/api/auth/password/reset", {"reset_token": token, "new_password": "tiny"})
    if me.post("/api/auth/password/reset", {"reset_token": token, "new_password": new}).ok:
        me.account["password"] = new
    me.post("/api/auth/password/reset", {"reset_token": token, "new_password": new})
    log_in(me)


def leave(me: Person) -> None:
    if me.number % 5 == 4 and me.account.get("fresh"):
        me.post("/api/users/me/deactivate", {"password": "Wrong-1234"})
        me.post("/api/users/me/deactivate", {"password": me.account["password"]})
        me.get("/api/users/me")
        return
    if me.number % 3 == 0:
        me.post("/api/auth/logout-all")
    me.post("/api/auth/logout", {"refresh_token": me.refresh})
    me.post("/api/auth/logout", {"refresh_token": me.refresh})
    me.post("/api/auth/refresh", {"refresh_token": me.refresh})
