"""A shop's HTTP API without tests of its own: the application that Understudy is shown and judged on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from .config import Settings

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application; without settings it reads the `SHOP_*` variables of the environment."""
    from .application import create_app as create  # the command-line tools need no Flask

    return create(settings)
