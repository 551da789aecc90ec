"""No page speaks one language only: every text in a template is marked for translation."""

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

#: Names that are the same in every language.
NAMES = {
    "Vielstimmig",
    "CSV",
    "JSON",
    "XLSX",
    "PDF",
    "DOCX",
    "SPSS",
    "Stata",
    "Parquet",
    "DDI",
    "SVG",
    "PNG",
    "UTC",
    "YAML",
}
SHOWN = ("alt", "title", "aria-label", "placeholder", "content")


def untranslated(source: str) -> list[str]:
    """Words that stand in the template itself, between tags or in attributes that people read."""
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    source = re.sub(r"<(script|style)\b.*?</\1>", "", source, flags=re.DOTALL)
    source = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", source, flags=re.DOTALL)
    attributes = [value for name in SHOWN[:-1] for value in re.findall(rf'\s{name}="([^"]*)"', source)]
    bare = re.sub(
        r"<!doctype[^>]*>|<code>.*?</code>|<kbd>.*?</kbd>", " ", source, flags=re.DOTALL | re.IGNORECASE
    )
    bare = re.sub(r"<[^>]*>", " ", bare, flags=re.DOTALL)
    # Entities, addresses, and attributes of macros that build a tag in pieces.
    bare = re.sub(r"&\w+;|&#\d+;|(?<!\w)/\w+/|\bdata-\w+(=\S*)?|\bSHA-256\b", " ", bare)
    words = re.findall(r"[^\W\d_]{2,}", " ".join((bare, *attributes)))
    return [word for word in words if word not in NAMES]


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES))
)
def test_every_text_is_marked(path):
    assert untranslated(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ('<img alt="A picture" src="x">', ["picture"]),
        ("{{ _('Hello') }} <b>{{ r_('You') }}</b> Vielstimmig", []),
        ("{% if x %}word{% endif %}", ["word"]),
        ('<a class="btn" href="/office">1 &rarr; 2</a><code>GET</code>', []),
    ],
)
def test_what_counts_as_a_text(source, expected):
    assert untranslated(source) == expected
