"""What a report on a wave's anonymity states as found: keys, figures, stored columns, traces in the bytes.

The register's and the collector's sides are read apart; the bytes of both are compared here only, on copies,
for the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from participation.access import blind
from participation.access.collector import store as collector_store
from participation.access.register import store as register_store
from participation.access.register.models import CodeDigest, Issue, Person
from stores import BASES, Store, published
from surveys.assurance.reading import (
    Reading,
    Reason,
    Way,
    cluster_files,
    cluster_identifier,
    contents,
    count_found,
)
from surveys.collection import store as collection
from surveys.collection.models import Response, Wave
from surveys.collection.store import WaveFault
from surveys.rehearsal.store import every_row

#: Tables that hold something of residents, by store.
TABLES = {
    "register": ("person", "code_digest", "issue", "signing_key", "stratum", "admission"),
    "collector": ("spent", "waiting", "batch", "response", "response_text", "keying", "keying_batch"),
}

#: Kinds of columns that would tell when or in which order somebody answered.
_TIMES = ("DATETIME", "TIMESTAMP", "TIME", "DATE")


@dataclass(frozen=True)
class KeyFigures:
    """One key: fingerprint, population N and invited n of its strata, answers that left the waiting room."""

    fingerprint: str
    mark: str
    population: int | None
    invited: int | None
    moved: int
    closed: bool
    responses: int


@dataclass(frozen=True)
class Traces:
    """What a search of the bytes found, and in what; None where this process may not read both sides."""

    shared: int | None
    searched: int
    timed: tuple[str, ...]
    ordered: tuple[str, ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Findings:
    """Everything the report states."""

    wave: Wave
    one_office: bool
    keys: list[KeyFigures]
    traces: Traces
    content_linked: int | None
    responses: int
    deletion: tuple[date | None, date | None]
    rehearsal: dict[str, Any] | None
    coarsen_on: date | None
    delete_on: date | None
    today: date


def wave_of(session: Session, wave: str) -> Wave | None:
    """The wave, by id."""
    return collection.wave(session, wave)


def waves(session: Session) -> list[Wave]:
    """Every wave there is, to be named."""
    return collection.waves(session)


def key_figures(session: Session, wave: Wave) -> list[KeyFigures]:
    """The keys of the wave with their figures, by mark; a session of the collector."""
    access = collection.access_key(wave.id)
    figures = published(session, "register", "returns", access) or {}
    counts = select(Response.key_id, func.count().label("amount")).group_by(Response.key_id)
    responses = {row.key_id: row.amount for row in session.execute(counts)}
    moved = collector_store.moved(session)
    found = []
    for key_id, document in collector_store.key_documents(session, access).items():
        known = figures.get("keys", {}).get(key_id, {})
        found.append(
            KeyFigures(
                blind.spaced(key_id),
                document["mark"],
                known.get("N"),
                known.get("n"),
                moved.get(key_id, 0),
                collector_store.is_closed(session, key_id),
                responses.get(key_id, 0),
            )
        )
    return sorted(found, key=lambda one: one.mark)


def closed_answers(session: Session, wave: Wave) -> list[Mapping[str, Any]] | None:
    """The answers of all responses once the wave is mixed for good, else None."""
    try:
        return [response.answers for response in collection.responses(session, wave.id)]
    except WaveFault:
        return None


def columns(store: str) -> dict[str, list[str]]:
    """Every column of the tables that hold something of residents."""
    tables = BASES[store].metadata.tables
    return {
        name: [column.name for column in tables[name].columns] for name in TABLES[store] if name in tables
    }


def deletion(session: Session, wave: Wave) -> tuple[date | None, date | None]:
    """Days on which the register deletes, and deleted; a session of the register."""
    row = register_store.admission_of(session, collection.access_key(wave.id))
    return (None, None) if row is None else (row.delete_on, row.purged_on)


def traces(collector: Store, register: Store | None) -> Traces:
    """Search the bytes of both sides for anything of a person that lies on the other."""
    tables = BASES["collector"].metadata.tables
    held = [(name, tables[name]) for name in TABLES["collector"] if name in tables]
    timed = tuple(
        f"{name}.{column.name}"
        for name, table in held
        for column in table.columns
        if str(column.type).upper().startswith(_TIMES)
    )
    ordered = tuple(name for name, table in held if table.dialect_options["sqlite"].get("with_rowid", True))
    if register is None:
        return Traces(None, 0, timed, ordered, ())
    with register.read() as session:
        theirs = _strings_of_people(session)
    with collector.read() as session:
        ours = [bytes(row["id"]) for row in every_row(session, "response")]
    clusters = {store.name: _cluster(store) for store in (collector, register)}
    in_collector, first = _search(collector, theirs, clusters)
    in_register, second = _search(register, ours, clusters)
    return Traces(in_collector + in_register, len(theirs) + len(ours), timed, ordered, (first, second))


def _strings_of_people(session: Session) -> list[bytes]:
    """Everything of a person that could be a link: ids, digests, blinded requests."""
    found: set[bytes] = set()
    for column in (Person.id, CodeDigest.digest, Issue.holder, Issue.request):
        found.update(bytes(value) for value in session.scalars(select(column)) if value)
    return sorted(found)


# ---------------------------------------------------------------- the bytes


@dataclass(frozen=True)
class _Cluster:
    """A PostgreSQL server's folder and number, and the number of the store's database in it."""

    identifier: int
    folder: Path | None
    database: int
    reason: Reason
    logged: tuple[str, ...]


#: What the database server's own log would otherwise tell of visits, and the values that keep it silent
#: (docs/operating.md).
SILENT = {
    "log_statement": ("none",),
    "log_connections": ("off", ""),
    "log_disconnections": ("off",),
    "log_min_duration_statement": ("-1",),
    "log_min_error_statement": ("fatal", "panic"),
    "log_error_verbosity": ("terse",),
    "track_commit_timestamp": ("off",),
}


def _cluster(store: Store) -> _Cluster | None:
    """Where a store's server keeps its files, after it has written everything into them; None for SQLite."""
    if store.engine.dialect.name == "sqlite":
        return None
    with store.read() as session:
        known = "SELECT system_identifier, oid FROM pg_control_system(), pg_database"
        identifier, database = session.execute(text(f"{known} WHERE datname = current_database()")).one()
        said = {name: session.scalar(text(f"SHOW {name}")) for name in SILENT}
    logged = tuple(f"{name} = {value}" for name, value in said.items() if value not in SILENT[name])
    try:
        with store.read() as session:
            folder = Path(str(session.scalar(text("SHOW data_directory"))))
            session.execute(text("CHECKPOINT"))
    except ProgrammingError:
        return _Cluster(identifier, None, database, "rights", logged)
    if cluster_identifier(folder) != identifier:
        return _Cluster(identifier, None, database, "elsewhere", logged)
    return _Cluster(identifier, folder, database, "", logged)


def _search(
    store: Store, needles: list[bytes], clusters: Mapping[str, _Cluster | None]
) -> tuple[int, Reading]:
    """How many needles lie in the bytes of a store, and what these bytes are."""
    cluster = clusters[store.name]
    if cluster is None:
        places = [Path(f"{store.engine.url.database}{end}") for end in ("", "-wal", "-journal")]
        files = [place for place in places if place.exists()]
        found, size = count_found(needles, contents(files))
        return found, Reading(store.name, "sqlite", len(files), size)
    others = [one for name, one in clusters.items() if name != store.name and one is not None]
    shared = any(one.identifier == cluster.identifier for one in others)
    files = []
    if cluster.folder is not None:
        # In a cluster of both sides the write-ahead log is theirs together: only tables can be told apart.
        files = cluster_files(cluster.folder / f"base/{cluster.database}" if shared else cluster.folder)
    # Rows besides, because the server compresses long values in its files.
    found, size = count_found(needles, chain(contents(files), [_rows(store)]))
    way: Way = "rows" if not files else "shared" if shared else "cluster"
    return found, Reading(store.name, way, len(files), size, cluster.reason, cluster.logged)


def _rows(store: Store) -> bytes:
    """Every row of the tables that hold something of residents, as the server reads them out."""
    with store.read() as session:
        parts = [
            _row_bytes(row.values())
            for table in TABLES[store.name]
            if table in BASES[store.name].metadata.tables
            for row in every_row(session, table)
        ]
    return b"".join(parts)


def _row_bytes(values: Iterable[Any]) -> bytes:
    return b"\x00".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in values
    )
