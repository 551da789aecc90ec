"""Bytes, first paint and requests per second of the questionnaire's page.

Bytes are counted on the wire: status line, headers and compressed body of the first response, for the model
questionnaire "Living here" in each of its languages. Timings are Chromium's, throttled to slow 3G (400 ms,
400 kbit/s) and a quarter of this processor. Requests per second run against gunicorn, beside a route of the
same app that only says "hello" and beside the barest Flask app there is, all in the same run.

    python bench/pages.py [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flask import Flask

import config
from app import create_app
from stores import collector, publish
from web import schema

ROOT = Path(__file__).resolve().parent.parent
SURVEY = "living-here"
FIRST_WINDOW = 14_600
SCRIPT = 12_000
CONNECTIONS = 8
CHROMIUM = {"latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000, "offline": False}


def product() -> Flask:
    """The product, and a route that says hello; gunicorn calls this."""
    app = create_app(config.read(os.environ))
    app.add_url_rule("/hello", "hello", lambda: "hello")
    return app


def bare() -> Flask:
    """The least that Flask can be."""
    app = Flask("bare")
    app.add_url_rule("/hello", "hello", lambda: "hello")
    return app


def prepare(folder: Path) -> dict[str, Any]:
    """Fresh stores with an open wave of the model questionnaire; returns its document."""
    os.environ |= {"VIELSTIMMIG_DEMO": "1", "VIELSTIMMIG_INSTANCE": str(folder)}
    app = create_app(config.read(os.environ))
    document = json.loads((ROOT / "surveys/models" / f"{SURVEY}.json").read_text("utf-8"))
    wave = {
        "id": "bench",
        "survey": SURVEY,
        "channel": "sample",
        "title": SURVEY,
        "languages": document["languages"],
        "levels": ["sealed", "two_office"],
        "versions": [document["version"]],
        "state": "open",
        "opens_on": "2026-01-01",
        "closes_on": "2099-12-31",
        "access": "wave-bench",
    }
    with app.app_context():
        for store in app.extensions["stores"].available.values():
            schema.upgrade(store)
        with collector.begin() as session:
            publish(session, "office", "wave", SURVEY, wave)
            publish(session, "office", "questionnaire", f"{SURVEY}/{document['version']}", document)
    app.extensions["stores"].dispose()
    return document


class Served:
    """gunicorn with one of the two apps on a free port."""

    def __init__(self, factory: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "--workers", "1"]
        command += ["--bind", f"127.0.0.1:{self.port}", "--log-level", "error", f"bench.pages:{factory}()"]
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def __enter__(self) -> Served:
        for _ in range(200):
            try:
                fetch(self.port, "/hello")
                return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("gunicorn did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def request(path: str, encoding: str, close: bool) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Accept-Encoding: {encoding}"]
    return ("\r\n".join([*lines, *(["Connection: close"] if close else [])]) + "\r\n\r\n").encode()


def fetch(port: int, path: str, encoding: str = "gzip, deflate, br") -> bytes:
    """The whole response as it comes over the wire."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request(path, encoding, close=True))
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def hammer(port: int, path: str, seconds: float, results: Any) -> None:
    """One connection that asks again and again; puts the number of responses."""
    question, count = request(path, "gzip, deflate, br", close=False), 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        stream = connection.makefile("rb")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            connection.sendall(question)
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            stream.read(length)
            count += 1
    results.put(count)


def rate(port: int, path: str, seconds: float) -> float:
    """Responses per second over several connections, asked by another process."""
    results: Any = multiprocessing.Queue()
    clients = [
        multiprocessing.Process(target=hammer, args=(port, path, seconds, results))
        for _ in range(CONNECTIONS)
    ]
    for client in clients:
        client.start()
    total = sum(results.get() for _ in clients)
    for client in clients:
        client.join()
    return total / seconds


def row(metric: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    empty = {"aim": None, "rival": None, "rival_value": None, "ratio": None}
    return {
        "bench": "pages",
        "metric": f"pages.{metric}",
        "value": value,
        "unit": unit,
        **empty,
        "peak_mb": peak,
        **more,
    }


def sizes(port: int, document: dict[str, Any]) -> list[dict[str, Any]]:
    rows, largest = [], 0
    for tag in document["languages"]:
        path = f"/s/{SURVEY}/{tag}"
        small, packed = len(fetch(port, path)), len(fetch(port, path, "gzip"))
        largest = max(largest, small)
        rows.append(
            row(f"first_response.{tag}", small, "bytes", aim=FIRST_WINDOW, ratio=small / FIRST_WINDOW)
        )
        rows.append(row(f"first_response_gzip.{tag}", packed, "bytes", ratio=packed / FIRST_WINDOW))
    # Of all languages the heaviest: a city's answer is the one that its slowest reader gets.
    rows.insert(
        0, row("first_response_bytes", largest, "bytes", aim=FIRST_WINDOW, ratio=largest / FIRST_WINDOW)
    )
    scripts = [
        len(fetch(port, f"/s/assets/{name}.js").split(b"\r\n\r\n", 1)[1]) for name in ("player", "token")
    ]
    rows.append(row("script.player", scripts[0], "bytes", aim=SCRIPT, ratio=scripts[0] / SCRIPT))
    rows.append(
        row("script.player_and_token", sum(scripts), "bytes", aim=SCRIPT, ratio=sum(scripts) / SCRIPT)
    )
    return rows


def rates(seconds: float, rounds: int) -> list[dict[str, Any]]:
    """Rounds in turn, so that a disturbance of the machine meets all three; the best of each counts."""
    best = {"page": 0.0, "hello": 0.0, "bare": 0.0}
    with Served("product") as ours, Served("bare") as other:
        fetch(ours.port, f"/s/{SURVEY}/de")
        for _ in range(rounds):
            for name, port, path in (
                ("page", ours.port, f"/s/{SURVEY}/de"),
                ("hello", ours.port, "/hello"),
                ("bare", other.port, "/hello"),
            ):
                best[name] = max(best[name], rate(port, path, seconds))
    page, rows = best["page"], []
    for name, words, aim in (("hello", "hello route of the same app", 0.8), ("bare", "bare Flask app", None)):
        more = {"aim": aim, "rival": words, "rival_value": best[name], "ratio": page / best[name]}
        rows.append(row(f"requests_per_s.page_beside_{name}", page, "1/s", **more))
    beside = {"rival": "bare Flask app", "rival_value": best["bare"]}
    rows.append(row("rate_to_bare", page / best["bare"], "ratio", **beside))
    return rows


TIMES = """() => ({
  paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
  ready: performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart,
  blocked: (window.longTasks || []).reduce((sum, task) => sum + Math.max(0, task - 50), 0),
})"""
WATCH = """new PerformanceObserver(list => { window.longTasks = (window.longTasks || [])
  .concat(list.getEntries().map(entry => entry.duration)); }).observe({type: 'longtask', buffered: true});"""


def timings(port: int, tags: list[str]) -> list[dict[str, Any]]:
    """First paint, and when the script has taken over, on a slow phone with nothing cached."""
    from playwright.sync_api import sync_playwright

    from tests.browser import launch

    rows = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for tag in tags:
            context = browser.new_context(viewport={"width": 360, "height": 740}, service_workers="block")
            page = context.new_page()
            page.add_init_script(WATCH)
            session = context.new_cdp_session(page)
            session.send("Network.enable")
            session.send("Network.emulateNetworkConditions", CHROMIUM)
            session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
            begin = time.monotonic()
            page.goto(f"http://127.0.0.1:{port}/s/{SURVEY}/{tag}", timeout=90_000)
            page.wait_for_selector("html.j", timeout=90_000)
            whole = 1000 * (time.monotonic() - begin)
            found = page.evaluate(TIMES)
            rows += [
                row(f"slow_phone.first_paint.{tag}", found["paint"], "ms"),
                row(f"slow_phone.dom_ready.{tag}", found["ready"], "ms"),
                row(f"slow_phone.script_ready.{tag}", whole, "ms"),
                row(f"slow_phone.blocking_time.{tag}", found["blocked"], "ms"),
            ]
            context.close()
        browser.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        document = prepare(Path(folder))
        with Served("product") as served:
            rows = sizes(served.port, document)
            rows += timings(served.port, ["de", "ar"][: 1 if arguments.quick else 2])
        rows += rates(1.0 if arguments.quick else 5.0, 2 if arguments.quick else 4)
    for one in rows:
        aim = f"   (aim {one['aim']})" if one["aim"] else ""
        beside = f"   {one['rival']}: {one['rival_value']:,.0f}" if one["rival"] else ""
        beside += f", ratio {one['ratio']:.2f}" if one["ratio"] else ""
        print(f"{one['metric']:<42}{one['value']:>12,.2f} {one['unit']}{aim}{beside}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
