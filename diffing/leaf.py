"""Two leaves that are not equal: is that the renaming, the time, known noise, or a difference?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .ages import aged_alike
from .atoms import Inner, atoms, canonical, inner, is_integer, is_jwt, is_opaque, without_signature
from .authority import authorities, same_host, same_instance
from .bindings import TELLING_DIGITS, Renaming
from .card_digits import alike_but_for_cards
from .difference import DifferenceKind
from .formats import template
from .kinds import json_type, kind_of
from .naming import is_called_after, is_id_like
from .profile import AT, NoiseProfile, Place
from .times import OTHER_TIME, UNKNOWN, Window, moment, same_moment
from .turned_up import may_be_new
from .windows import Attribution
from .written_times import part_alike, written_alike

BINDING, NOISE, TIME = "binding", "noise profile", "time"
_STAMP = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_TRUSTED = 3
"""Differing baseline pairs that must all have meant one moment before a candidate's must."""
_ATTRIBUTED = 6
"""Differing baseline pairs that must all have meant the time of one request before a candidate's must."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Either `hidden` says what explains the pair, or `kind` and the rest say how it differs."""

    hidden: str = ""
    kind: DifferenceKind | None = None
    transition: str = ""
    detail: str = ""


@dataclass(slots=True)
class LeafJudge:
    """Judges leaves of one pair of passes; binds identifiers as it goes."""

    profile: NoiseProfile
    renaming: Renaming
    baseline: Window = UNKNOWN
    candidate: Window = UNKNOWN
    attribution: Attribution | None = None
    cards: tuple[str, ...] = ()  # in the request, where the baseline's side is the recording
    first_seen_reading: bool = False  # the request is one that only reads: what it shows was there before

    def judge(self, a: object, b: object, key: str) -> Verdict:
        """`a` and `b` are leaves that are not strictly equal, `key` is their location key without lens suffix."""
        type_a, type_b = json_type(a), json_type(b)
        if type_a != type_b:
            return self._types(type_a, type_b, self.profile.at(key))
        return self._same_type(a, b, key, 0)

    def bind_equal(self, value: object, key: str) -> str:
        """Binds an identifier that is the same on both sides; says why it can not be the same, "" when it can."""
        for suffix, text in atoms(value):
            sort = self.profile.sort_of(key + suffix)
            if sort:
                why = self.renaming.bind(sort, name := without_signature(text), name)
                if why:
                    return why
        return ""

    def _types(self, a: str, b: str, place: Place) -> Verdict:
        transition = f"{a} -> {b}"
        if "null" in (a, b):
            if place.null_varies and (a == "null" or b == "null" or b in place.types):
                return Verdict(NOISE)
            return Verdict(kind=DifferenceKind.NULL, transition=transition)
        if place.type_varies and b in place.types:
            return Verdict(NOISE)
        return Verdict(kind=DifferenceKind.TYPE, transition=transition)

    def _same_type(self, a: object, b: object, key: str, depth: int) -> Verdict:
        place = self.profile.at(key)
        if isinstance(a, str) and isinstance(b, str):
            neutral = same_instance(a, b, self.renaming, self.profile.moving_authorities.__contains__)
            if neutral is not None:
                a, b = neutral
                if a == b:
                    return Verdict(BINDING)
            elif self._other_host(a, b):
                return Verdict(kind=DifferenceKind.VALUE, transition="url -> other host", detail="names another host")
            if self.cards and alike_but_for_cards(a, b, self.cards):
                return Verdict(BINDING)
            inside = self._lenses(a, b, key, depth)
            if inside is not None:
                return inside
        if place.sort:
            return self._identifier(a, b, place, key)
        timely = self._time(a, b, place)
        if timely is not None:
            return timely
        if isinstance(a, str) and isinstance(b, str) and aged_alike(a, b, self.baseline, self.candidate):
            return Verdict(TIME)
        if place.may_vary(a, b):
            return self._varying(a, b, place)
        return Verdict(BINDING) if self._named_alike(a, b, key) else plain(a, b)

    def _named_alike(self, a: object, b: object, key: str) -> bool:
        """Whether names that are known from elsewhere are all that differs."""
        if isinstance(a, str) and isinstance(b, str) and (self.renaming.explains(a, b) or self._timed_alike(a, b)):
            return True
        if part_alike(key, a, b, self.baseline, self.candidate):
            return True
        left, right = canonical(a), canonical(b)
        if left is None or right is None:
            return False
        if not is_id_like(key):
            return is_integer(left) and is_called_after(key, self.renaming.calling(left, right))
        if key.endswith("~num") and min(len(left), len(right)) < TELLING_DIGITS:
            # the 17 of "t17" is a figure as likely as a name, unless the same field names things elsewhere
            sort = self.profile.sort_called(key)
            return bool(sort) and self.renaming.image(sort, left) == right
        return (is_integer(left) or is_opaque(left)) and self.renaming.knows(left, right)

    def _timed_alike(self, a: str, b: str) -> bool:
        """Whether two lines are the same but for times in them, and those stand for the same moments."""
        if written_alike(a, b, self.baseline, self.candidate):
            return True
        left, right = _STAMP.findall(a), _STAMP.findall(b)
        if not left or len(left) != len(right) or _STAMP.sub("\0", a) != _STAMP.sub("\0", b):
            return False
        for one, other in zip(left, right, strict=True):
            before, after = moment(one), moment(other)
            if before is None or after is None:
                return False
            if one != other and not same_moment(before, after, self.baseline, self.candidate):
                return False
        return True

    def _other_host(self, a: str, b: str) -> bool:
        """Whether both hold absolute URLs, and the hosts differ where they never did between passes."""
        left, right = authorities(a), authorities(b)
        if len(left) != len(right) or self.profile.moving_authorities.intersection(left):
            return False
        return any(not same_host(x, y) for x, y in zip(left, right, strict=True))

    def _identifier(self, a: object, b: object, place: Place, key: str) -> Verdict:
        left, right = canonical(a), canonical(b)
        if left is None or right is None:
            return plain(a, b)
        if isinstance(b, str) and isinstance(a, str) and not _same_format(a, b, place):
            return Verdict(kind=DifferenceKind.FORMAT, transition=_formats(a, b))
        if isinstance(a, int) and isinstance(b, int) and b <= 0 < a:
            return Verdict(kind=DifferenceKind.IDENTITY, transition="id -> other id", detail="names nothing")
        left, right = without_signature(left), without_signature(right)
        why = self._unanchored(place.sort, left, right, key) or self.renaming.bind(place.sort, left, right)
        if why and not ("set-cookie[" in key and self._is_nobodys(place.sort, right)):
            return Verdict(kind=DifferenceKind.IDENTITY, transition="id -> other id", detail=why)
        return Verdict(BINDING)

    def _is_nobodys(self, sort: str, candidate: str) -> bool:
        """Whether a value stands for no other one: a signed cookie is the same twice only within one second."""
        return is_opaque(candidate) and candidate not in self.renaming.backward.get(sort, {})

    def _unanchored(self, sort: str, a: str, b: str, key: str) -> str:
        """A value that was there before the passes began is the same in all of them."""
        if not self.first_seen_reading or sort not in self.profile.anchored or a == b:
            return ""
        if self.renaming.image(sort, a) is not None or not self.profile.loose.isdisjoint((f"{sort} {a}", f"{AT}{key}")):
            return ""
        if may_be_new(self.profile.turned_up, sort, a) or self.renaming.names(a, b):
            return ""
        return "names what was there before the passes began, and is not the same"

    def _time(self, a: object, b: object, place: Place) -> Verdict | None:
        left, right = moment(a), moment(b)
        if left is not None and right is None and place.timely and place.timed >= _TRUSTED:
            return Verdict(kind=DifferenceKind.FORMAT, transition=f"time -> {kind_of(b)}", detail="no time any more")
        if left is None or right is None:
            return None
        if place.attributed and place.timed >= _ATTRIBUTED and self.attribution is not None:
            same = self.attribution.agree(left, right, self.baseline, self.candidate)
        else:
            same = same_moment(left, right, self.baseline, self.candidate)
        if same:
            if isinstance(a, str) and isinstance(b, str) and not _same_format(a, b, place):
                return Verdict(kind=DifferenceKind.FORMAT, transition=_formats(a, b))
            return Verdict(TIME)
        if place.timely and place.timed >= _TRUSTED and self.candidate.known:
            return Verdict(kind=DifferenceKind.VALUE, transition=OTHER_TIME, detail="not the same moment")
        return None

    def _varying(self, a: object, b: object, place: Place) -> Verdict:
        if isinstance(a, str) and isinstance(b, str) and place.format is not None and not place.format.admits(b):
            return Verdict(kind=DifferenceKind.FORMAT, transition=_formats(a, b))
        return Verdict(NOISE)

    def _lenses(self, a: str, b: str, key: str, depth: int) -> Verdict | None:
        """The verdict on what the two texts hold inside, or None when that does not settle the matter."""
        if depth >= 3:
            return None
        left, right = inner(a), inner(b)
        if not left and not right:
            return self._decoded(a, b, key)
        if [p.suffix for p in left] != [p.suffix for p in right] or _skeleton(a, left) != _skeleton(b, right):
            return None
        hidden = ""
        for one, other in zip(left, right, strict=True):
            verdict = self._part(one, other, a, b, key, depth)
            if verdict.kind is not None:
                # what is inside may vary in a way of its own, which only the outer text's profile knows
                if (
                    verdict.kind is DifferenceKind.VALUE
                    and self.profile.at(key).varies
                    and not self._learned(left, key)
                ):
                    return None
                return verdict
            hidden = verdict.hidden or hidden
        return Verdict(hidden or BINDING)

    def _learned(self, parts: tuple[Inner, ...], key: str) -> bool:
        """Whether some part is known to vary or to be an identifier: then the others are known to be stable."""
        places = (self.profile.at(key + part.suffix) for part in parts)
        return any(place.varies or place.sort for place in places)

    def _part(self, one: Inner, other: Inner, a: str, b: str, key: str, depth: int) -> Verdict:
        if one.text == other.text:
            if one.kind == "padded" and a[one.start : one.end] != b[other.start : other.end]:
                return Verdict(kind=DifferenceKind.FORMAT, transition=_formats(a, b))
            return Verdict(self.bind_equal_text(one.text, key + one.suffix))
        if one.kind == "padded" and _padding_lost(a[one.start : one.end], b[other.start : other.end]):
            return Verdict(kind=DifferenceKind.FORMAT, transition=_formats(a, b))
        verdict = self._same_type(one.text, other.text, key + one.suffix, depth + 1)
        if verdict.kind is None:
            return verdict
        detail = f"at {one.suffix}" + (f": {verdict.detail}" if verdict.detail else "")
        return Verdict(kind=verdict.kind, transition=verdict.transition, detail=detail)

    def bind_equal_text(self, text: str, key: str) -> str:
        """Binds an inner identifier that is equal on both sides; nothing is hidden by that, so always ""."""
        sort = self.profile.sort_of(key)
        if sort:
            self.renaming.bind(sort, name := without_signature(text), name)
        return ""

    def _decoded(self, a: str, b: str, key: str) -> Verdict | None:
        """JWT claims and base64 objects: their inner values can be told apart, the text around them can not."""
        left, right = list(atoms(a))[1:], list(atoms(b))[1:]
        if not left or not right:
            return None
        if [suffix for suffix, _ in left] != [suffix for suffix, _ in right]:
            if self.profile.at(key).inside_varies:
                return None
            return Verdict(
                kind=DifferenceKind.FORMAT, transition=f"{kind_of(a)} -> {kind_of(b)}", detail="holds other fields"
            )
        hidden = ""
        for (suffix, one), (_, other) in zip(left, right, strict=True):
            if one == other:
                self.bind_equal_text(one, key + suffix)
                continue
            verdict = self._same_type(one, other, key + suffix, 3)
            if verdict.kind is not None:
                return Verdict(kind=verdict.kind, transition=verdict.transition, detail=f"at {suffix}")
            hidden = verdict.hidden
        if is_jwt(a):
            return None  # the claims are right; the token as a whole is judged as any other
        return Verdict(hidden) if hidden else None


def _skeleton(text: str, parts: tuple[Inner, ...]) -> str:
    pieces: list[str] = []
    position = 0
    for part in parts:
        pieces.append(text[position : part.start])
        position = part.end
    pieces.append(text[position:])
    return "\0".join(pieces)


def _padding_lost(a: str, b: str) -> bool:
    return (a.startswith("0") or b.startswith("0")) and len(a) != len(b)


def _same_format(a: str, b: str, place: Place) -> bool:
    if template(a) == template(b):
        return True if place.format is None else place.format.admits(b) or place.format.samples < 2
    return place.format is not None and place.format.admits(b)


def _formats(a: str, b: str) -> str:
    left, right = template(a) or kind_of(a), template(b) or kind_of(b)
    if left == right:
        right = f"other {right}"
    return f"{left} -> {right}"


def plain(a: object, b: object) -> Verdict:
    """Two values of one type at a place where the baseline always gives the same one."""
    if isinstance(a, bool):
        return Verdict(kind=DifferenceKind.VALUE, transition=f"{str(a).lower()} -> {str(b).lower()}")
    if isinstance(a, str) and isinstance(b, str):
        left, right = template(a), template(b)
        if left != right and left.startswith(("time", "uuid", "jwt")):
            return Verdict(kind=DifferenceKind.FORMAT, transition=_formats(a, b))
        if is_opaque(a) and not b:
            return Verdict(kind=DifferenceKind.VALUE, transition="str -> empty str")
    name = json_type(a)
    return Verdict(kind=DifferenceKind.VALUE, transition=f"{name} -> other {name}")
