"""Fills the tables from a fixed seed: the same rows with the same ids every time."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from ..models import (
    Address,
    AuditEntry,
    Base,
    Category,
    Coupon,
    Export,
    GiftCard,
    Notification,
    Product,
    ProductTag,
    RefreshToken,
    Review,
    ReviewVote,
    ShareLink,
    Ticket,
    TicketMessage,
    Upload,
    User,
    Webhook,
    WebSession,
    Wishlist,
    WishlistItem,
)
from ..security import digest, hash_password
from .history import OrderHistory, name_after_id
from .words import ADJECTIVES, CATEGORIES, CITIES, NOUNS, OPINIONS, PEOPLE, STREETS, SUBJECTS, TAGS

T = TypeVar("T", bound=Base)

BEGIN = datetime(2025, 1, 7, 8, 30)
FAR = datetime(2099, 1, 1)
STRANGERS = range(9, 25)  # users whose things the traffic tries to reach
ORDERLESS = range(25, 31)


class Seeder:
    """Adds rows to an empty database. `password_for` gives a user's password by e-mail address."""

    def __init__(self, session: Session, password_for: Callable[[str], str]) -> None:
        self.session = session
        self.password_for = password_for
        self.random = random.Random(20250107)
        self.moment = BEGIN
        self.foreign: dict[str, list[Any]] = defaultdict(list)

    def tick(self) -> datetime:
        """A moment a little later than the last one, still in 2025."""
        self.moment += timedelta(minutes=self.random.randint(3, 240), milliseconds=self.random.randint(0, 999))
        return min(self.moment, datetime(2025, 12, 30))

    def add(self, row: T) -> T:
        row.created_at = row.updated_at = self.tick()
        self.session.add(row)
        self.session.flush()
        return row

    def add_all(self, rows: Iterable[T]) -> list[T]:
        return [self.add(row) for row in rows]

    def fill(self) -> dict[str, list[Any]]:
        """Returns ids and codes of strangers' things, by the name that routes give them."""
        users = [self._user(number, email, name) for number, (email, name) in enumerate(PEOPLE, start=1)]
        products = self._products()
        self._coupons()
        for user in users:
            if user.role == "customer":
                self._belongings(user, products)
        return dict(self.foreign)

    def log_in(self, user: User, refresh: str, web: str) -> None:
        """The user has been logged in since before, on a telephone and in a browser."""
        self.add(RefreshToken(user_id=user.id, digest=digest(refresh), device="phone", expires_at=FAR))
        self.add(WebSession(user_id=user.id, key=web))

    def _note(self, user: User, name: str, value: Any) -> None:
        if user.id in STRANGERS:
            self.foreign[name].append(value)

    def _user(self, number: int, email: str, name: str) -> User:
        role = {1: "admin", 2: "support", 3: "support"}.get(number, "customer")
        salt = hashlib.sha256(email.encode()).hexdigest()[:16]
        user = self.add(
            User(
                email=email,
                name=name,
                role=role,
                phone=f"+49 30 {100_000 + number * 37}",
                password_hash=hash_password(self.password_for(email), salt),
                marketing=number % 2 == 0,
                balance_cents=number * 150,
            )
        )
        self._note(user, "user_id", user.id)
        self.add(AuditEntry(user_id=user.id, action="account", detail="opened"))
        return user

    def _products(self) -> list[Product]:
        categories = self.add_all(Category(slug=slug, name=name, parent_id=up) for slug, name, up in CATEGORIES)
        products: list[Product] = []
        for adjective in ADJECTIVES:
            for position, noun in enumerate(NOUNS):
                price = self.random.randint(350, 14_900)
                tags = self.random.sample(TAGS, self.random.randint(1, 4))
                product = Product(
                    sku=f"{noun[:3].upper()}-{len(products) + 1:04d}",
                    name=f"{adjective} {noun}",
                    description=f"A {adjective.lower()} {noun.lower()} for every day.",
                    price_cents=price,
                    cost_cents=price * 6 // 10,
                    tax_rate="reduced" if noun in ("Novel", "Notebook") else "standard",
                    weight_grams=self.random.randint(80, 4200),
                    stock=5000 if len(products) % 9 else 0,
                    discontinued=len(products) % 20 == 19,
                    category=categories[position],
                    tags=[ProductTag(tag=tag, created_at=BEGIN, updated_at=BEGIN) for tag in tags],
                )
                products.append(self.add(product))
        return products

    def _coupons(self) -> None:
        self.add(Coupon(code="WELCOME10", percent=10, expires_at=FAR))
        self.add(Coupon(code="FIVER", fixed_cents=500, minimum_cents=2000))
        self.add(Coupon(code="QUARTER", percent=25, minimum_cents=10_000, expires_at=FAR))
        self.add(Coupon(code="SUMMER24", percent=30, expires_at=datetime(2024, 9, 1)))
        self.add(Coupon(code="STAFFONLY", percent=50, active=False))

    def _belongings(self, user: User, products: list[Product]) -> None:
        addresses = self.add_all(self._address(user, label) for label in ("home", "work"))
        for address in addresses:
            self._note(user, "address_id", address.id)
        if user.id not in ORDERLESS:
            history = OrderHistory(self.session, self.random, self.tick)
            for name, value in history.write(user, addresses[0], products):
                self._note(user, name, value)
        self._opinions(user, products)
        self._lists(user, products)
        self._files(user)
        self._conversation(user)
        for text in (f"Welcome, {user.name}!", "Our opening hours have changed.", "Your parcel is on its way."):
            row = self.add(Notification(user_id=user.id, kind="info", text=text))
            self._note(user, "notification_id", row.id)
        card = self.add(GiftCard(code=f"GC-SEED{user.id:08d}", buyer_id=user.id, amount_cents=2500, message="Enjoy!"))
        self._note(user, "gift_card", card.code)

    def _address(self, user: User, label: str) -> Address:
        city, postcode, country = self.random.choice(CITIES)
        return Address(
            user_id=user.id,
            label=label,
            recipient=user.name,
            street=f"{self.random.choice(STREETS)} {self.random.randint(1, 120)}",
            city=city,
            postcode=postcode,
            country=country,
            is_default=label == "home",
        )

    def _opinions(self, user: User, products: list[Product]) -> None:
        """The first ten products have many reviews, so that they need several pages."""
        for product in self.random.sample(products[:10], 4):
            rating = self.random.randint(2, 5)
            status = "pending" if self.random.random() < 0.1 else "approved"
            text = self.random.choice(OPINIONS)
            review = Review(product_id=product.id, user_id=user.id, rating=rating, title="", text=text, status=status)
            review.votes = [ReviewVote(user_id=1, helpful=True, created_at=BEGIN, updated_at=BEGIN)]
            self.add(review)
            if status == "approved":
                self._note(user, "review_id", review.id)
            else:
                self._note(user, "pending_review", review.id)

    def _lists(self, user: User, products: list[Product]) -> None:
        wishlist = self.add(Wishlist(user_id=user.id, name="Birthday"))
        self._note(user, "wishlist_id", wishlist.id)
        for product in self.random.sample(products, 3):
            self.add(WishlistItem(user_id=user.id, wishlist_id=wishlist.id, product_id=product.id))
        for name, expires in (("shared_code", FAR), ("expired_code", datetime(2025, 2, 1))):
            code = f"{'open' if expires == FAR else 'past'}{user.id:08d}"
            self.add(ShareLink(code=code, user_id=user.id, wishlist_id=wishlist.id, expires_at=expires))
            self._note(user, name, code)

    def _files(self, user: User) -> None:
        data = f"Notes of {user.name}\n".encode() * 5
        upload = self.add(
            Upload(
                user_id=user.id,
                filename="notes.txt",
                content_type="text/plain",
                digest=hashlib.sha256(data).hexdigest(),
                data=data,
            )
        )
        self._note(user, "upload_id", upload.id)
        content = "label,recipient,city,country\r\n"
        export = self.add(Export(user_id=user.id, kind="addresses", row_count=0, content=content))
        self._note(user, "export_id", export.id)
        secret = hashlib.sha256(f"hook{user.id}".encode()).hexdigest()[:32]
        url = f"https://hooks.example/{user.id}"
        webhook = self.add(Webhook(user_id=user.id, url=url, event="order.paid", secret=secret))
        self._note(user, "webhook_id", webhook.id)

    def _conversation(self, user: User) -> None:
        ticket = Ticket(user_id=user.id, subject=self.random.choice(SUBJECTS), status="answered", assignee_id=2)
        moment = self.tick()
        for author, text, internal in (
            (user.id, "Please help.", False),
            (2, "Difficult customer, be nice.", True),
            (2, "We are looking into it.", False),
        ):
            message = TicketMessage(author_id=author, text=text, internal=internal)
            message.created_at = message.updated_at = moment
            ticket.messages.append(message)
        self.add(ticket)
        name_after_id(ticket, "T-{:05d}")
        self._note(user, "ticket_id", ticket.id)
