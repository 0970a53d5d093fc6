"""Lives: the exchanges of one person, or of one session whose owner nobody knows, in the order of time.

The rules are those of `sessions`, on the numbers of a survey instead of exchanges; the sessions of one principal are
one life, since they share what is theirs.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from ..sessions import MAX_PRINCIPALS_OF_A_CLIENT
from .survey import Survey

_SEVERAL = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Lives:
    """`order` holds all exchanges, life by life; life i is `order[starts[i]:starts[i + 1]]`."""

    life: array[int]  # of each exchange
    place: array[int]  # of each exchange in `order`
    order: array[int]
    starts: array[int]

    def before(self, index: int, most: int) -> array[int]:
        """The exchange and at most `most` that go before it in its life, in order."""
        place = self.place[index]
        return self.order[max(self.starts[self.life[index]], place - most) : place + 1]


def lives(survey: Survey) -> Lives:
    """Finds out which exchanges are of one life."""
    count = len(survey)
    links = max(survey.links, default=0) + 1
    clients = max(survey.clients, default=0) + 1
    owners = _owners(survey, links)
    gateways = _gateways(survey)
    parent = array("I", range(links + clients + max(survey.principals, default=0) + 1 + count))
    anchors = array("I", bytes(4 * count))
    for index in range(count):
        client, principal = survey.clients[index], survey.principals[index]
        names = [link for link in survey.links_of(index) if owners[link] != _SEVERAL]
        if not principal:
            principal = next((owners[link] for link in names if owners[link]), 0)
        if client and client not in gateways:
            names.append(links + client)
        if principal:
            names.append(links + clients + principal)
        elif not names:
            names.append(links + client if client else len(parent) - count + index)
        first = _find(parent, names[0])
        for name in names[1:]:
            parent[_find(parent, name)] = first
        anchors[index] = first
    return _ordered(survey, array("I", [_find(parent, anchor) for anchor in anchors]))


def _find(parent: array[int], element: int) -> int:
    while parent[element] != element:
        parent[element] = parent[parent[element]]
        element = parent[element]
    return element


def _owners(survey: Survey, links: int) -> array[int]:
    """For each link its principal, 0 for nobody's, and _SEVERAL for what is no session's."""
    principals, clients = array("I", bytes(4 * links)), array("I", bytes(4 * links))
    for index in range(len(survey)):
        client, principal = survey.clients[index] + 1, survey.principals[index]
        for link in survey.links_of(index):
            if clients[link] != client:
                clients[link] = _SEVERAL if clients[link] else client
            if principal and principals[link] != principal:
                principals[link] = _SEVERAL if principals[link] else principal
    for link in range(links):
        if not principals[link] and clients[link] == _SEVERAL:
            principals[link] = _SEVERAL
    return principals


def _gateways(survey: Survey) -> set[int]:
    found: dict[int, set[int]] = {}
    for client, principal in set(zip(survey.clients, survey.principals, strict=True)):
        if principal:
            found.setdefault(client, set()).add(principal)
    return {client for client, principals in found.items() if len(principals) > MAX_PRINCIPALS_OF_A_CLIENT}


def _ordered(survey: Survey, roots: array[int]) -> Lives:
    numbers: dict[int, int] = {}
    life = array("I", [numbers.setdefault(root, len(numbers)) for root in roots])
    times = survey.times
    order = array("I", sorted(range(len(survey)), key=times.__getitem__))
    sizes = array("I", bytes(4 * (len(numbers) + 1)))
    for number in life:
        sizes[number + 1] += 1
    starts = array("I", sizes)
    for number in range(1, len(starts)):
        starts[number] += starts[number - 1]
    fill, place, sorted_ = array("I", starts), array("I", bytes(4 * len(survey))), array("I", bytes(4 * len(survey)))
    for index in order:
        at = fill[life[index]]
        sorted_[at], place[index] = index, at
        fill[life[index]] = at + 1
    return Lives(life, place, sorted_, starts)
