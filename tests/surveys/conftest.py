"""A survey in the field: wave and questionnaire published, as the office does at opening."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from stores import collector, office, publish
from surveys.authoring import store as authoring
from tests.surveys.documents import load


@pytest.fixture
def editor(as_role: Callable[..., Any]) -> Any:
    """An editor's browser."""
    return as_role("editor")


@pytest.fixture
def ours(app: Flask) -> str:
    """The small example as the draft of a survey called `ours`; its address."""
    with app.app_context(), office.begin() as session:
        authoring.save_draft(session, "ours", load("small"))
    return "/office/surveys/ours"


@pytest.fixture
def newest(app: Flask) -> Callable[[], Any]:
    """Reads the newest version of `ours`."""

    def version() -> Any:
        with app.app_context(), office.read() as session:
            return authoring.newest(session, "ours")

    return version


@pytest.fixture
def field(app: Flask) -> Callable[..., dict[str, Any]]:
    """A function that publishes an open wave of a document: `field(document, levels=["open"])`."""

    def published(document: dict[str, Any], channel: str = "open", **changes: Any) -> dict[str, Any]:
        wave = {
            "id": "0123456789abcdef",
            "survey": document["id"],
            "number": 1,
            "channel": channel,
            "title": "Test",
            "languages": document["languages"],
            "levels": ["open"] if channel == "open" else ["sealed", "two_office"],
            "versions": [document["version"]],
            "state": "open",
            "opens_on": "2026-01-01",
            "closes_on": "2099-12-31",
            "access": "wave-0123456789abcdef",
        } | changes
        key = wave["survey"] if channel == "sample" else f"{wave['survey']}/open"
        with app.app_context(), collector.begin() as session:
            publish(session, "office", "wave", key, wave)
            publish(session, "office", "questionnaire", f"{document['id']}/{document['version']}", document)
        return wave

    return published
