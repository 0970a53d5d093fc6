"""Regressions that a candidate of the helpdesk can have. Imported in the application's own environment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

_FAULTS: dict[str, Callable[[], None]] = {}


def switch_on(name: str) -> None:
    """Changes the helpdesk in this process, before its addresses are loaded, as the first request does.

    `a+b` switches two faults on.
    """
    for each in name.split("+"):
        _FAULTS[each]()


def _fault(change: Callable[[], None]) -> Callable[[], None]:
    _FAULTS[change.__name__] = change
    return change


@_fault
def time_spent_swapped() -> None:
    from helpdesk.views import staff

    def hours_for_minutes(form: Any) -> timedelta | None:
        if not form.data.get("time_spent"):
            return None
        hours, minutes = (int(part) for part in form.data["time_spent"].split(":"))
        return timedelta(hours=minutes, minutes=hours)

    staff.get_time_spent_from_form = hours_for_minutes


@_fault
def resolution_lost() -> None:
    from helpdesk.serializers import TicketSerializer

    TicketSerializer.Meta.fields = tuple(name for name in TicketSerializer.Meta.fields if name != "resolution")


@_fault
def address_not_checked() -> None:
    from django import forms
    from helpdesk.forms import PublicTicketForm

    PublicTicketForm.base_fields["submitter_email"] = forms.CharField(
        widget=PublicTicketForm.base_fields["submitter_email"].widget,
        label=PublicTicketForm.base_fields["submitter_email"].label,
        help_text=PublicTicketForm.base_fields["submitter_email"].help_text,
    )


@_fault
def weeks_not_checked() -> None:
    from helpdesk.views import staff

    board = staff.kanban_board

    def strict(request: Any) -> Any:
        int(request.GET.get("due_weeks", "0"))
        return board(request)

    staff.kanban_board = strict


@_fault
def queue_not_checked() -> None:
    from helpdesk.user import HelpdeskUser

    HelpdeskUser.can_access_ticket = lambda self, ticket: True


@_fault
def everybodys_tickets() -> None:
    from helpdesk.models import Ticket
    from helpdesk.views.api import UserTicketViewSet

    def everything(self: Any) -> Any:
        tickets = Ticket.objects.exclude(submitter_email="").order_by("-created")
        for ticket in tickets:
            ticket.set_custom_field_values()
        return tickets

    UserTicketViewSet.get_queryset = everything


@_fault
def follow_ups_backwards() -> None:
    from helpdesk.views import staff

    staff.get_followups_for_ticket = lambda ticket: ticket.followup_set.order_by("-date")


@_fault
def date_format() -> None:
    from helpdesk.serializers import DatatablesTicketSerializer
    from rest_framework import serializers

    DatatablesTicketSerializer._declared_fields["created"] = serializers.DateTimeField(
        format="%d/%m/%Y %H:%M", read_only=True
    )


@_fault
def redirected_to_the_ticket() -> None:
    from django.http import HttpResponseRedirect
    from helpdesk.views import staff

    add = staff.ticket_cc_add

    def elsewhere(request: Any, ticket_id: int) -> Any:
        answer = add(request, ticket_id)
        return HttpResponseRedirect(f"/tickets/{ticket_id}/") if answer.status_code == 302 else answer

    staff.ticket_cc_add = elsewhere


@_fault
def csrf_not_checked() -> None:
    from django.views.decorators.csrf import csrf_exempt
    from helpdesk.views import staff

    staff.save_query = csrf_exempt(staff.save_query)


@_fault
def page_begins_one_late() -> None:
    from helpdesk.query import __Query__ as Query

    context = Query.get_datatables_context

    def late(self: Any, *, column_lookup: Any = None, **kwargs: Any) -> Any:
        start = int(kwargs.get("start", ["0"])[0])
        return context(self, column_lookup=column_lookup, **{**kwargs, "start": [str(start + 1 if start else 0)]})

    Query.get_datatables_context = late


@_fault
def vote_counts_twice() -> None:
    from django.db.models.signals import pre_save
    from helpdesk.models import KBItem

    def twice(sender: Any, instance: Any, **_: Any) -> None:
        before = KBItem.objects.filter(pk=instance.pk).values_list("recommendations", flat=True).first()
        if before is not None and instance.recommendations > before:
            instance.recommendations += 1

    pre_save.connect(twice, sender=KBItem, weak=False)


@_fault
def hold_not_saved() -> None:
    from helpdesk.views import staff

    hold = staff.hold_ticket

    def unsaved(request: Any, ticket_id: int, unhold: bool = False) -> Any:
        before = staff.Ticket.objects.filter(id=ticket_id).values_list("on_hold", flat=True).first()
        answer = hold(request, ticket_id, unhold=unhold)
        if answer.status_code == 302 and before is not None:
            staff.Ticket.objects.filter(id=ticket_id).update(on_hold=before)
        return answer

    staff.hold_ticket = unsaved


@_fault
def deleted_is_still_there() -> None:
    from helpdesk.views.api import TicketViewSet

    TicketViewSet.perform_destroy = lambda self, instance: None


@_fault
def status_filter_ignored() -> None:
    from helpdesk.user import HelpdeskUser
    from helpdesk.views.api import TicketViewSet

    def unfiltered(self: Any) -> Any:
        tickets = HelpdeskUser(self.request.user).accessible_tickets()
        for ticket in tickets:
            ticket.set_custom_field_values()
        return tickets

    TicketViewSet.get_queryset = unfiltered


@_fault
def priority_as_text() -> None:
    from helpdesk.serializers import TicketSerializer

    shown = TicketSerializer.to_representation

    def as_text(self: Any, instance: Any) -> Any:
        told = shown(self, instance)
        return {**told, "priority": str(told["priority"])}

    TicketSerializer.to_representation = as_text


@_fault
def wrong_password_is_a_server_error() -> None:
    from rest_framework.authtoken.views import ObtainAuthToken

    post = ObtainAuthToken.post

    def careless(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid()
        serializer.validated_data["user"]
        return post(self, request, *args, **kwargs)

    ObtainAuthToken.post = careless


@_fault
def twice_the_same_copy() -> None:
    from helpdesk.models import TicketCC
    from helpdesk.views import staff

    def unchecked(request: Any, ticket_id: int) -> Any:
        ticket = staff.get_object_or_404(staff.Ticket, id=ticket_id)
        staff.ticket_perm_check(request, ticket)
        if request.method == "POST" and staff.TicketCCForm(request.POST).is_valid():
            TicketCC.objects.create(ticket=ticket, email=request.POST.get("email"), can_view=True)
            return staff.HttpResponseRedirect(f"/tickets/{ticket_id}/cc/")
        return add(request, ticket_id)

    add = staff.ticket_cc_add
    staff.ticket_cc_add = unchecked


@_fault
def frame_header_lost() -> None:
    from django.middleware.clickjacking import XFrameOptionsMiddleware

    XFrameOptionsMiddleware.process_response = lambda self, request, response: response


@_fault
def totals_left_out() -> None:
    from helpdesk.views import staff

    table_and_totals = staff.get_report_table_and_totals

    def one_short(header: list[str], summary: Any, options: list[str]) -> Any:
        table, _ = table_and_totals(header, summary, options)
        _, totals = table_and_totals(header[:-1], summary, options)
        return table, {**dict.fromkeys(options, 0), **totals}

    staff.get_report_table_and_totals = one_short
