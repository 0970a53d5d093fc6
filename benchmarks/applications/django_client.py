"""A browser and an API client, as far as a helpdesk needs them: cookies, forms with CSRF fields, redirects, tokens."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import httpx

_TAG = re.compile(r"<(?P<name>form|/form|input|textarea|select|option)\b(?P<rest>[^>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([\w-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+)))?")
Fields = dict[str, str | list[str]]


def form_fields(page: str, action: str = "") -> Fields:
    """What a browser would send of the page's form whose `action` ends in the given text, changed by nobody."""
    fields: Fields = {}
    inside, select = False, ""
    for tag in _TAG.finditer(page):
        name = tag["name"].lower()
        has = {key.lower(): unescape(a or b or c) for key, a, b, c in _ATTRIBUTE.findall(tag["rest"])}
        if name == "form":
            inside = has.get("method", "get").lower() == "post" and has.get("action", "").endswith(action)
        elif name == "/form":
            if inside and fields:
                return fields
            inside = False
        elif inside and name == "select":
            select = has.get("name", "")
        elif inside and name == "option" and "selected" in has and select:
            fields[select] = has.get("value", "")
        elif inside and name == "textarea" and has.get("name"):
            fields[has["name"]] = unescape(page[tag.end() : page.find("</textarea", tag.end())]).strip()
        elif inside and name == "input" and has.get("name"):
            box = has.get("type") in ("checkbox", "radio")
            if has.get("type") not in ("submit", "file") and (not box or "checked" in has):
                fields[has["name"]] = has.get("value", "on" if box else "")
    return fields


class Browser:
    """One person's browser. Every method returns the page on which the person ends up."""

    def __init__(self, base: str, name: str) -> None:
        self._client = httpx.Client(base_url=base, headers={"User-Agent": f"Browser of {name}"}, timeout=30)

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, **query: object) -> httpx.Response:
        return self._follow(self._client.get(path, params={k: str(v) for k, v in query.items()} or None))

    def submit(
        self, path: str, to: str = "", files: dict[str, tuple[str, bytes]] | None = None, **values: object
    ) -> httpx.Response:
        """Opens the page, fills its form in, and sends it: to the form that goes to `to`, or to the page itself."""
        page = self.get(path)
        fields: Fields = {**form_fields(page.text, to), **{k: _text(v) for k, v in values.items()}}
        return self.post(to or str(page.url.raw_path, "ascii"), fields, files)

    def post(self, path: str, fields: Fields, files: dict[str, tuple[str, bytes]] | None = None) -> httpx.Response:
        """Sends a form without opening its page first."""
        return self._follow(self._client.post(path, data=fields, files=files))

    def script(self, path: str, body: object) -> httpx.Response:
        """What the page's own script sends: JSON, with the CSRF cookie's value in a field of the header."""
        return self._client.post(path, json=body, headers={"X-CSRFToken": self._client.cookies.get("csrftoken") or ""})

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        for _ in range(3):
            if "location" not in answer.headers:
                break
            where = urlsplit(urljoin(str(answer.url), answer.headers["location"]))
            answer = self._client.get(where.path + (f"?{where.query}" if where.query else ""))
        return answer


class ApiClient:
    """A program with a token."""

    def __init__(self, base: str, name: str) -> None:
        self._client = httpx.Client(base_url=base, headers={"User-Agent": f"Program of {name}"}, timeout=30)

    def close(self) -> None:
        self._client.close()

    def login(self, name: str, password: str) -> None:
        answer = self.call("POST", "/api-token/", {"username": name, "password": password})
        if answer.is_success:
            self._client.headers["Authorization"] = f"Token {answer.json()['token']}"

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        return self._client.request(method, path, json=body)


def _text(value: object) -> str | list[str]:
    return [str(each) for each in value] if isinstance(value, list) else str(value)
