"""A user's own things: profile, addresses, lists, files, hooks, notifications."""

from __future__ import annotations

import re

from .person import Person

CSRF = re.compile(r'name="csrf_token" value="([0-9a-f]+)"')


def profile(me: Person) -> None:
    me.get("/api/users/me")
    me.call("PATCH", "/api/users/me", {"phone": f"+49 30 {me.chance.randint(100_000, 999_999)}"})
    me.call("PATCH", "/api/users/me", {"phone": "call me"})
    me.get("/api/users/me/preferences")
    me.call("PUT", "/api/users/me/preferences", {"locale": me.chance.choice(("en", "de", "fr")), "marketing": True})
    me.call("PUT", "/api/users/me/preferences", {"locale": "xx", "marketing": 1})
    me.get("/api/users/me/preferences")
    me.get("/api/users/me/activity")
    me.get(f"/api/users/{me.stranger('user_id')}")
    me.get("/api/users/888888")
    me.get("/api/users/me")


def address_form(me: Person, label: str) -> dict[str, str]:
    city, postcode, country = me.chance.choice(
        (("Berlin", "10115", "DE"), ("Bern", "3001", "CH"), ("Lyon", "69001", "FR"))
    )
    street = f"{me.chance.choice(('Main Street', 'Park Lane'))} {me.chance.randint(1, 200)}"
    recipient = me.account["name"]
    return {
        "label": label,
        "recipient": recipient,
        "street": street,
        "city": city,
        "postcode": postcode,
        "country": country,
    }


def addresses(me: Person) -> None:
    me.get("/api/addresses")
    form = address_form(me, "home")
    made = me.post("/api/addresses", form)
    address_id = made.data.get("id", 0)
    me.facts["address"] = address_id
    me.get(f"/api/addresses/{address_id}")
    me.post("/api/addresses", form | {"city": ""})
    me.call("PUT", f"/api/addresses/{address_id}", address_form(me, "mother"))
    me.call("PUT", f"/api/addresses/{address_id}", {"label": "half"})
    me.call("PATCH", f"/api/addresses/{address_id}", {"label": "home"})
    me.call("PATCH", f"/api/addresses/{address_id}", {"country": "Deutschland"})
    me.post(f"/api/addresses/{address_id}/default")
    second = me.post("/api/addresses", address_form(me, "office")).data.get("id", 0)
    me.call("DELETE", f"/api/addresses/{second}")
    me.get(f"/api/addresses/{second}")
    me.get(f"/api/addresses/{me.stranger('address_id')}")
    me.post("/api/addresses", form | {"label": "typo", "postcode": me.chance.choice(("ABCDE", "1", "10 115"))})
    me.get("/api/addresses")


def an_address(me: Person) -> int:
    if not me.facts.get("address"):
        me.facts["address"] = me.post("/api/addresses", address_form(me, "home")).data.get("id", 0)
    return int(me.facts["address"])


def wishlists(me: Person) -> None:
    from .browsing import some_product

    me.get("/api/wishlists")
    wishlist = me.post("/api/wishlists", {"name": f"Ideas {me.chance.randint(1, 99)}"}).data.get("id", 0)
    me.post("/api/wishlists", {"name": ""})
    first, second = some_product(me), some_product(me)
    item = me.post(f"/api/wishlists/{wishlist}/items", {"product_id": first, "note": "für Oma"}).data.get("id", 0)
    me.post(f"/api/wishlists/{wishlist}/items", {"product_id": first})
    me.post(f"/api/wishlists/{wishlist}/items", {"product_id": second})
    me.post(f"/api/wishlists/{wishlist}/items", {"product_id": 876_543})
    me.call("PATCH", f"/api/wishlists/{wishlist}", {"name": "Wedding"})
    me.call("PATCH", f"/api/wishlists/{wishlist}", {"name": 5})
    me.get(f"/api/wishlists/{wishlist}")
    me.call("DELETE", f"/api/wishlists/{wishlist}/items/{item}")
    me.call("DELETE", f"/api/wishlists/{wishlist}/items/{item}")
    me.get("/api/wishlists/items")
    short_lived = me.post("/api/wishlists", {"name": "Mistake"}).data.get("id", 0)
    me.post(f"/api/wishlists/{short_lived}/items", {"product_id": second})
    me.call("DELETE", f"/api/wishlists/{short_lived}")
    me.get("/api/wishlists/items")
    me.get(f"/api/wishlists/{short_lived}")
    me.get(f"/api/wishlists/{me.stranger('wishlist_id')}")


def files(me: Person) -> None:
    name = me.chance.choice(("notes.txt", "übersicht.txt", "photo.png"))
    media = "image/png" if name.endswith("png") else "text/plain"
    content = me.chance.randbytes(me.chance.randint(50, 3000)) if media == "image/png" else b"remember the milk\n" * 9
    upload = me.post("/api/uploads", files={"file": (name, content, media)}).data.get("id", 0)
    me.post("/api/uploads", files={"file": ("virus.exe", b"MZ", "application/x-msdownload")})
    me.post("/api/uploads", data={"file": "no file"})
    me.get("/api/uploads")
    me.get(f"/api/uploads/{upload}")
    etag = me.get(f"/api/uploads/{upload}/content").headers.get("ETag", '"none"')
    me.get(f"/api/uploads/{upload}/content", headers={"If-None-Match": etag})
    me.get(f"/api/uploads/{me.stranger('upload_id')}")
    me.get(f"/api/uploads/{me.stranger('upload_id')}/content")
    me.call("DELETE", f"/api/uploads/{upload}")
    me.get(f"/api/uploads/{upload}")


def exports(me: Person) -> None:
    kind = me.chance.choice(("orders", "addresses", "reviews"))
    export = me.post("/api/exports", {"kind": kind}).data.get("id", 0)
    me.post("/api/exports", {"kind": "secrets"})
    me.get("/api/exports")
    me.get(f"/api/exports/{export}")
    me.get(f"/api/exports/{export}/file")
    me.get(f"/api/exports/{me.stranger('export_id')}")
    me.get(f"/api/exports/{me.stranger('export_id')}/file")


def webhooks(me: Person) -> None:
    hook = {"url": f"https://hooks.example/{me.number}/{me.chance.randint(1, 99)}", "event": "order.paid"}
    made = me.post("/api/webhooks", hook).data.get("id", 0)
    me.post("/api/webhooks", hook | {"url": "ftp://hooks.example"})
    me.get("/api/webhooks")
    me.get(f"/api/webhooks/{made}")
    me.post(f"/api/webhooks/{made}/test")
    me.get(f"/api/webhooks/{made}/deliveries")
    me.get(f"/api/webhooks/{me.stranger('webhook_id')}")
    me.get(f"/api/webhooks/{me.stranger('webhook_id')}/deliveries")
    me.call("DELETE", f"/api/webhooks/{made}")
    me.call("DELETE", f"/api/webhooks/{made}")


def notifications(me: Person) -> None:
    me.get("/api/notifications/unread-count")
    rows = me.get("/api/notifications").items()
    for row in rows[:2]:
        me.post(f"/api/notifications/{row['id']}/read")
    me.post(f"/api/notifications/{me.stranger('notification_id')}/read")
    if len(rows) > 2:
        me.call("DELETE", f"/api/notifications/{rows[-1]['id']}")
        me.call("DELETE", f"/api/notifications/{rows[-1]['id']}")
    me.get("/api/notifications")
    me.post("/api/notifications/read-all")
    me.get("/api/notifications/unread-count")


def browser(me: Person) -> None:
    """The web pages, with a cookie; whoever holds one goes straight to their account."""
    page = me.get("/web/account")
    if page.status != 200:
        form = CSRF.search(me.get("/web/login").text)
        token = form[1] if form else ""
        login = {"csrf_token": token, "email": me.account["email"], "password": me.account["password"]}
        me.post("/web/login", data=login | {"csrf_token": "forged"})
        me.post("/web/login", data=login | {"password": "Wrong-1234"})
        me.post("/web/login", data=login)
        page = me.get("/web/account")
    me.get("/web/orders")
    me.get("/web/login")
    found = CSRF.search(page.text)
    token = found[1] if found else ""
    me.post("/web/account", data={"csrf_token": token, "name": "x"})
    # those whose login may go wrong change nothing by these pages: what follows from it stays on these pages
    settled = "+" in me.account["email"]
    name = me.account["name"] if settled else f"{me.account['name']} {me.chance.randint(2, 9)}."
    me.post("/web/account", data={"csrf_token": token, "name": name})
    me.get("/web/account")
    csrf = me.get("/web/session").data.get("csrf_token", "")
    if not settled:
        me.post("/web/newsletter", {"subscribe": me.now_and_then(0.5)}, headers={"X-CSRF-Token": csrf})
    me.post("/web/newsletter", {"subscribe": True}, headers={"X-CSRF-Token": "forged"})
    me.post("/web/newsletter", {"subscribe": "yes"}, headers={"X-CSRF-Token": csrf})
    me.post("/web/logout", data={"csrf_token": "forged"})
    me.post("/web/logout", data={"csrf_token": csrf})
    me.get("/web/account")
    me.get("/web/session")
