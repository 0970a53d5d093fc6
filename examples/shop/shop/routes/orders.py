"""Orders, from the cart to the doorstep."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import conflict, forbidden, not_found
from ..intake import json_body, optional, text, whole
from ..models import Address, CartItem, Notification, Order, OrderEvent, OrderItem
from ..money import show
from ..paging import page_of
from ..pricing import ZONES, totals_of
from ..security import STAFF, current_user, is_staff, requires
from .addresses import own_address, show_address
from .carts import open_cart, show_cart
from .stock import check_available, move

bp = Blueprint("orders", __name__, url_prefix="/api/orders")

# what may follow what
STEPS = {
    "cancelled": ("pending",),
    "paid": ("pending",),
    "shipped": ("paid",),
    "delivered": ("shipped",),
    "refunded": ("paid", "shipped", "delivered"),
}
ETA_DAYS = {"domestic": 2, "neighbour": 4, "union": 5, "world": 12}


def advance(order: Order, status: str, actor: str) -> None:
    """Raises ApiError 409 when the order cannot go there from where it is."""
    if order.status not in STEPS[status]:
        raise conflict("wrong_status", f"An order that is {order.status} cannot become {status}.")
    order.status = status
    db().add(OrderEvent(order_id=order.id, event=status, actor=actor))
    db().add(Notification(user_id=order.user_id, kind="order", text=f"{order.number} is {status}."))


def show_row(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "number": order.number,
        "status": order.status,
        "total": show(order.total_cents),
        "created_at": iso(order.created_at),
    }


def show_order(order: Order) -> dict[str, Any]:
    zone = ZONES.get(order.address["country"], ("world", 0))[0]
    return show_row(order) | {
        "items": [show_item(item) for item in order.items],
        "subtotal": show(order.subtotal_cents),
        "discount": show(order.discount_cents),
        "tax": show(order.tax_cents),
        "coupon": order.coupon_code,
        "note": order.note,
        "shipping": {"price": show(order.shipping_cents), "zone": zone, "eta_days": ETA_DAYS[zone]},
        "links": {"self": f"/api/orders/{order.id}", "payments": f"/api/payments?order_id={order.id}"},
        "updated_at": iso(order.updated_at),
    }


def show_item(item: OrderItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "product_id": item.product_id,
        "name": item.name,
        "unit_price": show(item.unit_cents),
        "quantity": item.quantity,
    }


def visible_order(order_id: int) -> Order:
    """An order of the caller's own, or any for staff. Raises ApiError 404, or 403 for somebody else's."""
    order = db().get(Order, order_id)
    if order is None:
        raise not_found("order")
    if order.user_id != current_user().id and not is_staff(current_user()):
        raise forbidden("This is not your order.")
    return order


@bp.post("")
@requires()
def place() -> ResponseReturnValue:
    data = json_body(address_id=whole(1, 2**31), note=optional(text(0, 300), ""))
    address = own_address(data["address_id"])
    cart = open_cart()
    if not cart.items:
        raise conflict("empty_cart", "There is nothing in your cart.")
    totals = totals_of(cart, address.country)
    order = Order(
        user_id=current_user().id,
        subtotal_cents=totals.subtotal,
        discount_cents=totals.discount,
        tax_cents=totals.tax,
        shipping_cents=totals.shipping,
        total_cents=totals.total,
        coupon_code=cart.coupon.code if cart.coupon else None,
        note=data["note"],
        address_id=address.id,
        address=show_address(address) | {"created_at": None},
        items=[_line(item) for item in cart.items],
    )
    db().add(order)
    db().flush()
    order.number = f"ORD-{order.id:06d}"
    for item in cart.items:
        check_available(item.product, item.quantity)
        if not on("stock_not_taken"):
            move(item.product, -item.quantity, order.number)
    cart.open = False
    db().add(OrderEvent(order_id=order.id, event="placed", actor="customer"))
    return jsonify(show_order(order)), 201, {"Location": f"/api/orders/{order.id}"}


def _line(item: CartItem) -> OrderItem:
    return OrderItem(
        product_id=item.product_id,
        name=item.product.name,
        unit_cents=item.product.price_cents,
        quantity=item.quantity,
        tax_rate=item.product.tax_rate,
    )


@bp.get("")
@requires()
def orders() -> ResponseReturnValue:
    mine = select(Order).where(Order.user_id == current_user().id).order_by(Order.id.desc())
    if "status" in request.args:
        mine = mine.where(Order.status == request.args["status"])
    return jsonify(page_of(mine, show_row, size=5, skipped=1 if on("orders_page_skips") else 0))


@bp.get("/<int:order_id>")
@requires()
def order(order_id: int) -> ResponseReturnValue:
    shown = show_order(visible_order(order_id))
    if on("eta_dropped"):
        del shown["shipping"]["eta_days"]
    if on("order_channel"):
        shown["channel"] = "web"
    return jsonify(shown)


@bp.get("/by-number/<number>")
@requires()
def by_number(number: str) -> ResponseReturnValue:
    order = db().scalar(select(Order).where(Order.number == number.upper()))
    if order is None:
        raise not_found("order")
    return jsonify(show_row(visible_order(order.id)))


@bp.get("/<int:order_id>/items")
@requires()
def items(order_id: int) -> ResponseReturnValue:
    return jsonify(items=[show_item(item) for item in visible_order(order_id).items])


@bp.get("/<int:order_id>/events")
@requires()
def events(order_id: int) -> ResponseReturnValue:
    order = visible_order(order_id)
    rows = db().scalars(select(OrderEvent).where(OrderEvent.order_id == order.id).order_by(OrderEvent.id))
    return jsonify(items=[{"event": row.event, "actor": row.actor, "at": iso(row.created_at)} for row in rows])


@bp.get("/<int:order_id>/delivery")
@requires()
def delivery(order_id: int) -> ResponseReturnValue:
    order = visible_order(order_id)
    address = dict(order.address)
    if on("delivery_of_another"):
        other = select(Address).where(Address.user_id != order.user_id).order_by(Address.id).limit(1)
        address = show_address(db().scalars(other).one())
    address.pop("created_at")
    return jsonify(order_id=order.id, number=order.number, address=address)


@bp.patch("/<int:order_id>/note")
@requires()
def change_note(order_id: int) -> ResponseReturnValue:
    order = visible_order(order_id)
    note = json_body(note=text(0, 300))["note"]
    if order.status not in ("pending", "paid"):
        raise conflict("wrong_status", f"The order is {order.status}.")
    order.note = note
    return jsonify(show_order(order))


@bp.post("/<int:order_id>/cancel")
@requires()
def cancel(order_id: int) -> ResponseReturnValue:
    order = visible_order(order_id)
    advance(order, "cancelled", current_user().role)
    return jsonify(show_row(order))


@bp.post("/<int:order_id>/ship")
@requires(*STAFF)
def ship(order_id: int) -> ResponseReturnValue:
    order = visible_order(order_id)
    advance(order, "shipped", current_user().role)
    return jsonify(show_row(order))


@bp.post("/<int:order_id>/deliver")
@requires(*STAFF)
def deliver(order_id: int) -> ResponseReturnValue:
    order = visible_order(order_id)
    advance(order, "delivered", current_user().role)
    return jsonify(show_row(order))


@bp.post("/<int:order_id>/reorder")
@requires()
def reorder(order_id: int) -> ResponseReturnValue:
    """Puts what was ordered into the cart again."""
    order = visible_order(order_id)
    if order.user_id != current_user().id:
        raise forbidden("This is not your order.")
    cart = open_cart()
    if cart.items:
        raise conflict("cart_not_empty", "Empty your cart first.")
    for item in order.items:
        cart.items.append(CartItem(product_id=item.product_id, quantity=item.quantity))
    db().flush()
    return jsonify(show_cart(cart)), 201
