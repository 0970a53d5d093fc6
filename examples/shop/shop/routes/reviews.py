"""What customers think, once somebody has read it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ..changes import on
from ..clock import iso
from ..database import db
from ..errors import conflict, forbidden, not_found
from ..intake import choice, flag, given, json_body, optional, text, whole
from ..models import Notification, Review, ReviewVote
from ..paging import page_of
from ..security import STAFF, current_user, is_staff, requires
from .catalogue import find_product

bp = Blueprint("reviews", __name__, url_prefix="/api")


def show_review(review: Review) -> dict[str, Any]:
    return {
        "id": review.id,
        "product": {"id": review.product.id, "name": review.product.name},
        "author_id": review.user_id,
        "rating": review.rating,
        "title": review.title,
        "text": review.text,
        "status": review.status,
        "helpful": sum(vote.helpful for vote in review.votes),
        "created_at": iso(review.created_at),
    }


def show_short(review: Review) -> dict[str, Any]:
    return {"id": review.id, "rating": review.rating, "title": review.title, "text": review.text}


def own_review(review_id: int) -> Review:
    review = db().get(Review, review_id)
    if review is None:
        raise not_found("review")
    if review.user_id != current_user().id:
        raise forbidden("This is not your review.")
    return review


@bp.get("/products/<int:product_id>/reviews")
def of_product(product_id: int) -> ResponseReturnValue:
    product = find_product(product_id)
    query = select(Review).where(Review.product_id == product.id, Review.status == "approved").order_by(Review.id)
    return jsonify(page_of(query, show_short, size=10 if on("reviews_page_size") else 5))


@bp.post("/products/<int:product_id>/reviews")
@requires()
def write(product_id: int) -> ResponseReturnValue:
    product = find_product(product_id)
    data = json_body(rating=whole(1, 5), title=optional(text(0, 80), ""), text=text(3, 2000))
    mine = select(Review.id).where(Review.product_id == product.id, Review.user_id == current_user().id)
    if db().scalar(mine):
        raise conflict("reviewed", "You have reviewed this product already.")
    review = Review(product=product, user_id=current_user().id, votes=[], **data)
    db().add(review)
    db().flush()
    return jsonify(show_review(review)), 201, {"Location": f"/api/reviews/{review.id}"}


@bp.get("/reviews/mine")
@requires()
def mine() -> ResponseReturnValue:
    query = select(Review).where(Review.user_id == current_user().id).order_by(Review.id.desc())
    return jsonify(page_of(query, lambda row: show_short(row) | {"status": row.status}))


@bp.get("/reviews/<int:review_id>")
def review(review_id: int) -> ResponseReturnValue:
    found = db().get(Review, review_id)
    if found is None:
        raise not_found("review")
    if found.status != "approved" and found.user_id != current_user().id and not is_staff(current_user()):
        raise not_found("review")
    shown = show_review(found)
    if on("review_product_flattened"):
        shown["product_name"] = shown.pop("product")["name"]
    return jsonify(shown)


@bp.patch("/reviews/<int:review_id>")
@requires()
def change(review_id: int) -> ResponseReturnValue:
    review = own_review(review_id)
    data = json_body(rating=optional(whole(1, 5)), title=optional(text(0, 80)), text=optional(text(3, 2000)))
    for name, value in given(data).items():
        setattr(review, name, value)
    review.status = "pending"
    return jsonify(show_review(review))


@bp.delete("/reviews/<int:review_id>")
@requires()
def remove(review_id: int) -> ResponseReturnValue:
    db().delete(own_review(review_id))
    return "", 204


@bp.post("/reviews/<int:review_id>/vote")
@requires()
def vote(review_id: int) -> ResponseReturnValue:
    review = db().get(Review, review_id)
    if review is None:
        raise not_found("review")
    helpful = json_body(helpful=flag())["helpful"]
    if review.user_id == current_user().id:
        raise conflict("own_review", "You cannot vote for your own review.")
    mine = next((vote for vote in review.votes if vote.user_id == current_user().id), None)
    if mine is None:
        review.votes.append(ReviewVote(user_id=current_user().id, helpful=helpful))
    else:
        mine.helpful = helpful
    return jsonify(review_id=review.id, your_vote=helpful)


@bp.post("/reviews/<int:review_id>/moderate")
@requires(*STAFF)
def moderate(review_id: int) -> ResponseReturnValue:
    decision = json_body(decision=choice("approved", "rejected"))["decision"]
    review = db().get(Review, review_id)
    if review is None:
        raise not_found("review")
    if review.status != "pending":
        raise conflict("moderated", f"The review is {review.status} already.")
    review.status = decision
    db().add(Notification(user_id=review.user_id, kind="review", text=f"Your review was {decision}."))
    return jsonify(show_review(review))
