"""The store: recordings, runs, approvals, alerts, users and all else in one database."""

from __future__ import annotations

from types import TracebackType

from sqlalchemy import Engine, select

from .accounts import AccountStore
from .alerts import AlertStore
from .approvals import ApprovalStore
from .bodies import BodyStore
from .collecting import CollectingStore
from .dialect import read, reporting
from .engines import check_server, make_engine, sqlite_path
from .failures import shown
from .figures import FigureStore
from .first_seen import FirstSeenStore
from .journal import JournalStore
from .profiles import ProfileStore
from .recordings import RecordingStore
from .retaining import RetainingStore
from .rules import RuleStore
from .runs import RunStore
from .schema import Condition, condition, migrate
from .survey import SurveyStore
from .talk import TalkStore
from .work import WorkStore


class Store(
    RecordingStore,
    SurveyStore,
    RunStore,
    ProfileStore,
    ApprovalStore,
    RuleStore,
    WorkStore,
    CollectingStore,
    RetainingStore,
    FigureStore,
    FirstSeenStore,
    AlertStore,
    AccountStore,
    JournalStore,
    TalkStore,
):
    """One open database. Its methods may be called from several threads; each is a transaction of its own, or several.

    A context manager: leaving it closes the store.
    """

    def __init__(self, engine: Engine) -> None:
        bodies = BodyStore()
        RecordingStore.__init__(self, engine)
        SurveyStore.__init__(self, engine, bodies)
        RunStore.__init__(self, engine, bodies)
        ProfileStore.__init__(self, engine)
        ApprovalStore.__init__(self, engine)
        RuleStore.__init__(self, engine)
        WorkStore.__init__(self, engine)
        CollectingStore.__init__(self, engine)
        RetainingStore.__init__(self, engine)
        FigureStore.__init__(self, engine)
        FirstSeenStore.__init__(self, engine)
        AlertStore.__init__(self, engine)
        AccountStore.__init__(self, engine)
        JournalStore.__init__(self, engine)
        TalkStore.__init__(self, engine)

    @classmethod
    def open(cls, url: str) -> Store:
        """Open a database, made and migrated as needed, e.g. "sqlite:///.understudy/understudy.db".

        Raises UsageError for a URL that cannot be used, a path that cannot be written, a file that is no database,
        and a database of a newer version or on a server that is too old; InconclusiveError when the database cannot be
        reached.
        """
        engine = make_engine(url)
        try:
            with reporting(engine, opening=True):
                check_server(engine)
                migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    @property
    def is_private(self) -> bool:
        """Whether the database is in the memory of this process."""
        return self._engine.dialect.name == "sqlite" and self._engine.url.database in (None, "", ":memory:")

    @property
    def address(self) -> str:
        """The URL of the database, without secrets."""
        return shown(self._engine.url)

    def check(self) -> None:
        """Return when the database answers. Errors as in `replayer.errors`."""
        read(self._engine, lambda given: given.execute(select(1)).scalar())

    @classmethod
    def condition(cls, url: str) -> tuple[Condition, str]:
        """How a database stands to this version, and its URL without secrets. Nothing is made. Raises as `open`."""
        path = sqlite_path(url)
        if path is not None and not path.exists():
            return Condition.NEW, url
        engine = make_engine(url)
        try:
            with reporting(engine, opening=True):
                check_server(engine)
                return condition(engine), shown(engine.url)
        finally:
            engine.dispose()

    def close(self) -> None:
        """Close all connections."""
        self.close_bells()
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
