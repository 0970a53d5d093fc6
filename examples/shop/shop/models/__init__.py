"""The shop's tables."""

from .base import Base
from .catalogue import Category, Product, ProductTag, Review, ReviewVote, StockMovement, Wishlist, WishlistItem
from .people import Address, AuditEntry, Notification, PasswordReset, RefreshToken, User, WebSession
from .sales import (
    Cart,
    CartItem,
    Coupon,
    GiftCard,
    Invoice,
    Order,
    OrderEvent,
    OrderItem,
    Payment,
    Refund,
)
from .service import Export, ShareLink, Ticket, TicketMessage, Upload, Webhook, WebhookDelivery

__all__ = [
    "Address",
    "AuditEntry",
    "Base",
    "Cart",
    "CartItem",
    "Category",
    "Coupon",
    "Export",
    "GiftCard",
    "Invoice",
    "Notification",
    "Order",
    "OrderEvent",
    "OrderItem",
    "PasswordReset",
    "Payment",
    "Product",
    "ProductTag",
    "RefreshToken",
    "Refund",
    "Review",
    "ReviewVote",
    "ShareLink",
    "StockMovement",
    "Ticket",
    "TicketMessage",
    "Upload",
    "User",
    "WebSession",
    "Webhook",
    "WebhookDelivery",
    "Wishlist",
    "WishlistItem",
]
