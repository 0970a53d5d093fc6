"""What release 2 does differently, each change by a name, and which of them are on in the running application.

Each name is asked for at exactly one place of the code. `truth.json` says what a client sees of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import current_app

REGRESSIONS = frozenset(
    {
        "address_location_wrong",
        "admin_orders_n_plus_one",
        "charge_x100",
        "coupon_preview_twice",
        "coupon_reapplied",
        "customer_report_500",
        "delivery_of_another",
        "device_cookie_exposed",
        "eta_dropped",
        "export_media_type",
        "feed_repeats",
        "gift_card_status_renamed",
        "internal_notes_shown",
        "invoice_csv_column",
        "invoice_open",
        "marketing_inverted",
        "notifications_oldest_first",
        "orders_page_skips",
        "phone_null",
        "postcode_unchecked",
        "product_404_html",
        "product_total_wrong",
        "quote_rounding",
        "refund_over_amount",
        "report_open",
        "review_product_flattened",
        "search_unicode_500",
        "share_expiry_ignored",
        "shipping_quote_500",
        "stock_not_taken",
        "support_locked_out",
        "ticket_missing_500",
        "upload_etag_lost",
        "upload_time_epoch",
        "web_login_plus",
        "webhook_secret_shown",
        "weight_as_text",
        "wishlist_created_200",
        "wishlist_orphans",
    }
)
INTENDED = frozenset(
    {
        "checkout_link_renamed",
        "login_wording",
        "order_channel",
        "reviews_page_size",
        "search_limit_header",
        "version_bumped",
    }
)
ALL = REGRESSIONS | INTENDED


def choose(release: int, added: Iterable[str] = (), removed: Iterable[str] = ()) -> frozenset[str]:
    """The changes of a release, some switched on or off by name. Raises ValueError for a name that is not a change."""
    added, removed = frozenset(added), frozenset(removed)
    if unknown := sorted((added | removed) - ALL):
        raise ValueError(f"no such change: {', '.join(unknown)}; the names are in shop/changes.py")
    return ((ALL if release >= 2 else frozenset()) | added) - removed


def on(name: str) -> bool:
    """Whether the running application has the change."""
    active: frozenset[str] = current_app.config["SHOP_CHANGES"]
    return name in active
