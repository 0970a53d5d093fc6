"""A page of HTML as what a reader and a script see of it: title, lines of text, links, form fields. No pixels."""

from __future__ import annotations

from functools import lru_cache
from html.parser import HTMLParser

from .atoms import is_integer, is_opaque

MAX_ITEMS = 20_000
"""Lines, links and fields kept of one page, each; more are counted."""

MAX_CHOICES = 500
"""Options kept of one field: the search for one among them is linear."""

_HIDDEN = frozenset(["script", "style", "template"])
_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li main"
    " nav ol option p pre section select table tbody td tfoot th thead title tr ul".split()
)
_LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "iframe": "src"}
_FIELDS = frozenset(["input", "select", "textarea", "button"])


@lru_cache(maxsize=8)  # learning holds each page of one case against several others
def page_tree(text: str) -> dict[str, object]:
    """{"title", "text": [line], "link": [target], "form": [{"action", "method"}], "input": {name: value}, "meta"}.

    What a field lets choose from, its options or boxes to tick, is a list under its name.
    """
    reader = _PageReader()
    reader.feed(text)
    reader.close()
    reader.end_line()
    return {
        "title": reader.title.strip(),
        "text": reader.lines,
        "link": reader.links,
        "form": reader.forms,
        "input": reader.inputs,
        "meta": reader.metas,
    }


def add_field(fields: dict[str, object], name: str, kind: str, value: str) -> None:
    """Notes an `<input>` or its like, `kind` being its `type`: a name that several things share becomes a list."""
    kind = kind.lower()
    if (kind in ("checkbox", "radio") and _names_something(value)) or (kind == "hidden" and is_integer(value)):
        add_choice(fields, name, value)  # hidden numbers: one form for each row, and as many as there are rows
    elif kind == "hidden" and fields.get(name, value) != value and _names_something(value):
        known = fields[name]
        if isinstance(known, str) and _names_something(known):
            fields[name] = [known]
        add_choice(fields, name, value)
    elif not isinstance(fields.get(name), list):
        fields[name] = value


def add_choice(fields: dict[str, object], name: str, value: str) -> None:
    """Notes what a field lets choose from. A word is the page's own; what names a thing comes back in a form."""
    if name and _names_something(value):
        known = fields.get(name)
        if not isinstance(known, list):
            fields[name] = [value]
        elif value not in known and len(known) < MAX_CHOICES:
            known.append(value)


def _names_something(value: str) -> bool:
    return is_integer(value) or is_opaque(value)


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.lines: list[object] = []
        self.links: list[object] = []
        self.forms: list[object] = []
        self.inputs: dict[str, object] = {}
        self.metas: dict[str, object] = {}
        self._line: list[str] = []
        self._hidden = 0
        self._in_title = False
        self._select = ""  # the name of the field whose options are being read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.end_line()
        self._in_title = tag == "title"
        if tag in _HIDDEN:
            self._hidden += 1
        attributes = {name: value or "" for name, value in attrs}
        target = attributes.get(_LINKS.get(tag, ""))
        if target and len(self.links) < MAX_ITEMS:
            self.links.append(target)
        if tag == "form" and len(self.forms) < MAX_ITEMS:
            self.forms.append(
                {"action": attributes.get("action", ""), "method": attributes.get("method", "get").lower()}
            )
        name = attributes.get("name")
        if tag == "select":
            self._select = name or ""
        if tag == "option":
            add_choice(self.inputs, self._select, attributes.get("value", ""))
        elif name and tag in _FIELDS and len(self.inputs) < MAX_ITEMS:
            add_field(self.inputs, name, attributes.get("type", ""), attributes.get("value", ""))
        elif name and tag == "meta" and len(self.metas) < MAX_ITEMS:
            self.metas[name] = attributes.get("content", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _HIDDEN:
            self._hidden -= 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN and self._hidden:
            self._hidden -= 1
        if tag in _BLOCKS:
            self.end_line()
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._hidden:
            self._line.append(data)

    def end_line(self) -> None:
        """Closes the line of text that is being read; blank lines are no lines."""
        line = " ".join("".join(self._line).split())
        self._line.clear()
        if line and len(self.lines) < MAX_ITEMS:
            self.lines.append(line)
