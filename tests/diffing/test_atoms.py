"""What names something inside a value, and what of a signed text names it."""

from __future__ import annotations

import pytest

from diffing.atoms import atoms, is_opaque, rewrite, without_signature

TOKEN = "WyJ0cmlwLTEtMTU2Il0.VsEwqbLnVAaONhqa2Od2Xn9sILU"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17.pdf", [("", "17.pdf"), ("~stem", "17")]),
        ("INV-0017.pdf", [("", "INV-0017.pdf"), ("~stem", "INV-0017"), ("~stem~num", "17")]),
        (f"{TOKEN}.xml", [("", f"{TOKEN}.xml"), ("~stem", TOKEN)]),
        ("shop.example", [("", "shop.example")]),
        ("2.50", [("", "2.50")]),
    ],
)
def test_a_file_is_called_after_what_it_holds(text: str, expected: list[tuple[str, str]]) -> None:
    assert list(atoms(text)) == expected


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("QuPskDEbZjqWcgt-CNnZZLi3", True),
        ("KBpIxLOOvvTYWGmJbvyigbf4", True),
        ("customer-order-item-17", False),
        ("PurchaseOrderItemNumber17", False),
        ("WAREHOUSE-SHIPMENT-NO-17", False),
        ("order-17", False),
    ],
)
def test_a_token_that_ends_in_its_only_digit_is_no_name_with_a_number(text: str, token: bool) -> None:
    assert is_opaque(text) is token
    assert any(name == "~num" for name, _ in atoms(text)) is not token
    assert list(atoms(text))[:1] == [("", text)]


def test_the_thing_within_a_files_name_is_replaced_in_its_place() -> None:
    assert rewrite("/invoices/17.pdf", lambda suffix, text: "58" if text == "17" else None) == "/invoices/58.pdf"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ImY3YzEi.aSe4Kg.nwmlCJVvncssGn8as8z2WEp2rIo", "ImY3YzEi"),  # itsdangerous, as in Flask-WTF's tokens
        (".eJwlzjEOwjA.aSe4Kg.nwmlCJVvncssGn8as8z2WEp2rIo", ".eJwlzjEOwjA"),  # and Flask's sessions
        ("signed:value:1rAbCd:nwmlCJVvncssGn8as8z2WEp2rIonwmlCJVvncssGn8a", "signed:value"),  # Django
        (TOKEN, TOKEN),  # signed without a time: the same whenever it is made
        ("0190a7c4-9f5e-7c3a-8a54-0242ac120002", "0190a7c4-9f5e-7c3a-8a54-0242ac120002"),
    ],
)
def test_the_time_and_the_signature_of_a_signed_text_name_nothing(text: str, expected: str) -> None:
    assert without_signature(text) == expected
