"""A whole demo city, served as `make run` serves it, for people's ways through it in a real browser."""

import http.client
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, TimeoutError

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]

#: Where screenshots go when they are asked for (SCREENSHOTS=1); else into the test's own folder.
SCREENSHOTS = ROOT / "docs/screenshots"
#: And where those of the moderators' guide (docs/conferences.md) lie.
GUIDE = ROOT / "docs/images"

#: Seconds for a start or a stop, on a machine that may have other things to do.
PATIENCE = 180


@dataclass
class City:
    """The served demo: its address, its instance folder, what the tour knows, and its process."""

    address: str
    instance: Path
    made: dict[str, Any]
    environment: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    def serve(self) -> None:
        """Start web processes and worker, and wait until they answer."""
        command = [sys.executable, "-m", "flask", "--app", "app", "serve", "--port", self.environment["PORT"]]
        log = self.instance / "served.log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=out, stderr=out)
        deadline = time.monotonic() + PATIENCE
        while not _ready(self.address):
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"the demo did not start within {PATIENCE} seconds"
            time.sleep(0.2)

    def kill(self) -> None:
        """kill -9 for every process of the product at once, as when the power goes."""
        assert self.process is not None
        every = [self.process.pid]
        for number in every:
            children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
            every += [int(child) for child in children]
        for number in every:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def flask(self, *arguments: str) -> str:
        """Run a command of the product on this city."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, store: str, query: str) -> list[tuple[Any, ...]]:
        """Read a store as its file lies there."""
        with sqlite3.connect(self.instance / f"{store}.sqlite") as connection:
            found = connection.execute(query).fetchall()
        connection.close()
        return found


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=10) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A small demo city behind gunicorn and the worker, stopped cleanly at the end."""
    instance = tmp_path_factory.mktemp("city") / "instance"
    shutil.copytree(_founded(tmp_path_factory), instance)
    port = free_port()
    environment = {**_environment(instance), "PORT": str(port)}
    city = City(f"http://127.0.0.1:{port}", instance, {}, environment)
    city.serve()
    city.made = _made(city)
    yield city
    assert city.process is not None
    city.process.send_signal(signal.SIGINT)
    assert city.process.wait(PATIENCE) == 0, (instance / "served.log").read_text()


def _environment(instance: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("VIELSTIMMIG_")},
        "VIELSTIMMIG_DEMO": "1",
        "VIELSTIMMIG_INSTANCE": str(instance),
        "PYTHONWARNINGS": "default",
    }


def _founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo city that nobody has visited; one for all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    # Beside the folders of all processes, where there are several.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "founded"
    with folder.with_suffix(".lock").open("a") as lock:
        flock(lock, LOCK_EX)
        if not folder.exists():
            draft = folder.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            flask = [sys.executable, "-m", "flask", "--app", "app"]
            for arguments in (["db-upgrade"], ["demo", "--share", "0.12"]):
                subprocess.run(
                    [*flask, *arguments],
                    cwd=ROOT,
                    env=_environment(draft),
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
            draft.rename(folder)
    return folder


def _made(city: City) -> dict[str, Any]:
    import json

    (row,) = city.rows("collector", "SELECT document FROM published_office WHERE kind = 'tour'")
    made: dict[str, Any] = json.loads(row[0])
    return made


@pytest.fixture
def shot(tmp_path: Path) -> Any:
    """`shot(page, "resident-ar")`: a picture for the docs when asked for, else thrown away."""
    asked = os.environ.get("SCREENSHOTS") == "1"

    def take(page: Page, name: str, folder: Path = SCREENSHOTS, **options: Any) -> None:
        folder = folder if asked else tmp_path
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", **options)

    return take


@pytest.fixture
def new_page(new_page: Any) -> Any:
    """As everywhere, with the patience that a whole city on a busy machine needs."""

    def opened(**options: Any) -> Page:
        page: Page = new_page(**options)
        page.set_default_timeout(60_000)
        return page

    return opened


def sign_in(page: Page, city: City, role: str) -> None:
    """Sign in on the page as the demo's account of that role."""
    page.goto(f"{city.address}/office")
    page.fill("input[name=email]", f"{role.replace('_', '-')}@demo.example.org")
    page.fill("input[name=password]", "many-voices-one-city")
    page.click("[type=submit]")
    try:
        page.wait_for_url(f"{city.address}/office*")
    except TimeoutError:
        # What the page says is what whoever reads the failure needs.
        raise AssertionError(f"{page.url}: {page.inner_text('body')}") from None
