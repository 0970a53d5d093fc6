"""The REST API, version 1: everything that the pages can do, for programs."""

from __future__ import annotations

from . import (
    audit,
    compare,
    decisions,
    findings,
    me,
    openapi,
    recordings,
    rules,
    runs,
    settings,
    talk,
    together,
    uploads,
)

MODULES = (me, runs, compare, findings, decisions, together, talk, audit, rules, recordings, uploads, settings, openapi)
"""Those with a router."""
