"""A hall of phones against the real server on loopback: polling, ballots, kills and cuts.

    python bench/hall.py                     300 phones polling every 3 s, all ballots within 30 s, SQLite
    python bench/hall.py --phones 10000 --poll 15 --seconds 60 --postgres
    python bench/hall.py --kill --cut        a web process is killed, the database is cut off for ten seconds

The server is gunicorn with two processes and the worker, as `flask serve` runs them; phones are simulated
by one process with asyncio on the same machine, so its own time is part of every figure. Tokens are
signed beforehand by the round's own keys; a ballot that gets no answer is sent again with the same
submission id, as phones do. After the load the round is closed, mixed and counted, and the list of
ballots is compared with what was acknowledged.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import config
from app import create_app
from participation.access import blind
from participation.access.collector import store as collector_store
from participation.conference import presets, store
from participation.conference.hall import store as hall_store
from participation.conference.store import OptionText
from stores import publish
from web import schema

ROOT = Path(__file__).resolve().parent.parent
GROUPS = 4


@dataclass
class Phone:
    """One phone's ballot as it is posted, and what became of it."""

    body: bytes
    marker: list[int]
    acknowledged: float | None = None
    tries: int = 0


@dataclass
class Load:
    """What happened on the network."""

    waits: list[float] = field(default_factory=list)
    last: float = 0.0
    polls: int = 0
    poll_waits: list[float] = field(default_factory=list)
    fresh: int = 0
    errors: int = 0


def conference(app: Any) -> tuple[str, str, list[blind.PublicKey], list[Any]]:
    """A conference with an announced round and four keys, made through the stores; private keys beside."""
    opened = app.extensions["stores"]
    with opened.get("office").begin() as session:
        row = store.create(session, {"de": "Lasttest"}, ["de"], None, 3)
        groups = [("", {"de": f"Gruppe {n + 1}"}, 100, "") for n in range(GROUPS)]
        store.set_groups(session, row, groups)
        for n in range(8):
            store.add_option(session, row, OptionText({"de": f"Thema {n + 1}"}))
        round_ = store.add_round(session, row, {"de": "Runde"}, presets.settings({}))
        now = datetime.now(UTC)
        store.advance(session, row, round_.code, "announced", now=now)
        store.advance(session, row, round_.code, "open", now=now)
        slug, code = row.slug, round_.code
    private = [rsa.generate_private_key(65537, 3072) for _ in range(GROUPS)]
    public = [blind.PublicKey(key.public_key().public_numbers().n, 65537) for key in private]
    with opened.get("office").read() as session, opened.get("collector").begin() as published:
        row = store.conference(session, slug)
        assert row is not None
        store.publish_all(session, published, row)
        marks = {}
        for n, key in enumerate(public):
            mark = f"BEN{n}H"
            marks[mark] = [f"g{n + 1}"]
            document = {
                "id": key.key_id,
                "admission": slug,
                "round": code,
                "mark": mark,
                "n": f"{key.n:x}",
                "e": key.e,
            }
            publish(published, "register", "key", key.key_id, document)
        publish(published, "register", "conference_groups", slug, {"marks": marks})
    return slug, code, public, private


def phones(amount: int, public: list[blind.PublicKey], private: list[Any]) -> list[Phone]:
    """Ballots with tokens; the marker tells every ballot apart when it is found again."""
    made = []
    for n in range(amount):
        which = n % len(public)
        token, prefix = secrets.token_bytes(32), secrets.token_bytes(32)
        message = prefix + public[which].key_id.encode() + b"\x00" + token
        pss = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
        signature = private[which].sign(message, pss, hashes.SHA384())
        marker = [n % 256, n // 256 % 256, 0, 0, 0, 0]
        ranking = [[f"o{1 + (n + k * (1 + n // 7 % 3)) % 8}"] for k in range(2)]
        body = {
            "key": public[which].key_id,
            "prefix": prefix.hex(),
            "token": token.hex(),
            "signature": signature.hex(),
            "submission": secrets.token_hex(16),
            "revision": 1,
            "ranking": ranking if ranking[0] != ranking[1] else ranking[:1],
            "receipt": marker,
        }
        made.append(Phone(json.dumps(body).encode(), marker))
    return made


class Client:
    """Just enough HTTP/1.1 over kept connections, so that the simulation leaves time to the server."""

    def __init__(self, port: int, most: int) -> None:
        self.port = port
        self.gate = asyncio.Semaphore(most)
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, head: str, body: bytes = b"") -> tuple[int, bytes]:
        """One request; raises OSError where the connection breaks."""
        async with self.gate:
            pair = None
            while self.idle and pair is None:
                # The server ends connections that were quiet for five seconds.
                kept = self.idle.pop()
                pair = None if kept[0].at_eof() else kept
            pair = pair or await asyncio.open_connection("127.0.0.1", self.port)
            try:
                answer = await asyncio.wait_for(self._over(pair, head, body), 40)
            except BaseException:
                pair[1].close()
                raise
            self.idle.append(pair)
            return answer

    def close(self) -> None:
        """End the connections that are kept."""
        while self.idle:
            self.idle.pop()[1].close()

    async def _over(self, pair: Any, head: str, body: bytes) -> tuple[int, bytes]:
        reader, writer = pair
        writer.write(f"{head}\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        start = await reader.readuntil(b"\r\n\r\n")
        lines = start.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        length = int(headers.get("content-length", "0"))
        content = await reader.readexactly(length) if length else b""
        if headers.get("connection") == "close":
            raise OSError("closed")
        return int(lines[0].split()[1]), content


async def vote(client: Client, address: str, phone: Phone, at: float, load: Load) -> None:
    """Send at the drawn moment, and again until it is acknowledged."""
    await asyncio.sleep(at)
    begin = time.perf_counter()
    head = f"POST {address} HTTP/1.1\r\nContent-Type: application/json"
    while phone.acknowledged is None and phone.tries < 60:
        phone.tries += 1
        try:
            status, content = await client.ask(head, phone.body)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            load.errors += 1
            await asyncio.sleep(0.5 + random.random())
            continue
        if status == 200:
            phone.acknowledged = time.perf_counter() - begin
            load.waits.append(phone.acknowledged)
            load.last = time.perf_counter()
        elif status in (429, 500, 502, 503):
            load.errors += 1
            await asyncio.sleep(0.5 + random.random())
        else:
            raise RuntimeError(f"{status} {content[:200]!r}")


async def poll(client: Client, address: str, every: float, until: float, load: Load) -> None:
    """Ask for the live state with jitter, keeping the ETag."""
    etag, begin = "", time.perf_counter()
    await asyncio.sleep(random.random() * every)
    while time.perf_counter() - begin < until:
        asked = time.perf_counter()
        try:
            condition = f"\r\nIf-None-Match: {etag}" if etag else ""
            status, content = await client.ask(f"GET {address} HTTP/1.1{condition}")
            if status == 200:
                load.fresh += 1
                etag = f'"{json.loads(content)["version"]}"'
            load.polls += 1
            load.poll_waits.append(time.perf_counter() - asked)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            load.errors += 1
        await asyncio.sleep(max(0.0, every * (0.75 + random.random() / 2)))


async def run(
    port: int, slug: str, code: str, made: list[Phone], chosen: argparse.Namespace, harm: Any
) -> Load:
    """All phones at once."""
    load = Load()
    voting = Client(port, 400)
    polling = Client(port, 200)
    asked = f"/c/{slug}/state"
    tasks = [
        asyncio.create_task(
            vote(voting, f"/c/{slug}/{code}/ballot", phone, random.random() * chosen.seconds * 0.85, load)
        )
        for phone in made
    ]
    tasks += [asyncio.create_task(poll(polling, asked, chosen.poll, chosen.seconds, load)) for _ in made]
    if harm is not None:
        tasks.append(asyncio.create_task(asyncio.to_thread(harm)))
    await asyncio.gather(*tasks)
    return load


def serve(port: int, environ: dict[str, str]) -> list[subprocess.Popen[bytes]]:
    """The web processes and the worker."""
    web = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        str(ROOT / "gunicorn.conf.py"),
        "--bind",
        f"127.0.0.1:{port}",
    ]
    return [
        subprocess.Popen([*web, "app:create_app()"], cwd=ROOT, env=environ),
        subprocess.Popen([sys.executable, "-m", "flask", "--app", "app", "worker"], cwd=ROOT, env=environ),
    ]


def wait_for(condition: Any, seconds: float, what: str) -> None:
    """Until it holds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"{what}: not within {seconds} s")


def harm(children: list[subprocess.Popen[bytes]], instance: Path, chosen: argparse.Namespace) -> Any:
    """Kill a web process after a third of the time; lock the database away for ten seconds after "
    "half of it."""

    def do() -> None:
        if chosen.kill:
            time.sleep(chosen.seconds / 3)
            listed = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(children[0].pid)], capture_output=True, text=True
            )
            os.kill(int(listed.stdout.split()[0]), signal.SIGKILL)
        if chosen.cut and not chosen.postgres:
            time.sleep(chosen.seconds / 6)
            connection = sqlite3.connect(instance / "collector.sqlite", timeout=30, isolation_level=None)
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(10)
            connection.execute("ROLLBACK")
            connection.close()

    return do if chosen.kill or chosen.cut else None


def measure(chosen: argparse.Namespace, folder: Path, urls: dict[str, str] | None) -> list[dict[str, Any]]:
    """Set up, load, close, compare."""
    environ = os.environ | {"VIELSTIMMIG_DEMO": "1", "VIELSTIMMIG_INSTANCE": str(folder)}
    for name, url in (urls or {}).items():
        environ[f"VIELSTIMMIG_{name.upper()}_URL"] = url
    app = create_app(config.read(environ))
    for opened in app.extensions["stores"].available.values():
        schema.upgrade(opened)
    slug, code, public, private = conference(app)
    made = phones(chosen.phones, public, private)
    port = chosen.port
    children = serve(port, environ)
    reading = app.extensions["stores"].get("collector")
    try:

        def ready() -> bool:
            with reading.read() as session:
                document = hall_store.current_round(session, slug)
                return document is not None and all(
                    collector_store.is_known(session, key.key_id) for key in public
                )

        wait_for(ready, 60, "the worker opens the waiting rooms")

        def answers() -> bool:
            async def once() -> bool:
                return (await Client(port, 1).ask(f"GET /c/{slug}/state HTTP/1.1"))[0] == 200

            return asyncio.run(once())

        wait_for(answers, 60, "the server answers")
        begin = time.perf_counter()
        load = asyncio.run(run(port, slug, code, made, chosen, harm(children, folder, chosen)))
        elapsed = load.last - begin
        close(app, slug, code)

        def counted() -> bool:
            with reading.read() as session:
                return hall_store.is_counted(session, f"{slug}/{code}")

        closing = time.perf_counter()
        wait_for(counted, 300, "mix and count")
        mixing = time.perf_counter() - closing
        return rows(chosen, made, load, elapsed, mixing, check(app, slug, code, made))
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(30)
        app.extensions["stores"].dispose()


def close(app: Any, slug: str, code: str) -> None:
    """Close the round, and reveal it as soon as it is counted (the list is needed)."""
    opened = app.extensions["stores"]
    for state in ("closed", "revealed"):
        with opened.get("office").begin() as session:
            row = store.conference(session, slug)
            assert row is not None
            store.advance(session, row, code, state, now=datetime.now(UTC))
        with opened.get("office").read() as session, opened.get("collector").begin() as published:
            row = store.conference(session, slug)
            assert row is not None
            store.publish_all(session, published, row)


def check(app: Any, slug: str, code: str, made: list[Phone]) -> tuple[int, int]:
    """(ballots acknowledged and missing, ballots found that nobody sent or found twice)."""
    with app.extensions["stores"].get("collector").read() as session:
        document = hall_store.round_document(session, f"{slug}/{code}")
        assert document is not None
        found = hall_store.ballot_list(session, document)

    def key(ranking: Any, receipt: Any) -> str:
        return json.dumps([ranking, receipt])

    sent: dict[str, int] = {}
    for phone in made:
        if phone.acknowledged is not None:
            body = json.loads(phone.body)
            name = key(body["ranking"], body["receipt"])
            sent[name] = sent.get(name, 0) + 1
    for ballot in found:
        name = key(ballot["ranking"], ballot["receipt"])
        sent[name] = sent.get(name, 0) - 1
    return sum(n for n in sent.values() if n > 0), -sum(n for n in sent.values() if n < 0)


def rows(
    chosen: argparse.Namespace,
    made: list[Phone],
    load: Load,
    elapsed: float,
    mixing: float,
    compared: tuple[int, int],
) -> list[dict[str, Any]]:
    """The measurements."""
    waits = sorted(load.waits)
    polls = sorted(load.poll_waits)
    # Names of the plain run carry nothing more; what was done to the server is told behind a dot.
    told = {"postgres": chosen.postgres, "killed": chosen.kill, "cut": chosen.cut}
    label = "".join(f".{name}" for name, done in told.items() if done)

    def at(values: list[float], share: float) -> float:
        return values[min(int(share * len(values)), len(values) - 1)] * 1000 if values else 0.0

    lost, strange = compared
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    table = [
        ("acknowledged", len(waits), "ballots", chosen.phones),
        ("lost", lost, "ballots", 0),
        ("doubled_or_strange", strange, "ballots", 0),
        ("last_ack_s", round(elapsed, 1), "s", chosen.seconds),
        ("ack_p50_ms", round(at(waits, 0.5), 1), "ms", None),
        ("ack_p99_ms", round(at(waits, 0.99), 1), "ms", None),
        ("polls", load.polls, "polls", None),
        ("polls_with_news", load.fresh, "polls", None),
        ("poll_p99_ms", round(at(polls, 0.99), 1), "ms", None),
        ("repeated", load.errors, "tries", None),
        ("close_mix_count_s", round(mixing, 2), "s", None),
    ]
    return [
        {
            "bench": "hall",
            "metric": f"hall.{metric}{label}",
            "value": value,
            "unit": unit,
            "aim": aim,
            "rival": None,
            "rival_value": None,
            "ratio": None,
            "peak_mb": round(peak, 1),
        }
        for metric, value, unit, aim in table
    ]


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--phones", type=int, default=300)
    parser.add_argument("--poll", type=float, default=3.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--cut", action="store_true")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.phones, chosen.seconds = 60, 8.0
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hall")))
        urls = None
        if chosen.postgres:
            from tests import databases

            running = stack.enter_context(databases.clusters())
            urls = stack.enter_context(running.databases(template=False))
        found = measure(chosen, folder, urls)
    for row in found:
        aim = f"  (aim {row['aim']})" if row["aim"] is not None else ""
        print(f"{row['metric']}: {row['value']} {row['unit']}{aim}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
