"""Printed documents: any script, the same bytes each time, no markup from data."""

import pytest

import typeset
from localtext import NAMES

DATA = {
    "title": "T",
    "notice": "",
    "address": "a.example",
    "fingerprint": "ab",
    "slips": [{"code": "X", "qr": ""}],
}


def slips(text: str, lang: str = "de", direction: str = "ltr") -> bytes:
    svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    lines = [{"lang": lang, "dir": direction, "text": text}]
    return typeset.pdf("slips", {**DATA, "lines": lines, "slips": [{"code": "X", "qr": svg}]}, "de")


def text_of(pdf: bytes) -> str:
    import pymupdf

    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return "\n".join(page.get_text() for page in document)


def test_the_same_data_give_the_same_bytes() -> None:
    assert slips("einmal") == slips("einmal")


def test_what_a_person_typed_is_never_markup() -> None:
    typed = '#pagebreak() *fett* #read("/etc/passwd") $x$ \\ @y'
    assert typed.replace(" ", "") in text_of(slips(typed)).replace("\n", "").replace(" ", "")


@pytest.mark.parametrize(
    ("tag", "word"), [("de", "Straße"), ("ru", "Жизнь"), ("ti", "ትግርኛ"), ("vi", "Tiếng Việt")]
)
def test_every_script_has_its_letters(tag: str, word: str) -> None:
    assert tag in NAMES
    assert word in text_of(slips(word, lang=tag))


def test_an_unknown_template_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        typeset.pdf("nowhere", {}, "de")
