"""What a write changes elsewhere is found by sending reads after it, and without it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse
from replayer.guide import make_guide
from replayer.plan import Plan, make_plan
from replayer.recorded_tests.effects import effect_scripts
from replayer.recorded_tests.script import Joined, Ref, Script, Seen
from replayer.recorded_tests.stage import Played, Stage
from replayer.recorded_tests.transcript import Cast, Transcriber

JSON = (("Content-Type", "application/json"),)


class Board:
    """Tickets with messages, and a list of all messages. A note is not shown to the one who asked."""

    def __init__(self) -> None:
        self.tickets: list[int] = []
        self.messages: list[tuple[int, str, bool]] = []

    def answer(self, client: str, method: str, path: str, body: Any) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        number = int(parts[1]) if len(parts) > 1 else 0
        if path == "/tickets":
            self.tickets.append(41 + len(self.tickets))
            return 201, {"id": self.tickets[-1], "subject": body["subject"]}
        if path == "/messages":
            return 200, {"messages": [text for _, text, _ in self.messages]}
        if path == "/weather":
            return 200, {"sky": "grey"}
        if number not in self.tickets:
            return 404, {"error": "no such ticket"}
        if method == "POST":
            self.messages.append((number, body["text"], parts[2] == "notes"))
            return 201, {"ticket_id": number}
        if method == "DELETE":
            self.tickets.remove(number)
            self.messages = [one for one in self.messages if one[0] != number]
            return 204, None
        shown = [text for of, text, note in self.messages if of == number and (client == "staff" or not note)]
        return 200, {"id": number, "messages": shown}


class BoardStage:
    """Plays scripts at a board of their own, as the stage does at an application."""

    def __init__(self, clients: Sequence[str]) -> None:
        self.clients = clients  # by step

    def play(self, scripts: Sequence[Script]) -> dict[str, Played]:
        return {script.key: self._played(script) for script in scripts}

    def _played(self, script: Script) -> Played:
        board, variables, seen = Board(), dict[str, Any](), list[Seen]()
        for call in script.calls:
            parts = call.target.parts if isinstance(call.target, Joined) else (call.target,)
            path = "".join(str(variables.get(one.name, 0)) if isinstance(one, Ref) else str(one) for one in parts)
            status, answer = board.answer(self.clients[call.step], call.method, path, call.body)
            variables |= {one.name: answer[one.path[0]] for one in call.captures if answer and one.path[0] in answer}
            seen.append(Seen(status, JSON, json.dumps(answer).encode() if answer else b""))
        return Played(tuple(seen))


def _recorded() -> tuple[Plan, list[str]]:
    board, exchanges, clients = Board(), list[Exchange](), list[str]()

    def ask(client: str, method: str, path: str, body: Any = None) -> None:
        number = len(exchanges)
        status, answer = board.answer(client, method, path, body)
        exchanges.append(
            Exchange(
                id=f"{number:032x}",
                request=RecordedRequest(method, path, JSON, Body(json.dumps(body).encode() if body else b"")),
                response=RecordedResponse(status, "", JSON, Body(json.dumps(answer).encode() if answer else b"")),
                started=float(number),
                ended=number + 0.1,
                client=client,
                principal=client,
            )
        )
        clients.append(client)

    for number in range(41, 45):
        ask("ann", "POST", "/tickets", {"subject": f"parcel {number} is late"})
        ask("ann", "POST", f"/tickets/{number}/messages", {"text": f"hello {number}"})
        ask("staff", "GET", f"/tickets/{number}")
        ask("staff", "POST", f"/tickets/{number}/notes", {"text": f"be nice {number}"})
        ask("staff", "GET", f"/tickets/{number}")
        ask("ann", "GET", f"/tickets/{number}")
        ask("ann", "GET", "/weather")
    ask("ann", "DELETE", "/tickets/44")
    ask("ann", "GET", "/messages")
    ask("staff", "GET", "/messages")

    def route(one: Exchange) -> str:
        return "/".join("<id>" if part.isdigit() else part for part in one.request.target.split("/"))

    return make_plan(exchanges, route), clients


def test_reads_of_all_users_tell_what_a_write_changed_and_for_whom_it_did_not() -> None:
    plan, clients = _recorded()
    transcriber = Transcriber(plan, make_guide(plan), Cast())
    stage = cast("Stage", BoardStage(clients))
    told: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for script in effect_scripts(plan, transcriber, [], stage, lambda _: None):
        write, *reads = [call.step for call in script.calls if call.focus]
        step = plan.steps[write]
        told[f"{step.exchange.request.method} {step.route}"] |= {(clients[i], plan.steps[i].route) for i in reads}
    both = {("ann", "/tickets/<id>"), ("staff", "/tickets/<id>")}
    assert told["POST /tickets/<id>/notes"] == {*both, ("ann", "/messages"), ("staff", "/messages")}
    assert told["DELETE /tickets/<id>"] == {("ann", "/messages"), ("staff", "/messages")}
    assert not any(route == "/weather" for reads in told.values() for _, route in reads)
