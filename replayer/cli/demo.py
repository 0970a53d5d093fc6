"""`understudy demo`: the whole loop on the example application of a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError

app = typer.Typer(add_completion=False)

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "shop"


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def demo(
    context: typer.Context,
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed on; --help lists them.")] = None,
) -> int:
    """Record the example shop, rehearse its next release, and score what was found."""
    if not _EXAMPLE.is_dir():
        raise UsageError("The demo needs a checkout of the project: its example is not part of the package.")
    path = os.pathsep.join([str(_EXAMPLE), *filter(None, [os.environ.get("PYTHONPATH")])])
    argv = [sys.executable, "-m", "shop.demo", *(arguments or ()), *context.args]
    return subprocess.run(argv, env={**os.environ, "PYTHONPATH": path}, check=False).returncode
