from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import sys
before = set(sys.modules)
import recorder, recorder.wire, recorder.ship, recorder.pipeline, recorder.sinks.file, recorder.django, recorder.flask
import recorder.sql_hooks
import json
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def test_importing_the_recorder_loads_the_standard_library_only() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True, text=True)
    loaded = set(json.loads(done.stdout)) - {"recorder"}
    assert loaded <= set(sys.stdlib_module_names)


def test_what_is_exported_is_what_is_promised() -> None:
    import recorder

    assert sorted(recorder.__all__) == recorder.__all__
    assert all(hasattr(recorder, name) for name in recorder.__all__)
    assert {"RecorderConfig", "RecorderMiddleware"} <= set(recorder.__all__)
