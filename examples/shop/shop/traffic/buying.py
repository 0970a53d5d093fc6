"""From the cart to the refund, reviews, gifts and complaints."""

from __future__ import annotations

from typing import Any

from .account import an_address
from .browsing import some_product
from .person import Person


def fill_cart(me: Person) -> None:
    me.call("DELETE", "/api/cart")
    for _ in range(me.chance.randint(1, 3)):
        me.post("/api/cart/items", {"product_id": some_product(me), "quantity": me.chance.randint(1, 3)})


def cart(me: Person) -> None:
    me.get("/api/cart")
    fill_cart(me)
    me.post("/api/cart/items", {"product_id": 765_432})
    me.post("/api/cart/items", {"product_id": some_product(me), "quantity": 0})
    me.post("/api/cart/items", {"product_id": 20})
    items = me.get("/api/cart").data.get("items", [])
    item_id = items[0]["id"] if items else 0
    me.call("PATCH", f"/api/cart/items/{item_id}", {"quantity": me.chance.randint(1, 9)})
    me.call("PATCH", f"/api/cart/items/{item_id}", {"quantity": -1})
    me.post("/api/cart/coupon", {"code": me.chance.choice(("WELCOME10", "FIVER"))})
    me.post("/api/cart/coupon", {"code": "SUMMER24"})
    me.post("/api/cart/quote", {"country": me.chance.choice(("DE", "AT", "US"))})
    me.post("/api/cart/quote", {"country": "de"})
    me.call("DELETE", "/api/cart/coupon")
    me.call("DELETE", "/api/cart/coupon")
    me.call("DELETE", f"/api/cart/items/{item_id}")
    me.call("DELETE", f"/api/cart/items/{item_id}")
    me.get("/api/cart")
    me.call("DELETE", "/api/cart")
    me.post("/api/cart/quote", {"country": "DE"})


def place(me: Person) -> Any:
    """A cart, a coupon perhaps, and an order; its JSON."""
    fill_cart(me)
    me.get("/api/cart")
    if me.now_and_then(0.8):
        code = me.chance.choice(("WELCOME10", "FIVER", "QUARTER"))
        me.post("/api/cart/coupon", {"code": code})
        me.post("/api/cart/coupon", {"code": code})
    me.post("/api/cart/quote", {"country": "DE"})
    order: dict[str, Any] = {"address_id": an_address(me)}
    if me.now_and_then(0.5):
        order["note"] = "Bitte klingeln"
    made = me.post("/api/orders", order)
    if made.status == 409:  # sold out: something else then
        me.call("DELETE", "/api/cart")
        me.post("/api/cart/items", {"product_id": 2, "quantity": 1})
        made = me.post("/api/orders", order)
    return made.data


def order(me: Person) -> None:
    me.post("/api/orders", {"address_id": me.stranger("address_id")})
    me.post("/api/orders", {"address_id": "home"})
    made = place(me)
    me.post("/api/orders", {"address_id": an_address(me)})
    order_id = made.get("id", 0)
    me.get("/api/orders")
    me.get(f"/api/orders/{order_id}")
    me.get(f"/api/orders/by-number/{made.get('number', 'ORD-0')}")
    me.get(f"/api/orders/{order_id}/items")
    me.call("PATCH", f"/api/orders/{order_id}/note", {"note": "Leave it with the neighbours"})
    me.call("PATCH", f"/api/orders/{order_id}/note", {"note": ""})
    me.get(f"/api/orders/{order_id}/delivery")
    me.post(f"/api/orders/{order_id}/invoice")
    if me.now_and_then(0.3):
        me.post(f"/api/orders/{order_id}/cancel")
        me.post(f"/api/orders/{order_id}/cancel")
        me.post("/api/payments", {"order_id": order_id, "instrument": "visa"})
    else:
        me.get(f"/api/orders/{order_id}/events")
        pay(me, order_id)


def pay(me: Person, order_id: int) -> None:
    me.get("/api/payments/methods")
    me.post("/api/payments", {"order_id": order_id, "instrument": "seashells"})
    if me.now_and_then(0.7):
        me.post("/api/payments", {"order_id": order_id, "instrument": "declined"})
    payment = me.post("/api/payments", {"order_id": order_id, "instrument": me.chance.choice(("visa", "mastercard"))})
    if not payment.ok:
        return
    payment_id = payment.data["id"]
    me.get(f"/api/payments/{payment_id}")
    me.get(f"/api/payments?order_id={order_id}")
    invoice(me, order_id)
    job = {"order": order_id, "payment": payment_id}
    me.board.give(f"desk:{me.number % 2}", ("ship", me.number, job))
    me.later(f"ship:{me.number}", shipped)


def invoice(me: Person, order_id: int) -> None:
    invoice_id = me.post(f"/api/orders/{order_id}/invoice").data.get("id", 0)
    me.post(f"/api/orders/{order_id}/invoice")
    me.get("/api/invoices")
    for suffix in ("", ".html", ".csv"):
        me.get(f"/api/invoices/{invoice_id}{suffix}")
    me.get(f"/api/invoices/{me.stranger('invoice_id')}")


def shipped(me: Person, job: dict[str, int]) -> None:
    me.get(f"/api/orders/{job['order']}")
    me.get(f"/api/orders/{job['order']}/events")
    me.call("PATCH", f"/api/orders/{job['order']}/note", {"note": "Too late"})
    if me.now_and_then(0.7):
        refund(me, job["payment"])


def refund(me: Person, payment_id: int) -> None:
    amount = me.get(f"/api/payments/{payment_id}").data.get("amount", "1.00")
    me.post(f"/api/payments/{payment_id}/refunds", {"amount": "-1.00", "reason": "please"})
    made = me.post(f"/api/payments/{payment_id}/refunds", {"amount": "1.00", "reason": "scratched"}).data
    me.get(f"/api/refunds/{made.get('id', 0)}")
    me.get("/api/refunds")
    me.post(f"/api/payments/{payment_id}/refunds", {"amount": amount, "reason": "all of it, again"})
    me.get("/api/refunds")
    me.board.give(f"desk:{me.number % 2}", ("refund", me.number, made.get("id", 0)))
    me.later(f"refund:{me.number}", refunded)


def refunded(me: Person, refund_id: int) -> None:
    found = me.get(f"/api/refunds/{refund_id}")
    me.get(f"/api/payments/{found.data.get('payment_id', 0)}")


def history(me: Person) -> None:
    """Old orders; newcomers have none."""
    rows = me.get("/api/orders").items()
    me.get("/api/orders?page=2")
    me.get("/api/orders?status=delivered")
    me.get("/api/orders?per_page=1000")
    for row in rows[:2]:
        me.get(f"/api/orders/{row['id']}")
        me.get(f"/api/orders/{row['id']}/delivery")
    me.get("/api/payments")
    me.get("/api/invoices")
    me.get("/api/refunds")
    for part in ("", "/items", "/events", "/delivery"):
        me.get(f"/api/orders/{me.stranger('order_id')}{part}")
    me.get(f"/api/orders/by-number/{me.stranger('order_number')}")
    me.get("/api/orders/by-number/ORD-999999")
    me.get(f"/api/payments/{me.stranger('payment_id')}")
    me.get(f"/api/invoices/{me.stranger('invoice_id')}")
    me.get("/api/orders/7654321")


def reorder(me: Person) -> None:
    rows = me.get("/api/orders").items()
    me.call("DELETE", "/api/cart")
    if rows:
        me.post(f"/api/orders/{rows[0]['id']}/reorder")
        me.post(f"/api/orders/{rows[0]['id']}/reorder")
        me.call("DELETE", "/api/cart")
    me.post(f"/api/orders/{me.stranger('order_id')}/reorder")


def reviews(me: Person) -> None:
    product_id = me.chance.randint(11, 59)
    text = me.chance.choice(("Very nice indeed.", "Würde ich wieder kaufen.", "Broke after a week."))
    made = me.post(f"/api/products/{product_id}/reviews", {"rating": me.chance.randint(1, 5), "text": text})
    review_id = made.data.get("id", 0)
    me.post(f"/api/products/{product_id}/reviews", {"rating": 6, "text": text})
    me.post(f"/api/products/{product_id}/reviews", {"rating": 4, "title": "Again", "text": text})
    if made.ok:
        me.get(f"/api/reviews/{review_id}")
        me.call("PATCH", f"/api/reviews/{review_id}", {"title": "In short: fine"})
        me.call("PATCH", f"/api/reviews/{review_id}", {"rating": "five"})
        me.post(f"/api/reviews/{review_id}/vote", {"helpful": True})
        me.get("/api/reviews/mine")
        if me.facts["turn"] // 4 % 2 == 0:  # of the customers who review, some regret it
            me.board.give(f"desk:{me.number % 2}", ("review", me.number, review_id))
            me.later(f"review:{me.number}", moderated)
        else:
            me.call("DELETE", f"/api/reviews/{review_id}")
            me.get(f"/api/reviews/{review_id}")
    # each voter keeps to reviews of their own choice, so that no two change the same count
    other = me.chance.choice(me.foreign["review_id"][me.number :: 20])
    me.get(f"/api/reviews/{other}")
    me.post(f"/api/reviews/{other}/vote", {"helpful": me.now_and_then(0.7)})
    me.post(f"/api/reviews/{other}/vote", {"helpful": "very"})
    me.call("PATCH", f"/api/reviews/{other}", {"rating": 1})
    me.call("DELETE", f"/api/reviews/{other}")


def moderated(me: Person, review_id: int) -> None:
    me.get(f"/api/reviews/{review_id}")
    me.get("/api/reviews/mine")


def complain(me: Person) -> None:
    ticket = {"subject": me.chance.choice(("Where is it?", "Falsche Größe")), "text": "Please look into this."}
    if me.now_and_then(0.5):
        ticket["priority"] = "urgent"
    ticket_id = me.post("/api/tickets", ticket).data.get("id", 0)
    me.post("/api/tickets", {"subject": "No text"})
    me.post(f"/api/tickets/{ticket_id}/messages", {"text": "Hello?"})
    me.post(f"/api/tickets/{ticket_id}/messages", {})
    me.get("/api/tickets")
    me.get(f"/api/tickets/{me.stranger('ticket_id')}")
    me.get(f"/api/tickets/{me.chance.randint(600_000, 699_999)}")
    me.board.give(f"desk:{me.number % 2}", ("ticket", me.number, ticket_id))
    me.later(f"ticket:{me.number}", answered)


def answered(me: Person, ticket_id: int) -> None:
    me.get(f"/api/tickets/{ticket_id}")
    me.post(f"/api/tickets/{ticket_id}/messages", {"text": "Thank you."})
    me.post(f"/api/tickets/{ticket_id}/close")
    me.post(f"/api/tickets/{ticket_id}/close")
    me.post(f"/api/tickets/{ticket_id}/messages", {"text": "One more thing"})
    me.get("/api/tickets")


def presents(me: Person) -> None:
    """A wishlist shown to the next customer, and a gift card given to them."""
    wishlist = me.post("/api/wishlists", {"name": "For me"}).data.get("id", 0)
    me.post(f"/api/wishlists/{wishlist}/items", {"product_id": some_product(me)})
    link = me.post("/api/share", {"wishlist_id": wishlist}).data.get("code", "none")
    me.post("/api/share", {"wishlist_id": me.stranger("wishlist_id")})
    me.get("/api/share")
    card = me.post("/api/gift-cards", {"amount": f"{me.chance.randint(5, 50)}.00", "message": "Alles Gute"}).data
    me.post("/api/gift-cards", {"amount": "a lot"})
    me.get(f"/api/gift-cards/{card.get('code', 'none')}")
    me.board.give(f"present:{me.facts['friend']}", {"link": link, "card": card.get("code", "none")})
    me.later(f"present:{me.number}", unwrap)
    me.get(f"/api/shared/{me.stranger('shared_code')}", anonymous=True)
    me.get(f"/api/shared/{me.stranger('expired_code')}", anonymous=me.now_and_then(0.5))
    me.get("/api/shared/none")
    me.call("DELETE", f"/api/share/{me.stranger('shared_code')}")
    if me.now_and_then(0.5):
        spare = me.post("/api/share", {"wishlist_id": wishlist, "days": 1}).data.get("code", "none")
        me.call("DELETE", f"/api/share/{spare}")
        me.get(f"/api/shared/{spare}", anonymous=True)


def unwrap(me: Person, present: dict[str, str]) -> None:
    me.get(f"/api/shared/{present['link']}")
    me.get(f"/api/gift-cards/{present['card']}")
    me.get("/api/gift-cards/balance")
    me.post(f"/api/gift-cards/{present['card']}/redeem")
    me.post(f"/api/gift-cards/{present['card']}/redeem")
    me.get(f"/api/gift-cards/{present['card']}")
    me.get("/api/gift-cards/balance")
