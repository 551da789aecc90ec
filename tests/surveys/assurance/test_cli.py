"""The report for the data-protection officer."""

import re

import pymupdf
import pytest

from participation.access import blind
from stores import office
from surveys.assurance import cli, store
from surveys.assurance.forms import batches
from surveys.assurance.store import KeyFigures
from tests.surveys.collection.conftest import close_wave, phone, signing_pair, tend_now

__all__ = ["phone", "signing_pair"]


def text_of(path):
    with pymupdf.open(path) as document:
        return " ".join("".join(page.get_text() for page in document).split())


def close(app, wave):
    close_wave(app, wave)
    with app.app_context():
        tend_now(app)


def run(app, *arguments):
    return app.test_cli_runner().invoke(args=["anonymity", "report", *map(str, arguments)])


def test_an_open_wave_is_reported_in_two_languages(app, phone, tmp_path):
    phone.post(phone.body(phone.token(phone.fielding.people[0].code)))
    answer = run(app, phone.fielding.wave.id, "--output", tmp_path, "--without-rehearsal")
    assert answer.exit_code == 0, answer.output
    english = text_of(tmp_path / f"anonymity-{phone.fielding.wave.id}-en.pdf")
    (key_id,) = phone.fielding.keys.values()
    assert blind.spaced(key_id)[:14] in english
    assert "Found: 0 (expected: 0)" in english
    assert "Register: SQLite's file with its log and journal" in english
    assert "Collector: SQLite's file with its log and journal" in english
    assert "Columns of times beside answers: none." in english
    assert "Tables that keep the order of their rows: none." in english
    assert "not closed and mixed yet" in english
    assert "record_key" in english
    assert "one office" in english
    german = text_of(tmp_path / f"anonymity-{phone.fielding.wave.id}-de.pdf")
    assert "Zustand der Welle: offen." in german
    assert "Register: die Datei von SQLite" in german


def test_unique_answers_are_personal_data_with_dates(app, phone, tmp_path, monkeypatch):
    phone.post(phone.body(phone.token(phone.fielding.people[0].code)))
    close(app, phone.fielding.wave.id)
    monkeypatch.setattr(cli, "content_linked", lambda questionnaire, answers: len(answers))
    run(
        app, phone.fielding.wave.id, "--output", tmp_path, "--without-rehearsal", "--coarsen-on", "2027-03-01"
    )
    english = text_of(tmp_path / f"anonymity-{phone.fielding.wave.id}-en.pdf")
    assert "1 of 1 responses are the only ones" in english
    assert "count as personal data" in english
    assert "coarsened on: March 1, 2027" in english
    assert "deleted on: __________" in english
    german = text_of(tmp_path / f"anonymity-{phone.fielding.wave.id}-de.pdf")
    assert "vergröbert am: 1. März 2027." in german
    assert re.search(r"\(Dateien: \d+, \d+(,\d)? MB\)", german)


def test_a_planted_link_is_found(app, phone):
    phone.post(phone.body(phone.token(phone.fielding.people[0].code)))
    stores = app.extensions["stores"]
    with app.app_context():
        assert store.traces(stores.get("collector"), stores.get("register")).shared == 0
        with stores.get("collector").begin() as session:
            from sqlalchemy import text

            session.execute(
                text("UPDATE spent SET submission = :id"), {"id": phone.fielding.people[0].id * 2}
            )
        assert store.traces(stores.get("collector"), stores.get("register")).shared >= 1
        assert store.traces(stores.get("collector"), None).shared is None


@pytest.mark.parametrize(
    ("moved", "words"),
    [(30, "0 × 50, then 30"), (99, "0 × 50, then 99"), (100, "1 × 50, then 50"), (260, "4 × 50, then 60")],
)
def test_batches_are_fifty_and_the_rest(app, moved, words):
    figures = KeyFigures("f", "m", None, None, moved, True, moved)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        from web.i18n import speaking

        with speaking("en"):
            assert batches(figures).startswith(words)
            open_ = KeyFigures("f", "m", None, None, 50, False, 50)
            assert batches(open_) == "50 so far, in batches of 50"


def test_an_unknown_wave_is_named_and_so_are_those_that_exist(app, phone):
    answer = run(app, "nothing", "--without-rehearsal")
    assert answer.exit_code == 1
    wave = phone.fielding.wave
    assert f"there is no wave nothing; there are: {wave.id} ({wave.title})" in answer.output


@pytest.mark.slow
def test_the_attack_stands_in_the_report(app, phone, tmp_path):
    answer = run(app, phone.fielding.wave.id, "--output", tmp_path, "--people", "100")
    assert answer.exit_code == 0, answer.output
    english = text_of(tmp_path / f"anonymity-{phone.fielding.wave.id}-en.pdf")
    assert "100 simulated people" in english
    assert "The promise held." in english
    with app.app_context(), office.read() as session:
        assert store.wave_of(session, phone.fielding.wave.id).state == "open"
