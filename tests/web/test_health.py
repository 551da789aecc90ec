"""Liveness and readiness: the one says that the process lives, the other that it can work."""

import logging
from dataclasses import replace

import pytest

import config
from app import create_app


@pytest.fixture
def cut_off(settings: config.Settings):
    """The product with a collector that cannot be opened: where its file should be is a folder."""
    unreachable = {"collector": f"sqlite:///{settings.instance}"}
    app = create_app(replace(settings, urls={**settings.urls, **unreachable}))
    yield app
    app.extensions["stores"].dispose()


def test_ready_names_every_store_of_the_process(client):
    reply = client.get("/health/ready")
    assert (reply.status_code, reply.json) == (
        200,
        {"status": "ready", "stores": {"office": True, "register": True, "collector": True}},
    )
    assert "Set-Cookie" not in reply.headers


def test_an_unreachable_store_is_503_with_a_clear_line_and_liveness_stays(cut_off, caplog):
    reply = cut_off.test_client().get("/health/ready")
    assert (reply.status_code, reply.json) == (
        503,
        {"status": "unavailable", "stores": {"office": True, "register": True, "collector": False}},
    )
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert said == ["the collector store cannot be reached; check its address and server"]
    assert cut_off.test_client().get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/s/living-here", "/s/living-here/keys.json", "/c/any", "/results/any"])
def test_visitors_are_told_that_nothing_was_saved_and_when_to_try_again(cut_off, path):
    reply = cut_off.test_client().get(path, headers={"Accept-Language": "en"})
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "30")
    assert "What you sent was not saved" in reply.text
    assert str(cut_off.config["SETTINGS"].instance) not in reply.text


def test_answers_that_cannot_be_kept_are_not_acknowledged(cut_off):
    reply = cut_off.test_client().post("/s/living-here/answers", json={"version": 1})
    assert reply.status_code == 503
