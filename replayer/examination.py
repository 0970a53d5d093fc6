"""Looks at one target as a rehearsal will find it: is it there, is it what it should be, does it let users in."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from recorder.exchange import Exchange, RecordedRequest, RecordedResponse, header
from recorder.keys import Key
from recorder.observe import WINDOW

from .checks import Check, State
from .client import Client, Reply
from .errors import UnderstudyError
from .mint import Credentials, MintFailure
from .outgoing import Site
from .preflight import check_commands, refuse_production
from .refusals import how_refused
from .safety import SAFE_METHODS, effective_method
from .shedding import http_date
from .signature import Signature
from .target_settings import TargetSettings
from .targets import Instance, open_instance
from .transport import certificate_end

NOTED_SKEW = 2.0
"""Seconds: `Date` has a resolution of one."""
CERTIFICATE_DAYS = 14
"""A certificate that ends sooner is worth a note."""
PRINCIPALS = 5
"""Recorded users that the mint hook is asked for, until it knows one."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What of a recording matters to a target."""

    key: Key | None = None
    production: frozenset[tuple[str, int]] = frozenset()
    exchanges: Sequence[Exchange] = field(default=())  # the first few thousand


class Examination:
    """Of one target. `reset` lets its reset command run, which throws the state of the deploy away."""

    def __init__(self, target: TargetSettings, recorded: Recorded, *, reset: bool) -> None:
        self._target = target
        self._recorded = recorded
        self._reset = reset
        self._subject = f"target {target.name}"

    async def checks(self) -> list[Check]:
        """Everything that can be found out; what depends on something that failed is left out."""
        found = list(self._declared())
        if any(check.state is State.FIX for check in found):
            return found
        target = self._target if self._reset else replace(self._target, reset=())
        began = time.monotonic()
        try:
            async with open_instance(target, key=self._recorded.key, label=target.name) as instance:
                if target.reset:
                    found.append(self._check("reset", State.OK, f"worked, within {time.monotonic() - began:.1f} s"))
                signature = Signature(self._recorded.key, "doctor")
                client = Client(instance.base_url, timeout=target.timeout, extra_headers=signature.headers)
                async with client:
                    found += await self._ready(client, instance)
        except UnderstudyError as failure:
            found.append(Check.failed(self._subject, "ready", failure))
        if target.url.startswith("https:"):
            found.append(await self._certificate())
        return found

    def _check(self, what: str, state: State, said: str, hint: str = "") -> Check:
        return Check(self._subject, what, state, said, hint)

    def _declared(self) -> Iterator[Check]:
        target = self._target
        try:
            refuse_production(target, self._recorded.production)
            check_commands(target)
        except UnderstudyError as failure:
            yield Check.failed(self._subject, "declared", failure)
            return
        writes = sum(effective_method(each.request) not in SAFE_METHODS for each in self._recorded.exchanges)
        if target.disposable:
            yield self._check("disposable", State.OK, "its state may be changed")
        elif writes:
            said = f"not declared: writes are not sent, {writes} of {len(self._recorded.exchanges)} requests"
            yield self._check("disposable", State.NOTE, said, "Write disposable = true if its state may be lost.")
        if target.reset and not self._reset:
            yield self._check("reset", State.NOTE, "not tried", "--reset runs it, and throws the target's state away.")

    async def _ready(self, client: Client, instance: Instance) -> list[Check]:
        reply = await client.send(RecordedRequest("GET", self._target.ready, (("Accept", "*/*"),)))
        if reply.response is None:
            said = f"GET {self._target.ready}: {reply.detail}"
            return [self._check("ready", State.LATER, said, "Look at the target's log.")]
        found = [self._check("ready", State.OK, _answered(self._target, reply, reply.response))]
        found += self._clock(reply, reply.response)
        found += await self._credentials(client, instance)
        return [*found, *self._observes(reply)]

    def _clock(self, reply: Reply, response: RecordedResponse) -> Iterator[Check]:
        off = clock_skew(header(response.headers, "Date"), reply.started, reply.ended)
        if off is None:
            return
        way = "ahead of" if off > 0 else "behind"
        if abs(off) > WINDOW and self._recorded.key is not None:
            said = f"{abs(off):.0f} s {way} ours: the target takes no signature that is {WINDOW} s old"
            yield self._check("clock", State.FIX, said, "Set both clocks, by NTP for example.")
        elif abs(off) > NOTED_SKEW:
            said = f"{abs(off):.0f} s {way} ours"
            yield self._check("clock", State.NOTE, said, "Times in answers are compared with that in mind.")
        else:
            yield self._check("clock", State.OK, "as ours, within two seconds")

    async def _credentials(self, client: Client, instance: Instance) -> list[Check]:
        principals = list(dict.fromkeys(each.principal for each in self._recorded.exchanges if each.principal))
        if not principals:
            return []
        if not self._target.mint:
            said = f"no `mint`: the recording has {len(principals)} users, and only those can be who log in within it"
            return [
                self._check("credentials", State.NOTE, said, "Set `mint`, unless every session begins with a login.")
            ]
        for principal in principals[:PRINCIPALS]:
            minted = await instance.mint(principal)
            if isinstance(minted, MintFailure):
                said = f"the mint hook failed: {minted.message}"
                return [self._check("credentials", State.FIX, said, f"Correct {self._target.mint}.")]
            if isinstance(minted, Credentials):
                return [await self._try(client, principal, minted)]
        said = f"the mint hook knows none of {min(PRINCIPALS, len(principals))} recorded users"
        return [self._check("credentials", State.FIX, said, "Is it the right snapshot, and does the hook compare ids?")]

    async def _try(self, client: Client, principal: str, minted: Credentials) -> Check:
        """Sends one recorded read with the credentials, if there is one that needs nothing else."""
        read = next((each for each in self._recorded.exchanges if _is_plain_read(each, principal)), None)
        if read is None:
            return self._check("credentials", State.OK, "the mint hook knows a recorded user")
        cookies = "; ".join(f"{name}={value}" for name, value in minted.cookies)
        reply = await client.send(read.request, headers=(*minted.headers, *((("Cookie", cookies),) if cookies else ())))
        asked = f"GET {read.request.path}"
        if reply.response is None:
            return self._check("credentials", State.LATER, f"{asked}: {reply.detail}", "Look at the target's log.")
        refused = how_refused(reply.response)
        if refused:
            said = f"the target refuses what the mint hook made: {asked} was answered {refused}, and was granted before"
            return self._check("credentials", State.FIX, said, "Does the hook use the secret of this target?")
        return self._check(
            "credentials", State.OK, f"minted for a recorded user: {asked} was answered {reply.response.status}"
        )

    def _observes(self, reply: Reply) -> list[Check]:
        calls = sum(bool(each.outbound) for each in self._recorded.exchanges)
        if reply.observed is not None:
            return [
                self._check("observes", State.OK, "tells statements and calls, and answers calls from the recording")
            ]
        if self._recorded.key is None:
            return []
        said = "statements and outbound calls are not compared"
        if calls:
            said += f", and the calls of {calls} requests really go out"
        hint = "Set UNDERSTUDY_OBSERVE=1 and the recording's key for it, if it carries the recorder."
        return [self._check("observes", State.NOTE, f"no: {said}", hint)]

    async def _certificate(self) -> Check:
        try:
            days = (await certificate_end(Site.parse(self._target.url).origin) - time.time()) / 86400
        except UnderstudyError as failure:
            return Check.failed(self._subject, "certificate", failure)
        said = f"ends in {days:.0f} days"
        if days < CERTIFICATE_DAYS:
            return self._check("certificate", State.NOTE, said, "Renew it.")
        return self._check("certificate", State.OK, said)


def clock_skew(date: str, started: float, ended: float) -> float | None:
    """Seconds by which the clock that gave `date` is ahead of ours; None when it gave none.

    `Date` is cut to whole seconds, at some moment between `started` and `ended`.
    """
    moment = http_date(date)
    return moment + 0.5 - (started + ended) / 2 if moment else None


def _answered(target: TargetSettings, reply: Reply, response: RecordedResponse) -> str:
    """What the target says of itself: status, time, server and build."""
    server = header(response.headers, "Server")
    parts = [f"GET {target.ready} was answered {response.status} within {(reply.ended - reply.started) * 1000:.0f} ms"]
    parts += [f"by {server}"] if server else []
    parts += [f"build {target.build}"] if target.build else []
    return ", ".join(parts)


def _is_plain_read(exchange: Exchange, principal: str) -> bool:
    """Whether it is a read of this user's that was granted and names nothing that may be missing elsewhere."""
    request, response = exchange.request, exchange.response
    granted = response is not None and 200 <= response.status < 300
    plain = "<" not in exchange.route and "{" not in exchange.route and "?" not in request.target
    named = bool(exchange.route) or not any(character.isdigit() for character in request.path)
    return exchange.principal == principal and request.method == "GET" and granted and plain and named
