"""Who sends the exchanges of a pass: this process, or workers that share them. One contract, one test-suite."""

from __future__ import annotations

from .contract import Executor, Job, client_for
from .local import LocalExecutor

__all__ = ["Executor", "Job", "LocalExecutor", "client_for"]
