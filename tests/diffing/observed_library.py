"""A library's API on SQLAlchemy: each view as it was, and as it became an N+1, run under observation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Column, Engine, ForeignKey, StaticPool, Table, create_engine, func, insert, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    object_session,
    relationship,
    selectinload,
)

from diffing.difference import Answer, Case
from recorder.exchange import Body, Exchange, Observed, RecordedRequest, RecordedResponse
from recorder.guard import Guard
from recorder.observation import Observation, Wanted, begin, end
from recorder.sql_hooks import SqlHook

BOOKS = 40
AUTHORS = 7


class Base(DeclarativeBase):
    pass


tagged = Table(
    "tagged",
    Base.metadata,
    Column("book_id", ForeignKey("book.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Country(Base):
    __tablename__ = "country"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    country_id: Mapped[int] = mapped_column(ForeignKey("country.id"))
    country: Mapped[Country] = relationship()


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Review(Base):
    __tablename__ = "review"
    id: Mapped[int] = mapped_column(primary_key=True)
    stars: Mapped[int]
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id"))


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship()
    tags: Mapped[list[Tag]] = relationship(secondary=tagged)
    reviews: Mapped[list[Review]] = relationship()

    @property
    def stars(self) -> int:
        session = object_session(self)
        assert session is not None
        return session.scalar(select(func.sum(Review.stars)).where(Review.book_id == self.id)) or 0


View = Callable[[Session, int], object]


def library() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Country(id=n, name=f"c{n}") for n in range(1, 4))
        session.add_all(Author(id=n, name=f"a{n}", country_id=1 + n % 3) for n in range(1, AUTHORS + 1))
        session.add_all(Tag(id=n, name=f"t{n}") for n in range(1, 6))
        session.add_all(Book(id=n, title=f"b{n}", author_id=1 + n % AUTHORS) for n in range(1, BOOKS + 1))
        session.flush()
        session.add_all(Review(stars=1 + n % 5, book_id=1 + n % BOOKS) for n in range(2 * BOOKS))
        session.execute(
            insert(tagged), [{"book_id": n, "tag_id": 1 + (n + k) % 5} for n in range(1, BOOKS + 1) for k in range(2)]
        )
        session.commit()
    return engine


def books(session: Session, limit: int, *options: object) -> list[Book]:
    query = select(Book).order_by(Book.id).limit(limit).options(*options)  # type: ignore[arg-type]
    return list(session.scalars(query))


def with_authors(*options: object) -> View:
    return lambda session, limit: [{"id": b.id, "author": b.author.name} for b in books(session, limit, *options)]


def with_tags(*options: object) -> View:
    return lambda session, limit: {
        "books": [{"id": b.id, "tags": [t.name for t in b.tags]} for b in books(session, limit, *options)]
    }


def with_stars(session: Session, limit: int) -> object:
    found = books(session, limit)
    query = select(Review.book_id, func.sum(Review.stars)).where(Review.book_id.in_([b.id for b in found]))
    stars = {row.book_id: row[1] for row in session.execute(query.group_by(Review.book_id))}
    return {"items": [{"id": b.id, "stars": stars.get(b.id, 0)} for b in found], "more": True}


def with_stars_each(session: Session, limit: int) -> object:
    return {"items": [{"id": b.id, "stars": b.stars} for b in books(session, limit)], "more": True}


def by_id(session: Session, limit: int) -> object:
    found = session.scalars(select(Book).where(Book.id.in_(range(1, limit + 1)))).all()
    return {"titles": [b.title for b in found]}


def by_id_each(session: Session, limit: int) -> object:
    rows = [session.execute(select(Book.title).where(Book.id == number)).first() for number in range(1, limit + 1)]
    return {"titles": [row[0] for row in rows if row is not None]}


def nested(*options: object) -> View:
    def view(session: Session, limit: int) -> object:
        found = books(session, limit, *options)
        return [{"reviews": [{"stars": r.stars} for r in b.reviews], "from": b.author.country.name} for b in found]

    return view


def in_sum(*options: object) -> View:
    """No array in the answer shows how many rows there were."""

    def view(session: Session, limit: int) -> object:
        return {"stars": sum(r.stars for b in books(session, limit, *options) for r in b.reviews)}

    return view


def import_tags(session: Session, limit: int) -> object:
    if limit:
        session.execute(insert(Tag), [{"name": f"new{n}"} for n in range(limit)])
    session.rollback()
    return {"added": limit, "names": [f"new{n}" for n in range(limit)]}


def import_tags_each(session: Session, limit: int) -> object:
    for number in range(limit):
        session.execute(insert(Tag), {"name": f"new{number}"})
    session.rollback()
    return {"added": limit, "names": [f"new{n}" for n in range(limit)]}


EAGER = selectinload(Book.author).selectinload(Author.country)

BECAME: dict[str, tuple[View, View, set[str]]] = {
    "a lazy foreign key": (
        with_authors(selectinload(Book.author)),
        with_authors(),
        {"SELECT … FROM author WHERE author.id = #"},
    ),
    "many to many": (
        with_tags(selectinload(Book.tags)),
        with_tags(),
        {"SELECT … FROM tag, tagged WHERE # = tagged.book_id AND tag.id = tagged.tag_id"},
    ),
    "a property": (
        with_stars,
        with_stars_each,
        {"SELECT sum(review.stars) AS sum_1 FROM review WHERE review.book_id = #"},
    ),
    "a loop in the serializer": (by_id, by_id_each, {"SELECT book.title FROM book WHERE book.id = #"}),
    "nested rows": (
        nested(selectinload(Book.reviews), EAGER),
        nested(EAGER),
        {"SELECT … FROM review WHERE # = review.book_id"},
    ),
    "a sum without rows in the answer": (
        in_sum(selectinload(Book.reviews)),
        in_sum(),
        {"SELECT … FROM review WHERE # = review.book_id"},
    ),
    "a join that is gone": (
        with_authors(joinedload(Book.author)),
        with_authors(),
        {"SELECT … FROM author WHERE author.id = #"},
    ),
    "one insert for each row": (import_tags, import_tags_each, {"INSERT INTO tag (…) VALUES (#)"}),
}


def answer(engine: Engine, view: View, limit: int) -> Answer:
    """One request, observed."""
    observation = Observation(wanted=Wanted(SqlHook(Guard()).look()))
    begin(observation)
    try:
        with Session(engine) as session:
            value = view(session, limit)
    finally:
        end(observation)
    body = Body.of(json.dumps(value).encode())
    response = RecordedResponse(200, "OK", (("Content-Type", "application/json"),), body)
    return Answer(response, observed=observation.taken())


def case(number: int, baseline: tuple[Answer, ...], candidate: Answer, route: str = "/books") -> Case:
    request = RecordedRequest("GET", f"/books?limit={number}", ())
    exchange = Exchange(f"{number:032x}", request, baseline[0].response, 1.0, 2.0)
    return Case(exchange, route, baseline, (candidate,))


def recorded_only(given: Case) -> Case:
    """The same, where production's recording stands in for the baseline."""
    first = given.baseline[0]
    observed = first.observed or Observed()
    exchange = replace(given.exchange, response=first.response, sql=observed.sql)
    return replace(given, exchange=exchange, baseline=())


def cases(engine: Engine, before: View, after: View, limits: tuple[int, ...]) -> list[Case]:
    """One exchange per limit: two passes of what was, and one of what is."""
    return [
        case(
            number,
            (answer(engine, before, limit), answer(engine, before, limit)),
            answer(engine, after, limit),
        )
        for number, limit in enumerate(limits)
    ]
