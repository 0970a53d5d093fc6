from __future__ import annotations

from pathlib import Path

import pytest
from shop.changes import ALL, choose
from shop.config import Settings


def test_release_2_has_every_change_and_release_1_none() -> None:
    assert choose(1) == frozenset()
    assert choose(2) == ALL


def test_single_changes_are_switched_on_and_off() -> None:
    assert choose(1, added=["phone_null"]) == {"phone_null"}
    assert choose(2, removed=["phone_null"]) == ALL - {"phone_null"}


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no such change: phone_nul;"):
        choose(1, added=["phone_nul"])


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {
            "SHOP_DATABASE": "/data/shop.db",
            "SHOP_SECRET": "s",
            "SHOP_PROVIDER_URL": "http://p/",
            "SHOP_FAULTS": "phone_null, ",
        }
    )
    assert settings == Settings(Path("/data/shop.db"), "s", "http://p", changes=frozenset({"phone_null"}))


def test_a_release_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="SHOP_RELEASE is '3'"):
        Settings.from_environment({"SHOP_RELEASE": "3"})
