"""About the service itself."""

from __future__ import annotations

import os

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from ..changes import on
from ..clock import iso, now
from ..database import db

bp = Blueprint("meta", __name__)


@bp.get("/health")
def health() -> ResponseReturnValue:
    return jsonify(status="ok")


@bp.get("/ready")
def ready() -> ResponseReturnValue:
    db().execute(text("SELECT 1"))
    return jsonify(status="ready", worker=os.getpid())


@bp.get("/version")
def version() -> ResponseReturnValue:
    return jsonify(service="shop", release="2.0.0" if on("version_bumped") else "1.0.0")


@bp.get("/api/time")
def server_time() -> ResponseReturnValue:
    return jsonify(server_time=iso(now()), zone="UTC")
