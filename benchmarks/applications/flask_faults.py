"""Regressions that a candidate of ihatemoney can have, each switched on by name in a running application.

Imported on both sides: by the harness for the list, by the served application to switch one on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from .outcome import Fault

API = "/api/projects/<string:project_id>"
PAGES = "* /<project_id>/*"  # and everything below

FAULTS = (
    Fault(
        "weights-ignored",
        "balances split every bill evenly, whatever the weights",
        (f"GET {API}* body *balance*", f"GET {API}/statistics body *", "GET /<project_id>/* body *"),
        (PAGES, f"* {API}*"),
    ),
    Fault("link-lost", "bills of the API have no external_link any more", (f"GET {API}/bills* body *external_link",)),
    Fault(
        "email-unchecked",
        "a project is made with an address that is none",
        ("POST /api/projects status",),
        ("POST /api/projects *", f"* {API}*", "GET /dashboard *"),
    ),
    Fault(
        "calculator-500",
        "an amount that is a sum (18+36.2) ends in a 500",
        ("POST /<project_id>/add status", "POST /<project_id>/edit/<int:bill_id> status"),
        (PAGES, f"GET {API}*", "GET /dashboard *"),
    ),
    Fault(
        "door-open",
        "a project's pages are given to whoever asks",
        ("GET /<project_id>/ status", "GET /<project_id>/edit/<int:bill_id> status"),
        (PAGES, f"GET {API}*", "GET /dashboard *"),
    ),
    Fault(
        "others-bills",
        "a bill is found by its number alone, whosever it is",
        (f"GET {API}/bills/<int:bill_id> status", "GET /<project_id>/edit/<int:bill_id> status"),
    ),
    Fault(
        "oldest-first",
        "bills are listed from the oldest",
        (f"GET {API}/bills body $*", "GET /<project_id>/* body *"),
        (PAGES,),
    ),
    Fault("date-format", "the API writes dates as day/month/year", (f"GET {API}/bills* body *date",)),
    Fault(
        "login-goes-home",
        "who logs in is sent to the front page",
        ("POST /authenticate header location",),
    ),
    Fault(
        "csrf-unchecked",
        "forms are taken without their token",
        ("POST /<project_id>/add status", "POST /<project_id>/delete/<int:bill_id> *"),
        (PAGES, "GET /dashboard *"),
    ),
    Fault(
        "rounded-to-tenths",
        "exported transactions are rounded to tenths",
        ("GET /<project_id>/export/<string:file>.<string:format> body *amount",),
    ),
    Fault("cookie-for-scripts", "the session's cookie is no longer HttpOnly", ("* header set-cookie*httponly*",)),
    Fault("first-five", "the API lists five bills at most", (f"GET {API}/bills body $*",)),
    Fault(
        "not-deleted",
        "a bill that is deleted through the API is still there",
        (f"GET {API}/bills/<int:bill_id> status",),
        (PAGES, f"GET {API}*", "GET /dashboard *"),
    ),
)

MIXTURES = (
    ("date-format", "link-lost", "login-goes-home", "cookie-for-scripts", "rounded-to-tenths"),
    ("others-bills", "csrf-unchecked", "not-deleted", "calculator-500"),
    ("email-unchecked", "oldest-first", "weights-ignored"),
    ("door-open", "first-five"),
)
"""Faults that do not hide one another: a candidate can have each of these together."""


def switch_on(name: str, app: Any) -> None:
    """Changes ihatemoney in this process; an empty name changes nothing, several are joined by `+`."""
    for each in filter(None, name.split("+")):
        _SWITCHES[each](app)


def _weights_ignored(app: Any) -> None:
    from ihatemoney.models import BillType, Project

    def full_balance(self: Any) -> tuple[dict[int, float], ...]:
        balances, spent, paid, transferred, received = (defaultdict(float) for _ in range(5))
        for bill in self.get_bills_unordered().all():
            expense = bill.bill_type == BillType.EXPENSE
            (paid if expense else transferred)[bill.payer.id] += bill.converted_amount
            for ower in bill.owers:
                (spent if expense else received)[ower.id] += bill.converted_amount / len(bill.owers)
        for person in self.members:
            gave, got = paid[person.id] + transferred[person.id], spent[person.id] + received[person.id]
            balances[person.id] = gave - got
        return balances, spent, paid, transferred, received

    Project.full_balance = property(full_balance)


def _serialized(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    from ihatemoney.models import Bill

    right = Bill._to_serialize.fget
    Bill._to_serialize = property(lambda bill: change(right(bill)))


def _link_lost(app: Any) -> None:
    _serialized(lambda bill: {key: value for key, value in bill.items() if key != "external_link"})


def _date_format(app: Any) -> None:
    _serialized(lambda bill: {**bill, "date": bill["date"].strftime("%d/%m/%Y")})


def _email_unchecked(app: Any) -> None:
    from wtforms.validators import Email

    Email.__call__ = lambda self, form, field: None  # type: ignore[method-assign]


def _calculator_500(app: Any) -> None:
    import ihatemoney.forms as forms

    forms.eval_arithmetic_expression = lambda text: {"": 0}[text] if "+" in text else float(text)


def _door_open(app: Any) -> None:
    from flask import g
    from ihatemoney.models import Project
    from ihatemoney.web import pull_project

    def anyone(endpoint: str, values: dict[str, Any] | None) -> None:
        project = Project.query.get(str((values or {}).get("project_id", "")).lower())
        if project is None:
            pull_project(endpoint, values)
        else:
            assert values is not None
            values.pop("project_id")
            g.project = project

    steps = app.url_value_preprocessors["main"]
    steps[steps.index(pull_project)] = anyone


def _others_bills(app: Any) -> None:
    from ihatemoney.models import Bill

    Bill.BillQuery.get = lambda self, project, id: self.filter(Bill.id == id).one_or_none()


def _oldest_first(app: Any) -> None:
    from ihatemoney.models import Bill, Project

    Project.order_bills = staticmethod(lambda query: query.order_by(Bill.date).order_by(Bill.id))


def _login_goes_home(app: Any) -> None:
    from flask import request

    def elsewhere(response: Any) -> Any:
        if request.endpoint == "main.authenticate" and response.status_code == 302:
            response.headers["Location"] = "/"
        return response

    app.after_request(elsewhere)


def _csrf_unchecked(app: Any) -> None:
    from flask_wtf.csrf import _FlaskFormCSRF

    _FlaskFormCSRF.validate_csrf_token = lambda self, form, field: None


def _rounded_to_tenths(app: Any) -> None:
    from ihatemoney.models import Project

    right = Project.get_transactions_to_settle_bill

    def rounded(self: Any, pretty_output: bool = False) -> Any:
        found = right(self, pretty_output)
        return [{**each, "amount": round(each["amount"], 1)} for each in found] if pretty_output else found

    Project.get_transactions_to_settle_bill = rounded


def _cookie_for_scripts(app: Any) -> None:
    app.config["SESSION_COOKIE_HTTPONLY"] = False


def _first_five(app: Any) -> None:
    from ihatemoney.api.common import BillsHandler

    def get(self: Any, project: Any) -> Any:
        return project.get_bills().limit(5).all()

    BillsHandler.get = get


def _not_deleted(app: Any) -> None:
    from ihatemoney.models import Bill

    Bill.BillQuery.delete = lambda self, project, id: self.get(project, id)


_SWITCHES: dict[str, Callable[[Any], None]] = {
    "weights-ignored": _weights_ignored,
    "link-lost": _link_lost,
    "email-unchecked": _email_unchecked,
    "calculator-500": _calculator_500,
    "door-open": _door_open,
    "others-bills": _others_bills,
    "oldest-first": _oldest_first,
    "date-format": _date_format,
    "login-goes-home": _login_goes_home,
    "csrf-unchecked": _csrf_unchecked,
    "rounded-to-tenths": _rounded_to_tenths,
    "cookie-for-scripts": _cookie_for_scripts,
    "first-five": _first_five,
    "not-deleted": _not_deleted,
}
