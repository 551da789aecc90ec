"""The page-linting client: every HTML page that a test fetches is checked before the test sees it.

`faults(html, csp)` lists everything that is wrong with one page, each with a sentence of what and where.
`PageClient` is Flask's test client with that check behind every response. A test that fetches a fragment
rather than a page says so with `client.get(path, lint=False)`.
"""

import base64
import hashlib
import re
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import html5lib
from babel import Locale
from flask.testing import FlaskClient
from html5lib.constants import E as PARSE_MESSAGES
from werkzeug.test import TestResponse

Element = ElementTree.Element

UNLABELLED_TYPES = {"hidden", "submit", "button", "reset", "image"}
REFERENCES = (
    "for",
    "aria-labelledby",
    "aria-describedby",
    "aria-controls",
    "aria-errormessage",
    "list",
    "form",
)
# A script element of one of these types is data or a declaration that the browser never runs.
DATA_SCRIPTS = {"application/json", "application/ld+json", "text/plain"}
UNFILLED = re.compile(r"%\([A-Za-z_]+\)[sd]|\{\{|\}\}")


def direction(tag: str) -> str:
    """`rtl` or `ltr` for a BCP 47 tag, by CLDR; deliberately not the product's own table."""
    parts = tag.split("-")
    for length in range(len(parts), 0, -1):
        try:
            locale = Locale.parse("-".join(parts[:length]), sep="-")
        except ValueError:
            continue
        except LookupError:
            continue
        return "rtl" if locale.character_order == "right-to-left" else "ltr"
    return "ltr"


def faults(html: str, csp: str = "") -> list[str]:
    """Everything wrong with the page `html`, served under the content security policy `csp`."""
    parser = html5lib.HTMLParser(html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    root = parser.parse(html)
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    found = [
        f"line {position[0]}: not HTML5: {PARSE_MESSAGES[code] % details}"
        for position, code, details in parser.errors
    ]
    for check in (_shell, _language, _ids, _labels, _alternatives, _texts):
        found += check(root, elements)
    return found + _policy(elements, csp)


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _shell(root: Element, elements: list[Element]) -> list[str]:
    found = []
    counts = Counter(element.tag for element in elements)
    for tag in ("h1", "main"):
        if counts[tag] != 1:
            found.append(f"{counts[tag]} <{tag}> elements; a page has exactly one")
    titles = [element for element in elements if element.tag == "title" and _text(element)]
    if not titles:
        found.append("no title, or an empty one")
    if not any(_text(element) for element in elements if element.tag == "h1"):
        found.append("the <h1> is empty")
    return found


def _language(root: Element, elements: list[Element]) -> list[str]:
    found = []
    language, side = root.get("lang"), root.get("dir")
    if not language:
        found.append("<html> has no lang")
    elif side != direction(language):
        found.append(f'<html lang="{language}"> has dir="{side}", not "{direction(language)}"')
    for element in elements:
        own, given = element.get("lang"), element.get("dir")
        if element is not root and own and given and given not in ("auto", direction(own)):
            found.append(f'<{element.tag} lang="{own}"> has dir="{given}", not "{direction(own)}"')
    return found


def _ids(root: Element, elements: list[Element]) -> list[str]:
    counts = Counter(identifier for element in elements if (identifier := element.get("id")) is not None)
    found = [f'id "{identifier}" stands {count} times' for identifier, count in counts.items() if count > 1]
    found += [
        f'id "{identifier}" is empty or has a space'
        for identifier in counts
        if identifier.split() != [identifier]
    ]
    for element in elements:
        for attribute in REFERENCES:
            for target in (element.get(attribute) or "").split():
                if target not in counts:
                    found.append(f'<{element.tag} {attribute}="{target}"> points to no element of the page')
    return found


def _labels(root: Element, elements: list[Element]) -> list[str]:
    texts = {identifier: _text(element) for element in elements if (identifier := element.get("id"))}
    labels = [
        element for element in elements if element.tag == "label" and (_text(element) or _pictures(element))
    ]
    labelled = {label.get("for") for label in labels}
    inside = {id(field) for label in labels for field in label.iter()}

    def named(element: Element) -> bool:
        pointed = " ".join(texts.get(target, "") for target in (element.get("aria-labelledby") or "").split())
        return bool((element.get("aria-label") or "").strip() or pointed.strip())

    found = []
    for element in elements:
        if element.tag in ("input", "select", "textarea"):
            if element.tag == "input" and (element.get("type") or "text").lower() in UNLABELLED_TYPES:
                continue
            if not (id(element) in inside or element.get("id") in labelled or named(element)):
                found.append(f'<{element.tag} name="{element.get("name")}"> has no label')
        elif element.tag == "button" or (element.tag == "a" and element.get("href") is not None):
            if _text(element) or named(element) or _pictures(element):
                continue
            found.append(f'<{element.tag} id="{element.get("id")}" href="{element.get("href")}"> has no text')
    return found


def _pictures(element: Element) -> bool:
    """True if a picture inside the element speaks for it."""
    return any(
        (child.get("alt") or child.get("aria-label") or "").strip()
        or (child.tag.endswith("title") and _text(child))
        for child in element.iter()
        if isinstance(child.tag, str)
    )


def _alternatives(root: Element, elements: list[Element]) -> list[str]:
    found = [
        f'<img src="{(element.get("src") or "")[:60]}"> has no alt'
        for element in elements
        if element.tag == "img" and element.get("alt") is None
    ]
    found += [
        f'<iframe src="{element.get("src")}"> has no title'
        for element in elements
        if element.tag == "iframe" and not (element.get("title") or "").strip()
    ]
    return found


def _texts(root: Element, elements: list[Element]) -> list[str]:
    """Placeholders that nobody filled."""
    found = []
    for element in elements:
        if element.tag in ("script", "style", "code", "pre", "textarea"):
            continue
        for text in (element.text or "", *(child.tail or "" for child in element)):
            if match := UNFILLED.search(text):
                found.append(
                    f'unfilled placeholder {match.group()} in <{element.tag}>: "{text.strip()[:60]}"'
                )
    return found


def _policy(elements: list[Element], csp: str) -> list[str]:
    """What a content security policy without `unsafe-inline` would keep from working."""
    found = []
    for element in elements:
        for attribute, value in element.attrib.items():
            name = str(attribute).lower()
            if name.startswith("on"):
                found.append(f"<{element.tag} {name}=...> is an inline handler; scripts are files")
            elif name == "style":
                found.append(f'<{element.tag} style="{value[:40]}"> is an inline style; use a class')
            elif name in ("href", "src", "action", "formaction") and value.strip().lower().startswith(
                "javascript:"
            ):
                found.append(f"<{element.tag} {name}=javascript:...>")
        if element.tag == "style" and not _allowed(element, csp, "style-src"):
            found.append("an inline <style> that the content security policy does not name by nonce or hash")
        runs = element.tag == "script" and element.get("src") is None
        if (
            runs
            and (element.get("type") or "") not in DATA_SCRIPTS
            and not _allowed(element, csp, "script-src")
        ):
            found.append("an inline <script> that the content security policy does not name by nonce or hash")
    return found


def _allowed(element: Element, csp: str, directive: str) -> bool:
    directives = {words[0]: words[1:] for part in csp.split(";") if (words := part.split())}
    sources = directives.get(directive, directives.get("default-src", []))
    digest = base64.b64encode(hashlib.sha256((element.text or "").encode()).digest()).decode()
    return f"'sha256-{digest}'" in sources or f"'nonce-{element.get('nonce')}'" in sources


def assert_sound(response: TestResponse, place: str) -> None:
    """Fail with the whole list of faults if the response is an HTML page that has any."""
    if response.mimetype != "text/html" or 300 <= response.status_code < 400:
        return
    found = faults(response.get_data(as_text=True), response.headers.get("Content-Security-Policy", ""))
    assert not found, f"{place} ({response.status_code}):\n  " + "\n  ".join(found)


class PageClient(FlaskClient):
    """Flask's test client; every HTML page that it fetches is linted. `lint=False` for fragments."""

    def open(self, *arguments: Any, lint: bool = True, **named: Any) -> TestResponse:
        response = super().open(*arguments, **named)
        request = response.request
        if lint and request.method != "HEAD":
            assert_sound(response, f"{request.method} {request.path}")
        return response

    def submit(self, path: str, data: dict[str, Any], *, at: str = "", **named: Any) -> TestResponse:
        """Post a form as a browser would: fetch the page (`at`, else `path`) and send its CSRF token."""
        page = self.get(at or path)
        assert page.status_code == 200, f"{at or path} answered {page.status_code}"
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.get_data(as_text=True))
        assert found, f"{at or path} has no form with a CSRF token"
        return self.post(path, data={"csrf_token": found[1], **data}, **named)
