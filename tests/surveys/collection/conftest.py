"""A small open wave, and a phone that answers in it through the real routes."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from participation.access import blind
from participation.access.collector.views import batch_folder
from participation.access.signing.views import digest_key, signing_folder
from participation.access.worker.cli import tend
from surveys.collection import store as collection
from surveys.rehearsal.store import Fielding, field_wave

#: The smallest questionnaire that has everything the collector cares about.
DOCUMENT = {
    "format": "vielstimmig/1",
    "id": "small",
    "version": 1,
    "source": "en",
    "languages": ["en"],
    "title": {"en": "Small survey"},
    "intro": {"en": "Two questions."},
    "consent": {"en": "I agree."},
    "thanks": {"en": "Thank you."},
    "free_text": True,
    "sections": [
        {
            "id": "one",
            "title": {"en": "One"},
            "items": [
                {
                    "id": "happy",
                    "concept": "happiness",
                    "type": "single",
                    "text": {"en": "Are you happy?"},
                    "options": [{"code": "1", "label": {"en": "Yes"}}, {"code": "2", "label": {"en": "No"}}],
                },
                {"id": "words", "concept": "remarks", "type": "text", "text": {"en": "Anything else?"}},
            ],
        }
    ],
}


@dataclass(frozen=True)
class Phone:
    """What a person does with a code: ask for a token, send answers."""

    app: Flask
    fielding: Fielding

    def keys(self) -> dict[str, Any]:
        return self.app.test_client().get(f"/s/{self.fielding.survey}/keys.json").get_json()

    def public(self, code) -> blind.PublicKey:
        document = next(key for key in self.keys()["keys"] if key["mark"] == code.mark)
        return blind.PublicKey(int(document["n"], 16), document["e"])

    def ask_token(self, code, started, changes=None):
        body = {"code": str(code), "key": started.key_id, "blinded": started.blinded.hex(), "round": ""}
        return self.app.test_client().post("/token", json=body | (changes or {}))

    def token(self, code) -> blind.Token:
        started = blind.start(self.public(code))
        reply = self.ask_token(code, started)
        assert reply.status_code == 200, reply.get_json()
        return blind.finish(self.public(code), started, bytes.fromhex(reply.get_json()["signature"]))

    def body(self, token, **changes) -> dict[str, Any]:
        return {
            "key": token.key_id,
            "prefix": token.prefix.hex(),
            "token": token.token.hex(),
            "signature": token.signature.hex(),
            "submission": secrets.token_hex(16),
            "revision": 0,
            "version": 1,
            "variant": 1,
            "answers": {"_consent": "yes", "happy": "1"},
        } | changes

    def post(self, body):
        return self.app.test_client().post(f"/s/{self.fielding.survey}/answers", json=body)


def tend_now(app, now=None):
    """One round of the worker."""
    stores = app.extensions["stores"]
    settings = app.config["SETTINGS"]
    return tend(
        stores.get("collector"),
        batch_folder(settings),
        app.extensions["moves"],
        now or datetime.now(UTC),
        True,
    )


def close_wave(app, wave):
    """Close a wave by its id, as the office does; what waits is mixed by the next round of the worker."""
    stores = app.extensions["stores"]
    with stores.get("office").begin() as session, stores.get("collector").begin() as published:
        collection.close(session, published, collection.wave(session, wave), datetime.now(UTC))
    forget_cached(app)


def forget_cached(app):
    """Documents are believed for a second; tests do not wait for it."""
    for name in ("receiver", "signing_desk"):
        holder = app.extensions.get(name)
        if holder is not None:
            holder._accesses.clear()


def open_small_wave(app, people=12, **options) -> Phone:
    stores = app.extensions["stores"].available
    settings = app.config["SETTINGS"]
    with app.app_context():
        fielding = field_wave(
            stores,
            signing_folder(settings),
            digest_key(settings),
            options.pop("document", DOCUMENT),
            [("a", "en")] * people,
            datetime.now(UTC),
            **options,
        )
        tend_now(app)
    return Phone(app, fielding)


@pytest.fixture
def phone(app, signing_pair, monkeypatch) -> Phone:
    monkeypatch.setattr(blind, "generate", lambda: signing_pair)
    return open_small_wave(app)


@pytest.fixture(scope="session")
def signing_pair() -> blind.PrivateKey:
    return blind.generate()
