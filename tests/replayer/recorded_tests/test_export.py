"""Exported tests: they pass, they fail on what they cover, and they belong to the user."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from recorder.exchange import Exchange
from replayer.recorded_tests.export import Export, export_tests
from replayer.recorded_tests.setting import read_setting

from .shelf import ROOT, ExportedTests, key, recorded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SEEN_IN_FAILURES = {
    "register_500": "assert 500 == 422",
    "total_wrong": "$.total",
    "page_title": "'Shelf'",
    "others_shown": "assert 200 == 404",
    "lent_twice": "assert 200 == 409",
    "pages_as_text": "+     '311'",
    "lent_dropped": "$.books[0].lent_to",
    "location_wrong": "+     '/books/0'",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture(scope="module")
def exchanges(folder: Path) -> list[Exchange]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        return recorded(folder, monkeypatch)


def export(folder: Path, exchanges: list[Exchange], output: Path, *, force: bool = False) -> Export:
    setting = read_setting(
        "tests.apps.shelf_app:create_app",
        ["of the tests"],
        f"SHELF_DATABASE={folder / 'snapshot.sqlite'}",
        "",
        ["SHELF_COVERS=http://covers.invalid"],
        "tests.apps.shelf_app:credentials",
        output,
    )
    return export_tests(exchanges, output, setting, key=key(), force=force)


@pytest.fixture(scope="module")
def exported(folder: Path, exchanges: list[Exchange]) -> tuple[ExportedTests, Export]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(ROOT)
        output = folder / "recorded"
        return ExportedTests(output), export(folder, exchanges, output)


def test_tests_of_a_recording_pass_on_the_release_that_was_recorded(exported: tuple[ExportedTests, Export]) -> None:
    tests, done = exported
    ran = tests.run()
    assert ran.returncode == 0, ran.stdout
    assert f"{done.tests} passed" in ran.stdout
    assert (done.routes, done.routes_recorded) == (13, 13)


@pytest.mark.parametrize(
    "faults",
    ["register_500,total_wrong,page_title,others_shown,lent_twice", "pages_as_text,lent_dropped,location_wrong"],
)
def test_each_fault_of_a_release_makes_a_test_fail(exported: tuple[ExportedTests, Export], faults: str) -> None:
    ran = exported[0].run(faults=faults)
    assert [fault for fault in faults.split(",") if SEEN_IN_FAILURES[fault] not in ran.stdout] == [], ran.stdout


def test_a_failure_shows_what_changed_and_nothing_else(exported: tuple[ExportedTests, Export]) -> None:
    told = exported[0].run("-k", "alice_lists_books", faults="total_wrong").stdout
    lines = [line.removeprefix("E").strip() for line in told.splitlines() if line.startswith("E ")]
    assert lines == [
        "assert the answer is another than the recorded one (- recorded, + now)",
        "$.total",
        "-     3",
        "+     4",
    ], told


def test_tests_run_in_any_order_and_alone(exported: tuple[ExportedTests, Export]) -> None:
    tests, done = exported
    names = [line for line in tests.run("--collect-only").stdout.splitlines() if "::" in line]
    assert len(names) == done.tests
    for chosen in (names[::-1], names[:1], names[-1:]):
        ran = tests.run(*(f"{tests.folder}/{name.rpartition('/')[2]}" for name in chosen), all_of_them=False)
        assert ran.returncode == 0, ran.stdout


def test_tests_run_on_several_processes(exported: tuple[ExportedTests, Export]) -> None:
    ran = exported[0].run("-n", "2")
    assert ran.returncode == 0, ran.stdout


def test_no_test_asserts_a_status_alone(exported: tuple[ExportedTests, Export]) -> None:
    for name, text in exported[0].texts().items():
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                asserted = {ast.unparse(node.test.left) for node in ast.walk(function) if isinstance(node, ast.Assert)}
                assert asserted - {"response.status_code"}, f"{name}: {function.name}"


def test_files_are_as_ruff_has_them(exported: tuple[ExportedTests, Export]) -> None:
    folder = str(exported[0].folder)
    ruff = [sys.executable, "-m", "ruff"]
    formatted = subprocess.run(
        [*ruff, "format", "--isolated", "--diff", folder], capture_output=True, text=True, check=False
    )
    assert formatted.returncode == 0, formatted.stdout
    rules = "E4,E7,E9,F,I,B,UP,PT"
    checked = subprocess.run(
        [*ruff, "check", "--isolated", "--select", rules, folder], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert checked.returncode == 0, checked.stdout


def test_the_same_recording_gives_the_same_bytes_and_edited_files_are_kept(
    folder: Path, exchanges: list[Exchange], exported: tuple[ExportedTests, Export], monkeypatch: pytest.MonkeyPatch
) -> None:
    tests, _ = exported
    monkeypatch.chdir(ROOT)
    before = tests.texts()
    edited = tests.folder / "test_status.py"
    edited.write_text(before["test_status.py"] + "\n\n# mine\n", encoding="utf-8")
    again = export(folder, exchanges, tests.folder)
    assert again.written.kept == ("test_status.py",)
    assert tests.texts() == {**before, "test_status.py": before["test_status.py"] + "\n\n# mine\n"}
    assert export(folder, exchanges, tests.folder, force=True).written.kept == ()
    assert tests.texts() == before


def test_what_flows_from_answer_to_request_is_a_variable(exported: tuple[ExportedTests, Export]) -> None:
    text = exported[0].texts()["test_books.py"]
    assert 'book_id = response.json["id"]' in text
    assert 'client.delete(f"/books/{book_id}", headers=alice)' in text
    assert '"id": book_id,' in text


def test_nothing_secret_is_written(exported: tuple[ExportedTests, Export]) -> None:
    everything = "\n".join(exported[0].texts().values())
    for secret in ("ann-secret", "ben-secret", "cleo-secret"):
        assert secret not in everything
    assert 'credentials("alice")["body"]["password"]' in everything
