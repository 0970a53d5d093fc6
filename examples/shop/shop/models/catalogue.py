"""What is sold, how much of it there is, and what people think of it."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, UserKey


class Category(Base):
    __tablename__ = "categories"

    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))


class Product(Base):
    __tablename__ = "products"

    sku: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str]
    price_cents: Mapped[int]
    cost_cents: Mapped[int]
    tax_rate: Mapped[str] = mapped_column(default="standard")
    weight_grams: Mapped[int]
    stock: Mapped[int] = mapped_column(default=0)
    listed: Mapped[bool] = mapped_column(default=True)
    discontinued: Mapped[bool] = mapped_column(default=False)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"), index=True)

    category: Mapped[Category] = relationship()
    tags: Mapped[list[ProductTag]] = relationship(cascade="all, delete-orphan")


class ProductTag(Base):
    __tablename__ = "product_tags"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    tag: Mapped[str] = mapped_column(index=True)


class StockMovement(Base):
    __tablename__ = "stock_movements"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    delta: Mapped[int]
    reason: Mapped[str]


class Review(Base):
    __tablename__ = "reviews"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    user_id: Mapped[UserKey]
    rating: Mapped[int]
    title: Mapped[str]
    text: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")

    product: Mapped[Product] = relationship()
    votes: Mapped[list[ReviewVote]] = relationship(cascade="all, delete-orphan")


class ReviewVote(Base):
    __tablename__ = "review_votes"

    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id"), index=True)
    user_id: Mapped[UserKey]
    helpful: Mapped[bool]


class Wishlist(Base):
    __tablename__ = "wishlists"

    user_id: Mapped[UserKey]
    name: Mapped[str]


class WishlistItem(Base):
    __tablename__ = "wishlist_items"

    user_id: Mapped[UserKey]
    wishlist_id: Mapped[int] = mapped_column(index=True)  # no foreign key: lists are moved between shards
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    note: Mapped[str] = mapped_column(default="")

    product: Mapped[Product] = relationship()
