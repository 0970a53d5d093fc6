"""What can be watched: every metric by name, and each process's samples. The one module that knows prometheus_client.

Samples are taken from what is counted anyway, when somebody asks: nothing is kept in the client library's own registry.
Labels have few values: reasons that are not among the known ones are `other`, and no metric is by route.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family

from .draining import Progress
from .store import Store
from .supervision import SILENT_SECONDS
from .tally import Counts


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: who gives it, and what it says."""

    name: str  # as it is scraped
    kind: str  # gauge, counter or histogram
    given_by: str  # serve, ingest or worker
    help: str
    labels: tuple[str, ...] = ()


RECORDINGS = Metric("understudy_recordings", "gauge", "serve", "Recordings in the database.", ("state",))
EXCHANGES = Metric("understudy_exchanges", "gauge", "serve", "Exchanges in the database.")
NEWEST_AGE = Metric(
    "understudy_newest_exchange_age_seconds", "gauge", "serve", "Since the newest exchange was recorded."
)
DROPPED = Metric(
    "understudy_exchanges_dropped", "gauge", "serve", "Exchanges that recorders say they dropped.", ("reason",)
)
RUNS = Metric("understudy_runs", "gauge", "serve", "Runs in the database, retrials among them.", ("state", "verdict"))
BATCHES = Metric("understudy_pass_batches", "gauge", "serve", "Batches of shared passes under way.", ("state",))

INGEST_BATCHES = Metric("understudy_ingest_batches_total", "counter", "ingest", "Entries of the stream taken.")
INGEST_EXCHANGES = Metric(
    "understudy_ingest_exchanges_total", "counter", "ingest", "Exchanges read.", ("outcome",)
)  # added, duplicate
INGEST_DAMAGED = Metric("understudy_ingest_damaged_total", "counter", "ingest", "Pieces that could not be read.")
INGEST_WAITING = Metric(
    "understudy_ingest_waiting_entries", "gauge", "ingest", "Entries of the stream that nobody has settled."
)
INGEST_TROUBLE = Metric(
    "understudy_ingest_waits_for_a_server", "gauge", "ingest", "1 while Redis or the database cannot be used."
)

WORKER_BATCHES = Metric("understudy_worker_batches_total", "counter", "worker", "Batches taken.", ("outcome",))
WORKER_REQUESTS = Metric(
    "understudy_worker_requests_total", "counter", "worker", "Exchanges of these batches.", ("outcome",)
)
WORKER_SECONDS = Metric(
    "understudy_worker_request_seconds", "histogram", "worker", "From the first byte of a request to its answer."
)

METRICS = (
    RECORDINGS, EXCHANGES, NEWEST_AGE, DROPPED, RUNS, BATCHES,
    INGEST_BATCHES, INGEST_EXCHANGES, INGEST_DAMAGED, INGEST_WAITING, INGEST_TROUBLE,
    WORKER_BATCHES, WORKER_REQUESTS, WORKER_SECONDS,
)  # fmt: skip

REASONS = frozenset(
    (
        "sink_unavailable sink_timeout redis_full redis_read_only redis_login redis_disk_full redis_loading"
        " redis_wrong_type redis_refused token_refused ingest_busy ingest_failed not_ingest too_large batch_refused"
        " queue_count queue_bytes spool_full"
    ).split()
)
"""Why recorders drop exchanges, as docs/recording.md lists it. What fails inside them is `failed`."""

Samples = Iterable[tuple[Metric, tuple[str, ...], float | Counts]]
"""A metric, the values of its labels, and its value; of a histogram, all counts of a worker."""


def exposition(samples: Samples, accept: str = "") -> tuple[bytes, str]:
    """The samples as a scraper reads them, and the media type, which `accept` has a say in."""
    registry = CollectorRegistry()
    registry.register(_Collector(samples))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Collector:
    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def describe(self) -> list[Family]:
        return []

    def collect(self) -> Iterator[Family]:
        families: dict[str, Family] = {}
        for metric, labels, value in self._samples:
            if isinstance(value, Counts):
                yield HistogramMetricFamily(metric.name, metric.help, list(value.cumulated()), value.seconds)
                continue
            if metric.name not in families:
                kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
                families[metric.name] = kind(metric.name, metric.help, labels=metric.labels)
            families[metric.name].add_metric(labels, value)  # type: ignore[attr-defined]
        yield from families.values()


def of_store(store: Store) -> Samples:
    """What the database holds. Errors as in `replayer.errors` when it cannot be used."""
    now = time.time()
    found = store.figures(now - SILENT_SECONDS)
    samples: list[tuple[Metric, tuple[str, ...], float | Counts]] = [(EXCHANGES, (), float(found.exchanges))]
    samples += [(RECORDINGS, (state,), count) for state, count in found.recordings.items()]
    if found.newest is not None:
        samples.append((NEWEST_AGE, (), max(now - found.newest, 0.0)))
    dropped: dict[str, int] = {}
    for reason, count in found.dropped.items():
        dropped[known_reason(reason)] = dropped.get(known_reason(reason), 0) + count
    samples += [(DROPPED, (reason,), count) for reason, count in dropped.items()]
    samples += [(RUNS, state, count) for state, count in found.runs.items()]
    samples += [(BATCHES, (state,), count) for state, count in found.batches.items()]
    return samples


def known_reason(reason: str) -> str:
    """A producer's reason as one of a closed set."""
    if reason in REASONS:
        return reason
    return "failed" if reason.startswith("failed") else "other"


class OfIngest:
    """The samples of `understudy ingest`: give it each Progress."""

    def __init__(self) -> None:
        self._latest: Progress | None = None

    def note(self, progress: Progress) -> None:
        self._latest = progress

    def __call__(self) -> Samples:
        latest = self._latest
        if latest is None:
            return [(INGEST_TROUBLE, (), 0.0)]
        return [
            (INGEST_BATCHES, (), latest.taken.batches),
            (INGEST_EXCHANGES, ("added",), latest.taken.added),
            (INGEST_EXCHANGES, ("duplicate",), latest.taken.duplicates),
            (INGEST_DAMAGED, (), latest.taken.damaged),
            (INGEST_WAITING, (), latest.waiting),
            (INGEST_TROUBLE, (), float(bool(latest.trouble))),
        ]


def of_worker(read: Callable[[], Counts]) -> Callable[[], Samples]:
    """The samples of `understudy worker`: what all of its processes have counted together."""

    def samples() -> Samples:
        counts = read()
        return [
            *((WORKER_BATCHES, (outcome,), count) for outcome, count in counts.batches.items()),
            *((WORKER_REQUESTS, (outcome,), count) for outcome, count in counts.requests.items()),
            (WORKER_SECONDS, (), counts),
        ]

    return samples
