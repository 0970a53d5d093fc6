from __future__ import annotations

import re
from ast import literal_eval

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.keys import Key
from recorder.pseudonyms import Pseudonyms, is_card_number

PSEUDONYMS = Pseudonyms(Key(b"0123456789abcdef0123456789abcdef"))


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("hunter2", r"[a-z]{6}\d"),
        ("Tr0ub4dor&3", r"[A-Z][a-z]\d[a-z]{2}\d[a-z]{3}&\d"),
        ("1234", r"[1-9]\d{3}"),
        ("-17", r"-[1-9]\d"),
        ("-0.5", r"-0\.\d"),
        ("3.14e10", r"[1-9]\.\d\de10"),
        ("0042", r"\d{4}"),
        ("deadbeef0123", r"[a-f]{8}\d{4}"),
        ("DEADBEEF0123", r"[A-F]{8}\d{4}"),
        ("550e8400-e29b-41d4-a716-446655440000", r"\d{3}[a-f]\d{4}-[a-f]\d\d[a-f]-4\d[a-f]\d-a\d{3}-\d{12}"),
        ("pässwörd", r"[a-z][à-þ][a-z]{3}[à-þ][a-z]{2}"),
        ("ПАРОЛЬ", r"[À-Þ]{6}"),
        ("パスワ", r"[\u4e00-\u4eff]{3}"),
        ("eyJhbGci.eyJzdWIi.s-_x", r"[a-z]{2}[A-Z][a-zA-Z]{5}\.[a-z]{2}[A-Z][a-zA-Z]{5}\.[a-z]-_[a-z]"),
        ("!?", r"[-_.~]{2}"),
    ],
)
def test_shape_is_kept(value: str, shape: str) -> None:
    pseudonym = PSEUDONYMS.of(value)
    assert re.fullmatch(shape, pseudonym), pseudonym
    assert pseudonym != value
    assert len(pseudonym.encode()) == len(value.encode())


@pytest.mark.parametrize("number", ["4111111111111111", "378282246310005", "30569309025904", "6011111111111117"])
def test_a_card_number_stays_one_of_the_same_scheme(number: str) -> None:
    pseudonym = PSEUDONYMS.of(number)
    assert is_card_number(pseudonym)
    assert (pseudonym[0], len(pseudonym)) == (number[0], len(number))
    assert pseudonym[-4:] != number[-4:]


def test_a_card_number_is_the_same_one_however_it_is_grouped() -> None:
    plain = PSEUDONYMS.of("4111111111111111")
    assert PSEUDONYMS.of("4111 1111 1111 1111") == " ".join(re.findall("....", plain))
    assert PSEUDONYMS.of("4111-1111-1111-1111") == "-".join(re.findall("....", plain))


@pytest.mark.parametrize("value", ["4111111111111112", "1111111111111117", "411111111111", "41111111111111111111", "x"])
def test_what_is_no_card_number(value: str) -> None:
    assert not is_card_number(value)


def test_an_iban_stays_valid_and_keeps_its_country() -> None:
    pseudonym = PSEUDONYMS.of("DE89370400440532013000")
    assert pseudonym[:2] == "DE"
    assert pseudonym != "DE89370400440532013000"
    assert int("".join(str(int(c, 36)) for c in pseudonym[4:] + pseudonym[:4])) % 97 == 1


def test_the_key_decides() -> None:
    other = Pseudonyms(Key(b"another key, which is just as long"))
    assert PSEUDONYMS.of("correct horse") == Pseudonyms(Key(b"0123456789abcdef0123456789abcdef")).of("correct horse")
    assert PSEUDONYMS.of("correct horse") != other.of("correct horse")


def test_nothing_stays_nothing() -> None:
    assert PSEUDONYMS.of("") == ""


@given(st.text(min_size=1))
def test_any_text_gets_another_of_the_same_length_always_the_same(value: str) -> None:
    pseudonym = PSEUDONYMS.of(value)
    assert pseudonym != value
    assert len(pseudonym) == len(value)
    assert pseudonym == Pseudonyms(Key(b"0123456789abcdef0123456789abcdef")).of(value)


@given(st.text(alphabet="abcXYZ0189 -_./+=é\udcff", min_size=1).filter(str.isalnum))
def test_every_character_keeps_its_class(value: str) -> None:
    def classes(text: str) -> list[tuple[bool, bool, bool]]:
        return [(c.isascii() and c.isdigit(), c.isupper(), c.islower()) for c in text]

    assert classes(PSEUDONYMS.of(value)) == classes(value)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_stays_a_number_of_the_same_length(value: float) -> None:
    text = repr(value)
    pseudonym = PSEUDONYMS.of(text)
    assert type(literal_eval(pseudonym)) is type(value)
    assert len(pseudonym) == len(text)
    assert pseudonym.startswith("-") == text.startswith("-")


def test_the_cache_is_bounded() -> None:
    pseudonyms = Pseudonyms(Key(b"0123456789abcdef0123456789abcdef"))
    for index in range(5000):
        pseudonyms.of(f"value {index}")
    pseudonyms.of("x" * 5000)
    assert len(pseudonyms._cache) <= 2048
    assert "x" * 5000 not in pseudonyms._cache
