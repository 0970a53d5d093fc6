"""The people behind the counter."""

from __future__ import annotations

from .person import Person

ORDERLESS = range(25, 31)  # ids of seed users who never bought anything


def desk(me: Person, task: tuple[str, int, object]) -> None:
    """Does what a customer asked for, and tells them."""
    kind, customer, subject = task
    if kind == "ticket":
        me.post(f"/api/support/tickets/{subject}/assign")
        me.post(f"/api/support/tickets/{subject}/notes", {"text": "Looks honest."})
        me.post(f"/api/support/tickets/{subject}/reply", {"text": ""})
        me.post(f"/api/support/tickets/{subject}/reply", {"text": "We have sent another one."})
        me.get(f"/api/tickets/{subject}")
        me.board.give(f"ticket:{customer}", subject)
    elif kind == "review":
        me.post(f"/api/reviews/{subject}/moderate", {"decision": "perhaps"})
        decision = "approved" if me.would(f"approve {customer}", 0.7) else "rejected"
        me.post(f"/api/reviews/{subject}/moderate", {"decision": decision})
        me.board.give(f"review:{customer}", subject)
    elif kind == "refund":
        me.get(f"/api/refunds/{subject}")
        me.post(f"/api/refunds/{subject}/approve")
        me.post(f"/api/refunds/{subject}/approve")
        me.board.give(f"refund:{customer}", subject)
    elif kind == "reset":
        token = me.post(f"/api/support/users/{subject}/reset-link").data.get("reset_token", "none")
        me.board.give(f"reset:{customer}", token)
    elif kind == "ship" and isinstance(subject, dict):
        ship(me, subject, me.would(f"deliver {customer}", 0.5))
        me.board.give(f"ship:{customer}", subject)


def ship(me: Person, job: dict[str, int], deliver: bool) -> None:
    me.post(f"/api/orders/{job['order']}/deliver")
    me.post(f"/api/payments/{job['payment']}/capture")
    me.post(f"/api/payments/{job['payment']}/void")
    me.post(f"/api/orders/{job['order']}/ship")
    me.post(f"/api/orders/{job['order']}/ship")
    if deliver:
        me.post(f"/api/orders/{job['order']}/deliver")


def queue(me: Person) -> None:
    user_id = me.stranger("user_id")
    me.get(f"/api/support/tickets?user_id={user_id}")
    me.get(f"/api/support/tickets?user_id={user_id}&status=answered")
    me.get("/api/support/tickets?user_id=everybody")
    me.post("/api/support/tickets/707070/assign")
    me.post("/api/support/tickets/707070/notes", {"text": "?"})
    me.post("/api/support/users/707070/reset-link")
    me.get(f"/api/tickets/{me.stranger('ticket_id')}")


def look_up(me: Person) -> None:
    user_id = me.stranger("user_id")
    me.get(f"/api/users/{user_id}")
    me.get(f"/api/users/{user_id}/permissions")
    me.get("/api/users/707070/permissions")
    me.get("/api/roles")
    me.get("/api/roles/support")
    me.get("/api/roles/wizard")
    for other in me.chance.sample(me.foreign["user_id"], 2):
        me.get(f"/api/admin/orders?user_id={other}")
    me.get(f"/api/admin/orders?user_id={user_id}&status=paid")
    me.get("/api/admin/orders?user_id=0")
    for part in ("", "/items", "/events", "/delivery"):
        me.get(f"/api/orders/{me.stranger('order_id')}{part}")
    me.get(f"/api/payments/{me.stranger('payment_id')}")
    me.get(f"/api/invoices/{me.stranger('invoice_id')}")


def figures(me: Person) -> None:
    me.get("/api/reports/sales")
    me.get("/api/reports/sales?from=2025-06-01&to=2025-07-01")
    me.get("/api/reports/sales?from=yesterday")
    me.get("/api/reports/sales.csv")
    me.get("/api/reports/sales.csv?to=tomorrow")
    me.get(f"/api/reports/customers/{me.stranger('user_id')}")
    for user_id in me.chance.sample(ORDERLESS, 2):
        me.get(f"/api/reports/customers/{user_id}")
    me.get("/api/reports/customers/707070")
    me.get("/api/reports/products/top")
    me.get("/api/reports/products/top?limit=100")


def stock_room(me: Person) -> None:
    me.get("/api/stock/low")
    me.get("/api/stock/low?below=none")
    product_id = 40 if me.number % 2 else 20  # not sold any more; each of support counts their own shelf
    me.call("PUT", f"/api/stock/{product_id}", {"available": me.chance.randint(10, 90)})
    me.call("PUT", f"/api/stock/{product_id}", {"available": "plenty"})
    me.post(f"/api/stock/{product_id}/adjust", {"delta": -3, "reason": "broken"})
    me.post(f"/api/stock/{product_id}/adjust", {"delta": -900, "reason": "stolen"})
    me.get(f"/api/stock/{product_id}")
    me.get(f"/api/stock/{product_id}/movements")
    me.get("/api/stock/707070/movements")


def returns(me: Person) -> None:
    me.post("/api/orders/707070/ship")
    me.post("/api/orders/707070/deliver")
    me.post("/api/payments/707070/capture")
    me.post(f"/api/payments/{me.stranger('payment_id')}/void")
    me.post(f"/api/refunds/{me.stranger('refund_id')}/approve")
    me.post("/api/reviews/707070/moderate", {"decision": "approved"})


def void_an_order(me: Person) -> None:
    """Staff buy, too; this payment is taken back before it is captured."""
    from .account import an_address

    me.call("DELETE", "/api/cart")
    me.post("/api/cart/items", {"product_id": 3, "quantity": 1})
    order = me.post("/api/orders", {"address_id": an_address(me)}).data.get("id", 0)
    payment = me.post("/api/payments", {"order_id": order, "instrument": "visa"}).data.get("id", 0)
    me.post(f"/api/payments/{payment}/void")
    me.post(f"/api/payments/{payment}/capture")
    me.post(f"/api/orders/{order}/ship")
    me.post(f"/api/orders/{order}/deliver")


def new_product(me: Person) -> None:
    """A product that is not listed yet: made, stocked, bought once to see that it works."""
    from .account import an_address

    sku = f"PRE-{me.chance.randint(1000, 9999)}"
    product = {
        "sku": sku, "name": "Prototype", "price": "80.00", "cost": "31.00", "category": "office", "weight_grams": 700,
        "tag": "new",
    }  # fmt: skip
    made = me.post("/api/admin/products", product).data.get("id", 0)
    me.post("/api/admin/products", product)
    me.post("/api/admin/products", product | {"sku": "PRE-X", "price": "free"})
    me.post("/api/admin/products", product | {"sku": "PRE-Y", "category": "none"})
    me.call("PATCH", f"/api/admin/products/{made}", {"description": "Better than the last one."})
    me.call("PATCH", f"/api/admin/products/{made}", {"name": ""})
    me.post(f"/api/admin/products/{made}/price", {"price": "75.50"})
    me.post(f"/api/admin/products/{made}/price", {"price": "3.00"})
    me.call("PUT", f"/api/stock/{made}", {"available": 10})
    me.call("DELETE", "/api/cart")
    me.post("/api/cart/items", {"product_id": made, "quantity": 2})
    order = me.post("/api/orders", {"address_id": an_address(me)}).data.get("id", 0)
    me.get(f"/api/stock/{made}")
    me.get(f"/api/stock/{made}/movements")
    me.post("/api/cart/items", {"product_id": made, "quantity": 9})
    me.post("/api/orders", {"address_id": an_address(me)})
    me.get(f"/api/stock/{made}")
    me.post(f"/api/orders/{order}/cancel")
    me.get(f"/api/catalogue/products/{made}")
    me.call("DELETE", f"/api/admin/products/{made}")
    me.call("DELETE", f"/api/admin/products/{made}")


def people(me: Person) -> None:
    me.get("/api/admin/users?q=customer1")
    me.get("/api/admin/users?q=m%C3%BCller")
    me.get("/api/admin/users?page=none")
    # users 23 and 24 are nobody's but the administrator's here
    me.get("/api/admin/users/24")
    me.get("/api/admin/users/707070")
    me.post("/api/admin/users/24/suspend", {})
    me.post("/api/admin/users/24/suspend", {"reason": "a bounced cheque"})
    me.post("/api/admin/users/24/suspend", {"reason": "a bounced cheque"})
    me.get("/api/users/24")
    me.post("/api/auth/login", {"email": "customer24@mail.example", "password": "Wrong-1234"}, anonymous=True)
    me.post("/api/admin/users/24/restore")
    me.post("/api/admin/users/24/restore")
    me.call("PUT", "/api/users/23/role", {"role": "support"})
    me.call("PUT", "/api/users/23/role", {"role": "wizard"})
    me.get("/api/users/23/permissions")
    me.call("PUT", "/api/users/23/role", {"role": "customer"})
    me.get("/api/admin/audit")
    me.get("/api/admin/audit?user_id=me")


def campaign(me: Person) -> None:
    code = f"SPRING{me.chance.randint(10, 99)}"
    made = me.post("/api/coupons", {"code": code, "percent": 15, "minimum": "30.00"}).data.get("id", 0)
    me.post("/api/coupons", {"code": code, "percent": 15})
    me.post("/api/coupons", {"code": "EMPTY"})
    me.get("/api/coupons")
    me.get(f"/api/coupons/{code}/preview?amount=100.00")
    me.call("PATCH", f"/api/coupons/{made}", {"percent": 20})
    me.call("PATCH", f"/api/coupons/{made}", {"active": "no"})
    me.get(f"/api/coupons/{code}/preview?amount=100.00")
    me.call("DELETE", f"/api/coupons/{made}")
    me.call("DELETE", f"/api/coupons/{made}")
