"""What a report on a wave's anonymity states as found: keys, figures, stored columns, traces in the bytes.

The register's and the collector's sides are read apart; the bytes of both are compared here only, on copies,
for the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from participation.access import blind
from participation.access.collector import store as collector_store
from participation.access.register import store as register_store
from participation.access.register.models import CodeDigest, Issue, Person
from stores import BASES, Store, published
from surveys.collection import store as collection
from surveys.collection.models import Response, Wave
from surveys.collection.store import WaveFault
from surveys.rehearsal.attacker import positions
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
    """What a search of all bytes found; None where this process may not read one of the sides."""

    shared: int | None
    searched: int
    timed: tuple[str, ...]
    ordered: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """Everything the report states."""

    wave: Wave
    one_office: bool
    keys: list[KeyFigures]
    traces: Traces
    content_linked: int | None
    responses: int
    deletion: tuple[str, str]
    rehearsal: dict[str, Any] | None
    coarsen_on: date | None
    delete_on: date | None
    today: date


def wave_of(session: Session, wave: str) -> Wave | None:
    """The wave, by id."""
    return collection.wave(session, wave)


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


def deletion(session: Session, wave: Wave) -> tuple[str, str]:
    """Days on which the register deletes, and deleted; a session of the register."""
    row = register_store.admission_of(session, collection.access_key(wave.id))
    if row is None:
        return "", ""
    return str(row.delete_on or ""), str(row.purged_on or "")


def traces(collector: Store, register: Store | None) -> Traces:
    """Search the bytes of both sides for anything of a person that lies on the other."""
    timed = tuple(
        f"{name}.{column.name}"
        for name in TABLES["collector"]
        if name in BASES["collector"].metadata.tables
        for column in BASES["collector"].metadata.tables[name].columns
        if str(column.type).upper().startswith(_TIMES)
    )
    ordered = tuple(
        name
        for name in TABLES["collector"]
        if name in BASES["collector"].metadata.tables
        and BASES["collector"].metadata.tables[name].dialect_options["sqlite"].get("with_rowid", True)
    )
    if register is None:
        return Traces(None, 0, timed, ordered)
    with register.read() as session:
        theirs = _strings_of_people(session)
    with collector.read() as session:
        ours = [bytes(row["id"]) for row in every_row(session, "response")]
    shared = len(positions(theirs, _bytes(collector))) + len(positions(ours, _bytes(register)))
    return Traces(shared, len(theirs) + len(ours), timed, ordered)


def _strings_of_people(session: Session) -> list[bytes]:
    """Everything of a person that could be a link: ids, digests, blinded requests."""
    found: set[bytes] = set()
    for column in (Person.id, CodeDigest.digest, Issue.holder, Issue.request):
        found.update(bytes(value) for value in session.scalars(select(column)) if value)
    return sorted(found)


def _bytes(store: Store) -> bytes:
    """All bytes of a store: SQLite's files with log and journal, or every row of PostgreSQL's tables."""
    database = store.engine.url.database
    if store.engine.dialect.name == "sqlite" and database is not None:
        places = [Path(f"{database}{end}") for end in ("", "-wal", "-journal")]
        return b"".join(place.read_bytes() for place in places if place.exists())
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
