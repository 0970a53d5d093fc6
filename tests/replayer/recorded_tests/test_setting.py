"""What can not be meant is said in one sentence, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from replayer.errors import UsageError
from replayer.recorded_tests.setting import is_factory, read_setting


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"app": "shop"}, "--app 'shop' is not MODULE:NAME."),
        ({"app": "shop:create_app", "mint": "credentials"}, "--mint 'credentials' is not MODULE:NAME."),
        ({"factory_arguments": ["1"]}, "--factory-arg needs --app."),
        ({"environ": ["SECRET"]}, "--env 'SECRET' is not NAME=VALUE."),
        ({"snapshot": "shop.db"}, "--snapshot 'shop.db' is not NAME=FILE."),
        ({"snapshot": "URL=postgresql://db/shop"}, "--snapshot 'URL=postgresql://db/shop' is not NAME=FILE."),
        ({"snapshot": "DB=nowhere.db"}, "--snapshot: there is no file 'nowhere.db'."),
        ({"seed": "flask seed"}, "--seed does not say by which variable the application finds its database."),
        ({"seed": "flask seed", "snapshot": "DB=a.db"}, "--seed fills a new database, and --snapshot names one."),
        ({"folder": Path("recorded-tests")}, "recorded-tests cannot be a folder of tests"),
        ({"folder": Path(__file__)}, f"{__file__} cannot be a folder of tests"),
    ],
)
def test_what_can_not_be_meant_is_refused(given: dict[str, object], message: str) -> None:
    asked = {
        "app": "", "factory_arguments": [], "snapshot": "", "seed": "", "environ": [], "mint": "",
        "folder": Path("recorded"), **given,
    }  # fmt: skip
    with pytest.raises(UsageError) as refused:
        read_setting(**asked)  # type: ignore[arg-type]
    assert refused.value.message.startswith(message)


@pytest.mark.parametrize(
    ("app", "arguments", "called"),
    [
        ("shop:create_app", [], True),
        ("shop:app", [], False),
        ("shop:app", ["testing"], True),
        ("shop:wsgi()", [], True),
        ("shop.web:app_factory", [], True),
    ],
)
def test_what_is_called_like_a_factory_is_called(app: str, arguments: list[str], called: bool) -> None:
    assert is_factory(read_setting(app, arguments, "", "", [], "", Path("recorded"))) is called
