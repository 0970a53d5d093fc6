"""The pytest plugin: `pytest --understudy=RECORDING --understudy-app=shop:create_app` runs recorded sessions as tests.

pytest imports this in every run where the package is installed: whatever costs time is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .live import Live, SessionTold

MAX_LINES = 40
"""Lines of differences that one failure shows, unless `--understudy-lines` says otherwise."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("understudy", "recorded sessions as tests (understudy)")
    group.addoption("--understudy", metavar="RECORDING", default="", help="run the sessions of this recording")
    group.addoption("--understudy-app", metavar="MODULE:NAME", default="", help="the WSGI application, or its factory")
    group.addoption("--understudy-mint", metavar="MODULE:NAME", default="", help="logs recorded users in")
    group.addoption("--understudy-db", metavar="URL", default="", help="where recordings are kept")
    group.addoption(
        "--understudy-lines", metavar="N", type=int, default=MAX_LINES, help="lines that one failure shows at most"
    )


def pytest_collection(session: pytest.Session) -> None:
    """Adds the recorded sessions to what is collected, wherever else tests are looked for."""
    if session.config.getoption("--understudy"):
        session.config.stash[_LIVE] = _live(session.config)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    live = config.stash.get(_LIVE, None)
    if live is not None:
        collector = RecordedSessions.from_parent(session, name=f"understudy:{live.recording}", path=config.rootpath)
        items.extend(collector.collect())


def pytest_unconfigure(config: pytest.Config) -> None:
    live = config.stash.get(_LIVE, None)
    if live is not None:
        live.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what could not be told; the reports of workers carry it here."""
    doubts: list[str] = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                doubts += [each for name, told in report.user_properties if name == _DOUBTS for each in told]
    if not doubts:
        return
    most = config.getoption("--understudy-lines")
    terminalreporter.section("could not be told (understudy)")
    terminalreporter.line(
        f"{len(doubts)} differences may be what varies by itself: orders, random texts, numbers of processes."
        " A gate run with a baseline that has a `build` learns what does."
    )
    for line in doubts[:most]:
        terminalreporter.line(f"  {line}")
    if len(doubts) > most:
        terminalreporter.line(f"  … and {len(doubts) - most} more; --understudy-lines shows more")


_DOUBTS = "understudy: could not be told"
_LIVE: pytest.StashKey[Live] = pytest.StashKey()


def _live(config: pytest.Config) -> Live:
    if not config.getoption("--understudy-app"):
        raise pytest.UsageError("--understudy needs --understudy-app, for example --understudy-app=shop:create_app")
    try:
        from ..errors import UnderstudyError
        from .live import Live
    except ImportError as error:
        raise pytest.UsageError(
            f"--understudy needs what the other half of the package needs: {error}. Install understudy[server]."
        ) from error
    try:
        return Live.open(
            config.getoption("--understudy"),
            config.getoption("--understudy-app"),
            config.getoption("--understudy-mint"),
            config.getoption("--understudy-db"),
        )
    except UnderstudyError as error:
        raise pytest.UsageError(" ".join(filter(None, [error.message, error.hint]))) from error


class RecordedSessions(pytest.Collector):
    """The sessions of one recording."""

    def collect(self) -> Iterator[pytest.Item]:
        for told in self.config.stash[_LIVE].sessions():
            item = RecordedSession.from_parent(self, name=told.name)
            item.told = told
            item.extra_keyword_matches.update(told.routes)
            yield item


class RecordedSession(pytest.Item):
    """One client's exchanges in order, with what they depend on."""

    told: SessionTold

    def runtest(self) -> None:
        doubtful = self.config.stash[_LIVE].run(self.told)
        told = [f"{place.title} {where}" for place in doubtful for where in place.wheres]
        if told:
            self.user_properties.append((_DOUBTS, told))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from .live import Changed

        if isinstance(excinfo.value, Changed):
            return excinfo.value.shown(self.config.getoption("--understudy-lines"))
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.parent.name if self.parent else ''}::{self.name}"
