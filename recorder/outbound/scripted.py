"""Answers the outbound calls of an application under test, as exported tests do: `with answering(OutsideAnswer(…)):`"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..exchange import Body, OutboundCall, RecordedRequest, RecordedResponse
from ..observation import Observation, begin, current, end
from .calls import CallLog
from .clients import wrap_loaded_clients
from .tape import AllowedHosts, Tape


@dataclass(frozen=True, slots=True)
class OutsideAnswer:
    """What one call of another system gets. Status 0: no answer, as when nothing listens there."""

    method: str
    url: str
    status: int = 200
    media: str = "application/json"
    text: str = ""


@contextmanager
def answering(*answers: OutsideAnswer) -> Iterator[None]:
    """Calls that this thread makes meanwhile are answered with these and never sent; what none is for gets 599.

    A call is known by its method and path, and by its host where the answers name several.
    """
    with answering_calls(map(_call, answers)):
        yield


@contextmanager
def answering_calls(calls: Iterable[OutboundCall]) -> Iterator[None]:
    """The same with recorded calls."""
    wrap_loaded_clients()
    observation = Observation("test")
    observation.calls = CallLog(Tape(calls, AllowedHosts((), block=False)))
    begin(observation)
    try:
        yield
    finally:
        end(observation)


@contextmanager
def really_sending() -> Iterator[None]:
    """Lets calls go out that are made within: what a test needs beside the application."""
    held = current()
    begin(None)
    try:
        yield
    finally:
        begin(held)


def _call(answer: OutsideAnswer) -> OutboundCall:
    response = None
    if answer.status:
        response = RecordedResponse(
            answer.status, "", (("Content-Type", answer.media),), Body.of(answer.text.encode("utf-8"))
        )
    return OutboundCall(RecordedRequest(answer.method, answer.url, ()), response, 0.0, 0.0)
