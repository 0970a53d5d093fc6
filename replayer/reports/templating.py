"""Templates of pages: one environment's rules, in which every value is escaped and shown as it can be seen."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, PackageLoader, StrictUndefined

from . import wording


def environment_of(package: str) -> Environment:
    """The templates of a package, with what all pages count and show alike. A name that is not given is an error."""
    environment = Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        change=wording.change,
        counted=wording.counted,
        reason_sentence=wording.reason_sentence,
        route=wording.route,
    )
    environment.filters.update(
        figures=wording.figures,
        number=wording.number,
        share=wording.share,
        visible=lambda value: wording.visible(str(value)),
    )
    return environment


def source_of(text: str) -> str:
    """What lets a browser take this very text, and nothing else, for a style or a script of the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
