"""What is broken in each candidate of the helpdesk (`django_site/faults.py`), and where that is to be seen."""

from __future__ import annotations

from .outcome import Fault

_TICKET = "/tickets/<int:ticket_id>/"
_PAGE = (f"GET {_TICKET} *", f"POST {_TICKET} *", f"POST {_TICKET}update/ *")
_ROWS = "GET /datatables_ticket_list/<query> *"
_OVERVIEWS = (_ROWS, "GET /dashboard/ *", "GET /reports/* *", "GET /kanban/ *", "GET /timeline_ticket_list/<query> *")

FAULTS = (
    Fault(
        "time_spent_swapped",
        "hours and minutes of the time spent are swapped when a form is saved",
        (*_PAGE, _ROWS, "GET /reports/ *", "GET /tickets/<int:ticket_id>/followup_edit/* *", "* /api/*"),
    ),
    Fault("resolution_lost", "the API's tickets have no `resolution`", ("* /api/tickets/* body *resolution*",)),
    Fault(
        "address_not_checked",
        "the public form takes any text for an e-mail address",
        ("POST /tickets/submit/ *",),
        (*_OVERVIEWS, "* /api/* *", "GET /view/ *", "GET /rss/* *", *_PAGE),
    ),
    Fault("weeks_not_checked", "the board fails at a number of weeks that is none", ("GET /kanban/ *",)),
    Fault(
        "queue_not_checked",
        "staff can open the tickets of every queue",
        ("* /tickets/<int:ticket_id>/* *",),
        (*_OVERVIEWS, "* /api/* *"),
    ),
    Fault("everybodys_tickets", "a customer's list shows everybody's tickets", ("GET /api/user_tickets/* *",)),
    Fault("follow_ups_backwards", "the follow-ups of a ticket are shown in reverse", _PAGE),
    Fault("date_format", "the list gives another format of `created`", (f"{_ROWS[:-2]} body *created*",)),
    Fault("redirected_to_the_ticket", "who adds a copy's receiver is sent elsewhere", (f"POST {_TICKET}cc/add/ *",)),
    Fault(
        "csrf_not_checked",
        "a search is saved without the CSRF field",
        ("POST /save_query/ *",),
        ("* body $html.*",),  # every page of the staff offers the saved searches
    ),
    Fault("page_begins_one_late", "every page of the list but the first leaves a row out", (_ROWS,)),
    Fault("vote_counts_twice", "a vote counts twice", ("GET /kb/<slug:slug>/ *", "GET /kb_iframe/<slug:slug>/ *")),
    Fault("hold_not_saved", "a ticket put on hold is not", (*_PAGE, *_OVERVIEWS, "* /api/tickets/* *")),
    Fault(
        "deleted_is_still_there",
        "the API says that a ticket is deleted, and keeps it",
        ("GET /api/tickets/* *",),
        (*_OVERVIEWS, *_PAGE, "* /api/* *", "GET /rss/* *", "GET /admin/* *", "GET /tickets/* *"),
    ),
    Fault("status_filter_ignored", "the API lists tickets of every status", ("GET /api/tickets/ *",)),
    Fault("priority_as_text", "the API's priority is a text", ("* /api/tickets/* body *priority*",)),
    Fault("wrong_password_is_a_server_error", "a wrong password for a token: 500", ("POST /api-token/ *",)),
    Fault(
        "twice_the_same_copy",
        "one address can be added twice to a ticket's copies",
        (f"POST {_TICKET}cc/add/ *",),
        ("* /tickets/<int:ticket_id>/* *",),
    ),
    Fault("frame_header_lost", "no page forbids to be framed", ("* header *frame*",)),
    Fault("totals_left_out", "a report's totals leave the last row out", ("GET /reports/<slug:report>/ *",)),
)  # fmt: skip

MIXTURES = (
    (
        "resolution_lost",
        "weeks_not_checked",
        "date_format",
        "redirected_to_the_ticket",
        "csrf_not_checked",
        "vote_counts_twice",
        "wrong_password_is_a_server_error",
    ),
    (
        "address_not_checked",
        "everybodys_tickets",
        "follow_ups_backwards",
        "page_begins_one_late",
        "totals_left_out",
        "frame_header_lost",
    ),
    (
        "queue_not_checked",
        "hold_not_saved",
        "deleted_is_still_there",
        "status_filter_ignored",
        "twice_the_same_copy",
    ),
)
"""Faults that show at different places: one run of the gate for each line, at a fifth of the time."""
