"""Secrets in the URLs of outbound calls, where services expect them in places that elsewhere name something else."""

from __future__ import annotations

import re

from .atoms import Atoms
from .form_atoms import redact_target, secret_field

_KEY_PARAMETER = re.compile(r"(?<=[?&])(key|appid|app_id)=([^&#]+)", re.IGNORECASE)
_IN_THE_PATH = re.compile(
    r"(?<=/)(?P<bot>bot\d+:)(?P<token>[\w-]{20,})"  # api.telegram.org
    r"|(?P<hook>/(?:services|webhooks?|hooks?|workflows)(?:/[\w-]+)*/)"  # Slack, Discord
    r"(?P<word>[\w-]{16,})(?=[/?#]|$)",
    re.IGNORECASE,
)


def redact_called(target: str, atoms: Atoms) -> str:
    """The URL of an outbound call: what a request target holds, `key=` and words that only a webhook's owner knows."""

    def in_query(found: re.Match[str]) -> str:
        return f"{found[1]}={secret_field(found[1], found[2], atoms)}"

    def in_path(found: re.Match[str]) -> str:
        if found["bot"]:
            return found["bot"] + atoms.secret("token", found["token"])
        return found["hook"] + atoms.secret("token", found["word"])

    path, question, query = redact_target(target, atoms).partition("?")
    return _IN_THE_PATH.sub(in_path, path) + _KEY_PARAMETER.sub(in_query, question + query)
