"""What lies at rest after a wave: no byte of one side on the other, no time, no order, no address."""

import logging
import re

import pytest
from sqlalchemy import text

from participation.access.codes import grouped
from stores import CollectorBase
from surveys.rehearsal.attacker import positions
from tests.hostile.conftest import played_wave
from tests.pages import PageClient

RESPONDENT_TABLES = {
    "batch": {"key_id", "name", "sealing", "is_open", "moved", "retired"},
    "waiting": {"key_id", "id", "sealed"},
    "spent": {"key_id", "token", "submission", "revision", "waiting"},
    "response": {"id", "wave", "key_id", "version", "variant", "mode", "record_key", "answers"},
    "response_text": {"id", "wave", "address", "words"},
}


@pytest.fixture(scope="module")
def wave(module_app):
    with played_wave(module_app, "sqlite", 120) as found:
        yield found


def codes_of(played):
    texts = [person.code.text for person in played.fielding.people]
    return [one.encode() for text in texts for one in (text, text[5:], grouped(text), grouped(text).lower())]


def test_the_canaries_were_there_to_be_found(wave):
    """Without this, a search that finds nothing could be a search that sees nothing."""
    stage, played = wave
    register, collector = (stage.seized[side].whole() for side in ("register", "collector"))
    assert b'"name": "Person Number 00007"' in register
    assert len(positions([person.id for person in played.fielding.people], register)) == 120
    assert len(re.findall(rb"words [0-9a-f]{16}", collector)) > 10


def test_whatever_any_library_logs_is_seized(module_app):
    from surveys.rehearsal import cli as rehearsal

    before = list(logging.getLogger().handlers)
    with module_app.app_context(), rehearsal.stage("sqlite", False) as stage:
        logging.getLogger("some.library").warning("a visit at %s", "12:34:56")
        stage.seize()
        assert all(b"a visit at 12:34:56" in one.whole() for one in stage.seized.values())
    assert logging.getLogger().handlers == before


@pytest.mark.slow
def test_no_code_lies_anywhere(wave):
    stage, played = wave
    for side in ("register", "collector"):
        assert positions(codes_of(played), stage.seized[side].whole()) == {}


def test_the_collector_knows_no_person(wave):
    stage, played = wave
    collector = stage.seized["collector"].whole()
    assert positions([person.id for person in played.fielding.people], collector) == {}
    assert b"Person Number 00007" not in collector
    assert b"Street 7" not in collector


def test_the_register_knows_no_answer(wave):
    stage, _ = wave
    register, collector = (stage.seized[side].whole() for side in ("register", "collector"))
    words = re.findall(rb"words [0-9a-f]{16}", collector)
    assert positions(words, register) == {}
    assert b'"housing-satisfaction"' not in register


@pytest.mark.parametrize("trace", [b"203.0.113.7", b"simulated", b"127.0.0.1 "])
def test_no_address_and_no_browser_is_written(wave, trace):
    stage, _ = wave
    environment = "\n".join(f"{name}={value}" for name, value in __import__("os").environ.items()).encode()
    for side in ("register", "collector"):
        assert trace not in stage.seized[side].whole().replace(environment, b"")


def test_no_language_of_a_visit_is_written_beside_answers(wave):
    stage, _ = wave
    with stage.stores["collector"].read() as session:
        for table in RESPONDENT_TABLES:
            for row in session.execute(text(f"SELECT * FROM {table}")).mappings():
                assert not {"ar", "fa-AF", "uk", "tr", "pl", "ti", "ru"} & set(map(str, row.values()))


def test_waiting_answers_lie_sealed(module_app):
    """Before the first mix no word of any answer is readable in the collector's files."""
    import random

    from surveys.rehearsal import cli as rehearsal

    with module_app.app_context(), rehearsal.stage("sqlite", False) as stage:
        seen = []
        original = rehearsal._close

        def look(stage, fielding):
            seen.append(stage.seized["collector"].whole())
            original(stage, fielding)

        rehearsal._close = look
        try:
            rehearsal.play(stage, 60, random.Random(2))
        finally:
            rehearsal._close = original
    assert re.findall(rb"words [0-9a-f]{16}", seen[0]) == []
    assert len(seen[0]) > 100_000


def test_moved_rows_and_retired_keys_are_wiped(wave):
    stage, _ = wave
    with stage.stores["collector"].read() as session:
        assert session.scalar(text("SELECT count(*) FROM waiting")) == 0
        assert session.scalar(text("SELECT count(*) FROM response")) == 120
        assert session.scalar(text("SELECT count(*) FROM batch WHERE is_open")) == 0
    assert list((stage.folder / "instance/keys/batch").glob("*.key")) == []
    assert stage.stores["collector"].checkpoint()
    wal = stage.folder / "instance/collector.sqlite-wal"
    assert not wal.exists() or wal.stat().st_size == 0


# ---------------------------------------------------------------- schema and headers


def test_respondent_tables_have_exactly_their_columns_and_no_time():
    tables = CollectorBase.metadata.tables
    for name, columns in RESPONDENT_TABLES.items():
        table = tables[name]
        assert set(table.columns.keys()) == columns
        assert table.dialect_options["sqlite"]["with_rowid"] is False
        for column in table.columns:
            assert not re.search(r"DATE|TIME|SERIAL", str(column.type).upper())
            assert column.server_default is None
            assert column.autoincrement in ("auto", False)
            assert column.identity is None


def test_tables_without_row_numbers_have_none_in_the_file(app):
    """Row numbers are SQLite's; on PostgreSQL there are none."""
    stores = app.extensions["stores"]
    with stores.get("collector").read() as session:
        for table in RESPONDENT_TABLES:
            sql = session.scalar(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table})
            assert "WITHOUT ROWID" in sql
    with stores.get("register").read() as session:
        for table in ("issue", "code_digest"):
            sql = session.scalar(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table})
            assert "WITHOUT ROWID" in sql


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/token"),
        ("POST", "/token/ask"),
        ("POST", "/s/small/answers"),
        ("GET", "/s/small/keys.json"),
        ("GET", "/s/small/en/received"),
    ],
)
def test_respondent_routes_set_no_cookie_and_pass_no_referrer(app, method, path):
    client = app.test_client()
    assert isinstance(client, PageClient)
    reply = client.open(path, method=method, json={} if method == "POST" else None)
    assert "Set-Cookie" not in reply.headers
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    if method == "POST":
        assert reply.headers["Cache-Control"] == "no-store"
