"""`understudy export openapi`: a description of the API, inferred from a recording"""

from __future__ import annotations

import json

from ..openapi.inferring import infer_openapi
from ..service import find_recording, open_context
from .export_har import OutputFile, RecordingArgument
from .options import Database, SettingsFile
from .report_files import check_writable
from .written import write_text


def export_openapi(
    recording: RecordingArgument, path: OutputFile = "-", db: Database = "", policy: SettingsFile = None
) -> None:
    """Write a description of the API in OpenAPI 3.1, as far as a recording shows it."""
    check_writable(path)
    with open_context(policy, db).store as store:
        info = find_recording(store, recording)
        document = infer_openapi(lambda: store.exchanges(info.id), info.service or info.name, info.release)
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
