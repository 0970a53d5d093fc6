"""`GET /metrics`: what the database holds, as Prometheus scrapes it, for those who show the token."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request, Response

from replayer.service import Measured

from ..access import anyone
from ..errors import ApiError

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
@anyone
def metrics(request: Request) -> Response:
    """Every metric that `understudy serve` gives."""
    _admit(request.app.state.metrics_token, request.headers.get("authorization", ""))
    measured: Measured = request.app.state.measured
    body, media_type = measured.exposition(request.headers.get("accept", ""))
    return Response(body, media_type=media_type)


def _admit(token: str, authorization: str) -> None:
    """Raise ApiError unless the token is the one that is set. Who asks from this machine may stand behind a proxy."""
    if not token:
        message = "This server shows no metrics: it has no token. Set UNDERSTUDY_METRICS_TOKEN where it runs."
        raise ApiError(403, "no_token", message)
    scheme, _, shown = authorization.partition(" ")
    right = hmac.compare_digest(shown.strip().encode("latin-1"), token.encode())
    if scheme.lower() != "bearer" or not right:
        message = "The token is not the one that is set." if authorization else "A token is needed."
        raise ApiError(401, "token", message, {"WWW-Authenticate": "Bearer"})
