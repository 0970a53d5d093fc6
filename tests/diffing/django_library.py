"""Run as a program: a library's views on Django, each as it was and as an N+1; prints what was answered and asked."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings

application = types.ModuleType("library")
application.__path__ = []
application.__file__ = __file__
sys.modules["library"] = application
settings.configure(
    INSTALLED_APPS=["library"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()

from django.db import connection, models  # noqa: E402 - after the settings
from django.template import engines  # noqa: E402

from recorder.guard import Guard  # noqa: E402
from recorder.observation import Observation, Wanted, begin, end  # noqa: E402
from recorder.sql_hooks import SqlHook  # noqa: E402


class Author(models.Model):
    name = models.CharField(max_length=30)

    class Meta:
        app_label = "library"


class Tag(models.Model):
    name = models.CharField(max_length=30)

    class Meta:
        app_label = "library"


class Book(models.Model):
    title = models.CharField(max_length=30)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    tags = models.ManyToManyField(Tag)

    class Meta:
        app_label = "library"

    @property
    def reviews(self) -> int:
        return self.review_set.count()


class Review(models.Model):
    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)

    class Meta:
        app_label = "library"


TEMPLATE = engines["django"].from_string(
    "<html><body><ul>{% for book in books %}<li>{{ book.title }} by {{ book.author.name }}</li>{% endfor %}</ul>"
)


def books() -> Any:
    return Book.objects.order_by("id")


def counted() -> Any:
    return books().annotate(number=models.Count("review"))


def authors(found: Any) -> object:
    return [{"id": book.id, "author": book.author.name} for book in found]


def tags(found: Any) -> object:
    return [{"id": book.id, "tags": sorted(tag.name for tag in book.tags.all())} for book in found]


def reviewers(found: Any) -> object:
    return {"books": [{"by": [review.author.name for review in book.review_set.all()]} for book in found]}


View = Callable[[int], object]
VIEWS: dict[str, tuple[View, View]] = {
    "a foreign key": (
        lambda n: authors(books().select_related("author")[:n]),
        lambda n: authors(books()[:n]),
    ),
    "many to many": (
        lambda n: tags(books().prefetch_related("tags")[:n]),
        lambda n: tags(books()[:n]),
    ),
    "a property": (
        lambda n: [{"id": book.id, "reviews": book.number} for book in counted()[:n]],
        lambda n: [{"id": book.id, "reviews": book.reviews} for book in books()[:n]],
    ),
    "a template": (
        lambda n: TEMPLATE.render({"books": books().select_related("author")[:n]}),
        lambda n: TEMPLATE.render({"books": books()[:n]}),
    ),
    "nested rows": (
        lambda n: reviewers(books().prefetch_related("review_set__author")[:n]),
        lambda n: reviewers(books().prefetch_related("review_set")[:n]),
    ),
    "a check of each row": (
        lambda n: [{"id": book.id, "reviewed": book.number > 0} for book in counted()[:n]],
        lambda n: [{"id": book.id, "reviewed": book.review_set.exists()} for book in books()[:n]],
    ),
}


def fill() -> None:
    with connection.schema_editor() as editor:
        for model in (Author, Tag, Book, Review):
            editor.create_model(model)
    Author.objects.bulk_create(Author(name=f"a{n}") for n in range(30))
    Tag.objects.bulk_create(Tag(name=f"t{n}") for n in range(5))
    Book.objects.bulk_create(Book(title=f"b{n}", author_id=1 + n % 30) for n in range(30))
    for book in Book.objects.all():
        book.tags.add(1 + book.id % 5, 1 + (book.id + 1) % 5)
    Review.objects.bulk_create(Review(book_id=1 + n % 30, author_id=1 + n % 30) for n in range(90))


def observed(view: View, limit: int) -> dict[str, object]:
    hook = SqlHook(Guard())
    observation = Observation(wanted=Wanted(hook.look()))
    hook.watch()
    begin(observation)
    try:
        value = view(limit)
    finally:
        end(observation)
    page = isinstance(value, str)
    return {
        "type": "text/html" if page else "application/json",
        "body": value if page else json.dumps(value),
        "sql": [[one.fingerprint, one.statement, one.count, one.rows] for one in observation.taken().sql or ()],
    }


if __name__ == "__main__":
    fill()
    limits = [int(text) for text in sys.argv[1:]]
    found = {
        name: [{"before": observed(before, n), "after": observed(after, n)} for n in limits]
        for name, (before, after) in VIEWS.items()
    }
    sys.stdout.write(json.dumps(found))
