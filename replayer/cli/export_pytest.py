"""`understudy export pytest`: a recording as tests that a team owns"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..recorded_tests.export import Export, export_tests
from ..recorded_tests.setting import read_setting
from ..selection.recorded import Budget, selected
from ..service import find_recording, open_context, recording_key
from . import output
from .options import AsJson, Database


def export_pytest(
    recording: Annotated[
        str, typer.Argument(metavar="RECORDING", help="A recording's name, or a path to import on the fly.")
    ],
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the tests are written.")],
    app: Annotated[
        str,
        typer.Option(metavar="MODULE:NAME", help="The WSGI application, or what makes it; tests are tried with it."),
    ] = "",
    factory_arg: Annotated[
        list[str] | None, typer.Option(metavar="VALUE", help="For what makes it: a value, or name=value; repeatable.")
    ] = None,
    snapshot: Annotated[
        str, typer.Option(metavar="NAME=FILE", help="SQLite file that each test gets a copy of, and its variable.")
    ] = "",
    seed: Annotated[
        str, typer.Option(metavar="COMMAND", help="Fills a new database, instead of a snapshot's FILE.")
    ] = "",
    env: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A variable of the application; repeatable.")
    ] = None,
    mint: Annotated[str, typer.Option(metavar="MODULE:NAME", help="The function that logs recorded users in.")] = "",
    python: Annotated[str, typer.Option(metavar="FILE", help="The application's interpreter; default: ours.")] = "",
    copies: Annotated[
        int, typer.Option(min=1, max=20, metavar="N", help="How many exchanges of each kind are told.")
    ] = 1,
    force: Annotated[bool, typer.Option("--force", help="Write edited files again, too.")] = False,
    json: AsJson = False,
    db: Database = "",
) -> int:
    """Write tests of a recording: flows of its sessions, with what each answer was on a fresh database."""
    setting = read_setting(app, factory_arg or (), snapshot, seed, env or (), mint, folder)
    with (context := open_context(None, db)).store as store:
        info = find_recording(store, recording)
        key = recording_key(info) if mint else None
        budget = Budget()
        if budget.fits(info.exchanges):
            exchanges = tuple(store.exchanges(info.id))
        else:
            tagged = [pattern for tag in context.settings.tags for pattern in tag.routes]
            exchanges = selected(store, info.id, budget, tagged).exchanges
    done = export_tests(
        exchanges, folder, setting, key=key, python=python, copies=copies, force=force, progress=output.note
    )
    if json:
        output.data(_as_json(done))
    else:
        for line in _summary(done, folder):
            output.say(line)
    return 0


def _summary(done: Export, folder: Path) -> list[str]:
    lines = [
        f"{done.tests} tests of {done.routes} of {done.routes_recorded} routes in {folder}: "
        f"{done.exchanges} exchanges, {len(done.written.written)} files."
    ]
    lines += [f"  {name} was edited and is kept; --force writes it again." for name in done.written.kept]
    lines += [f"  {name} was removed: it tells nothing that this recording shows." for name in done.written.removed]
    lines += [f"  {count} exchanges left out: {reason}." for reason, count in done.dropped.most_common(10)]
    if not done.tried:
        lines.append("  Nothing was tried, since --app was not given: what varies is asserted as it was recorded.")
    return lines


def _as_json(done: Export) -> dict[str, object]:
    return {
        "tests": done.tests,
        "exchanges": done.exchanges,
        "routes": done.routes,
        "routes_recorded": done.routes_recorded,
        "tried": done.tried,
        "written": list(done.written.written),
        "kept": list(done.written.kept),
        "removed": list(done.written.removed),
        "left_out": dict(sorted(done.dropped.items())),
    }
