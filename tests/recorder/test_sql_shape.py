"""What is left of a statement: no value of it, and the same for all that ask the same."""

from __future__ import annotations

import pytest

from recorder.sql_shape import MAX_SHAPE, Shape, shape_of


def text_of(statement: object, mysql: bool = False) -> str:
    return shape_of(statement, mysql).text


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("SELECT * FROM t WHERE id IN (1,2) AND n='it''s' /* abc */", "SELECT * FROM t WHERE id IN (#) AND n=#"),
        ("SELECT * FROM t WHERE id IN (%s, %s) AND n=%s -- why", "SELECT * FROM t WHERE id IN (#) AND n=#"),
        ("SELECT * FROM t WHERE id IN (:a_1, :a_2) AND n=:b;", "SELECT * FROM t WHERE id IN (#) AND n=#"),
        ("SELECT * FROM t WHERE id IN ($1) AND n=$2", "SELECT * FROM t WHERE id IN (#) AND n=#"),
        ("SELECT * FROM t WHERE x > -1 AND y IN (-1, +2.5e3, .5, 0xFF)", "SELECT * FROM t WHERE x > # AND y IN (#)"),
        ("SELECT a.id, a.n\n  FROM a WHERE a.id = %(pk_1)s::INTEGER", "SELECT … FROM a WHERE a.id = #"),
        ('SELECT "a"."id", "a"."n" FROM "a" WHERE "a"."id" = ?', "SELECT … FROM a WHERE a.id = #"),
        ("SELECT a.id, (SELECT count(*) FROM b WHERE b.a = a.id) AS n FROM a LIMIT 10", "SELECT … FROM a LIMIT #"),
        (
            "SELECT count(*) AS n FROM (SELECT a.id AS x, a.y AS z FROM a) AS anon_1",
            "SELECT count(*) AS n FROM (SELECT … FROM a) AS anon_1",
        ),
        ("SELECT extract(year FROM a.born), a.name FROM a", "SELECT … FROM a"),
        ("SELECT DISTINCT t1.x2 FROM t1", "SELECT DISTINCT t1.x2 FROM t1"),
        ("INSERT INTO t (a, b) VALUES (?, ?), (?, ?)", "INSERT INTO t (…) VALUES (#)"),
        ("INSERT INTO t (a) VALUES (lower('x')), (lower('y'))", "INSERT INTO t (…) VALUES (lower(#))"),
        ("INSERT INTO t (a) VALUES (%s) RETURNING t.id, t.a", "INSERT INTO t (…) VALUES (#)"),
        ("UPDATE t SET a=?, b=now() WHERE t.id = ?", "UPDATE t SET … WHERE t.id = #"),
        ("SAVEPOINT sa_savepoint_12", "SAVEPOINT #"),
        ('RELEASE SAVEPOINT "s1_x3"', "RELEASE SAVEPOINT #"),
        ("ROLLBACK TO SAVEPOINT s1", "ROLLBACK TO SAVEPOINT #"),
        ("SELECT 1 FROM t WHERE a = $$secret$$ AND b = $x$it's$x$", "SELECT # FROM t WHERE a = # AND b = #"),
        (r"SELECT 1 FROM t WHERE a = E'\'y' AND b = 'c:\' OR d = ''", "SELECT # FROM t WHERE a = # AND b = # OR d = #"),
        (b"SELECT 'x' FROM t", "SELECT # FROM t"),
        (17, "int"),
    ],
)  # fmt: skip
def test_a_shape_has_no_values_and_no_lists_of_columns(statement: object, text: str) -> None:
    assert text_of(statement) == text


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT a FROM t WHERE b = 'secret",  # cut, or torn
        "SELECT a FROM t WHERE b = 'x' || N'secret' || U&'secret'",
        "SELECT a FROM t /* secret",
        "SELECT a FROM t WHERE b = $$secret",
        'SELECT a FROM t WHERE b = "secret"',  # SQLite takes it for a text where it knows no such column
        'SELECT a FROM t WHERE b LIKE "%secret%"',
    ],
)
def test_no_text_gets_out(statement: str) -> None:
    assert "secret" not in text_of(statement)


def test_in_mysql_double_quotes_are_texts_and_backslashes_escape() -> None:
    statement = "SELECT `a`.`b`, c FROM `a` WHERE d IN (\"se\\\"cret\") AND e = 'x\\'secret' # secret\n"
    assert text_of(statement, mysql=True) == "SELECT … FROM a WHERE d IN (#) AND e = #"


def test_fingerprints_tell_apart_what_the_text_does_not() -> None:
    one, other = shape_of("SELECT a, b FROM t WHERE id = 1"), shape_of("SELECT a, c FROM t WHERE id = 1")
    assert one.text == other.text
    assert one.fingerprint != other.fingerprint
    assert one == shape_of("select a, b".upper().replace("A, B", "a, b") + " FROM t  WHERE id = 22")
    assert len(one.fingerprint) == 12


def test_what_psycopg_composes_is_asked_for_its_text() -> None:
    class Composed:
        def as_string(self, _context: None) -> str:
            return "SELECT 1 FROM t"

    assert text_of(Composed()) == "SELECT # FROM t"


def test_long_statements_are_bounded() -> None:
    rows = ", ".join(f"({number}, 'x{number}')" for number in range(20_000))
    assert text_of(f"INSERT INTO t (a, b) VALUES {rows}") == "INSERT INTO t (…) VALUES (#)"
    joins = " ".join(f"JOIN t{number} ON t{number}.id = a.t{number}" for number in range(200))
    assert len(text_of(f"SELECT a.b, a.c FROM a {joins}")) == MAX_SHAPE


@pytest.mark.parametrize(
    "nasty",
    [
        "(" * 30_000,
        "'" * 501 + "$" * 500 + '"' * 301 + "/*" * 300,
        "UPDATE a" + " SET" * 9_000,
        "SELECT " + " RETURNING" * 4_000 + "(" * 3_000,
        "SAVEPOINT " * 3_000 + "# " * 9_000 + "#," * 9_000,
        "INSERT " + "x " * 30_000,
        "(a),(b)," * 8_000,
        "SELECT " * 9_000 + "FROM " * 9_000,
    ],
)
def test_no_statement_makes_an_expression_backtrack(nasty: str) -> None:
    assert isinstance(shape_of(nasty), Shape)  # what backtracks would not come back within the test's time
