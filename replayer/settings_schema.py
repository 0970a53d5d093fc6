"""The JSON schema of the settings file, for editors: made of the dataclasses that the file is read into.

A comment behind a field is its description. What a type does not say (ranges, words, forms) stands in `_FORMS`. The
schema is never stricter than the reader, and leaves to it what takes more than one key to see.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any, get_args, get_origin, get_type_hints

from diffing.kinds import KINDS

from .policy_settings import ROUTE_PATTERN, ROUTE_SOURCES, SEVERITIES, BudgetSetting, PolicySettings, Tag, TagPolicy
from .settings import PARTS, IngestSettings, NoiseSetting, Settings, SlackSettings
from .target_settings import TARGET_NAME, TargetSettings

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXTS: Schema = {"type": "array", "items": _TEXT, "minItems": 1}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_POSITIVE: Schema = {"type": "number", "exclusiveMinimum": 0}
_ROUTE: Schema = {"type": "string", "pattern": f"^{ROUTE_PATTERN.pattern}$"}
_ROUTES: Schema = {"type": "array", "items": _ROUTE, "minItems": 1}
_TABLE: Schema = {"type": "object", "additionalProperties": _TEXT}
_MODULE: Schema = {"type": "string", "pattern": r"^[^:]+:[^:]+$"}
_PATH: Schema = {"type": "string", "pattern": "^/"}

_FORMS: Mapping[tuple[type, str], Schema] = {
    (Tag, "routes"): _ROUTES,
    (TagPolicy, "fail_on"): {"enum": list(SEVERITIES)},
    (TagPolicy, "reviewers"): {"type": "integer", "minimum": 1},
    (BudgetSetting, "route"): _ROUTE,
    (BudgetSetting, "max_slowdown"): {"type": "number", "minimum": 1},
    (BudgetSetting, "slowdown_floor"): _POSITIVE,
    (PolicySettings, "fail_on"): {"enum": list(SEVERITIES)},
    (PolicySettings, "min_route_coverage"): _SHARE,
    (PolicySettings, "min_fidelity"): _SHARE,
    (PolicySettings, "min_sensitivity"): _SHARE,
    (PolicySettings, "min_new"): _SHARE,
    (PolicySettings, "max_errored"): _SHARE,
    (PolicySettings, "max_age"): {"type": "string", "pattern": r"^\s*\d{1,6} ?([hH]|[dD]|[wW])"},
    (PolicySettings, "inconclusive"): {"enum": ["fail", "pass"]},
    (PolicySettings, "routes_from"): {"enum": list(ROUTE_SOURCES)},
    (PolicySettings, "exclude_routes"): _ROUTES,
    (NoiseSetting, "route"): _ROUTE,
    (NoiseSetting, "kind"): {"enum": sorted(KINDS)},
    (NoiseSetting, "part"): {"enum": list(PARTS)},
    (SlackSettings, "tag_channels"): _TABLE,
    (SlackSettings, "mentions"): _TABLE,
    (IngestSettings, "max_body"): {"type": "integer", "minimum": 1024},
    (TargetSettings, "wsgi"): _MODULE,
    (TargetSettings, "mint"): _MODULE,
    (TargetSettings, "env"): {"type": "object", "additionalProperties": {"type": "string"}},
    (TargetSettings, "ready"): _PATH,
    (TargetSettings, "canary"): {"type": "array", "items": _PATH, "minItems": 1},
    (TargetSettings, "concurrency"): {"type": "integer", "minimum": 1},
}
_REQUIRED: Mapping[type, tuple[str, ...]] = {
    Tag: ("name", "routes"),
    BudgetSetting: ("route",),
    NoiseSetting: ("route", "path", "reason"),
}
_NOT_WRITTEN = {(Settings, "source"), (Settings, "unset"), (TargetSettings, "name")}
_COMMENT = re.compile(r"^    (\w+): .*?  # (.+)$", re.M)


def settings_schema() -> Schema:
    """What `understudy.toml` may hold; below `[tool.understudy]` of pyproject.toml it is the same."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "understudy.toml",
        **_table(Settings),
        "description": "The settings of Understudy.",
    }


def _table(kind: type) -> Schema:
    """A table by the dataclass that it is read into."""
    hints, told = get_type_hints(kind), _comments(kind)
    properties = {}
    for field in fields(kind):
        if (kind, field.name) in _NOT_WRITTEN:
            continue
        schema = dict(_form(kind, field.name, hints[field.name]))
        if field.name in told:
            schema["description"] = told[field.name]
        properties[field.name] = schema
    required = list(_REQUIRED.get(kind, ()))
    return {
        "type": "object",
        "description": (kind.__doc__ or "").partition("\n")[0],
        "additionalProperties": False,
        "properties": properties,
        **({"required": required} if required else {}),
    }


def _form(kind: type, name: str, hint: Any) -> Schema:
    """What one key may hold."""
    if (kind, name) in _FORMS:
        return _FORMS[kind, name]
    if (kind, name) == (Settings, "targets"):  # [targets.NAME]
        names = {"pattern": f"^{TARGET_NAME.pattern}$"}
        return {"type": "object", "propertyNames": names, "additionalProperties": _table(TargetSettings)}
    if (kind, name) == (PolicySettings, "tags"):  # [policy.tags.NAME]
        return {"type": "object", "additionalProperties": _table(TagPolicy)}
    if is_dataclass(hint):
        return _table(hint)  # type: ignore[arg-type]  # a class, not an instance
    arguments = get_args(hint)
    if get_origin(hint) is tuple and is_dataclass(arguments[0]):  # [[noise]]
        return {"type": "array", "items": _table(arguments[0])}  # type: ignore[arg-type]
    plain = [each for each in arguments if each is not type(None)] if type(None) in arguments else [hint]
    return _PLAIN[plain[0]]


_PLAIN: Mapping[Any, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0},
    float: _POSITIVE,
    str: _TEXT,
    tuple[str, ...]: _TEXTS,
    date: {"type": "string", "format": "date"},
}


def _comments(kind: type) -> dict[str, str]:
    """The comments behind the fields of a class, as sentences; none where its source is not at hand."""
    try:
        source = inspect.getsource(kind)
    except OSError:
        return {}
    return {name: text[:1].upper() + text[1:] + "." for name, text in _COMMENT.findall(source)}
