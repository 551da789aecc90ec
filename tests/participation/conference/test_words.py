"""Sentences of conferences in the reader's language."""

from typing import Any

import pytest
from flask import Flask

from participation.conference.results.forms import listed, score_text
from web.i18n import resident_languages, speaking


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("de", "Wohnen, Sprache und Arbeit"),
        ("de-simple", "Wohnen, Sprache und Arbeit"),
        ("en", "Wohnen, Sprache, and Arbeit"),
        ("ar", "Wohnen وSprache وArbeit"),
        ("fa-AF", "Wohnen،\u200f Sprache، و Arbeit"),
    ],
)
def test_topics_are_listed_as_the_language_does(app: Flask, tag: str, said: str) -> None:
    with app.test_request_context(), speaking(tag):
        assert listed(["Wohnen", "Sprache", "Arbeit"]) == said
        assert listed([]) == "–"


def test_every_language_can_list(app: Flask) -> None:
    for tag in resident_languages():
        with app.test_request_context(), speaking(tag):
            text = listed(["Wohnen", "Sprache"])
            assert text.index("Wohnen") < text.index("Sprache")


@pytest.mark.parametrize(
    ("score", "german"),
    [
        (1234, "1.234"),
        ("267/2", "133,5"),
        ("67/7", "9,57 (67/7)"),
        ("-2/3", "-0,67 (-2/3)"),
        (0, "0"),
        (None, ""),
    ],
)
def test_scores_are_said_in_decimals(app: Flask, score: Any, german: str) -> None:
    with app.test_request_context(), speaking("de"):
        assert score_text(score) == german
