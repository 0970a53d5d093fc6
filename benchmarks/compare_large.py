"""The worst pairs of 1 MB bodies: processor time and peak memory of each. Run: python -m benchmarks.compare_large

Budget: 1 s and 200 MB for any pair of bodies of up to 1 MB. Each pair is compared in a process of its own, once plainly
and once as the gate does (learning from two passes, then judging), and the process's own figures are taken.
"""

from __future__ import annotations

import base64
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable

from diffing.compare import compare
from diffing.difference import Answer, Case
from diffing.profile import learn
from diffing.trial import Trial
from recorder.exchange import Body, Exchange, RecordedRequest, RecordedResponse

SIZE = 1_000_000
SECONDS, MEGABYTES = 1.0, 200.0

Make = Callable[[random.Random, int], tuple[str, bytes]]
"""Content type and body, by chance and number of the side."""


def _json(value: object) -> tuple[str, bytes]:
    return "application/json", json.dumps(value).encode()[:SIZE]


def shuffled_numbers(chance: random.Random, side: int) -> tuple[str, bytes]:
    numbers = list(range(140_000))
    random.Random(side).shuffle(numbers)
    return _json(numbers)


def other_numbers(chance: random.Random, side: int) -> tuple[str, bytes]:
    return _json([chance.randrange(10**6) for _ in range(120_000)])


def anonymous_rows(chance: random.Random, side: int) -> tuple[str, bytes]:
    return _json([{"a": chance.random(), "b": chance.randrange(9), "c": "x"} for _ in range(20_000)])


def rows_inserted(chance: random.Random, side: int) -> tuple[str, bytes]:
    rows = [{"v": number, "w": number * 7 % 1000} for number in range(35_000)]
    return _json([{"v": -1, "w": chance.random()}] * (5 * side) + rows)


def named_rows(chance: random.Random, side: int) -> tuple[str, bytes]:
    rows = [{"id": number, "price": chance.random(), "tags": ["a", "b"]} for number in range(18_000)]
    random.Random(side).shuffle(rows)
    return _json(rows)


def many_keys(chance: random.Random, side: int) -> tuple[str, bytes]:
    return _json({f"{chance.getrandbits(64):016x}": number for number in range(40_000)})


def deep_arrays(chance: random.Random, side: int) -> tuple[str, bytes]:
    depth = SIZE // 2 - 1
    return "application/json", b"[" * depth + str(side).encode() + b"]" * depth


def deep_objects(chance: random.Random, side: int) -> tuple[str, bytes]:
    depth = SIZE // 7
    return "application/json", b'{"a":' * depth + str(side).encode() + b"}" * depth


def wide_and_deep(chance: random.Random, side: int) -> tuple[str, bytes]:
    value: object = side
    for _ in range(900):
        value = {"a": value, "b": [chance.randrange(9)] * 100, "c": "x" * 300}
    return _json(value)


def one_text(chance: random.Random, side: int) -> tuple[str, bytes]:
    return _json({"text": "".join(chance.choices("ab /.:-=&?%\"'<>", k=SIZE - 200_000))})


def many_links(chance: random.Random, side: int) -> tuple[str, bytes]:
    return _json([f"https://api.example/v1/orders/{chance.randrange(10**6)}?page={side}" for _ in range(16_000)])


def many_tokens(chance: random.Random, side: int) -> tuple[str, bytes]:
    return _json([base64.b64encode(chance.randbytes(24)).decode() for _ in range(27_000)])


def many_times(chance: random.Random, side: int) -> tuple[str, bytes]:
    return _json([f"2026-01-{1 + n % 28:02d}T10:{n % 60:02d}:{chance.randrange(60):02d}Z" for n in range(40_000)])


def huge_integer(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "application/json", b"[" + b"9" * (SIZE - 10) + str(side).encode() + b"]"


def repeated_keys(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "application/json", b"{" + b",".join(b'"k":%d' % (n + side) for n in range(90_000)) + b"}"


def lying_json(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "application/json", b'{"a": ' + b"[1,2,{" * 150_000 + str(side).encode()


def json_lines(chance: random.Random, side: int) -> tuple[str, bytes]:
    lines = (json.dumps({"n": n, "v": chance.random()}) for n in range(28_000))
    return "application/x-ndjson", "\n".join(lines).encode()


def table(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "text/csv", "\n".join(f"{n},{chance.random()},x,y,z" for n in range(35_000)).encode()


def form(chance: random.Random, side: int) -> tuple[str, bytes]:
    fields = "&".join(f"k{n}={chance.randrange(999)}" for n in range(90_000))
    return "application/x-www-form-urlencoded", fields.encode()


def page(chance: random.Random, side: int) -> tuple[str, bytes]:
    row = '<tr><td><a href="/orders/{0}">order {0}</a></td><td><input name="f{0}" value="{1}"></td></tr>'
    rows = "".join(row.format(n, chance.random()) for n in range(9_000))
    return "text/html", f"<html><body><table>{rows}</table></body></html>".encode()


def broken_page(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "text/html", b"<div <a href='" * 60_000 + b"<" * 100_000 + str(side).encode()


def half_closed_page(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "text/html", b"<a href='>'<b <i x=\"<\"" * 45_000 + str(side).encode()


def data_page(chance: random.Random, side: int) -> tuple[str, bytes]:
    image = base64.b64encode(random.Random(7).randbytes(300_000))
    return "text/html", b"<p>" + str(side).encode() + b"</p><img src='data:image/png;base64," + image + b"'>"


def wide_table(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "text/csv", b"a," * 250_000 + b"\n" + str(side).encode() + b",1" * 250_000


def one_field_form(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "application/x-www-form-urlencoded", b"a=1&" * 240_000 + str(side).encode()


def scripts(chance: random.Random, side: int) -> tuple[str, bytes]:
    lines = b"".join(b"x%d = %d;\n" % (n, n + side) for n in range(60_000))
    return "text/html", b"<html><script>" + lines + b"</script></html>"


def plain_lines(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "text/plain", "\n".join(f"line {n} {chance.random()}" for n in range(35_000)).encode()


def one_line(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "text/plain", ("ab " * 330_000 + str(side)).encode()


def noise(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "application/octet-stream", chance.randbytes(SIZE)


def random_json_bytes(chance: random.Random, side: int) -> tuple[str, bytes]:
    return "application/json", chance.randbytes(SIZE)


PAIRS: dict[str, Make] = {
    make.__name__: make
    for make in (
        shuffled_numbers, other_numbers, anonymous_rows, rows_inserted, named_rows, many_keys, deep_arrays,
        deep_objects, wide_and_deep, one_text, many_links, many_tokens, many_times, huge_integer, repeated_keys,
        lying_json, json_lines, table, form, one_field_form, wide_table, page, broken_page,
        half_closed_page, data_page, scripts, plain_lines, one_line, noise, random_json_bytes,
    )
}  # fmt: skip


def response(make: Make, side: int) -> RecordedResponse:
    media, data = make(random.Random(side), side)
    return RecordedResponse(200, "OK", (("Content-Type", media),), Body.of(data))


def plainly(name: str) -> bool:
    """Whether the plain comparison tells the two sides apart."""
    return bool(compare(response(PAIRS[name], 0), response(PAIRS[name], 1)))


def as_the_gate(name: str) -> bool:
    """Two equal passes teach, a third side is judged: whether it is told apart."""
    same, other = response(PAIRS[name], 0), response(PAIRS[name], 1)
    answers = (Answer(same, "", 1.0, 2.0), Answer(same, "", 3.0, 4.0))
    exchange = Exchange("0" * 32, RecordedRequest("GET", "/a", ()), same, 1.0, 2.0)
    case = Case(exchange, "/a", answers, (Answer(other, "", 5.0, 6.0),))
    found = Trial(learn([case], {})).first([case])
    return bool(found[0].differences)


WAYS = {"plain": plainly, "gate": as_the_gate}


def one(way: str, name: str) -> None:
    """Compares one pair in this process, and prints its seconds, its megabytes, and whether it was told apart."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    random.seed(1)
    response(PAIRS[name], 0), response(PAIRS[name], 1)  # what making the bodies takes is not the comparison's
    floor = max(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    made = time.process_time()
    response(PAIRS[name], 0), response(PAIRS[name], 1)
    began = time.process_time()
    told = WAYS[way](name)
    seconds = time.process_time() - began - (began - made)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([max(0.0, seconds), (peak - floor) / 1024, told]))


def main() -> int:
    if len(sys.argv) == 3:
        one(*sys.argv[1:])
        return 0
    missed = 0
    print(f"{'pair':20}" + "".join(f"{way + ': seconds':>16}{'MB':>8}" for way in WAYS))
    for name in PAIRS:
        cells = ""
        for way in WAYS:
            command = [sys.executable, "-m", "benchmarks.compare_large", way, name]
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            if done.returncode:
                print(done.stderr[-2000:])
                return 1
            seconds, megabytes, told = json.loads(done.stdout)
            over = seconds > SECONDS or megabytes > MEGABYTES or not told
            missed += over
            cells += f"{seconds:16.2f}{megabytes:8.0f}{' !' if over else ''}{'' if told else ' not told apart'}"
        print(f"{name:20}{cells}", flush=True)
    print(f"{missed} over the budget of {SECONDS:g} s and {MEGABYTES:g} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
