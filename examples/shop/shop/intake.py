"""Reading requests: JSON bodies, forms and query parameters against small rules, with every problem named at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest

from .errors import ApiError, invalid

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field is read: `check` returns the clean value or raises ValueError with the problem."""

    check: Callable[[Any], Any]
    required: bool = True
    default: Any = None


def optional(rule: Rule, default: Any = None) -> Rule:
    return Rule(rule.check, required=False, default=default)


def text(minimum: int = 1, maximum: int = 200, pattern: str = "") -> Rule:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a string")
        if not minimum <= len(value.strip()) <= maximum:
            raise ValueError(f"must have {minimum} to {maximum} characters")
        if pattern and not re.fullmatch(pattern, value):
            raise ValueError("has the wrong form")
        return value.strip()

    return Rule(check)


def email() -> Rule:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not EMAIL.fullmatch(value):
            raise ValueError("must be an e-mail address")
        return value.lower()

    return Rule(check)


def password() -> Rule:
    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) < 8:
            raise ValueError("must have at least 8 characters")
        return value

    return Rule(check)


def whole(minimum: int, maximum: int) -> Rule:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("must be a whole number")
        if not minimum <= value <= maximum:
            raise ValueError(f"must lie between {minimum} and {maximum}")
        return value

    return Rule(check)


def amount(maximum: str = "10000") -> Rule:
    """An amount of money as a string such as "12.50"; the clean value is in cents."""

    def check(value: Any) -> int:
        try:
            number = Decimal(value) if isinstance(value, str) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or number != number.quantize(Decimal("0.01")):
            raise ValueError('must be an amount such as "12.50"')
        if not 0 < number <= Decimal(maximum):
            raise ValueError(f"must be more than 0 and at most {maximum}")
        return int(number * 100)

    return Rule(check)


def flag() -> Rule:
    def check(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value

    return Rule(check)


def choice(*values: str) -> Rule:
    def check(value: Any) -> str:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return str(value)

    return Rule(check)


def wholes(maximum: int) -> Rule:
    def check(value: Any) -> list[int]:
        if not isinstance(value, list) or not 1 <= len(value) <= maximum:
            raise ValueError(f"must be a list of 1 to {maximum} numbers")
        if not all(isinstance(entry, int) and not isinstance(entry, bool) for entry in value):
            raise ValueError("must hold whole numbers only")
        return value

    return Rule(check)


def json_body(**rules: Rule) -> dict[str, Any]:
    """The request's JSON object, cleaned. Raises ApiError: 400 or 415 for what is none, 422 naming each bad field."""
    if not request.is_json:
        raise ApiError(415, "unsupported_media_type", "Send application/json.")
    try:
        data = request.get_json()
    except BadRequest:
        raise ApiError(400, "bad_json", "The body is not valid JSON.") from None
    if not isinstance(data, dict):
        raise ApiError(400, "bad_json", "The body must be a JSON object.")
    return clean(data, rules)


def form_body(**rules: Rule) -> dict[str, Any]:
    return clean(request.form.to_dict(), rules)


def clean(data: Mapping[str, Any], rules: Mapping[str, Rule]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    problems: list[dict[str, str]] = []
    for name, rule in rules.items():
        if data.get(name) is None:
            if rule.required:
                problems.append({"field": name, "problem": "is required"})
            values[name] = rule.default
            continue
        try:
            values[name] = rule.check(data[name])
        except ValueError as problem:
            problems.append({"field": name, "problem": str(problem)})
    if problems:
        raise ApiError(422, "invalid", "Some fields are not valid.", details=problems)
    return values


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a partial update really names."""
    return {name: value for name, value in values.items() if value is not None}


def query_whole(name: str, default: int, minimum: int, maximum: int) -> int:
    raw = request.args.get(name)
    if raw is None:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise invalid(name, "must be a whole number") from None
    if not minimum <= value <= maximum:
        raise invalid(name, f"must lie between {minimum} and {maximum}")
    return value


def query_choice(name: str, default: str, values: tuple[str, ...]) -> str:
    value = request.args.get(name, default)
    if value not in values:
        raise invalid(name, f"must be one of {', '.join(values)}")
    return value
