"""The shape of an SQL statement: what is left of it without values, lists of columns and comments.

Only shapes leave the process: the literals of a statement may be secrets or personal data. Two fingerprints differ when
the statements do; the text is shorter, so that a statement reads the same whatever it fetches, and on any database:
`SELECT … FROM author WHERE author.id = #`.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

MAX_SHAPE = 300  # characters of a shape's text
MAX_READ = 64 * 1024  # characters of a statement that are read; what follows is rows of a bulk insert
_SHORT = 2 * 1024  # characters up to which a statement is remembered among many


class Shape(NamedTuple):
    """12 hexadecimal digits over the whole statement without its values, and the text for people."""

    fingerprint: str
    text: str


_COMMENT = r"/\*.*?(?:\*/|\Z)|--[^\n]*"
_PLACEHOLDER = r"%\(\w+\)s|%s|(?<![:\w]):\w+|\?|@\w+"
_NUMBER = r"(?<![\w$])(?:0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)(?!\w)"
_DOLLAR_QUOTED = r"\$(?P<tag>[A-Za-z_]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)"
_TOKENS = re.compile(
    rf"(?P<comment>{_COMMENT})"
    r"|(?P<name>\"(?:[^\"]|\"\")*(?:\"|\Z)|`[^`]*(?:`|\Z))"
    r"|[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)"
    r"|(?:\b[bBnNxX]|\b[uU]&)?'(?:[^']|'')*(?:'|\Z)"
    rf"|{_DOLLAR_QUOTED}|\$\d+|{_PLACEHOLDER}|{_NUMBER}",
    re.S,
)
_MYSQL_TOKENS = re.compile(  # backslashes escape, and double quotes are those of texts
    rf"(?P<comment>{_COMMENT}|\#[^\n]*)"
    r"|(?P<name>`[^`]*(?:`|\Z))"
    r"|(?:\b[bBnNxX]|\b_\w+\s*)?'(?:[^'\\]|''|\\.)*(?:'|\Z)"
    r"|\"(?:[^\"\\]|\"\"|\\.)*(?:\"|\Z)"
    rf"|{_PLACEHOLDER}|{_NUMBER}",
    re.S,
)
_SPACE = re.compile(r"\s+")
_TEXT_LITERALS = re.compile(r"#(?: ?#)+")  # 'a' 'b' is one text
_CAST = re.compile(r"#(?:::\w+(?:\(#(?:, ?#)*\))?(?: varying| precision| with(?:out)? time zone)?(?:\[\])?)+", re.I)
_SIGN = re.compile(r"(?<=[=<>(,])( ?)[-+] ?#")
_LIST = re.compile(r"\( ?#(?: ?, ?#)*(?: ?\)| ?,? ?\Z)")
_ROWS = re.compile(r"(\((?:[^()]|\([^()]*\))*\))(?: ?, ?\1)+")
_SAVEPOINT = re.compile(r"\b(SAVEPOINT|RELEASE|ROLLBACK TO)( SAVEPOINT)? (?!SAVEPOINT\b)[^\s;]+", re.I)

_WORDS = re.compile(r"[()]|\bSELECT\b|\bFROM\b", re.I)
_INSERT = re.compile(r"^((?:INSERT|REPLACE)\b[^(]*?) ?\([^()]*\)(?= ?(?:VALUES|SELECT|OVERRIDING|OUTPUT)\b)", re.I)
_SET = re.compile(r"^(UPDATE .*?) SET .*?(?=$| (?:FROM|WHERE|RETURNING|OUTPUT)\b)", re.I)
_RETURNING = re.compile(r" RETURNING .*$", re.I)
_SIMPLE = 60  # characters of a select list without a comma that say something: `count(*)`


def shape_of(statement: object, mysql: bool = False) -> Shape:
    """The statement's shape. Anything that is not text (psycopg composes objects) is asked for its text."""
    text = statement if isinstance(statement, str) else _text_of(statement)
    if len(text) <= _SHORT:
        return _short(text, mysql)
    return _long(text[:MAX_READ], mysql)


def _text_of(statement: object) -> str:
    if isinstance(statement, bytes):
        return statement.decode("latin-1")
    composed = getattr(statement, "as_string", None)
    return str(composed(None)) if composed is not None else type(statement).__name__


def _shape(text: str, mysql: bool) -> Shape:
    plain = normalised(text, mysql)
    digest = hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return Shape(digest, _bounded(outline(plain)))


_short = lru_cache(maxsize=2048)(_shape)
_long = lru_cache(maxsize=64)(_shape)


def normalised(text: str, mysql: bool = False) -> str:
    """The statement with `#` for each value and list of values, without comments and quotes around plain names."""
    text = (_MYSQL_TOKENS if mysql else _TOKENS).sub(_without_value, text)
    text = _SPACE.sub(" ", text).strip(" ;")
    text = _SIGN.sub(r"\1#", _CAST.sub("#", _TEXT_LITERALS.sub("#", text)))
    text = _ROWS.sub(r"\1", _LIST.sub("(#)", text)).rstrip(" ,(")  # where it was cut between two rows
    return _SAVEPOINT.sub(r"\1\2 #", text)


def _without_value(token: re.Match[str]) -> str:
    if token["comment"] is not None:
        return " "
    name = token["name"]
    if name is None or not _PLAIN_NAME.fullmatch(name, 1, len(name) - 1):
        return "#"
    at, end = token.span()
    before, after = token.string[max(0, at - 3) : at].rstrip()[-1:], token.string[end : end + 1]
    if name[0] == '"' and before and before in "=<>" and after != ".":
        return "#"  # SQLite takes a name that it does not know for a text
    return name[1:-1]


_PLAIN_NAME = re.compile(r"[A-Za-z_][\w$]*")


def outline(text: str) -> str:
    """A normalised statement without its lists of columns: these change with every new field of a model.

    What an insert returns is left out, too: SQLAlchemy asks for keys when it inserts two rows, and not when it is one.
    """
    text = _RETURNING.sub("", _INSERT.sub(r"\1 (…)", text))
    return _SET.sub(r"\1 SET …", _without_select_lists(text))


def _without_select_lists(text: str) -> str:
    """Every `SELECT a, b FROM` as `SELECT … FROM`, at any depth; short ones of one column stay."""
    pieces: list[str] = []
    begun: list[tuple[int, int]] = []  # depth, and how many pieces stood there
    depth = last = 0
    for word in _WORDS.finditer(text):
        pieces.append(text[last : word.start()])
        last = word.start()
        found = word[0].upper()
        if found == "(":
            depth += 1
        elif found == ")":
            depth -= 1
            while begun and begun[-1][0] > depth:
                begun.pop()
        elif found == "SELECT":
            begun.append((depth, len(pieces)))
        elif begun and begun[-1][0] == depth:
            _, at = begun.pop()
            columns = "".join(pieces[at:])[len("SELECT") :].strip()
            if "," in columns or len(columns) > _SIMPLE:
                pieces[at:] = ["SELECT … "]
    pieces.append(text[last:])
    return "".join(pieces)


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_SHAPE else text[: MAX_SHAPE - 1] + "…"
