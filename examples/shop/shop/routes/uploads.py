"""Files that users keep with us."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import ApiError, invalid, not_found
from ..models import Upload
from ..paging import page_of
from ..security import current_user, requires

bp = Blueprint("uploads", __name__, url_prefix="/api/uploads")

ALLOWED = ("text/plain", "image/png", "application/pdf")


def show_upload(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "filename": upload.filename,
        "content_type": upload.content_type,
        "size": len(upload.data),
        "sha256": upload.digest,
        "created_at": iso(upload.created_at),
    }


def own_upload(upload_id: int) -> Upload:
    upload = db().get(Upload, upload_id)
    if upload is None or upload.user_id != current_user().id:
        raise not_found("file")
    return upload


@bp.post("")
@requires()
def add() -> ResponseReturnValue:
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise invalid("file", "is required")
    if sent.mimetype not in ALLOWED:
        raise ApiError(415, "unsupported_media_type", f"We keep {', '.join(ALLOWED)}.")
    data = sent.read()
    upload = Upload(
        user_id=current_user().id,
        filename=sent.filename,
        content_type=sent.mimetype,
        digest=hashlib.sha256(data).hexdigest(),
        data=data,
    )
    db().add(upload)
    db().flush()
    return jsonify(show_upload(upload)), 201, {"Location": f"/api/uploads/{upload.id}"}


@bp.get("")
@requires()
def uploads() -> ResponseReturnValue:
    mine = select(Upload).where(Upload.user_id == current_user().id).order_by(Upload.id.desc())
    return jsonify(page_of(mine, show_upload))


@bp.get("/<int:upload_id>")
@requires()
def upload(upload_id: int) -> ResponseReturnValue:
    found = own_upload(upload_id)
    shown = show_upload(found)
    if on("upload_time_epoch"):
        shown["created_at"] = int(found.created_at.timestamp())
    return jsonify(shown)


@bp.get("/<int:upload_id>/content")
@requires()
def content(upload_id: int) -> ResponseReturnValue:
    found = own_upload(upload_id)
    response = Response(found.data, mimetype=found.content_type)
    if not on("upload_etag_lost"):
        response.set_etag(found.digest[:16])
        response.make_conditional(request)
    return response


@bp.delete("/<int:upload_id>")
@requires()
def remove(upload_id: int) -> ResponseReturnValue:
    db().delete(own_upload(upload_id))
    return "", 204
