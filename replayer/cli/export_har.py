"""`understudy export har`: a recording as an HTTP Archive"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Annotated

import typer

from ..formats.har_export import to_har
from ..service import find_recording, open_context
from . import output
from .options import Database, SettingsFile
from .report_files import check_writable
from .written import write_text

RecordingArgument = Annotated[
    str, typer.Argument(metavar="RECORDING", help="A recording's name, or a path to import on the fly.")
]
OutputFile = Annotated[
    str, typer.Option("-o", "--output", metavar="FILE", help="Where it is written; - is standard output.")
]


def export_har(
    recording: RecordingArgument, path: OutputFile = "-", db: Database = "", policy: SettingsFile = None
) -> None:
    """Write a recording as HTTP Archive 1.2. What is secret stays a pseudonym, as it is stored."""
    check_writable(path)
    with open_context(policy, db).store as store:
        info = find_recording(store, recording)
        exported = to_har(store.exchanges(info.id), version("understudy"))
    write_text(path, json.dumps(exported.document, indent=1, ensure_ascii=False) + "\n")
    for why, count in exported.left_out:
        output.note(f"left out {count}: {why}")
