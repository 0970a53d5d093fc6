"""Payments and refunds, through the provider."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from .. import provider_client
from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import ApiError, conflict, forbidden, not_found
from ..intake import amount, choice, json_body, query_whole, text, whole
from ..models import Payment, Refund
from ..money import show
from ..paging import page_of
from ..security import STAFF, current_user, is_staff, requires
from .orders import advance, visible_order

bp = Blueprint("payments", __name__, url_prefix="/api")

INSTRUMENTS = ("visa", "mastercard", "invoice", "declined")


def show_payment(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "order_id": payment.order_id,
        "amount": show(payment.amount_cents),
        "status": payment.status,
        "instrument": payment.instrument,
        "provider_ref": payment.provider_ref or None,
        "refunded": show(sum(refund.amount_cents for refund in payment.refunds)),
        "created_at": iso(payment.created_at),
    }


def show_refund(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "payment_id": refund.payment_id,
        "amount": show(refund.amount_cents),
        "reason": refund.reason,
        "status": refund.status,
        "created_at": iso(refund.created_at),
    }


def visible_payment(payment_id: int) -> Payment:
    payment = db().get(Payment, payment_id)
    if payment is None:
        raise not_found("payment")
    if payment.user_id != current_user().id and not is_staff(current_user()):
        raise forbidden("This is not your payment.")
    return payment


@bp.get("/payments/methods")
def methods() -> ResponseReturnValue:
    return jsonify(methods=list(INSTRUMENTS[:3]), currency="EUR")


@bp.post("/payments")
@requires()
def pay() -> ResponseReturnValue:
    data = json_body(order_id=whole(1, 2**31), instrument=choice(*INSTRUMENTS))
    order = visible_order(data["order_id"])
    if order.status != "pending":
        raise conflict("wrong_status", f"The order is {order.status}.")
    payment = Payment(
        order_id=order.id,
        user_id=order.user_id,
        amount_cents=order.total_cents,
        instrument=data["instrument"],
        status="authorised",
    )
    db().add(payment)
    try:
        payment.provider_ref = provider_client.charge(order.total_cents, data["instrument"], order.number)
    except provider_client.Declined as declined:
        payment.status = "declined"
        db().commit()  # a declined payment stays on record
        raise ApiError(402, "declined", f"The payment was declined: {declined}.") from None
    db().flush()
    advance(order, "paid", "customer")
    return jsonify(show_payment(payment)), 201, {"Location": f"/api/payments/{payment.id}"}


@bp.get("/payments")
@requires()
def payments() -> ResponseReturnValue:
    query = select(Payment).where(Payment.user_id == current_user().id).order_by(Payment.id.desc())
    if "order_id" in request.args:
        query = query.where(Payment.order_id == query_whole("order_id", 0, 1, 2**31))
    return jsonify(page_of(query, show_payment))


@bp.get("/payments/<int:payment_id>")
@requires()
def payment(payment_id: int) -> ResponseReturnValue:
    return jsonify(show_payment(visible_payment(payment_id)))


@bp.post("/payments/<int:payment_id>/capture")
@requires(*STAFF)
def capture(payment_id: int) -> ResponseReturnValue:
    return jsonify(show_payment(_settle(payment_id, "capture", "captured")))


@bp.post("/payments/<int:payment_id>/void")
@requires(*STAFF)
def void(payment_id: int) -> ResponseReturnValue:
    return jsonify(show_payment(_settle(payment_id, "void", "voided")))


def _settle(payment_id: int, step: str, status: str) -> Payment:
    payment = visible_payment(payment_id)
    if payment.status != "authorised":
        raise conflict("wrong_status", f"The payment is {payment.status}.")
    provider_client.settle(payment.provider_ref, step)
    payment.status = status
    return payment


@bp.post("/payments/<int:payment_id>/refunds")
@requires()
def request_refund(payment_id: int) -> ResponseReturnValue:
    payment = visible_payment(payment_id)
    data = json_body(amount=amount(), reason=text(3, 200))
    if payment.status not in ("authorised", "captured"):
        raise conflict("wrong_status", f"The payment is {payment.status}.")
    left = payment.amount_cents - sum(refund.amount_cents for refund in payment.refunds)
    if data["amount"] > left and not on("refund_over_amount"):
        raise ApiError(422, "too_much", f"At most {show(left)} can be refunded.")
    refund = Refund(payment=payment, amount_cents=data["amount"], reason=data["reason"])
    db().add(refund)
    db().flush()
    return jsonify(show_refund(refund)), 201, {"Location": f"/api/refunds/{refund.id}"}


@bp.get("/refunds")
@requires()
def refunds() -> ResponseReturnValue:
    query = select(Refund).join(Payment).where(Payment.user_id == current_user().id).order_by(Refund.id.desc())
    return jsonify(page_of(query, show_refund))


@bp.get("/refunds/<int:refund_id>")
@requires()
def refund(refund_id: int) -> ResponseReturnValue:
    return jsonify(show_refund(_visible_refund(refund_id)))


@bp.post("/refunds/<int:refund_id>/approve")
@requires(*STAFF)
def approve(refund_id: int) -> ResponseReturnValue:
    refund = _visible_refund(refund_id)
    if refund.status != "requested":
        raise conflict("wrong_status", f"The refund is {refund.status}.")
    refund.provider_ref = provider_client.refund(refund.payment.provider_ref, refund.amount_cents)
    refund.status = "approved"
    if refund.amount_cents == refund.payment.amount_cents:
        advance(refund.payment.order, "refunded", current_user().role)
    return jsonify(show_refund(refund))


def _visible_refund(refund_id: int) -> Refund:
    refund = db().get(Refund, refund_id)
    if refund is None:
        raise not_found("refund")
    visible_payment(refund.payment_id)
    return refund
