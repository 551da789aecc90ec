"""The demo's survey: waves of *Living here*, fielded by the functions that pages call.

Every invented resident gets a code on an (unprinted) letter, asks the register for a blind signature and
sends sealed answers, which wait and are mixed.  Only the clock is set: a wave of 2020 plays in 2020.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import click
import numpy as np
from flask import Flask

from config import Settings
from demo import city, residents
from demo.survey.store import ids_by_reference
from participation.access import blind, citizenship, sample, spreadsheet
from participation.access.codes import AccessCode
from participation.access.collector import store as collector_store
from participation.access.collector.views import batch_folder
from participation.access.people import store as people
from participation.access.register import store as register
from participation.access.signing.views import digest_key, signing_folder
from participation.access.worker.cli import tend
from stores import Store
from surveys import questionnaire
from surveys.authoring import store as authoring
from surveys.collection import store as collection
from surveys.collection.models import Wave

MODEL = Path(__file__).resolve().parents[2] / "surveys/models/living-here.json"
NEIGHBOURS = MODEL.with_name("living-together.json")
SURVEY = "living-here"
SEED = 2020

#: Threads that play residents: as many wait for the register's next signature at once.
CROWD = 6


@dataclass(frozen=True)
class Fielded:
    """A wave of the demo that is open: its people's codes by sample row, and its key documents by mark."""

    wave: str
    version: int
    codes: Sequence[AccessCode]
    keys: Mapping[str, Mapping[str, Any]]


def document() -> dict[str, Any]:
    """The model questionnaire with the demo city's name and hotline filled in."""
    model = questionnaire.loads(MODEL.read_bytes())
    for name, value in (("city", city.NAME), ("hotline", city.HOTLINE)):
        model["placeholders"][name]["value"] = dict.fromkeys(model["languages"], value)
    return model


def _stores(app: Flask) -> Mapping[str, Store]:
    return cast(Mapping[str, Store], app.extensions["stores"].available)


def speak(app: Flask, languages: tuple[str, ...] = ("de", "tr")) -> bool:
    """Attach synthetic audio in two languages to the draft; false where this machine has no speech."""
    stores = _stores(app)
    with stores["office"].begin() as session:
        authoring.save_draft(session, SURVEY, document())
    if shutil.which("espeak-ng") is None:
        return False
    done = app.test_cli_runner().invoke(args=["questionnaire", "speak", SURVEY, *languages])
    if done.exit_code != 0:
        raise click.ClickException(f"the demo's audio was not made: {done.output}")
    return True


def field(
    app: Flask, year: int, title: str, now: datetime, days: int, rows: Sequence[dict[str, str]]
) -> Fielded:
    """Set up and open a wave in the order in which an office does it; ``now`` is the clock."""
    stores, settings = _stores(app), cast(Settings, app.config["SETTINGS"])
    app.extensions["clock"] = lambda: now
    today = now.date()
    model = document()
    with stores["office"].begin() as session, stores["collector"].begin() as published:
        newest = authoring.newest(session, SURVEY)
        version = (newest or authoring.save_draft(session, SURVEY, model)).version
        wave = collection.create_wave(session, SURVEY, "sample", title, model["languages"])
        wave.versions, wave.population, wave.frame = [version], city.POPULATION, city.FRAME
        wave.opens_on, wave.closes_on = today, today + timedelta(days=days)
        wave.checklist = list(collection.TICKS)
        session.flush()
        collection.freeze(session, published, wave)
        access_key = collection.access_key(wave.id)
    codes = _register(stores, settings, access_key, title, year, rows, today)
    with stores["office"].begin() as session, stores["collector"].begin() as published:
        collection.open_wave(session, published, session.get_one(Wave, wave.id), now, demo=True)
    _mix(app, now)
    with stores["collector"].read() as published:
        keys = {key["mark"]: key for key in collector_store.key_documents(published, access_key).values()}
    return Fielded(wave.id, version, codes, keys)


def _register(
    stores: Mapping[str, Store],
    settings: Settings,
    access_key: str,
    title: str,
    year: int,
    rows: Sequence[dict[str, str]],
    today: date,
) -> list[AccessCode]:
    """The register's part: strata, sample, keys, codes, published N and n; codes in the order of the rows."""
    sizes = city.stratum_sizes(year)
    table = spreadsheet.read_table(city.sample_csv(rows))
    invited = {code: sum(row["Schicht"] == code for row in rows) for code in city.STRATA}
    with stores["collector"].read() as published:
        access = collector_store.access(published, access_key)
    with stores["register"].begin() as session:
        admission = register.create_admission(
            session, access_key, "survey", title, today + timedelta(days=400)
        )
        admission.letterhead = city.LETTERHEAD.to_dict()
        specs = [
            register.StratumSpec(code, label, sizes[code], invited[code])
            for code, (label, _) in city.STRATA.items()
        ]
        register.set_strata(session, access_key, specs)
        found = sample.check(
            table,
            sample.guess_mapping(table.columns),
            strata=city.STRATA.keys(),
            languages_of=citizenship.Languages(people.rules(session)),
        )
        people.import_people(session, access_key, found.people)
        people.count_invited(session, access_key)
        keys = register.make_keys(session, access, signing_folder(settings), today)
        ids = ids_by_reference(session, access_key)
        codes = register.make_person_codes(session, list(ids.values()), 0, today, digest_key(settings))
    with stores["collector"].begin() as published:
        register.publish_keys(published, keys)
    _publish_returns(stores, access_key, final=False)
    return [codes[ids[row["Nummer"]]] for row in rows]


def _publish_returns(stores: Mapping[str, Store], access_key: str, *, final: bool) -> None:
    with stores["register"].read() as session, stores["collector"].begin() as published:
        people.publish_returns(session, published, access_key, final=final)


def _mix(app: Flask, now: datetime) -> None:
    settings = cast(Settings, app.config["SETTINGS"])
    tend(_stores(app)["collector"], batch_folder(settings), app.extensions["moves"], now, demo=True)


def answer(
    app: Flask, fielded: Fielded, invited: city.Invited, year: int, now: datetime, say: Callable[[int], None]
) -> int:
    """Everybody who takes part sends their answers over the protocol; the worker mixes in between."""
    document_ = questionnaire.read(document())
    random = np.random.default_rng([SEED, year, 1])
    bodies = []
    for number in np.flatnonzero(invited.answers):
        who = residents.person(invited, int(number), year, random)
        bodies.append((fielded.codes[int(number)], residents.answer(document_, who, random)))
    with ThreadPoolExecutor(CROWD) as crowd:
        for start in range(0, len(bodies), 500):
            part = bodies[start : start + 500]
            list(crowd.map(lambda body: _send(app, fielded, *body), part))
            say(len(part))
            _mix(app, now)
    return len(bodies)


def _send(app: Flask, fielded: Fielded, code: AccessCode, given: Mapping[str, Any]) -> None:
    """One resident: blind signature from the register, then token and answers to the collector."""
    key = fielded.keys[code.mark]
    public = blind.PublicKey(int(key["n"], 16), key["e"])
    started = blind.start(public)
    client = app.test_client()
    body = {"code": str(code), "key": started.key_id, "blinded": started.blinded.hex()}
    reply = client.post("/token", json=body)
    if reply.status_code != 200:
        raise click.ClickException(f"the register refused a code of the demo: {reply.get_json()}")
    token = blind.finish(public, started, bytes.fromhex(reply.get_json()["signature"]))
    envelope = {
        "key": token.key_id,
        "prefix": token.prefix.hex(),
        "token": token.token.hex(),
        "signature": token.signature.hex(),
        "submission": secrets.token_hex(16),
        "version": fielded.version,
        "variant": 1,
        "answers": given,
    }
    reply = client.post(f"/s/{SURVEY}/answers", json=envelope)
    if reply.status_code != 200:
        raise click.ClickException(f"the collector refused answers of the demo: {reply.get_json()}")


def close(app: Flask, fielded: Fielded, now: datetime) -> None:
    """Close the wave and mix the rest."""
    stores = _stores(app)
    app.extensions["clock"] = lambda: now
    with stores["office"].begin() as session, stores["collector"].begin() as published:
        collection.close(session, published, session.get_one(Wave, fielded.wave), now)
    _mix(app, now)
    _publish_returns(stores, collection.access_key(fielded.wave), final=True)


def prepare(app: Flask, title: str) -> str:
    """A wave of another questionnaire that waits for its sample: for visitors in the clerk's chair.

    Returns its name in the register; strata are set up, keys, people and letters are left to do.
    """
    stores, today = _stores(app), datetime.now(UTC).date()
    model = questionnaire.loads(NEIGHBOURS.read_bytes())
    survey = str(model["id"])
    with stores["office"].begin() as session, stores["collector"].begin() as published:
        version = authoring.save_draft(session, survey, model).version
        wave = collection.create_wave(session, survey, "sample", title, model["languages"])
        wave.versions, wave.population, wave.frame = [version], city.POPULATION, city.FRAME
        wave.opens_on, wave.closes_on = today, today + timedelta(days=60)
        wave.checklist = list(collection.TICKS)
        session.flush()
        collection.freeze(session, published, wave)
        access_key = collection.access_key(wave.id)
    sizes = city.stratum_sizes(2024)
    with stores["register"].begin() as session:
        register.create_admission(session, access_key, "survey", title, today + timedelta(days=400))
        specs = [register.StratumSpec(code, label, sizes[code]) for code, (label, _) in city.STRATA.items()]
        register.set_strata(session, access_key, specs)
    return access_key


def play(app: Flask, year: int, title: str, *, share: float, say: Callable[[int], None]) -> str:
    """A whole wave in the past: field, answer, close; returns its id."""
    now = datetime(year, 11, 2, 9, tzinfo=UTC)
    invited = city.draw_sample(year, SEED, share)
    rows = city.sample_rows(invited, year)
    fielded = field(app, year, title, now, 90, rows)
    answer(app, fielded, invited, year, now + timedelta(days=20), say)
    close(app, fielded, now + timedelta(days=91))
    return fielded.wave


def open_now(app: Flask, title: str) -> list[str]:
    """A wave that is open now, for visitors of the demo; returns a few codes that nobody has used."""
    today = datetime.now(UTC)
    invited = city.draw_sample(2024, SEED + 1, 0.05)
    fielded = field(app, 2024, title, today, 120, city.sample_rows(invited, today.year))
    return [str(code) for code in fielded.codes[:12]]
