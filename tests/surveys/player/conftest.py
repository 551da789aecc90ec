"""A survey in the field with codes, and people who answer it on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from participation.access import blind
from stores import collector, published_all
from tests.surveys.collection.conftest import open_small_wave, signing_pair, tend_now  # noqa: F401
from tests.surveys.documents import load


@pytest.fixture
def survey(app, signing_pair, monkeypatch) -> Callable[..., Any]:  # noqa: F811 - the fixture imported above
    """A function that fields a document of the corpus (or one given) and returns the phone of its people."""
    monkeypatch.setattr(blind, "generate", lambda: signing_pair)

    def fielded(name: str = "small", document: dict[str, Any] | None = None, **options: Any) -> Any:
        content = document or load(name)
        return open_small_wave(app, people=options.pop("people", 12), document=content, **options)

    return fielded


@pytest.fixture
def arrived(app) -> Callable[[], list[dict[str, Any]]]:
    """A function that closes every wave and returns the answers that came."""

    def closed() -> list[dict[str, Any]]:
        from surveys.collection import store

        with app.app_context():
            stores = app.extensions["stores"]
            with stores.get("office").begin() as office, stores.get("collector").begin() as session:
                from datetime import UTC, datetime

                for wave in store.waves(office):
                    store.close(office, session, wave, datetime.now(UTC))
                    ids = wave.id
            tend_now(app)
            with collector.read() as session:
                assert published_all(session, "office", "wave")
                return [dict(one.answers, _variant=one.variant) for one in store.responses(session, ids)]

    return closed
