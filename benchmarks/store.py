"""How fast exchanges go into the store and come out of it again, and how much room they take.

    python benchmarks/store.py [NUMBER OF EXCHANGES]

SQLite, and PostgreSQL where its server programs are found: a server of its own, which flushes what is committed to the
disk, over a Unix socket. CPU is that of this process; what PostgreSQL's server takes beside it is the rest of `wall`.

The traffic is made up, seeded, and repetitive as an API's is: 40 routes, 50 clients with a token and cookies each, JSON
of 0.2 to 4 KB of which a third is the same each time and the rest differs in ids, prices, names and times.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from recorder.exchange import Body, Exchange, Headers, RecordedRequest, RecordedResponse
from replayer.store import Store

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.services.postgres import MISSING, Cluster, programs

WORDS = "small large red green blue steel oak glass chair table lamp desk shelf frame clock vase".split()
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"


def made_up(number: int, seed: int = 1) -> Iterator[Exchange]:
    """Seeded traffic of a made-up shop."""
    dice = random.Random(seed)
    clients = [(dice.randbytes(16).hex(), dice.randbytes(48).hex(), dice.randbytes(16).hex()) for _ in range(50)]
    constant = [json.dumps(items(dice, 6)).encode() for _ in range(13)]
    moment = 1_700_000_000.0
    for n in range(number):
        client, token, cookie = dice.choice(clients)
        route = dice.randrange(40)
        moment += dice.random() / 100
        body = constant[route] if route < 13 else json.dumps(items(dice, 1 + route % 12)).encode()
        write = route % 5 == 0
        sent = json.dumps({"quantity": dice.randrange(9), "note": dice.choice(WORDS)}).encode() if write else b""
        headers: Headers = (
            ("Host", "shop.example"),
            ("User-Agent", AGENT),
            ("Accept", "application/json, text/plain, */*"),
            ("Accept-Encoding", "gzip, deflate, br"),
            ("Authorization", f"Bearer {token}"),
            ("Cookie", f"session={cookie}; theme=dark"),
        )
        if write:
            headers += (("Content-Type", "application/json"), ("Content-Length", str(len(sent))))
        yield Exchange(
            id=dice.randbytes(16).hex(),
            request=RecordedRequest(
                "POST" if write else "GET",
                f"/api/things{route}/{dice.randrange(2000)}?page={dice.randrange(9)}",
                headers,
                Body.of(sent),
            ),
            response=RecordedResponse(
                200,
                "OK",
                (
                    ("Content-Type", "application/json"),
                    ("Content-Length", str(len(body))),
                    ("X-Request-Id", dice.randbytes(8).hex()),
                ),
                Body.of(body),
            ),
            started=moment,
            ended=moment + dice.random() / 50,
            route=f"/api/things{route}/<int:id>",
            endpoint=f"things{route}",
            client=client,
            links=(token[:32], cookie),
            principal=client,
            producer="host:1",
            sequence=n,
        )


def items(dice: random.Random, count: int) -> dict[str, object]:
    """One JSON document of `count` items of some 250 bytes each."""
    rows = [
        {
            "id": dice.randrange(100_000),
            "name": f"{dice.choice(WORDS)} {dice.choice(WORDS)} {dice.choice(WORDS)}",
            "price": {"amount": f"{dice.randrange(100, 99_999) / 100:.2f}", "currency": "EUR"},
            "in_stock": dice.random() < 0.8,
            "updated_at": f"2024-05-{dice.randrange(1, 29):02}T{dice.randrange(24):02}:{dice.randrange(60):02}:00Z",
            "tags": dice.sample(WORDS, 2),
            "links": {"self": f"/api/things/{dice.randrange(100_000)}", "reviews": None},
        }
        for _ in range(count)
    ]
    return {"items": rows, "total": count, "page": 1}


def measure(name: str, url: str, traffic: list[Exchange], size: Callable[[], int]) -> None:
    """Put the traffic into an empty database, read it back, and say what that took."""
    number = len(traffic)
    with Store.open(url) as store:
        before = size()
        recording = store.create_recording("bench", service="shop", release="1", key_id="k", source="made up")
        wall, cpu = time.perf_counter(), time.process_time()
        store.add_exchanges(recording.id, traffic)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{name}  in:  {number / wall:8,.0f} exchanges/s   {cpu / number * 1e6:6.1f} µs CPU each")
        wall, cpu = time.perf_counter(), time.process_time()
        again = store.add_exchanges(recording.id, traffic)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{name} again: {number / wall:8,.0f} exchanges/s   {cpu / number * 1e6:6.1f} µs CPU each", end="")
        print(f"   {again.duplicates:,} there already")
        wall, cpu = time.perf_counter(), time.process_time()
        same = sum(a == b for a, b in zip(store.exchanges(recording.id), traffic, strict=True))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"{name} out:  {number / wall:8,.0f} exchanges/s   {cpu / number * 1e6:6.1f} µs CPU each   {same:,} equal"
        )
    room = (size() - before) / number
    raw = sum(len(e.request.body.data) + len(e.response.body.data if e.response else b"") for e in traffic) / number
    print(f"{name} room: {room:8,.0f} bytes each, of {raw:,.0f} bytes of bodies alone")


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    traffic = list(made_up(number))
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder)
        measure("SQLite    ", f"sqlite:///{folder}/store.db", traffic, lambda: _bytes(files))
    if programs() is None:
        print(MISSING)
        return
    with Cluster(fsync="on", full_page_writes="on", shared_buffers="256MB", max_wal_size="4GB") as cluster:
        url = cluster.create_database("bench")
        measure("PostgreSQL", url, traffic, lambda: _database_bytes(url))


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _database_bytes(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    main()
