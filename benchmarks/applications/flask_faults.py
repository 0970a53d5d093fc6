"""Regressions that a candidate of ihatemoney can have."""

from __future__ import annotations


def switch_on(name: str) -> None:
    """Changes ihatemoney in this process."""
