"""Durable signatures and submissions per second over SQLite, beside this disk's rate of synced writes.

Everything runs through the app's own routes, in one process with many request threads: a blind signature is
counted when it has come back (issue and journal on disk), a submission when it has been acknowledged
(verified, spent, checked, sealed and on disk).  The physical floor is the number of 4 kB writes a second that
this disk syncs one after the other; without sharing commits nothing could be faster than that.

    python bench/collect.py [--quick] [--json FILE] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import config
from app import create_app
from participation.access import blind
from participation.access.collector.views import batch_folder
from participation.access.signing.views import digest_key, signing_folder
from participation.access.worker.cli import tend
from surveys.questionnaire import loads
from surveys.rehearsal.store import field_wave
from web import schema

ROOT = Path(__file__).resolve().parent.parent
THREADS = 64


def fsync_rate(folder: Path, seconds: float) -> float:
    """Synced 4 kB appends per second, one after the other."""
    block, count = os.urandom(4096), 0
    descriptor = os.open(folder / "fsync", os.O_WRONLY | os.O_CREAT, 0o600)
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        os.write(descriptor, block)
        os.fsync(descriptor)
        count += 1
    elapsed = time.perf_counter() - begin
    os.close(descriptor)
    return count / elapsed


def product(folder: Path) -> Any:
    """The whole product on fresh SQLite stores in the folder."""
    environ = {"VIELSTIMMIG_DEMO": "1", "VIELSTIMMIG_INSTANCE": str(folder)}
    app = create_app(config.read(environ))
    for name in ("office", "register", "collector"):
        schema.upgrade(app.extensions["stores"].get(name))
    return app


def together(work: Callable[[Any], Any], pieces: list[Any]) -> tuple[float, list[Any]]:
    """Pieces per second, done by many threads at once."""
    with ThreadPoolExecutor(THREADS) as pool:
        begin = time.perf_counter()
        results = list(pool.map(work, pieces))
        return len(pieces) / (time.perf_counter() - begin), results


def measure(folder: Path, people: int, seconds: float) -> list[dict[str, Any]]:
    synced = fsync_rate(folder, seconds)
    app = product(folder)
    settings = app.config["SETTINGS"]
    stores = app.extensions["stores"]
    document = loads((ROOT / "surveys/models/what-makes-integration-policy-succeed.json").read_bytes())
    with app.app_context():
        fielding = field_wave(
            stores.available,
            signing_folder(settings),
            digest_key(settings),
            document,
            [("a", "de")] * people,
            datetime.now(UTC),
        )
        tend(
            stores.get("collector"), batch_folder(settings), app.extensions["moves"], datetime.now(UTC), True
        )
    address = f"/s/{fielding.survey}"
    published = app.test_client().get(f"{address}/keys.json").get_json()["keys"][0]
    public = blind.PublicKey(int(published["n"], 16), published["e"])
    started = [blind.start(public) for _ in range(people)]

    def sign(pair: tuple[Any, blind.Started]) -> bytes:
        person, one = pair
        body = {"code": str(person.code), "key": one.key_id, "blinded": one.blinded.hex()}
        return bytes.fromhex(app.test_client().post("/token", json=body).get_json()["signature"])

    signed, replies = together(sign, list(zip(fielding.people, started, strict=True)))
    tokens = [blind.finish(public, one, reply) for one, reply in zip(started, replies, strict=True)]
    bodies = [body_of(token, fielding.wave.versions[0]) for token in tokens]

    def send(body: dict[str, Any]) -> str:
        return str(app.test_client().post(f"{address}/answers", json=body).get_json())

    sent, told = together(send, bodies)
    assert set(told) == {"{'state': 'received'}"}, set(told)
    stores.dispose()
    return rows(synced, signed, sent)


def body_of(token: blind.Token, version: int) -> dict[str, Any]:
    return {
        "key": token.key_id,
        "prefix": token.prefix.hex(),
        "token": token.token.hex(),
        "signature": token.signature.hex(),
        "submission": secrets.token_hex(16),
        "version": version,
        "variant": 1,
        "answers": {"_consent": "yes"},
    }


def rows(synced: float, signed: float, sent: float) -> list[dict[str, Any]]:
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    floor = "synced 4 kB writes per second on this disk"

    def row(metric: str, value: float, unit: str, aim: float | None, beside: bool = True) -> dict[str, Any]:
        return {
            "bench": "collect",
            "metric": metric,
            "value": round(value, 2),
            "unit": unit,
            "aim": aim,
            "rival": floor if beside else None,
            "rival_value": round(synced, 1) if beside else None,
            "ratio": round(value / synced, 3) if beside and unit == "1/s" else None,
            "peak_mb": peak,
        }

    return [
        row("collect.fsyncs_per_s", synced, "1/s", None, beside=False),
        row("collect.signatures_per_s", signed, "1/s", 250),
        row("collect.submissions_per_s", sent, "1/s", 300),
        row("collect.submissions_to_fsync_ratio", sent / synced, "ratio", None),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--folder", type=Path, help="where the stores lie (default: the system's temporary folder)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        results = measure(Path(folder), 400 if options.quick else 2000, 1.0 if options.quick else 3.0)
    for row in results:
        print(f"{row['metric']:36} {row['value']:10.2f} {row['unit']}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
