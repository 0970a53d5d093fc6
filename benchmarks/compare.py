"""Pairs of responses compared per second on one core, beside DeepDiff on everything. Run: python -m benchmarks.compare

The mix: JSON bodies of 0.3 to 40 KB (about 7 KB on average), nine in ten byte for byte equal, the others with another
order of keys, one changed leaf, one inserted row or one lost field. Both must flag the same pairs.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

from deepdiff import DeepDiff

from diffing.compare import compare
from recorder.exchange import Body, RecordedResponse

Pair = tuple[RecordedResponse, RecordedResponse]


def row(number: int, chance: random.Random) -> dict[str, Any]:
    """One object as a shop's API gives it."""
    return {
        "id": number,
        "sku": f"SKU-{chance.randrange(10**6):06d}",
        "name": f"Thing number {number}",
        "price": chance.randrange(100, 100_000) / 100,
        "tags": ["a", "b", "c"][: chance.randrange(4)],
        "stock": {"berlin": chance.randrange(50), "oslo": chance.randrange(50)},
        "created_at": "2024-01-01T00:00:00Z",
        "owner": None,
    }


def response(value: object, **options: Any) -> RecordedResponse:
    """A 200 with a JSON body."""
    data = json.dumps(value, **options).encode()
    return RecordedResponse(
        200, "OK", (("Content-Type", "application/json"), ("X-Frame-Options", "DENY")), Body.of(data)
    )


def mix(count: int, seed: int = 7) -> list[Pair]:
    """Pairs in the proportions that a replay of an unchanged release gives."""
    chance = random.Random(seed)
    pairs = []
    for _ in range(count):
        size = int(min(200, chance.lognormvariate(3.0, 1.0))) + 1
        value = {"items": [row(n, chance) for n in range(size)], "total": size}
        other = json.loads(json.dumps(value))
        how = chance.random()
        if how < 0.90:
            pairs.append((response(value), response(other)))
        elif how < 0.95:
            pairs.append((response(value), response(other, sort_keys=True)))
        else:
            if how < 0.97:
                other["items"][chance.randrange(size)]["price"] += 1
            elif how < 0.985:
                other["items"].insert(0, row(9999, chance))
            else:
                del other["items"][chance.randrange(size)]["sku"]
            pairs.append((response(value), response(other)))
    return pairs


def rate(differs: Callable[[Pair], bool], pairs: list[Pair]) -> tuple[float, list[bool]]:
    """(pairs per second of processor time, which of them were flagged)."""
    started = time.process_time()
    flags = [differs(pair) for pair in pairs]
    return len(pairs) / (time.process_time() - started), flags


def main() -> None:
    pairs = mix(20_000)
    some = pairs[:150]
    mean = sum(len(a.body.data) for a, _ in pairs) / len(pairs)
    identical = [pair for pair in pairs if pair[0].body.data == pair[1].body.data]
    ours, flags = rate(lambda pair: bool(compare(*pair)), pairs)
    same, _ = rate(lambda pair: bool(compare(*pair)), identical)
    theirs, expected = rate(
        lambda pair: bool(DeepDiff(json.loads(pair[0].body.data), json.loads(pair[1].body.data))), some
    )
    print(f"mean body {mean / 1000:.1f} KB")
    print(f"realistic mix        {ours:10,.0f} pairs/s")
    print(f"identical pairs      {same:10,.0f} pairs/s")
    print(f"DeepDiff on all      {theirs:10,.0f} pairs/s, flags the same pairs: {flags[: len(some)] == expected}")
    print(f"ratio                {ours / theirs:10,.0f}")


if __name__ == "__main__":
    main()
