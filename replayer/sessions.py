"""Which exchanges belong to one client's session, and whose session it is.

Sessions are linked afterwards, by union-find over the keyed hashes that the recorder took: a login changes the cookie,
a refresh the token, yet both stand in one exchange together with what came before.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

from recorder.exchange import Exchange

MAX_PRINCIPALS_OF_A_CLIENT = 3
"""A client hash (address and agent) shared by more principals is a gateway or a NAT: it links nothing."""


class Partition:
    """Disjoint sets with path halving (Tarjan's union-find); an element unknown so far is a set of its own."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, element: Hashable) -> Hashable:
        parent = self._parent
        parent.setdefault(element, element)
        while parent[element] != element:
            parent[element] = parent[parent[element]]
            element = parent[element]
        return element

    def union(self, a: Hashable, b: Hashable) -> None:
        """The root of `a` becomes a child of the root of `b`."""
        self._parent[self.find(a)] = self.find(b)

    def __contains__(self, element: Hashable) -> bool:
        return element in self._parent


def _shared_clients(exchanges: Iterable[Exchange]) -> set[str]:
    principals: dict[str, set[str]] = defaultdict(set)
    for exchange in exchanges:
        if exchange.principal:
            principals[exchange.client].add(exchange.principal)
    return {client for client, found in principals.items() if len(found) > MAX_PRINCIPALS_OF_A_CLIENT}


def _shared_links(exchanges: Iterable[Exchange]) -> set[str]:
    """Cookie and token values that are no session's: of several principals, or of nobody and from several clients."""
    principals: dict[str, set[str]] = defaultdict(set)
    clients: dict[str, set[str]] = defaultdict(set)
    for exchange in exchanges:
        for link in exchange.links:
            clients[link].add(exchange.client)
            if exchange.principal:
                principals[link].add(exchange.principal)
    return {
        link
        for link, found in clients.items()
        if len(principals[link]) > 1 or (not principals[link] and len(found) > 1)
    }


def sessions(exchanges: Sequence[Exchange]) -> list[int]:
    """For each exchange the number of its session, counted from 0 in the order of first appearance."""
    shared_clients, shared_links = _shared_clients(exchanges), _shared_links(exchanges)
    partition = Partition()
    anchors: list[Hashable] = []
    for exchange in exchanges:
        names: list[Hashable] = [("link", link) for link in exchange.links if link not in shared_links]
        if exchange.client and exchange.client not in shared_clients:
            names.append(("client", exchange.client))
        if not names:
            names.append(("client", exchange.client) if exchange.client else ("exchange", exchange.id))
        for name in names[1:]:
            partition.union(name, names[0])
        anchors.append(names[0])
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(partition.find(anchor), len(numbers)) for anchor in anchors]


def principals(exchanges: Sequence[Exchange]) -> list[str]:
    """For each exchange whose it is: as recorded, or what later exchanges with the same cookie or token say; or ""."""
    shared = _shared_links(exchanges)
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for exchange in exchanges:
        if exchange.principal:
            for link in exchange.links:
                if link not in shared:
                    votes[link][exchange.principal] += 1
    found: list[str] = []
    for exchange in exchanges:
        principal = exchange.principal
        if not principal:
            for link in exchange.links:
                if votes.get(link):
                    principal = votes[link].most_common(1)[0][0]
                    break
        found.append(principal)
    return found
