"""Invoices, for programs, for people, and for their accountants."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask import Blueprint, Response, jsonify, render_template_string
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import conflict, forbidden, not_found
from ..models import Invoice
from ..money import show, tax_of
from ..paging import page_of
from ..security import current_user, is_staff, requires
from .orders import visible_order

bp = Blueprint("invoices", __name__, url_prefix="/api")

PAGE = """<!doctype html>
<html lang="en"><head><title>Invoice {{ invoice.number }}</title></head><body>
<h1>Invoice {{ invoice.number }}</h1><p>Order {{ invoice.order }}</p>
<table>{% for line in invoice.lines %}<tr><td>{{ line.name }}</td><td>{{ line.quantity }}</td>
<td>{{ line.net }}</td><td>{{ line.tax }}</td></tr>{% endfor %}</table>
<p>Total: <strong>{{ invoice.total }}</strong></p></body></html>
"""


def show_invoice(invoice: Invoice) -> dict[str, Any]:
    return {
        "id": invoice.id,
        "number": invoice.number,
        "order": invoice.order.number,
        "lines": [
            {
                "name": item.name,
                "quantity": item.quantity,
                "net": show(item.unit_cents * item.quantity),
                "tax": show(tax_of(item.unit_cents * item.quantity, item.tax_rate)),
            }
            for item in invoice.order.items
        ],
        "discount": show(invoice.order.discount_cents),
        "total": show(invoice.order.total_cents),
        "issued_at": iso(invoice.created_at),
    }


def visible_invoice(invoice_id: int, anybody: bool = False) -> Invoice:
    invoice = db().get(Invoice, invoice_id)
    if invoice is None:
        raise not_found("invoice")
    if invoice.user_id != current_user().id and not is_staff(current_user()) and not anybody:
        raise forbidden("This is not your invoice.")
    return invoice


@bp.post("/orders/<int:order_id>/invoice")
@requires()
def issue(order_id: int) -> ResponseReturnValue:
    order = visible_order(order_id)
    if order.status in ("pending", "cancelled"):
        raise conflict("not_paid", "There is no invoice before the payment.")
    if db().scalar(select(Invoice.id).where(Invoice.order_id == order.id)):
        raise conflict("invoiced", "There is an invoice for this order already.")
    invoice = Invoice(order=order, user_id=order.user_id)
    db().add(invoice)
    db().flush()
    invoice.number = f"INV-{invoice.id:06d}"
    return jsonify(show_invoice(invoice)), 201, {"Location": f"/api/invoices/{invoice.id}"}


@bp.get("/invoices")
@requires()
def invoices() -> ResponseReturnValue:
    mine = select(Invoice).where(Invoice.user_id == current_user().id).order_by(Invoice.id.desc())
    return jsonify(page_of(mine, lambda row: {"id": row.id, "number": row.number, "order_id": row.order_id}))


@bp.get("/invoices/<int:invoice_id>")
@requires()
def invoice(invoice_id: int) -> ResponseReturnValue:
    return jsonify(show_invoice(visible_invoice(invoice_id, anybody=on("invoice_open"))))


@bp.get("/invoices/<int:invoice_id>.html")
@requires()
def invoice_html(invoice_id: int) -> ResponseReturnValue:
    return render_template_string(PAGE, invoice=show_invoice(visible_invoice(invoice_id)))


@bp.get("/invoices/<int:invoice_id>.csv")
@requires()
def invoice_csv(invoice_id: int) -> ResponseReturnValue:
    shown = show_invoice(visible_invoice(invoice_id))
    columns = ["name", "quantity", "net", "tax"]
    if on("invoice_csv_column"):
        columns.remove("tax")
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(shown["lines"])
    disposition = {"Content-Disposition": f'attachment; filename="{shown["number"]}.csv"'}
    return Response(out.getvalue(), mimetype="text/csv", headers=disposition)
