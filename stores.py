"""The three stores: bases, engines, transactions.

No foreign key, transaction or session spans two stores.  What must be known on another side is
*published*: rows of ``published_<process>`` in the collector store, owned by this module.

In views and commands: ``with office.begin() as session`` is one write transaction, committed on leaving
and rolled back on an error; ``with office.read() as session`` is one read-only transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from flask import current_app
from sqlalchemy import JSON, Engine, LargeBinary, MetaData, Table, Text, create_engine, event, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry
from werkzeug.local import LocalProxy

from config import Settings, SettingsError

NAMES = ("office", "register", "collector")

#: Names of constraints are fixed, so that both engines and the migrations agree on them.
_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

#: JSON, stored as JSONB on PostgreSQL.
Json = JSON().with_variant(JSONB(), "postgresql")

#: A random 128-bit key: carries neither order nor time.
RandomId = LargeBinary(16)


def random_id() -> bytes:
    """A fresh random 128-bit key."""
    return secrets.token_bytes(16)


class OfficeBase(DeclarativeBase):
    """Accounts, audit log, questionnaires, conferences, programme, publications."""

    metadata = MetaData(naming_convention=_CONVENTION)


class RegisterBase(DeclarativeBase):
    """Invited people or code batches, code digests, issue state by day."""

    metadata = MetaData(naming_convention=_CONVENTION)


class CollectorBase(DeclarativeBase):
    """Public keys, spent tokens, waiting room, responses, ballots and what processes publish."""

    metadata = MetaData(naming_convention=_CONVENTION)


BASES: dict[str, type[DeclarativeBase]] = {
    "office": OfficeBase,
    "register": RegisterBase,
    "collector": CollectorBase,
}


@dataclass(frozen=True)
class Trigger:
    """A rule that the database itself enforces, in the words of each engine (several statements allowed)."""

    store: str
    name: str
    table: str
    sqlite: tuple[str, ...]
    postgresql: tuple[str, ...]


TRIGGERS: dict[str, dict[str, Trigger]] = {name: {} for name in NAMES}


def trigger(
    store: str, name: str, table: str, *, sqlite: str | tuple[str, ...], postgresql: str | tuple[str, ...]
) -> None:
    """Register a trigger; migrations create it and `flask db-check` misses it when it is gone.

    On PostgreSQL the first statement usually creates a function ``<name>()`` and the second the trigger.
    """
    as_tuple = (sqlite,) if isinstance(sqlite, str) else sqlite
    pg_tuple = (postgresql,) if isinstance(postgresql, str) else postgresql
    TRIGGERS[store][name] = Trigger(store, name, table, as_tuple, pg_tuple)


def refuse(
    store: str, name: str, table: str, operations: tuple[str, ...], message: str, when: str | None = None
) -> None:
    """Register triggers that refuse operations ("UPDATE", "DELETE", "INSERT") on a table.

    ``when`` is a condition over OLD and NEW in the common subset of both engines' SQL; ``message`` is what
    the database answers.
    """
    condition = f" WHEN ({when})" if when else ""
    for operation in operations:
        full = f"{name}_{operation.lower()}"
        trigger(
            store,
            full,
            table,
            sqlite=(
                f"CREATE TRIGGER {full} BEFORE {operation} ON {table} FOR EACH ROW{condition} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            ),
            postgresql=(
                f"CREATE OR REPLACE FUNCTION {full}() RETURNS trigger LANGUAGE plpgsql AS $$ "
                f"BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
                f"CREATE TRIGGER {full} BEFORE {operation} ON {table} FOR EACH ROW{condition} "
                f"EXECUTE FUNCTION {full}()",
            ),
        )


class _Published:
    """One table per publishing process, so that the database's grants can tell them apart."""

    def __init__(self, *, kind: str, key: str, document: dict[str, Any]) -> None:
        self.kind = kind
        self.key = key
        self.document = document

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    document: Mapped[Any] = mapped_column(Json)


class PublishedOffice(_Published, CollectorBase):
    __tablename__ = "published_office"


class PublishedRegister(_Published, CollectorBase):
    __tablename__ = "published_register"


class PublishedResults(_Published, CollectorBase):
    __tablename__ = "published_results"


_PUBLISHED: dict[str, Any] = {
    "office": PublishedOffice,
    "register": PublishedRegister,
    "results": PublishedResults,
}


def _insert(session: Session, table: Any) -> Any:
    """An insert that can say what happens where a row is there already: each engine has its own."""
    name = session.get_bind().dialect.name
    return {"postgresql": postgresql.insert, "sqlite": sqlite.insert}[name](table)


def insert_new(
    session: Session, model: type[DeclarativeBase], rows: Sequence[Mapping[str, Any]]
) -> set[tuple[Any, ...]]:
    """Insert the rows that are not there yet, and return the primary keys of those that were new.

    The database decides between two that come at once.  Rows pass by the objects of the session.
    """
    if not rows:
        return set()
    table = cast(Table, model.__table__)
    statement = _insert(session, table).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return {tuple(row) for row in session.execute(statement, list(rows))}


def publish(session: Session, process: str, kind: str, key: str, document: Mapping[str, Any] | None) -> None:
    """Publish a document under (kind, key), replacing the one there; ``None`` withdraws it.

    Two processes may publish the same key at once, as a page and the worker do: the later one stands.
    """
    table = _PUBLISHED[process]
    row = session.get(table, (kind, key))
    if document is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        fresh = _insert(session, table).values(kind=kind, key=key, document=dict(document))
        session.execute(
            fresh.on_conflict_do_update(
                index_elements=[table.kind, table.key], set_={"document": fresh.excluded.document}
            )
        )
    else:
        row.document = dict(document)


def published(session: Session, process: str, kind: str, key: str) -> dict[str, Any] | None:
    """The document a process published under (kind, key), or None."""
    row = session.get(_PUBLISHED[process], (kind, key))
    return None if row is None else cast(dict[str, Any], row.document)


def published_all(session: Session, process: str, kind: str) -> dict[str, dict[str, Any]]:
    """All documents of a kind that a process published, by key, sorted by key."""
    table = _PUBLISHED[process]
    rows = session.execute(select(table.key, table.document).where(table.kind == kind).order_by(table.key))
    return {row.key: row.document for row in rows}


class StoreNotAllowed(RuntimeError):
    """This process has no access to that store, by its role."""


@dataclass(frozen=True)
class Store:
    """One store of this process."""

    name: str
    engine: Engine

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """One write transaction: durable when the block has been left without an error."""
        with Session(self.engine, expire_on_commit=False) as session:
            if self.engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield session
            except BaseException:
                session.rollback()
                raise
            session.commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One read-only transaction over one consistent state."""
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            if self.engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN DEFERRED")
            else:
                session.connection().exec_driver_sql("SET TRANSACTION READ ONLY")
            # Closing, and not rolling back, ends the transaction: a rollback would expire what was read, and
            # rows are handed out to be looked at afterwards.
            yield session

    def checkpoint(self) -> bool:
        """Truncate SQLite's write-ahead log, so that no copy of a wiped row stays in it.

        True when the log is empty afterwards; on PostgreSQL there is nothing to do.
        """
        if self.engine.dialect.name != "sqlite":
            return True
        with self.engine.connect() as connection:
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
            return bool(busy == 0)


@dataclass(frozen=True)
class Stores:
    """The stores this process may open."""

    available: Mapping[str, Store] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def get(self, name: str) -> Store:
        """The store; raises StoreNotAllowed where the role has no access to it."""
        try:
            return self.available[name]
        except KeyError:
            if self.faults:
                raise SettingsError(list(self.faults)) from None
            raise StoreNotAllowed(f"this process has no access to the {name} store") from None

    def dispose(self) -> None:
        """Close all connections."""
        for store in self.available.values():
            store.engine.dispose()


def open_stores(settings: Settings) -> Stores:
    """Engines for every store whose address the settings hold."""
    opened = {name: Store(name, make_engine(url)) for name, url in settings.urls.items()}
    return Stores(opened, settings.faults)


def make_engine(url: str) -> Engine:
    """An engine with this house's safeguards for its dialect."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        if path and path != ":memory:":
            # A folder that cannot be made is said by the database when it is asked: readiness tells it then.
            with suppress(OSError):
                Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False}, pool_size=16)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    return create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=16)


def _prepare_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    # The driver's own implicit BEGIN is switched off: it would start transactions late and break
    # savepoints.  Store.begin and Store.read say BEGIN themselves.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def reachable(store: Store) -> bool:
    """Whether the store answers a query now."""
    try:
        with store.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception:  # any driver's error means the same here
        return False
    return True


def _current(name: str) -> Store:
    return cast(Stores, current_app.extensions["stores"]).get(name)


office = cast(Store, LocalProxy(lambda: _current("office")))
register = cast(Store, LocalProxy(lambda: _current("register")))
collector = cast(Store, LocalProxy(lambda: _current("collector")))
