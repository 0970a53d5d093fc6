"""Correlation: the values that the target produced take the place of the recorded ones in later requests.

One `Correlator` lives for one pass. It learns from each answer which recorded value stands for which new one, and
rewrites each request with what it has learned. Bindings are kept per sort, because order 5 and user 5 are the same
text and become different values; a value that nothing can have produced yet makes its exchange *blocked*.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from diffing.atoms import atoms, is_integer, is_opaque, location_key, rewrite
from diffing.difference import Reason
from diffing.routes import leads_elsewhere
from recorder.exchange import RecordedRequest, RecordedResponse

from .admissions import basic_password, field_name, holds_secret
from .flow import Step, consumed, consumer_key
from .guide import Guide
from .learned import Binding, Learned
from .links import followed, learn_link
from .mint import Credentials
from .produced import Pairing, produced
from .spans import Part, Slot, substitute

_COOKIE = re.compile(r"header:set-cookie\[(.+)\]\.value")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to be sent, or why it can not be."""

    request: RecordedRequest
    reason: Reason | None = None
    detail: str = ""
    replaced: int = 0  # slots that carry another value than the recorded one


class Correlator:
    """What one pass has learned so far. `enabled=False` sends everything as recorded (to show what that costs)."""

    def __init__(self, guide: Guide, *, enabled: bool = True) -> None:
        self._guide = guide
        self._flow = guide.flow
        self._enabled = enabled
        self.learned = Learned()

    # -- credentials ------------------------------------------------------------------------------------------------

    def missing_credentials(self, step: Step) -> bool:
        """Whether the request carries a credential that worked in production and that no answer has handed out."""
        return self._enabled and any(True for _ in self._unbound_credentials(step))

    def principal(self, step: Step) -> str:
        """Whose credentials the request carries, as far as that is known, or ""."""
        return step.principal or self._guide.owners.get(step.index, "")

    def wants_secrets(self, step: Step) -> bool:
        """Whether the request carries a password or token of its principal in a field of its body."""
        principal = self.principal(step)
        if not self._enabled or not principal:
            return False
        return any(
            slot.text not in self.learned.tokens and (principal, slot.text) not in self.learned.secrets
            for slot in self._own_secrets(step)
        )

    def _own_secrets(self, step: Step) -> list[Slot]:
        """Fields of the body that hold a secret which works here sooner or later, and which no other request set.

        A value that the session itself set earlier, elsewhere, is known to the target as it stands; one that never
        works is a wrong password, and must stay wrong.
        """
        return [
            slot
            for slot in step.slots
            if holds_secret(slot) and self._guide.first_use.get((step.session, slot.text)) == step.route
        ]

    def _unbound_credentials(self, step: Step) -> Iterable[tuple[Slot, str, str]]:
        for slot, location, value in consumed(step):
            if not slot.location.startswith(("header.", "cookie.")) or not is_opaque(value):
                continue
            if value in self.learned.tokens or value not in self._guide.proven:
                continue
            made = self._flow.tokens.get(value)
            if made is None or made > step.index:
                yield slot, location, value

    def was_given(self, step: Step) -> bool:
        """Whether all that the request lacks are passwords that this target was given: whoever registered can log in.

        The recording holds one pseudonym for a password, in the registration as in `Authorization: Basic`. Before
        the registration it was no credential in production either.
        """
        return all(
            location.endswith("~basic")
            and (
                (password := basic_password(value)) in self.learned.given
                or self._guide.given.get(password, -1) > step.index
            )
            for _, location, value in self._unbound_credentials(step)
        )

    def mint(self, step: Step, credentials: Credentials) -> None:
        """Takes minted credentials in for the recorded ones of this step's principal."""
        headers = {name.lower(): value for name, value in credentials.headers}
        cookies = dict(credentials.cookies)
        for slot, location, value in list(self._unbound_credentials(step)):
            kind, _, name = slot.location.partition(".")
            minted = cookies.get(name) if kind == "cookie" else headers.get(name)
            if minted is None:
                continue
            suffix = location[len(consumer_key(step.exchange.request.method, step.route, slot.location)) :]
            inner = dict(atoms(minted))
            self.learned.token(value, inner.get(suffix, minted))
        fields = dict(credentials.body)
        for slot in self._own_secrets(step):
            minted = fields.get(field_name(slot))
            if minted is not None and slot.text not in self.learned.tokens:
                self.learned.secret(self.principal(step), slot.text, minted)

    # -- requests ---------------------------------------------------------------------------------------------------

    def prepare(self, step: Step) -> Prepared:
        """The step's request with every value replaced that the target is known to call otherwise."""
        request = step.exchange.request
        if not self._enabled:
            return Prepared(request)
        replacements: dict[Slot, str] = {}
        for slot in step.slots:
            text = self._rewritten(step, slot)
            if text != slot.text:
                replacements[slot] = text
        blocked = self._blocked_by(step)
        if blocked is not None:
            detail = f"needs a value that {self._guide.names[blocked]} did not produce"
            return Prepared(request, Reason.BLOCKED, detail)
        sent = followed(self.learned, request, substitute(request, replacements))
        return Prepared(sent, replaced=len(replacements))

    def _rewritten(self, step: Step, slot: Slot) -> str:
        method = step.exchange.request.method
        if slot.part is Part.BODY:
            secret = self.learned.secrets.get((self.principal(step), slot.text))
            if secret is not None:
                return secret

        if slot.location.startswith("cookie."):
            recorded, held = self.learned.jars.get((step.session, slot.location[7:]), ("", ""))
            given = (
                held
                if recorded == slot.text
                else self.learned.cookies.get((step.session, slot.location[7:], slot.text))
            )
            if given is not None:
                return given

        def lookup(suffix: str, text: str) -> str | None:
            return self._lookup(step, consumer_key(method, step.route, slot.location, suffix), text)

        return rewrite(slot.text, lookup)

    def _lookup(self, step: Step, consumer: str, text: str) -> str | None:
        sort = self._flow.sorts.get(consumer)
        if sort is not None:
            found = self.learned.bindings.get((sort, text))
            if found:
                shares = self._flow.direct.get(consumer, {})
                enough = max((shares.get(b.producer, 0.0) for b in found), default=0.0) / 2
                likely = [b for b in found if shares.get(b.producer, 0.0) >= enough]
                best = max(likely, key=lambda b: (b.made, b.session == step.session, b.index))
                return best.value
        return self.learned.tokens.get(text) if len(text) >= 8 else None

    def _blocked_by(self, step: Step) -> int | None:
        for _, location, value in consumed(step):
            sort = self._flow.sorts.get(location)
            if sort is not None and (sort, value) not in self.learned.bindings and value not in self.learned.tokens:
                maker = self._flow.created.get((sort, value))
                if maker is not None and maker < step.index:
                    return maker
        return None

    # -- answers ----------------------------------------------------------------------------------------------------

    def learn(self, step: Step, response: RecordedResponse) -> None:
        """Binds what this answer hands out to what was recorded in its place."""
        if not self._enabled or step.exchange.response is None:
            return
        self._keep(step, response)
        if step.status != response.status and (step.status >= 400 or response.status >= 400):
            return  # the same refusal still hands out what the next try needs: a form that failed has a new token
        if step.status // 100 == response.status // 100:
            for slot in filter(holds_secret, step.slots):
                self.learned.give(slot.text)
        method, status = step.exchange.request.method, step.status

        def row_key(path: str, key: str) -> str | None:
            path = location_key(method, step.route, status, path)
            sort = self._flow.sorts.get(path)
            found = self.learned.bindings.get((sort, key)) if sort is not None else None
            return max(found, key=lambda b: (b.producer == path, b.made, b.index)).value if found else None

        def from_before(path: str, key: str) -> bool:
            sort = self._flow.sorts.get(location_key(method, step.route, status, path))
            return sort is not None and is_integer(key) and int(key) <= self.learned.settled.get(sort, -1)

        def made_here(path: str, key: str) -> bool:
            sort = self._flow.sorts.get(location_key(method, step.route, status, path))
            return not step.reads and sort is not None and self._flow.created.get((sort, key)) == step.index

        named: list[tuple[str, str, str]] = []  # location, recorded value, value here
        for path, old, new in Pairing(row_key, from_before, made_here).walk(step.produced, produced(response)):
            cookie = _COOKIE.fullmatch(path)
            if cookie:
                self.learned.cookie(step.session, cookie[1], str(old), str(new))
            learn_link(self.learned, old, new)
            new_atoms = dict(atoms(new))
            old_atoms = list(atoms(old))
            if leads_elsewhere(dict(old_atoms), new_atoms, self._guide.words):
                continue  # a redirect to the login page names nothing of what the recorded one led to
            for suffix, text in old_atoms:
                other = new_atoms.get(suffix)
                if other is not None:
                    named.append((location_key(method, step.route, status, path, suffix), text, other))
        kept = {(self._flow.sorts.get(location), here) for location, there, here in named if there == here}
        for location, there, here in named:
            # a page that ends elsewhere has a cursor that names another of its rows: that row is still itself
            if there == here or not step.reads or (self._flow.sorts.get(location), here) not in kept:
                self._bind(step, location, there, here)

    def _keep(self, step: Step, response: RecordedResponse) -> None:
        """What a client's jar does: refusals set cookies too, and who is given none keeps what it has."""
        assert step.exchange.response is not None
        sent = {slot.location[7:]: slot.text for slot in step.slots if slot.location.startswith("cookie.")}
        old, new = _set_cookies(step.exchange.response), _set_cookies(response)
        for name in old.keys() | new.keys():
            recorded, held = self.learned.jars.get((step.session, name), (sent.get(name, ""), ""))
            if not held and name in sent:
                held = self.learned.tokens.get(sent[name], "")
            recorded, held = old.get(name, recorded), new.get(name, held)
            if recorded and held:
                self.learned.jar(step.session, name, recorded, held)

    def _bind(self, step: Step, location: str, old: str, new: str) -> None:
        if is_opaque(old):
            self.learned.token(old, new)
        sort = self._flow.sorts.get(location)
        if sort is None:
            return
        # Sorts are joined by evidence that may be wrong, so that what one location says never overrules another;
        # at one location the first word counts, unless a write gives a new one (an id that is used again).
        self.learned.sight(sort, old)
        known = [binding for binding in self.learned.bindings[sort, old] if binding.producer == location]
        if any(binding.value == new for binding in known):
            return
        if step.reads and old == new and is_integer(old) and (sort, old) not in self._flow.created:
            self.learned.settle(sort, int(old))
        if step.reads and (known or self.learned.images.get((location, new), old) != old):
            return
        self.learned.bind(sort, old, Binding(new, location, step.session, not step.reads, step.index))

    def proven_sorts(self) -> dict[str, str]:
        """Response location -> sort, as far as this pass bears the inferred sorts out.

        Locations of one sort have to call the same recorded value the same in the target. Those that do not are kept
        apart: they were joined by a coincidence of small numbers or of names.
        """
        maps: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
        for (sort, old), found in self.learned.bindings.items():
            for binding in found:
                maps[sort][binding.producer].setdefault(old, binding.value)
        return {
            location: f"{sort}#{number}"
            for sort, locations in maps.items()
            for number, cluster in enumerate(_agreeing(locations))
            for location in cluster
        }


AGREEMENT = 0.8
"""The share of common values on which two locations must agree; a regression may well make a few of them differ."""


def _agreeing(locations: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
    """Clusters of locations that call the same values the same, the best known location first."""
    clusters: list[tuple[dict[str, str], list[str]]] = []
    for location, names in sorted(locations.items(), key=lambda item: (-len(item[1]), item[0])):
        best: tuple[dict[str, str], list[str]] | None = None
        most = 0
        for cluster in clusters:
            common = names.keys() & cluster[0].keys()
            agreed = sum(names[old] == cluster[0][old] for old in common)
            if agreed > most and agreed >= AGREEMENT * len(common):
                best, most = cluster, agreed
        if best is None:
            clusters.append((dict(names), [location]))
        else:
            for old, new in names.items():
                best[0].setdefault(old, new)
            best[1].append(location)
    return [members for _, members in clusters]


def _set_cookies(response: RecordedResponse) -> dict[str, str]:
    """Name -> value of every Set-Cookie, the last of a name."""
    pairs = (value.partition(";")[0].partition("=") for name, value in response.headers if name.lower() == "set-cookie")
    return {name.strip(): value.strip() for name, _, value in pairs}
