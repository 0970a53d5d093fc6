"""A page of HTML as what a reader and a script see of it: title, lines of text, links, form fields. No pixels."""

from __future__ import annotations

from html.parser import HTMLParser

MAX_ITEMS = 20_000
"""Lines, links and fields kept of one page, each; more are counted."""

_HIDDEN = frozenset(["script", "style", "template"])
_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li main"
    " nav ol option p pre section select table tbody td tfoot th thead title tr ul".split()
)
_LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "iframe": "src"}
_FIELDS = frozenset(["input", "select", "textarea", "button"])


def page_tree(text: str) -> dict[str, object]:
    """{"title", "text": [line], "link": [target], "form": [{"action", "method"}], "input": {name: value}, "meta"}."""
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
        if name and tag in _FIELDS and len(self.inputs) < MAX_ITEMS:
            self.inputs[name] = attributes.get("value", "")
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
