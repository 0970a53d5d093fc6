"""The `understudy` command. Each group is a module of its own, imported when it is used: `--help` stays quick."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from ..errors import ExitCode, UnderstudyError

COLLECTED_AFTER = 20_000, 20, 20
"""Of `gc.set_threshold`: what a run holds are long-lived records. With Python's own values the collector goes through
them some thousand times, which was 7 % of the CPU of a gate on the shop; so it is 2 %, in the same memory."""

GROUPS = {
    "gate": "Replay a recording against a candidate and judge it.",
    "replay": "As gate, without judging: always exits 0 when the replay could be made.",
    "recordings": "Import, list, show, close and delete recordings.",
    "ingest": "Drain a Redis stream into the store.",
    "export": "Write a recording as tests, HAR or OpenAPI, or one of its requests as a curl command.",
    "openapi": "Hold a description of an API against a recording.",
    "runs": "List, show and explain runs; stop one, or take it up again.",
    "worker": "Send the batches of runs that are shared among workers.",
    "coverage": "How much of an API its traffic covers, and what of it is new.",
    "policy": "Check the policy; print the schema of the settings file.",
    "findings": "List the findings of a run; approve what is intended.",
    "report": "Print the JSON report's schema; put a report into a pull request.",
    "alerts": "List alerts, send those that wait, and try whether they arrive.",
    "rules": "List and check noise rules, and propose new ones.",
    "serve": "Serve the dashboard, and take what recorders send.",
    "users": "Who may use the dashboard, and for what.",
    "tokens": "What programs show to the dashboard's API.",
    "doctor": "Look whether a rehearsal could begin: settings, database, recording, key, targets.",
    "demo": "Run the whole loop on the example application.",
    "db": "Manage the database.",
}

INTERRUPTED = 130
"""What a shell says of a command that SIGINT ended."""
UNREAD = 141
"""The same of SIGPIPE: nobody reads what is printed."""

USAGE = "usage: understudy [--version] COMMAND [OPTIONS]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_help())  # noqa: T201 - shown before anything else is imported
        return 0 if argv else int(ExitCode.USAGE)
    if argv[0] == "--version":
        from importlib.metadata import version

        print(f"understudy {version('understudy')}")  # noqa: T201
        return 0
    if argv[0] not in GROUPS:
        from difflib import get_close_matches

        near = get_close_matches(argv[0], GROUPS, 1)
        suggestion = f" Did you mean {near[0]!r}?" if near else ""
        print(f"understudy: no command {argv[0]!r}.{suggestion}\n{USAGE}", file=sys.stderr)  # noqa: T201
        return int(ExitCode.USAGE)
    return _run(argv)


def _run(argv: list[str]) -> int:
    import typer

    from . import output

    logged = os.environ.get("UNDERSTUDY_LOG", "")
    name = "gate" if argv[0] == "replay" else argv[0]
    try:
        if logged:
            from ..logs import set_up

            set_up(logged)
        module = importlib.import_module(f"{__package__}.{name}")
        command = typer.main.get_command(module.app)
        silent = ["--no-alerts"] if argv[0] == "replay" else []  # what is not judged is no news
        result = command.main([*silent, *argv[1:]], prog_name=f"understudy {argv[0]}", standalone_mode=False)
        if result == INTERRUPTED:  # typer makes a result of Ctrl-C
            raise KeyboardInterrupt
        return int(result) if isinstance(result, int) and argv[0] != "replay" else 0
    except UnderstudyError as failure:
        output.error(failure)
        return int(failure.exit_code)
    except _click_exception() as failure:
        output.usage(failure)
        return int(ExitCode.USAGE)
    except (KeyboardInterrupt, typer.Abort):
        output.note("understudy: interrupted.")
        return INTERRUPTED
    except SystemExit as end:  # typer exits with 1, as a regression does, when nobody reads its output any more
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # what is still buffered is written when the interpreter ends
            os.dup2(nowhere, stream)
        return UNREAD
    except Exception as failure:
        if os.environ.get("UNDERSTUDY_DEBUG"):
            raise
        where = traceback.extract_tb(failure.__traceback__)[-1]
        output.note(
            f"understudy: this is a bug of ours: {type(failure).__name__}: {failure} "
            f"({os.path.basename(where.filename)}:{where.lineno})\n"
            "  Run it again with UNDERSTUDY_DEBUG=1 for the whole traceback, and report that."
        )
        return int(ExitCode.INCONCLUSIVE)


def _click_exception() -> type[Exception]:
    """What a wrong usage is raised as. Newer versions of typer carry a click of their own, and export only a child."""
    import typer

    return next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def _help() -> str:
    width = max(len(name) for name in GROUPS)
    lines = [
        "Understudy rehearses a release with production's own traffic.",
        "",
        USAGE,
        "",
        *(f"  {name.ljust(width)}  {text}" for name, text in GROUPS.items()),
        "",
        "understudy COMMAND --help says more. Exit codes of gate: 0 pass, 1 regression or unapproved change,",
        "2 wrong or refused, 3 inconclusive.",
    ]
    return "\n".join(lines)


def script() -> None:
    """The entry point of the installed command."""
    gc.set_threshold(*COLLECTED_AFTER)
    sys.exit(main())
