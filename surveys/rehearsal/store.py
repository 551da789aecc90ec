"""A wave set up from nothing, by the same functions that pages call: for the attack and for tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from participation.access.codes import AccessCode
from participation.access.collector import store as collector_store
from participation.access.collector.models import Batch, Waiting
from participation.access.people import store as people_store
from participation.access.register import store as register_store
from participation.access.register.models import Person
from participation.access.register.store import StratumSpec
from participation.access.sealing import KeyFolder, SealingError
from stores import Store
from surveys.authoring import store as authoring
from surveys.collection import store as collection
from surveys.collection.models import Response, Wave


@dataclass(frozen=True)
class Invited:
    """One invited person of a rehearsal, with the code of the letter."""

    id: bytes
    name: str
    stratum: str
    language: str
    code: AccessCode


@dataclass(frozen=True)
class Fielding:
    """A wave that is open, its people and its keys by mark."""

    survey: str
    wave: Wave
    access: str
    people: list[Invited]
    keys: dict[str, str]


def field_wave(
    stores: Mapping[str, Store],
    folder: KeyFolder,
    digest_key: bytes,
    document: Mapping[str, Any],
    people: Sequence[tuple[str, str]],
    now: datetime,
    *,
    levels: Sequence[str] = ("sealed", "two_office"),
    languages: Sequence[str] = ("de", "en"),
    days: int = 30,
) -> Fielding:
    """Questionnaire, frozen wave, sample, keys, codes, opening: the order in which an office does it.

    ``people`` has a (stratum, language) for each invited person.
    """
    today = now.date()
    survey = str(document["id"])
    wave = prepare_wave(stores, document, levels, languages, today, days)
    access = collection.access_key(wave.id)
    sample = _sample(stores["register"], access, people, today)
    with stores["collector"].read() as published:
        frozen = collector_store.access(published, access)
    with stores["register"].begin() as session:
        keys = register_store.make_keys(session, frozen, folder, today)
        codes = register_store.make_person_codes(session, [one.id for one in sample], 0, today, digest_key)
    with stores["register"].read() as session, stores["collector"].begin() as published:
        register_store.publish_keys(published, keys)
        people_store.publish_returns(session, published, access, final=False)
    with stores["office"].begin() as session, stores["collector"].begin() as published:
        found = session.get_one(Wave, wave.id)
        collection.open_wave(session, published, found, now, demo=True)
    invited = [
        Invited(one.id, one.address["name"], one.stratum, one.languages[0], codes[one.id]) for one in sample
    ]
    return Fielding(survey, found, access, invited, {key.mark: key.id for key in keys})


def prepare_wave(
    stores: Mapping[str, Store],
    document: Mapping[str, Any],
    levels: Sequence[str],
    languages: Sequence[str],
    today: date,
    days: int,
) -> Wave:
    """A frozen wave of the questionnaire whose checklist lacks nothing but the register's part."""
    survey = str(document["id"])
    with stores["office"].begin() as session, stores["collector"].begin() as published:
        draft = authoring.save_draft(session, survey, document)
        channel = "open" if tuple(levels) == ("open",) else "sample"
        wave = collection.create_wave(session, survey, channel, "Rehearsal", languages)
        wave.levels, wave.versions = list(levels), [draft.version]
        wave.population, wave.frame = "Simulated people", "Drawn by a program"
        wave.opens_on, wave.closes_on = today, today + timedelta(days=days)
        wave.checklist = list(collection.TICKS)
        session.flush()
        collection.freeze(session, published, wave)
    return wave


def _sample(register: Store, access: str, people: Sequence[tuple[str, str]], today: date) -> list[Person]:
    strata = sorted({stratum for stratum, _ in people})
    with register.begin() as session:
        register_store.create_admission(session, access, "survey", "Rehearsal", today + timedelta(days=365))
        invited = {stratum: sum(one == stratum for one, _ in people) for stratum in strata}
        specs = [StratumSpec(one, f"Stratum {one}", 10 * invited[one], invited[one]) for one in strata]
        register_store.set_strata(session, access, specs)
        rows = [
            Person(
                admission=access,
                stratum=stratum,
                address={"name": f"Person Number {number:05}", "street": f"Street {number}"},
                languages=[language],
            )
            for number, (stratum, language) in enumerate(people)
        ]
        session.add_all(rows)
        session.flush()
        return rows


# ---------------------------------------------------------------- what an attacker reads


def every_row(session: Session, table: str) -> list[dict[str, Any]]:
    """Every row of a table as it lies there, with the columns that the database adds by itself."""
    if session.get_bind().dialect.name == "postgresql":
        query = f"SELECT *, xmin::text::bigint AS xmin, ctid::text AS ctid FROM {table}"  # noqa: S608
        rows = [dict(row) for row in session.execute(text(query)).mappings()]
        for row in rows:
            row["ctid"] = tuple(int(part) for part in row["ctid"].strip("()").split(","))
        return rows
    try:
        query = f"SELECT rowid AS rowid, * FROM {table}"  # noqa: S608 - names of our own tables
        return [dict(row) for row in session.execute(text(query)).mappings()]
    except OperationalError:
        # A table without row numbers, as it should be.
        return [dict(row) for row in session.execute(text(f"SELECT * FROM {table}")).mappings()]  # noqa: S608


def waiting_documents(session: Session, open_row: Callable[[str, bytes, bytes], bytes]) -> dict[bytes, Any]:
    """Waiting rows that ``open_row`` (batch key's name, sealed, context) can open, by their id."""
    names = {row.key_id: row.name for row in session.execute(select(Batch.key_id, Batch.name))}
    found = {}
    for row in session.scalars(select(Waiting)):
        context = row.key_id.encode() + b"\x00" + row.id
        try:
            found[row.id] = json.loads(open_row(names[row.key_id] or "", row.sealed, context))
        except SealingError:
            continue
    return found


# ---------------------------------------------------------------- the planted leak


def plant_leak(collector: Store) -> None:
    """What a careless change would do: responses get a column with the time of their arrival."""
    with collector.begin() as session:
        session.execute(text("ALTER TABLE response ADD COLUMN created_at TEXT"))


def move_with_time(
    session: Session, key_id: str, documents: Sequence[Mapping[str, Any]], closing: bool
) -> None:
    """The move of the planted leak: as the real one, and the time of arrival beside it."""
    before = set(session.scalars(select(Response.id)))
    for document in documents:
        collection.move_responses(session, key_id, [document], False)
        (fresh,) = set(session.scalars(select(Response.id))) - before
        before.add(fresh)
        row = every_column(session, fresh)
        session.execute(delete(Response).where(Response.id == fresh))
        columns = [*row, "created_at"]
        places = ", ".join(f":{name}" for name in columns)
        session.execute(
            text(f"INSERT INTO response ({', '.join(columns)}) VALUES ({places})"),  # noqa: S608
            row | {"created_at": document["created_at"]},
        )
    collection.move_responses(session, key_id, [], closing)


def every_column(session: Session, response: bytes) -> dict[str, Any]:
    """The row of one response as the database holds it."""
    columns = ", ".join(column.name for column in Response.__table__.columns)
    query = text(f"SELECT {columns} FROM response WHERE id = :id")  # noqa: S608
    row = dict(session.execute(query, {"id": response}).mappings().one())
    row["answers"] = row["answers"] if isinstance(row["answers"], str) else json.dumps(row["answers"])
    return row
