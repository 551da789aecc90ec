"""The store layer, on both engines: transactions, publishing, safeguards of the files."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import config
import stores
from tests.conftest import StoresOn


def test_a_write_is_there_after_the_block_and_gone_after_an_error(stores_on: StoresOn) -> None:
    with stores_on.collector.begin() as session:
        stores.publish(session, "office", "wave", "kept", {"n": 1})
    with pytest.raises(RuntimeError):
        _write_and_break(stores_on.collector)
    with stores_on.collector.read() as session:
        assert stores.published_all(session, "office", "wave") == {"kept": {"n": 1}}


def _write_and_break(store: stores.Store) -> None:
    with store.begin() as session:
        stores.publish(session, "office", "wave", "lost", {"n": 2})
        session.flush()
        raise RuntimeError


def test_savepoints_roll_back_alone(stores_on: StoresOn) -> None:
    with stores_on.collector.begin() as session:
        stores.publish(session, "office", "wave", "outer", {})
        session.flush()
        inner = session.begin_nested()
        stores.publish(session, "office", "wave", "inner", {})
        session.flush()
        inner.rollback()
    with stores_on.collector.read() as session:
        assert list(stores.published_all(session, "office", "wave")) == ["outer"]


def test_two_may_publish_the_same_key_at_once(stores_on: StoresOn) -> None:
    """A page and the worker announce the same groups: neither fails, the later one stands."""
    written = threading.Event()

    def second() -> None:
        with stores_on.collector.begin() as session:
            written.set()
            stores.publish(session, "register", "groups", "hall", {"n": 2})

    other = threading.Thread(target=second)
    with stores_on.collector.begin() as session:
        stores.publish(session, "register", "groups", "hall", {"n": 1})
        session.flush()
        other.start()
        # On PostgreSQL the second transaction waits for the first one's row; SQLite lets it begin only later.
        written.wait(0.5)
        time.sleep(0.2)
    other.join()
    with stores_on.collector.read() as session:
        assert stores.published(session, "register", "groups", "hall") == {"n": 2}


def test_publishing_replaces_and_withdraws(stores_on: StoresOn) -> None:
    for document in ({"n": 1}, {"n": 2, "ä": ["ü"]}):
        with stores_on.collector.begin() as session:
            stores.publish(session, "register", "counts", "w", document)
    with stores_on.collector.read() as session:
        assert stores.published(session, "register", "counts", "w") == {"n": 2, "ä": ["ü"]}
        assert stores.published(session, "office", "counts", "w") is None
    for _ in range(2):
        with stores_on.collector.begin() as session:
            stores.publish(session, "register", "counts", "w", None)
    with stores_on.collector.read() as session:
        assert stores.published(session, "register", "counts", "w") is None


def test_a_read_never_writes(stores_on: StoresOn) -> None:
    if stores_on.dialect == "postgresql":
        with pytest.raises(DBAPIError), stores_on.collector.read() as session:
            session.execute(text("INSERT INTO published_office VALUES ('a', 'b', '{}')"))
    else:
        with stores_on.collector.read() as session:
            session.execute(text("INSERT INTO published_office VALUES ('a', 'b', '{}')"))
    with stores_on.collector.read() as session:
        assert stores.published_all(session, "office", "a") == {}


def test_every_store_is_reachable_and_a_missing_one_is_not(stores_on: StoresOn) -> None:
    assert [stores.reachable(stores_on.app.extensions["stores"].get(name)) for name in stores.NAMES] == [
        True
    ] * 3
    nowhere = stores.Store("office", stores.make_engine("postgresql+psycopg://127.0.0.1:1/none"))
    assert not stores.reachable(nowhere)


def test_sqlite_files_are_written_through_and_wiped(settings: config.Settings) -> None:
    opened = stores.open_stores(settings)
    with opened.get("collector").engine.connect() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    opened.dispose()
    assert values == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}


def test_a_checkpoint_leaves_no_copy_of_a_withdrawn_row(settings: config.Settings) -> None:
    store = stores.open_stores(settings).get("collector")
    canary = "canary-6f1d"
    for document in ({"text": canary}, None):
        with store.begin() as session:
            stores.publish(session, "office", "note", "n", document)
    assert store.checkpoint()
    path = Path(str(store.engine.url.database))
    bytes_on_disk = b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
    store.engine.dispose()
    assert canary.encode() not in bytes_on_disk


def test_a_process_without_a_store_says_so() -> None:
    with pytest.raises(stores.StoreNotAllowed, match="no access to the register store"):
        stores.Stores().get("register")


def test_a_second_writer_waits_instead_of_failing(settings: config.Settings) -> None:
    store = stores.open_stores(settings).get("collector")
    with store.begin() as session:
        stores.publish(session, "office", "wave", "a", {})
        other = sqlite3.connect(str(store.engine.url.database), timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    store.engine.dispose()
