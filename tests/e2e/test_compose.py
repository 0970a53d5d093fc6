"""The compose file, from the first command to a verdict, on real servers and an installed wheel: all but Docker."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest

from .composed import Composition, composition, installed_wheel

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed_wheel(tmp_path_factory.mktemp("wheel"))


def test_what_is_composed_records_collects_replays_and_judges(
    programs: Path, postgres_url: str, tmp_path: Path
) -> None:
    with composition(tmp_path, programs, postgres_url) as composed:
        for once in ("migrate", "seed"):
            code, output = composed.run(once)
            assert code == 0, output
        composed.up("provider", "shop", "dashboard", "ingest", "worker", "stable", "staging")
        sent = customers(composed.url("shop", "8000"), tmp_path / "snapshots" / "wallet.json")
        assert composed.stop("shop") == 0  # what it had noted is in the stream now
        assert drained(composed) >= sent  # and its health checks

        code, output = composed.run(
            "gate", "shop-1", "--baseline", "stable", "--candidate", "staging", "--executor", "celery",
            "--passes", "2", "--json", str(tmp_path / "report.json"),
        )  # fmt: skip
        assert code == 1, output + composed.log("worker")  # the next release has regressions
        report = json.loads((tmp_path / "report.json").read_text())
        assert report["verdict"] == "fail"
        assert report["run"]["executor"] == "celery"
        confirmed = {(each["route"], each["state"]) for each in report["findings"]}
        assert ("/api/catalogue/products/<int:product_id>", "confirmed") in confirmed
        assert metric(composed, "ingest", 'understudy_ingest_exchanges_total{outcome="added"}') >= sent
        assert metric(composed, "worker", 'understudy_worker_requests_total{outcome="answered"}') >= sent
        said = [json.loads(line) for line in composed.log("worker").splitlines() if line]
        assert any(line.get("run") == report["run"]["id"] and "batch" in line for line in said)
        ready = httpx.get(f"{composed.url('dashboard', '8642')}/ready")
        assert ready.json() == {"status": "ok", "database": "ok"}
        for name in ("ingest", "worker", "dashboard", "stable", "staging", "provider"):
            assert composed.stop(name) == 0, composed.log(name)


def customers(url: str, wallet: Path) -> int:
    """Some people who log in and look around, each from an address of their own; how many requests that took."""
    sent = 0
    for number, user in enumerate(json.loads(wallet.read_text())["users"][:4]):
        with httpx.Client(base_url=url, headers={"X-Forwarded-For": f"203.0.113.{number + 1}"}) as client:
            login = client.post("/api/auth/login", json={"email": user["email"], "password": user["password"]})
            login.raise_for_status()
            client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
            for path in (
                "users/me",
                "orders",
                "notifications",
                *(f"catalogue/products/{product}" for product in range(1, 13)),
            ):
                client.get(f"/api/{path}").raise_for_status()
                sent += 1
            sent += 1
    return sent


def metric(composed: Composition, service: str, name: str) -> float:
    """One value, as Prometheus would scrape it in the network."""
    lines = httpx.get(f"http://127.0.0.1:{composed.port(service, '9464')}/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).rpartition(" ")[2])


def drained(composed: Composition) -> int:
    """How many exchanges were recorded, once nothing is in the stream any more."""
    deadline = time.monotonic() + 60
    with composed.stream().client() as client:
        while client.xlen("understudy"):
            assert time.monotonic() < deadline, composed.log("ingest")
            time.sleep(0.1)
    (recording,) = json.loads(composed.understudy("ingest", "recordings", "list", "--json"))
    assert recording["name"] == "shop-1"
    return int(recording["exchanges"])
