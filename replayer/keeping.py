"""What a run keeps and shows is redacted as a recording is, whatever was compared in memory."""

from __future__ import annotations

import json
from dataclasses import replace

from diffing.atoms import is_opaque
from diffing.grouping import Finding
from recorder.config import ConfigError, secret_names_from
from recorder.exchange import Body, Exchange, Observed, RecordedResponse
from recorder.keys import Key, load_key
from recorder.redaction import Redactor

from .errors import UsageError


def redactor_with(key: Key) -> Redactor:
    """A redactor that knows the names of `UNDERSTUDY_SECRET_NAMES`, as the recorder does. Raises UsageError."""
    try:
        return Redactor(key, secret_names_from())
    except ConfigError as error:
        raise UsageError(f"{error}.") from None


def keeping_redactor(key: Key | None) -> Redactor:
    """A redactor with the recording's key, or with this machine's own where that is not to be had."""
    return redactor_with(key or load_key(None, None))


def kept_observations(observed: Observed | None, recorded: Exchange, redactor: Redactor) -> Observed | None:
    """What was observed as it may be stored or put beside what was: the shapes of statements hold no values."""
    if observed is None or observed.outbound is None:
        return observed
    return replace(observed, outbound=redactor.redact_calls(observed.outbound, recorded))


def redacted_finding(finding: Finding, redactor: Redactor) -> Finding:
    """A finding as it may be stored and shown."""
    name = finding.location.path.rpartition(".")[2] or "value"
    return replace(
        finding,
        baseline=redacted_value(redactor, name, finding.baseline),
        candidate=redacted_value(redactor, name, finding.candidate),
    )


def redacted_value(redactor: Redactor, name: str, value: object) -> object:
    """A JSON-able value that stood under `name`, with its secrets as pseudonyms; random tokens count as secrets."""
    if isinstance(value, str) and is_opaque(value):
        return redactor.pseudonym(value)
    if not isinstance(value, str | dict | list):
        return value
    data = json.dumps({name: value}).encode()
    response = RecordedResponse(200, "", (("Content-Type", "application/json"),), Body.of(data))
    clean = redactor.redact_response(response).body
    return json.loads(clean.data)[name] if clean.complete else "(redacted)"
