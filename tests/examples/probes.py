"""For each change of release 2, the calls that show it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from .calls import Caller

BOSS, SAM, KARL, ANA, OMAR = (
    "boss@shop.example",
    "sam@shop.example",
    "karl@mail.example",
    "ana+shop@mail.example",
    "omar@mail.example",
)
STRANGER = "customer9@mail.example"
ADDRESS = {
    "label": "home",
    "recipient": "Karl",
    "street": "Park Lane 1",
    "city": "Berlin",
    "postcode": "10115",
    "country": "DE",
}

Probe = Callable[[Caller], Any]
PROBES: dict[str, Probe] = {}


def probe(*names: str) -> Callable[[Probe], Probe]:
    def register(function: Probe) -> Probe:
        PROBES.update(dict.fromkeys(names, function))
        return function

    return register


def first(caller: Caller, path: str, user: str, name: str = "id") -> Any:
    return caller.get(path, user).get_json()["items"][0][name]


@probe("web_login_plus", "device_cookie_exposed")
def log_in_by_form(caller: Caller) -> None:
    for email in (KARL, ANA):
        found = re.search(r'csrf_token" value="(\w+)"', caller.get("/web/login").text)
        assert found is not None
        form = {"csrf_token": found[1], "email": email, "password": caller.passwords[email]}
        caller.post("/web/login", data=form)
        caller.get("/web/account")
        caller._client().delete_cookie("session")


@probe("support_locked_out", "internal_notes_shown", "ticket_missing_500")
def tickets(caller: Caller) -> None:
    ticket = first(caller, "/api/tickets", OMAR)
    caller.post(f"/api/support/tickets/{ticket}/assign", user=SAM)
    caller.post(f"/api/support/tickets/{ticket}/assign", user=BOSS)
    for user in (OMAR, SAM, STRANGER):
        caller.get(f"/api/tickets/{ticket}", user)
    caller.get("/api/tickets/606060", OMAR)


@probe("invoice_open", "invoice_csv_column")
def invoices(caller: Caller) -> None:
    invoice = first(caller, "/api/invoices", STRANGER)
    for user in (STRANGER, KARL, SAM, ""):
        for suffix in ("", ".html", ".csv"):
            caller.get(f"/api/invoices/{invoice}{suffix}", user)


@probe("report_open", "customer_report_500")
def reports(caller: Caller) -> None:
    for user in (SAM, KARL, ""):
        caller.get("/api/reports/sales", user)
        caller.get("/api/reports/customers/9", user)
    caller.get("/api/reports/customers/27", BOSS)


@probe("postcode_unchecked", "address_location_wrong")
def addresses(caller: Caller) -> None:
    caller.post("/api/addresses", ADDRESS, KARL)
    caller.post("/api/addresses", ADDRESS | {"postcode": "nowhere"}, KARL)
    caller.get("/api/addresses", KARL)


@probe(
    "product_404_html",
    "weight_as_text",
    "product_total_wrong",
    "feed_repeats",
    "search_unicode_500",
    "search_limit_header",
)
def catalogue(caller: Caller) -> None:
    caller.get("/api/catalogue/products/7")
    caller.get("/api/catalogue/products/505050")
    caller.get("/api/catalogue/products?page=2")
    caller.get("/api/catalogue/feed")
    caller.get("/api/catalogue/feed?cursor=eyJhZnRlciI6IDh9")
    caller.get("/api/catalogue/search?q=kettle")
    caller.get("/api/catalogue/search?q=caf%C3%A9")


@probe("phone_null", "marketing_inverted", "notifications_oldest_first", "webhook_secret_shown", "orders_page_skips")
def own_things(caller: Caller) -> None:
    for path in ("users/me", "users/me/preferences", "notifications", "webhooks", "orders", "orders?page=2"):
        caller.get(f"/api/{path}", KARL)


@probe("quote_rounding", "coupon_reapplied", "checkout_link_renamed")
def cart(caller: Caller) -> None:
    for product in (2, 3, 5, 7):
        caller.post("/api/cart/items", {"product_id": product, "quantity": 1}, KARL)
    item = caller.get("/api/cart", KARL).get_json()["items"][0]["id"]
    for quantity in (2, 3):
        caller.call("PATCH", f"/api/cart/items/{item}", {"quantity": quantity}, KARL)
        caller.post("/api/cart/quote", {"country": "DE"}, KARL)
    for _ in range(2):
        caller.post("/api/cart/coupon", {"code": "WELCOME10"}, KARL)
    caller.get("/api/cart", KARL)
    order = first(caller, "/api/orders", OMAR)
    caller.post(f"/api/orders/{order}/reorder", {}, OMAR)


@probe("eta_dropped", "delivery_of_another", "order_channel")
def orders(caller: Caller) -> None:
    order = first(caller, "/api/orders", KARL)
    caller.get(f"/api/orders/{order}", KARL)
    caller.get(f"/api/orders/{order}/delivery", KARL)


@probe("stock_not_taken", "charge_x100", "refund_over_amount")
def buy_and_refund(caller: Caller) -> None:
    address = first(caller, "/api/addresses", KARL)
    caller.get("/api/stock/11")
    caller.post("/api/cart/items", {"product_id": 11, "quantity": 2}, KARL)
    order = caller.post("/api/orders", {"address_id": address}, KARL).get_json()["id"]
    caller.get("/api/stock/11")
    caller.get("/api/stock/11/movements", SAM)
    paid = caller.post("/api/payments", {"order_id": order, "instrument": "visa"}, KARL).get_json()
    for amount in ("1.00", paid["amount"]):
        caller.post(f"/api/payments/{paid['id']}/refunds", {"amount": amount, "reason": "scratched"}, KARL)
    caller.get("/api/refunds", KARL)
    caller.get(f"/api/payments/{paid['id']}", KARL)


@probe("wishlist_created_200", "wishlist_orphans", "share_expiry_ignored")
def wishlists(caller: Caller) -> None:
    wishlist = caller.post("/api/wishlists", {"name": "Ideas"}, KARL).get_json()["id"]
    caller.post(f"/api/wishlists/{wishlist}/items", {"product_id": 7}, KARL)
    caller.call("DELETE", f"/api/wishlists/{wishlist}", None, KARL)
    caller.get("/api/wishlists/items", KARL)
    caller.get("/api/shared/open00000009")
    caller.get("/api/shared/past00000009")


@probe("upload_time_epoch", "upload_etag_lost", "export_media_type")
def files(caller: Caller) -> None:
    upload = {"file": (io.BytesIO(b"milk"), "list.txt", "text/plain")}
    made = caller.post("/api/uploads", user=KARL, data=upload).get_json()["id"]
    caller.get(f"/api/uploads/{made}", KARL)
    etag = caller.get(f"/api/uploads/{made}/content", KARL).headers.get("ETag", '"none"')
    caller.get(f"/api/uploads/{made}/content", KARL, headers={"If-None-Match": etag})
    export = caller.post("/api/exports", {"kind": "orders"}, KARL).get_json()["id"]
    caller.get(f"/api/exports/{export}/file", KARL)


@probe("shipping_quote_500", "coupon_preview_twice", "version_bumped", "login_wording")
def small_things(caller: Caller) -> None:
    caller.post("/api/shipping/quotes", {"country": "FR", "weight_grams": 2500})
    caller.post("/api/shipping/quotes", {"country": "FR"})
    caller.get("/api/coupons/WELCOME10/preview?amount=100.00")
    caller.get("/api/coupons/SUMMER24/preview?amount=100.00")
    caller.get("/version")
    caller.post("/api/auth/login", {"email": KARL, "password": "Wrong-1234"})


@probe("gift_card_status_renamed", "review_product_flattened", "reviews_page_size", "admin_orders_n_plus_one")
def odds_and_ends(caller: Caller) -> None:
    card = caller.post("/api/gift-cards", {"amount": "20.00"}, KARL).get_json()["code"]
    caller.get(f"/api/gift-cards/{card}", KARL)
    for product in (1, 2):
        review = first(caller, f"/api/products/{product}/reviews", "")
        caller.get(f"/api/reviews/{review}")
    caller.get("/api/admin/orders?user_id=9", SAM)
