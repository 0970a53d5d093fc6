"""Lists in pages: by number for people, by opaque cursor for programs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, func, select

from .database import db
from .errors import ApiError
from .intake import query_whole

MAX_PAGE_SIZE = 50


def page_of(
    query: Select[Any], show: Callable[[Any], dict[str, Any]], *, size: int = 10, skipped: int = 0
) -> dict[str, Any]:
    """One page of a query's rows as JSON, by `?page=` (from 1) and `?per_page=`; `skipped` more pages are left out."""
    page = query_whole("page", 1, 1, 10_000)
    size = query_whole("per_page", size, 1, MAX_PAGE_SIZE)
    total = db().scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    rows = db().scalars(query.offset((page - 1 + skipped) * size).limit(size)).unique().all()
    return {
        "items": [show(row) for row in rows],
        "page": page,
        "per_page": size,
        "total": total,
        "pages": -(-total // size),
    }


def encode_cursor(last_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": last_id}).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> int:
    """The id after which the next page begins. Raises ApiError 400 for anything that we did not hand out."""
    try:
        data = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return int(data["after"])
    except (ValueError, KeyError, TypeError):
        raise ApiError(400, "bad_cursor", "The cursor is not one of ours.") from None
