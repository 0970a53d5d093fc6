"""Serves one instance of an application from a copy of its state: what `start` names in the settings.

    python -m benchmarks.applications.instance [--in-place] SNAPSHOT PORT module:callable

Runs under the application's own interpreter, with the repository on PYTHONPATH. The folder SNAPSHOT is copied, unless
it is to be changed in place, gunicorn takes this process's place, and the application finds the folder's path in
APPLICATION_STATE.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

STATE = "APPLICATION_STATE"
COPIES = "APPLICATION_COPIES"  # the folder below which the copies are made; who set it removes it


def main() -> None:
    *options, snapshot, port, application = sys.argv[1:]
    state = Path(snapshot)
    if "--in-place" not in options:
        state = Path(tempfile.mkdtemp(dir=os.environ.get(COPIES))) / "state"
        shutil.copytree(snapshot, state)
    serve(state, port, application)


def serve(state: Path, port: str, application: str) -> None:
    """Does not come back."""
    environment = {**os.environ, STATE: str(state)}
    options = ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4", "--log-level", "warning"]
    argv = [sys.executable, "-m", "gunicorn", *options, application]
    os.execve(sys.executable, argv, environment)


if __name__ == "__main__":
    main()
