"""The peak hour of a census: residents who fetch the page, have a token signed and send answers, for minutes.

The product runs as `flask serve` runs it (gunicorn with two processes, the worker that mixes beside them,
SQLite); residents are simulated by one process on the same machine, so their time is part of every figure.
Each opens a connection, fetches the questionnaire's page and the keys, has a blinded message signed for a
code of their own and sends a full set of answers, one of its kind. What a phone computes is done before the
load begins; scripts and styles, which a proxy keeps, are left out. A request that breaks is sent again, as
phones do.

Afterwards the wave is closed and every stored response compared with what was acknowledged. Beside it, in
the same run and before the load: synced writes a second of this disk, RSA signatures a second of one core,
and requests a second of the barest Flask app.

    python bench/census.py [--quick] [--json FILE] [--seconds 180] [--residents 48] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product as combinations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import uvloop

import config
from app import create_app
from bench.collect import fsync_rate
from bench.crypto import rate as crypto_rate
from bench.hall import Client, serve, wait_for
from bench.pages import Served
from bench.pages import rate as request_rate
from demo import city, residents
from participation.access import blind
from participation.access.collector import store as collector_store
from participation.access.signing.views import digest_key, signing_folder
from surveys import questionnaire
from surveys.answers import check
from surveys.collection import store as collection
from surveys.collection.models import Wave
from surveys.rehearsal.store import Fielding, field_wave
from web import schema

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "surveys/models/living-here.json"

#: Submissions a second in the busiest hour of the census of England and Wales 2021, and what we aim at.
CENSUS_PEAK = 139
AIM = 300
#: People are set up for this rate; were they used up, the run would say so.
MOST_PER_S = 420
TRIES = 30
#: Seconds of one slice, of which the slowest is told: sustained means that none of them breaks in.
SLICE = 10


@dataclass
class Resident:
    """One person: code, blinded message, and the answers that tell them apart."""

    code: str
    started: blind.Started
    answers: dict[str, Any]
    mark: tuple[str, ...]
    acknowledged: bool = False


@dataclass
class Load:
    """What happened; ``done`` holds the moment of each acknowledgement after the start."""

    done: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    requests: int = 0
    repeated: int = 0


class Unfit(RuntimeError):
    """The product refused what a phone may send: the benchmark or the product is wrong."""


def marking(document: questionnaire.Questionnaire) -> list[questionnaire.Field]:
    """Eight questions that everybody is asked: their codes together tell a submission from all others."""
    every = [f for f in document.fields if f.kind == "single" and f.rule is None and len(f.options) > 3]
    return every[:8]


def answer_sets(document: questionnaire.Questionnaire) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Full answers, each with a mark that no other has."""
    asked = marking(document)
    random = np.random.default_rng(1)
    people = city.draw_sample(2024, 1)
    drawn = [residents.person(people, n, 2024, random) for n in range(0, len(people), 40)]
    bases = [residents.answer(document, who, random) for who in drawn]
    marks = combinations(*([option.code for option in one.options] for one in asked))
    for number, mark in enumerate(marks):
        answers = bases[number % len(bases)] | dict(zip((f.address for f in asked), mark, strict=True))
        yield answers, mark


def set_up(app: Any, document: Mapping[str, Any], amount: int) -> Fielding:
    """An open wave with one key and ``amount`` invited people."""
    settings = app.config["SETTINGS"]
    with app.app_context():
        return field_wave(
            app.extensions["stores"].available,
            signing_folder(settings),
            digest_key(settings),
            document,
            [("a", "de")] * amount,
            datetime.now(UTC),
        )


def public_key(app: Any, fielded: Fielding) -> blind.PublicKey:
    """The wave's one key, as phones get it."""
    (published,) = app.test_client().get(f"/s/{fielded.survey}/keys.json").get_json()["keys"]
    return blind.PublicKey(int(published["n"], 16), published["e"])


def people_of(
    public: blind.PublicKey, fielded: Fielding, document: questionnaire.Questionnaire
) -> list[Resident]:
    """Everybody's code, blinding and answers, worked out beforehand."""
    sets = answer_sets(document)
    found = []
    for person in fielded.people:
        answers, mark = next(sets)
        found.append(Resident(str(person.code), blind.start(public), answers, mark))
    faults = check(document, found[0].answers).faults
    if faults:
        raise Unfit(f"the simulated answers have faults: {faults}")
    return found


# ---------------------------------------------------------------- the load


async def ask(client: Client, head: str, body: bytes, load: Load) -> bytes:
    """One request, sent again while the server is busy or the connection breaks."""
    for _ in range(TRIES):
        load.requests += 1
        try:
            status, content = await client.ask(head, body)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            status, content = 503, b""
        if status == 200:
            return content
        if status not in (429, 502, 503):
            raise Unfit(f"{head.splitlines()[0]}: {status} {content[:200]!r}")
        load.repeated += 1
        await asyncio.sleep(0.2)
    raise Unfit(f"{head.splitlines()[0]}: no answer in {TRIES} tries")


async def take_part(client: Client, survey: str, version: int, n: int, who: Resident, load: Load) -> None:
    """What a phone does from the letter's address to "Your answers have arrived"."""
    kind = "\r\nContent-Type: application/json"
    await ask(client, f"GET /s/{survey}/de HTTP/1.1\r\nAccept-Encoding: gzip, br", b"", load)
    await ask(client, f"GET /s/{survey}/keys.json HTTP/1.1\r\nAccept-Encoding: gzip, br", b"", load)
    started = who.started
    asked = {"code": who.code, "key": started.key_id, "blinded": started.blinded.hex()}
    reply = json.loads(await ask(client, f"POST /token HTTP/1.1{kind}", json.dumps(asked).encode(), load))
    signature = int(reply["signature"], 16) * int.from_bytes(started.inverse, "big") % n
    body = {
        "key": started.key_id,
        "prefix": started.prefix.hex(),
        "token": started.token.hex(),
        "signature": f"{signature:0768x}",
        "submission": secrets.token_hex(16),
        "version": version,
        "variant": 1,
        "answers": who.answers,
    }
    await ask(client, f"POST /s/{survey}/answers HTTP/1.1{kind}", json.dumps(body).encode(), load)
    who.acknowledged = True


async def hour(
    port: int, fielded: Fielding, people: list[Resident], n: int, seconds: float, most: int
) -> Load:
    """``most`` residents at a time, one after the other, until the time is over; begun ones are ended."""
    load, waiting = Load(), iter(people)
    begin = time.perf_counter()

    async def one_after_the_other() -> None:
        while time.perf_counter() - begin < seconds and (who := next(waiting, None)) is not None:
            at = time.perf_counter()
            client = Client(port, 1)
            await take_part(client, fielded.survey, fielded.wave.versions[0], n, who, load)
            client.close()
            load.waits.append(time.perf_counter() - at)
            load.done.append(time.perf_counter() - begin)

    await asyncio.gather(*(one_after_the_other() for _ in range(most)))
    if next(waiting, None) is None:
        raise Unfit(f"more than {MOST_PER_S} submissions a second: set up more people")
    return load


# ---------------------------------------------------------------- floors, check, rows


def floors(folder: Path, seconds: float) -> dict[str, float]:
    """What this machine can do at most: synced writes, signatures of one core, requests of a bare app."""
    key = blind.generate()
    started = blind.start(key.public)
    found = {
        "fsync": fsync_rate(folder, seconds),
        "rsa": crypto_rate(lambda: blind.blind_sign(key, started.blinded), seconds),
    }
    with Served("bare") as bare:
        found["bare"] = request_rate(bare.port, "/hello", seconds)
    return found


def compare(
    app: Any, fielded: Fielding, people: list[Resident], document: questionnaire.Questionnaire
) -> tuple[int, int]:
    """(acknowledged and missing, stored and never acknowledged or twice)."""
    addresses = [one.address for one in marking(document)]
    with app.extensions["stores"].get("collector").read() as session:
        stored = Counter(
            tuple(str(row.answers.get(address)) for address in addresses)
            for row in collection.responses(session, fielded.wave.id)
        )
    sent = Counter(who.mark for who in people if who.acknowledged)
    return (sent - stored).total(), (stored - sent).total()


def close(app: Any, fielded: Fielding) -> None:
    stores = app.extensions["stores"]
    with stores.get("office").begin() as session, stores.get("collector").begin() as published:
        collection.close(session, published, session.get_one(Wave, fielded.wave.id), datetime.now(UTC))


def measure(chosen: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Floors, set-up, load, close, comparison."""
    floor = floors(folder, chosen.floor)
    environ = os.environ | {"VIELSTIMMIG_DEMO": "1", "VIELSTIMMIG_INSTANCE": str(folder)}
    app = create_app(config.read(environ))
    for opened in app.extensions["stores"].available.values():
        schema.upgrade(opened)
    raw = questionnaire.loads(MODEL.read_bytes())
    document = questionnaire.read(raw)
    fielded = set_up(app, raw, round(chosen.seconds * MOST_PER_S))
    public = public_key(app, fielded)
    people = people_of(public, fielded, document)
    children = serve(chosen.port, environ)
    reading = app.extensions["stores"].get("collector")
    (key_id,) = fielded.keys.values()

    def known() -> bool:
        with reading.read() as session:
            return collector_store.is_known(session, key_id)

    def answering() -> bool:
        return asyncio.run(Client(chosen.port, 1).ask("GET /health/live HTTP/1.1"))[0] == 200

    def closed() -> bool:
        with reading.read() as session:
            return collector_store.is_closed(session, key_id)

    try:
        wait_for(known, 180, "the worker opens the waiting room")
        wait_for(answering, 180, "the server answers")
        load = uvloop.run(hour(chosen.port, fielded, people, public.n, chosen.seconds, chosen.residents))
        with reading.read() as session:
            mixed = collector_store.moved(session)[key_id]
        close(app, fielded)
        begin = time.perf_counter()
        wait_for(closed, 300, "the last mix")
        closing = time.perf_counter() - begin
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(30)
    compared = compare(app, fielded, people, document)
    app.extensions["stores"].dispose()
    return rows(chosen, load, floor, compared, mixed, closing)


def rows(
    chosen: argparse.Namespace,
    load: Load,
    floor: Mapping[str, float],
    compared: tuple[int, int],
    mixed: int,
    closing: float,
) -> list[dict[str, Any]]:
    """The measurements, with what this machine can do beside them."""
    peak = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1)
    inside = sum(done < chosen.seconds for done in load.done)
    value = inside / chosen.seconds
    slices = Counter(int(done // SLICE) for done in load.done)
    slowest = min(slices[number] for number in range(int(chosen.seconds // SLICE) or 1)) / SLICE
    waits = sorted(load.waits)
    lost, strange = compared

    def row(metric: str, value: float, unit: str, aim: Any = None, rival: str = "", other: Any = None) -> Any:
        return {
            "bench": "census",
            "metric": f"census.{metric}",
            "value": round(value, 2),
            "unit": unit,
            "aim": aim,
            "rival": rival or None,
            "rival_value": other if other is None else round(other, 1),
            "ratio": round(value / other, 3) if other else None,
            "peak_mb": peak,
        }

    peak_hour = "peak hour of the census of England and Wales 2021"
    return [
        row("submissions_per_s", value, "1/s", AIM, peak_hour, CENSUS_PEAK),
        row("slowest_ten_seconds_per_s", slowest, "1/s", CENSUS_PEAK, peak_hour, CENSUS_PEAK),
        row("lost", lost, "submissions", 0),
        row("doubled_or_strange", strange, "submissions", 0),
        row("acknowledged", len(load.done), "submissions"),
        row("seconds", chosen.seconds, "s"),
        row("fsyncs_per_s", floor["fsync"], "1/s"),
        row("rsa_signatures_per_s", floor["rsa"], "1/s per core"),
        row("bare_requests_per_s", floor["bare"], "1/s"),
        row("to_fsync_ratio", value / floor["fsync"], "ratio"),
        row("to_rsa_ratio", value / floor["rsa"], "ratio of one core"),
        row("requests_per_s", load.requests / chosen.seconds, "1/s", None, "bare Flask app", floor["bare"]),
        row("resident_p50_s", waits[len(waits) // 2], "s"),
        row("resident_p99_s", waits[len(waits) * 99 // 100], "s"),
        row("mixed_during_load", mixed, "submissions"),
        row("last_mix_s", closing, "s"),
        row("requests_repeated", load.repeated, "requests"),
    ]


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--residents", type=int, default=48, help="how many take part at one time")
    parser.add_argument("--port", type=int, default=8767)
    parser.add_argument("--folder", type=Path, help="where the stores lie (default: the temporary folder)")
    chosen = parser.parse_args()
    chosen.floor = 3.0
    if chosen.quick:
        chosen.seconds, chosen.floor = min(chosen.seconds, 20.0), 1.0
    with tempfile.TemporaryDirectory(prefix="census", dir=chosen.folder) as folder:
        found = measure(chosen, Path(folder))
    for one in found:
        aim = f"  (aim {one['aim']})" if one["aim"] is not None else ""
        beside = f"  ({one['rival']}: {one['rival_value']}, ratio {one['ratio']})" if one["rival"] else ""
        print(f"{one['metric']:36} {one['value']:>10} {one['unit']}{aim}{beside}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
