"""What noting an outbound call costs the thread that makes it: CPU microseconds per call, bare and noted in turn.

    python -m benchmarks.outbound_overhead [--rounds 40] [--calls 50]

The calls go to a server of another process over a connection that is kept, with 1 KB of JSON either way. Medians over
rounds, since a busy machine disturbs both alike. What the background thread does afterwards is not counted here.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import httpx
import requests

from recorder.config import RecorderConfig
from recorder.guard import Guard
from recorder.keys import Key
from recorder.observation import Observation, Wanted, begin, end
from recorder.outbound import OutboundHook

BUDGET_MICROSECONDS = 50.0
BODY = json.dumps({"amount": "12.30", "lines": ["x" * 40] * 24}).encode()
HEADERS = {"Content-Type": "application/json", "Idempotency-Key": "5f0c"}

SERVER = f"""
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "{len(BODY)}")
        self.end_headers()
        self.wfile.write({BODY!r})
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def clients(port: int) -> dict[str, Callable[[], object]]:
    """One call of each client, over a connection that is kept."""
    url = f"http://127.0.0.1:{port}/charges"
    session, client, plain = requests.Session(), httpx.Client(), http.client.HTTPConnection("127.0.0.1", port)

    def by_http_client() -> bytes:
        plain.request("POST", "/charges", BODY, HEADERS)
        return plain.getresponse().read()

    return {
        "requests": lambda: session.post(url, data=BODY, headers=HEADERS).content,
        "httpx": lambda: client.post(url, content=BODY, headers=HEADERS).content,
        "http.client": by_http_client,
    }


HOOK = OutboundHook(RecorderConfig(), Key(b"k" * 32), Guard())


def cpu_of(call: Callable[[], object], calls: int, noted: bool) -> float:
    """CPU microseconds of this thread per call."""
    observation = Observation(wanted=Wanted(calls=HOOK.look()))
    if noted:
        begin(observation)
    started = time.thread_time()
    for _ in range(calls):
        call()
    spent = time.thread_time() - started
    end(observation)
    return spent / calls * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=50, help="in a round: as many as one request's are kept")
    options = parser.parse_args()
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    worst = 0.0
    try:
        made = clients(int(server.stdout.readline()))
        for name, call in made.items():
            call()
            rounds = [
                (cpu_of(call, options.calls, False), cpu_of(call, options.calls, True)) for _ in range(options.rounds)
            ]
            bare = statistics.median(one for one, _ in rounds)
            added = statistics.median(two - one for one, two in rounds)
            worst = max(worst, added)
            print(f"{name:12} {bare:7.1f} us bare   {added:+6.1f} us noted")
    finally:
        server.kill()
        server.wait()
    print(f"worst {worst:.1f} us, budget {BUDGET_MICROSECONDS:.0f} us")
    return int(worst > BUDGET_MICROSECONDS)


if __name__ == "__main__":
    sys.exit(main())
