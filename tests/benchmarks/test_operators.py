"""Every operator changes what it is about, and nothing else."""

from __future__ import annotations

import ast

import pytest

from benchmarks.accuracy.operators import OPERATORS, edits, mutate, plain

EXAMPLES = {
    "comparison flipped": ("x = a < b", ["x = a <= b"]),
    "condition negated": ("x = [a for a in b if c]", ["x = [a for a in b if not c]"]),
    "and/or swapped": ("x = a and b", ["x = a or b"]),
    "arithmetic replaced": ("x = a + b", ["x = a - b"]),
    "integer off by one": ("x = 7", ["x = 8", "x = 6"]),
    "boolean flipped": ("x = True", ["x = False"]),
    "text changed": ("x = 'a'", ["x = 'ax'"]),
    "decimal scaled": ("x = Decimal('2')", ["x = Decimal('2') * Decimal('10')", "x = Decimal('2') * Decimal('0.1')"]),
    "statement deleted": ("def f():\n    a.add(b)", ["def f():\n    pass"]),
    "guard removed": ("@bp.get\n@requires()\ndef f():\n    pass", ["@bp.get\ndef f():\n    pass"]),
    "status replaced": ("x = (y, 201)", ["x = (y, 200)"]),
    "answer key lost": (
        "x = {'a': b}",
        ["x = {}", "x = {'a_name': b}", "x = {'a': None}"],
    ),
    "order reversed": ("q.order_by(a.desc())", ["q.order_by(a)"]),
    "bound off by one": ("x = y[:n]", ["x = y[:n + 1]"]),
    "raise removed": ("def f():\n    raise E", ["def f():\n    pass"]),
    "arguments swapped": ("f(a, b, c)", ["f(b, a, c)"]),
    "cleaning dropped": ("x = a.lower()", ["x = a"]),
    "exception changed": ("raise not_found(a)", ["raise forbidden(a)"]),
    "query condition dropped": ("q.where(a, b)", ["q.where(b)", "q.where(a)"]),
}  # fmt: skip


def mutants(source: str, operator: str) -> list[str]:
    found = edits(ast.parse(source))
    return [mutate(source, number) for number, edit in enumerate(found) if edit.operator == operator]


def test_every_operator_has_an_example() -> None:
    assert EXAMPLES.keys() == OPERATORS.keys()


@pytest.mark.parametrize("operator", EXAMPLES)
def test_an_operator_makes_these_mutants(operator: str) -> None:
    source, expected = EXAMPLES[operator]
    assert mutants(source, operator) == expected


def test_more_forms_of_some_operators() -> None:
    assert mutants("q.order_by(a)", "order reversed") == ["q.order_by(a.desc())"]
    assert mutants("x = sorted(a)", "order reversed") == ["x = sorted(a, reverse=True)"]
    assert mutants("q.limit(n)", "bound off by one") == ["q.limit(n + 1)"]
    assert mutants("q.where(a).all()", "query condition dropped") == ["q.all()"]
    assert mutants("return_ = jsonify(a=b)", "answer key lost") == [
        "return_ = jsonify()",
        "return_ = jsonify(a_name=b)",
        "return_ = jsonify(a=None)",
    ]
    assert mutants("try:\n    f()\nexcept E:\n    g()", "exception changed") == [
        "try:\n    f()\nexcept ZeroDivisionError:\n    g()"
    ]


def test_docstrings_annotations_and_what_a_switch_guards_are_left_alone() -> None:
    assert edits(ast.parse('def f(a: "A") -> "B":\n    """Says."""')) == []
    assert edits(ast.parse("if on('fault'):\n    x = 1")) == []
    assert [edit.what for edit in edits(ast.parse("x = 1 if on('fault') else 2"))] == ["2 -> 3", "2 -> 1"]


def test_mutating_leaves_the_rest_as_it_was() -> None:
    source = "a = 1\nb = a < 2\n"
    assert mutate(source, 2).splitlines()[0] == plain(source).splitlines()[0]
