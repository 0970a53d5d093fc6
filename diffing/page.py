"""A page of HTML as what a reader and a script see of it: title, lines of text, links, form fields. No pixels."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from html.parser import HTMLParser

from .atoms import is_integer, is_opaque

MAX_ITEMS = 20_000
"""Lines, links and fields kept of one page, each; of the rest there is a number and a digest."""

MAX_CHOICES = 500
"""Options kept of one field: the search for one among them is linear."""

CHUNK = 8192
"""Characters given to the parser at once."""
MAX_WORK = 20_000_000
"""Characters that the parser may look at again because a tag is not closed: it begins anew at each `<` of it."""

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

    What a field lets choose from, its options or boxes to tick, is a list under its name. `doctype` and `lang` say how
    a browser renders and reads it, `script` holds the lines of scripts within the page, and `rest` what did not fit,
    each only where there is any. Raises ValueError for a text
    whose tags are not closed, which would take the parser minutes.
    """
    reader = _PageReader()
    work = 0
    for at in range(0, len(text), CHUNK):
        reader.feed(text[at : at + CHUNK])
        left = reader.rawdata
        work += len(left) * (1 + left.count("<"))
        if work > MAX_WORK:
            raise ValueError("tags that are not closed")
    reader.close()
    reader.end_line()
    tree: dict[str, object] = {
        "title": reader.title.strip(),
        "text": reader.lines,
        "link": reader.links,
        "form": reader.forms,
        "input": reader.inputs,
        "meta": reader.metas,
    }
    if reader.doctype:
        tree["doctype"] = reader.doctype
    if reader.lang:
        tree["lang"] = reader.lang
    if reader.scripts:
        tree["script"] = reader.scripts
    if reader.left_out:
        tree["rest"] = {"items": reader.left_out, "digest": reader.digest.hexdigest()}
    return tree


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
        self.doctype = ""  # without one, browsers render as those of 1998 did
        self.lang = ""
        self.scripts: list[object] = []
        self.left_out = 0
        self.digest = blake2b(digest_size=8)
        self._hidden = 0
        self._in_script = False
        self._in_title = False
        self._select = ""  # the name of the field whose options are being read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.end_line()
        self._in_title = tag == "title"
        if tag in _HIDDEN:
            self._hidden += 1
            self._in_script = tag == "script"
        attributes = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.lang = attributes.get("lang", "")
        target = attributes.get(_LINKS.get(tag, ""))
        if target:
            self._keep(self.links, target)
        if tag == "form":
            form = {"action": attributes.get("action", ""), "method": attributes.get("method", "get").lower()}
            self._keep(self.forms, form)
        name = attributes.get("name")
        if tag == "select":
            self._select = name or ""
        if tag == "option":
            add_choice(self.inputs, self._select, attributes.get("value", ""))
        elif name and tag in _FIELDS:
            if len(self.inputs) < MAX_ITEMS:
                add_field(self.inputs, name, attributes.get("type", ""), attributes.get("value", ""))
            else:
                self._leave_out(attributes)
        elif name and tag == "meta":
            if len(self.metas) < MAX_ITEMS:
                self.metas[name] = attributes.get("content", "")
            else:
                self._leave_out(attributes)

    def handle_decl(self, decl: str) -> None:
        self.doctype = self.doctype or " ".join(decl.lower().split())

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _HIDDEN:
            self._hidden -= 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN and self._hidden:
            self._hidden -= 1
            self._in_script = False
        if tag in _BLOCKS:
            self.end_line()
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._hidden:
            self._line.append(data)
        elif self._in_script:
            for line in data.splitlines():
                if line and not line.isspace():
                    self._keep(self.scripts, line.strip())

    def end_line(self) -> None:
        """Closes the line of text that is being read; blank lines are no lines."""
        line = " ".join("".join(self._line).split())
        self._line.clear()
        if line:
            self._keep(self.lines, line)

    def _keep(self, kept: list[object], item: object) -> None:
        if len(kept) < MAX_ITEMS:
            kept.append(item)
        else:
            self._leave_out(item)

    def _leave_out(self, item: object) -> None:
        self.left_out += 1
        self.digest.update(f"{item}\n".encode("utf-8", "surrogatepass"))
