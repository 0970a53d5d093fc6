"""What can be done to a module: every single edit that some operator can make, in the order of its source.

An operator knows the language and nothing of the application, save for the names of its web framework and ORM.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Put = Callable[[ast.AST], None]
Change = Callable[[], None]
Found = Iterator[tuple[str, Change]]  # what is done, and the doing of it
Operator = Callable[[ast.AST, Put], Found]

SWITCH = "on"
"""The function of the example that asks for a fault of its own; what only runs with one is not to be mutated."""

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
}
SETS: dict[type[ast.operator], type[ast.operator]] = {ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
STATUSES = {200: 201, 201: 200, 202: 200, 204: 200, 302: 301, 303: 302, 400: 500, 401: 403, 403: 404, 404: 500,
            409: 400, 410: 404, 413: 400, 415: 400, 422: 400, 429: 503, 500: 400, 502: 500}  # fmt: skip
CLEANING = frozenset({"lower", "upper", "strip", "lstrip", "rstrip", "casefold", "title", "removeprefix"})
REFUSALS = {"not_found": "forbidden", "forbidden": "not_found", "ValueError": "KeyError"}


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of a parsed module; `change` makes it in place."""

    operator: str
    line: int  # of the unmutated source
    what: str
    change: Change


def edits(tree: ast.Module) -> list[Edit]:
    """All edits of the module, in a stable order."""
    return [
        Edit(name, getattr(node, "lineno", 0), what, change)
        for node, put in _places(tree, _nothing)
        for name, operator in OPERATORS.items()
        for what, change in operator(node, put)
    ]


def mutate(source: str, number: int) -> str:
    """The source after its edit of that number, as `ast.unparse` writes it."""
    tree = ast.parse(source)
    edits(tree)[number].change()
    return ast.unparse(ast.fix_missing_locations(tree))


def plain(source: str) -> str:
    """The source as `ast.unparse` writes it, to be compared with a mutated one."""
    return ast.unparse(ast.parse(source))


def _nothing(_node: ast.AST) -> None:
    """The module itself is not replaced."""


def _places(node: ast.AST, put: Put) -> Iterator[tuple[ast.AST, Put]]:
    """Every node that may be edited, with a way to replace it; annotations and docstrings are left out."""
    if isinstance(node, (ast.If, ast.IfExp)) and _asks_switch(node.test):
        other = node.orelse if isinstance(node.orelse, list) else [node.orelse]
        for number, child in enumerate(other):
            yield from _places(child, _putter(node, "orelse", number if isinstance(node.orelse, list) else None))
        return
    if not _asks_switch(node) or isinstance(node, (ast.mod, ast.stmt)):
        yield node, put
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns") or isinstance(node, ast.JoinedStr):
            continue
        if isinstance(value, ast.AST):
            yield from _places(value, _putter(node, field, None))
        elif isinstance(value, list):
            for number, child in enumerate(value):
                if isinstance(child, ast.AST) and not _is_docstring(child):
                    yield from _places(child, _putter(node, field, number))


def _putter(parent: ast.AST, field: str, number: int | None) -> Put:
    def put(new: ast.AST) -> None:
        if number is None:
            setattr(parent, field, new)
        else:
            getattr(parent, field)[number] = new

    return put


def _asks_switch(node: ast.AST) -> bool:
    return any(_name(inner.func) == SWITCH for inner in ast.walk(node) if isinstance(inner, ast.Call))


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _name(node: ast.AST) -> str:
    """`f` of `f`, `a.f` and `f(...)`."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _attribute(node: ast.AST, field: str, value: object) -> Change:
    return lambda: setattr(node, field, value)


def _entry(items: list[ast.expr], number: int, new: ast.expr) -> Change:
    def change() -> None:
        items[number] = new

    return change


def _short(node: ast.AST) -> str:
    text = ast.unparse(node).replace("\n", " ")
    return text if len(text) <= 70 else text[:67] + "..."


# -- operators ------------------------------------------------------------------------------------------------------


def comparison(node: ast.AST, _put: Put) -> Found:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        new = COMPARISONS[type(node.ops[0])]()
        yield f"{_short(node)}: {type(new).__name__}", _attribute(node, "ops", [new, *node.ops[1:]])


def negation(node: ast.AST, _put: Put) -> Found:
    if isinstance(node, (ast.If, ast.IfExp)):
        yield f"not ({_short(node.test)})", _attribute(node, "test", ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.comprehension):
        for number, test in enumerate(node.ifs):
            yield f"not ({_short(test)})", _entry(node.ifs, number, ast.UnaryOp(ast.Not(), test))


def connective(node: ast.AST, _put: Put) -> Found:
    if isinstance(node, ast.BoolOp):
        yield _short(node), _attribute(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.BinOp) and type(node.op) in SETS:
        yield _short(node), _attribute(node, "op", SETS[type(node.op)]())


def arithmetic(node: ast.AST, _put: Put) -> Found:
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in ARITHMETIC:
        new = ARITHMETIC[type(node.op)]()
        yield f"{_short(node)}: {type(new).__name__}", _attribute(node, "op", new)


def whole_number(node: ast.AST, _put: Put) -> Found:
    if isinstance(node, ast.Constant) and type(node.value) is int and node.value not in STATUSES:
        yield f"{node.value} -> {node.value + 1}", _attribute(node, "value", node.value + 1)
        yield f"{node.value} -> {node.value - 1}", _attribute(node, "value", node.value - 1)


def boolean(node: ast.AST, _put: Put) -> Found:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", _attribute(node, "value", not node.value)


def text(node: ast.AST, _put: Put) -> Found:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield f"{node.value!r} -> {node.value + 'x'!r}", _attribute(node, "value", node.value + "x")


def decimal(node: ast.AST, _put: Put) -> Found:
    if isinstance(node, ast.Call) and _name(node.func) == "Decimal" and isinstance(node.args[0], ast.Constant):
        for factor in ("10", "0.1"):
            scaled = ast.BinOp(node.args[0], ast.Mult(), ast.Constant(factor))
            new = ast.Call(node.func, [ast.Constant(factor)], [])
            yield f"{_short(node)} * {factor}", _scaled(_put, node, new, scaled)


def _scaled(put: Put, node: ast.Call, factor: ast.Call, scaled: ast.BinOp) -> Change:
    def change() -> None:
        scaled.left, scaled.right = ast.Call(node.func, node.args, node.keywords), factor
        put(scaled)

    return change


def statement(node: ast.AST, put: Put) -> Found:
    """Inside functions only: a module without one of its names would not start."""
    call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    inside = getattr(node, "col_offset", 0) > 0
    if inside and (call or isinstance(node, (ast.Assign, ast.AugAssign))):
        yield f"without {_short(node)}", lambda: put(ast.Pass())


def guard(node: ast.AST, _put: Put) -> Found:
    """A decorator below the one that makes the function a route."""
    if isinstance(node, ast.FunctionDef):
        for number, decorator in enumerate(node.decorator_list[1:], 1):
            rest = [each for other, each in enumerate(node.decorator_list) if other != number]
            yield f"{node.name} without @{_short(decorator)}", _attribute(node, "decorator_list", rest)


def status(node: ast.AST, _put: Put) -> Found:
    if isinstance(node, ast.Constant) and type(node.value) is int and node.value in STATUSES:
        yield f"{node.value} -> {STATUSES[node.value]}", _attribute(node, "value", STATUSES[node.value])


def answer_key(node: ast.AST, _put: Put) -> Found:
    """Keys of dictionaries, and the named arguments that a JSON answer is made of."""
    if isinstance(node, ast.Dict):
        for number, key in enumerate(node.keys):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield f"{key.value!r} dropped", _dropped(node, number)
                yield f"{key.value!r} renamed", _attribute(key, "value", key.value + "_name")
                yield f"{key.value!r} nulled", _entry(node.values, number, ast.Constant(None))
    if isinstance(node, ast.Call) and _name(node.func) == "jsonify":
        for number, keyword in enumerate(node.keywords):
            if keyword.arg is not None:
                rest = [each for other, each in enumerate(node.keywords) if other != number]
                yield f"{keyword.arg!r} dropped", _attribute(node, "keywords", rest)
                yield f"{keyword.arg!r} renamed", _attribute(keyword, "arg", keyword.arg + "_name")
                yield f"{keyword.arg!r} nulled", _attribute(keyword, "value", ast.Constant(None))


def _dropped(node: ast.Dict, number: int) -> Change:
    def change() -> None:
        del node.keys[number]
        del node.values[number]

    return change


def order(node: ast.AST, _put: Put) -> Found:
    if not isinstance(node, ast.Call):
        return
    if _name(node.func) == "order_by" and node.args:
        first = node.args[0]
        if isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute) and first.func.attr == "desc":
            yield f"{_short(first)} ascending", _entry(node.args, 0, first.func.value)
        elif not isinstance(first, (ast.Constant, ast.Starred)):
            yield f"{_short(first)} descending", _entry(node.args, 0, ast.Call(ast.Attribute(first, "desc"), [], []))
    if _name(node.func) == "sorted" and not any(each.arg == "reverse" for each in node.keywords):
        reverse = ast.keyword("reverse", ast.Constant(True))
        yield f"{_short(node)} reversed", _attribute(node, "keywords", [*node.keywords, reverse])


def bound(node: ast.AST, _put: Put) -> Found:
    one = ast.Constant(1)
    if isinstance(node, ast.Slice):
        for field in ("lower", "upper"):
            limit = getattr(node, field)
            if limit is not None:
                yield f"{field} bound {_short(limit)} + 1", _attribute(node, field, ast.BinOp(limit, ast.Add(), one))
    if isinstance(node, ast.Call) and _name(node.func) in ("limit", "offset") and node.args:
        yield f"{_short(node.args[0])} + 1", _entry(node.args, 0, ast.BinOp(node.args[0], ast.Add(), one))


def refusal(node: ast.AST, put: Put) -> Found:
    if isinstance(node, ast.Raise):
        yield f"without {_short(node)}", lambda: put(ast.Pass())


def argument_order(node: ast.AST, _put: Put) -> Found:
    if not isinstance(node, ast.Call) or len(node.args) < 2 or any(isinstance(arg, ast.Starred) for arg in node.args):
        return
    if ast.dump(node.args[0]) != ast.dump(node.args[1]):
        yield _short(node), _attribute(node, "args", [node.args[1], node.args[0], *node.args[2:]])


def cleaning(node: ast.AST, put: Put) -> Found:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLEANING:
        value = node.func.value
        yield f"{_short(node)} without .{node.func.attr}()", lambda: put(value)


def exception(node: ast.AST, _put: Put) -> Found:
    """Another error is raised, or the one that is raised is not expected any more."""
    if isinstance(node, ast.ExceptHandler) and node.type is not None:
        yield (
            f"except {_short(node.type)} -> ZeroDivisionError",
            _attribute(node, "type", ast.Name("ZeroDivisionError")),
        )
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
        other = REFUSALS.get(node.exc.func.id)
        if other is not None:
            yield f"{_short(node.exc)} -> {other}", _attribute(node.exc.func, "id", other)


def condition(node: ast.AST, put: Put) -> Found:
    """A query loses one of its conditions."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("where", "filter"):
        owner = node.func.value
        if len(node.args) == 1:
            yield f"without where({_short(node.args[0])})", lambda: put(owner)
        for number, each in enumerate(node.args if len(node.args) > 1 else ()):
            rest = [arg for other, arg in enumerate(node.args) if other != number]
            yield f"without where({_short(each)})", _attribute(node, "args", rest)


OPERATORS: dict[str, Operator] = {
    "comparison flipped": comparison,
    "condition negated": negation,
    "and/or swapped": connective,
    "arithmetic replaced": arithmetic,
    "integer off by one": whole_number,
    "boolean flipped": boolean,
    "text changed": text,
    "decimal scaled": decimal,
    "statement deleted": statement,
    "guard removed": guard,
    "status replaced": status,
    "answer key lost": answer_key,
    "order reversed": order,
    "bound off by one": bound,
    "raise removed": refusal,
    "arguments swapped": argument_order,
    "cleaning dropped": cleaning,
    "exception changed": exception,
    "query condition dropped": condition,
}
