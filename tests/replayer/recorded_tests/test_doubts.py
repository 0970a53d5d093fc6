"""What nobody can tell from noise while nothing was learned of it, and what changed for certain."""

from __future__ import annotations

import os

import pytest

from diffing.difference import Difference, DifferenceKind, Location, Part
from replayer.recorded_tests.doubts import sifted


def differing(kind: DifferenceKind, a: object, b: object, path: str = "$.x") -> Difference:
    return Difference(Location(Part.BODY, path), kind, a, b, "a -> b")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Page made for 48e98c5ddf614aecb051b7bdcc247209", "Page made for 590308c993854bd7909dc5f8b5e7dc47"),
        ("CXlGdLPCVNEsBRhjyArVlFAP_YHbJRGO", "PQ-SzTLFJMbuano88gvxXWR3hBSAlbK4"),
        ("/api/shared/8OEQJBz4ce5O", "/api/shared/thxgZliaISiI"),
        ('W/"9-20261128005409"', 'W/"9-20261128012224"'),
    ],
)
def test_random_texts_may_vary(a: object, b: object) -> None:
    one = differing(DifferenceKind.VALUE, a, b)
    assert sifted([one]) == ((), (one,))


def test_the_number_of_this_process_may_vary() -> None:
    one = differing(DifferenceKind.VALUE, 4711, os.getpid())
    assert sifted([one]) == ((), (one,))
    other = differing(DifferenceKind.VALUE, os.getpid(), 4711)
    assert sifted([other]) == ((other,), ())


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (3, 4),
        ("pending", "cancelled"),
        ("Order 17 is paid by ann", "Order 18 is paid by ann"),
        ("Page made for 48e98c5ddf614aecb051b7bdcc247209", "Site made for 590308c993854bd7909dc5f8b5e7dc47"),
        ("/api/shared/8OEQJBz4ce5O", "/api/stolen/thxgZliaISiI"),
        ("8OEQJBz4ce5O", ""),
        ('W/"9-20261128005409"', 'W/"7-20261128012224"'),
    ],
)
def test_other_words_and_numbers_changed(a: object, b: object) -> None:
    one = differing(DifferenceKind.VALUE, a, b)
    assert sifted([one]) == ((one,), ())


def test_rows_may_be_others_by_their_keys_alone() -> None:
    gone = differing(DifferenceKind.MISSING, {"code": "OoFzD-nyhrYj", "of": 28}, None, "$.items[2]")
    come = differing(DifferenceKind.EXTRA, None, {"code": "6LEDt_svkRWO", "of": 8288}, "$.items[0]")
    other = differing(DifferenceKind.EXTRA, None, {"code": "gaulWChbUsu6", "to": 8288}, "$.items[0]")
    again = differing(DifferenceKind.EXTRA, None, {"code": "gaulWChbUsu6", "of": 8289}, "$.items[1]")
    order = differing(DifferenceKind.ORDER, ["a", "b"], ["b", "a"])
    assert sifted([gone, come, order]) == ((), (gone, come, order))
    assert sifted([gone, other]) == ((gone, other), ())
    assert sifted([gone, come, again]) == ((again,), (gone, come))
    assert sifted([gone]) == ((gone,), ())
