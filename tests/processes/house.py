"""The house as separate processes: each with its own settings, its own database role, its own port.

Every process is `flask serve` in a subprocess, started with an environment that holds nothing but what its
role may know. They run as the demo does, because outside it they demand https and second factors; secrets are
fresh ones all the same, and shared only where `flask secrets` says that two processes hold the same.
"""

import http.client
import http.cookiejar
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import psycopg

import config
from tests.databases import as_process, plain
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = ("public", "register", "office", "analysis", "entry")

#: Generous, since all start at once, on a machine that may have other things to do.
PATIENCE = 300


@dataclass(frozen=True)
class Reply:
    """What came back: status, body, headers (names in small letters), and the address it came from."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    address: str

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> dict:
        return json.loads(self.text)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments, **_named):
        return None


class Visitor:
    """A browser without script: it keeps cookies, and posts a form with the token of the form's page."""

    def __init__(self) -> None:
        self.jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.jar), urllib.request.ProxyHandler({}), _Stay()
        )

    def ask(self, address: str, data: bytes | None = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(address, data, {"Accept-Language": "en", **named})
        try:
            with self._opener.open(request, timeout=120) as answer:
                return self._reply(answer, address)
        except urllib.error.HTTPError as answer:
            with answer:
                return self._reply(answer, address)

    @staticmethod
    def _reply(answer, address: str) -> Reply:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status, answer.read(), headers, address)

    def get(self, address: str) -> Reply:
        return self.ask(address)

    def post_json(self, address: str, document: Mapping) -> Reply:
        return self.ask(address, json.dumps(document).encode(), Content_Type="application/json")

    def post(self, address: str, fields: Mapping[str, str | Sequence[str]]) -> Reply:
        body = urllib.parse.urlencode(fields, doseq=True).encode()
        return self.ask(address, body, Content_Type="application/x-www-form-urlencoded")

    def submit(self, address: str, fields: Mapping[str, str | Sequence[str]], at: str = "") -> Reply:
        """Fetch the form's page (`at`, where it is another one) and post with its CSRF token."""
        page = self.get(at or address)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert token is not None, f"{page.status} at {page.address}, no form:\n{page.text[:2000]}"
        return self.post(address, {"csrf_token": unescape(token[1]), **fields})


@dataclass
class House:
    """The running processes: port, environment and output of each."""

    folder: Path
    urls: Mapping[str, str]
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PROCESSES})
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def at(self, process: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[process]}{path}"

    def log(self, process: str) -> str:
        return (self.folder / f"{process}.log").read_text(encoding="utf-8", errors="replace")

    def cluster(self, store: str):
        """A function that runs one statement in the store's cluster, as its superuser."""

        def run(statement: str) -> None:
            base, _, where = plain(self.urls[store]).partition("?")
            with psycopg.connect(f"{base.rsplit('/', 1)[0]}/postgres?{where}", autocommit=True) as connection:
                connection.execute(statement.encode())

        return run

    def start(self, process: str) -> None:
        with (self.folder / f"{process}.log").open("ab") as log:
            self.running[process] = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "app", "serve"],
                cwd=ROOT,
                env=self.environments[process],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, process: str) -> int:
        """Ctrl-C for one process, and its exit code."""
        running = self.running.pop(process)
        if running.poll() is None:
            running.send_signal(signal.SIGINT)
        return running.wait(PATIENCE)

    def wait_until_ready(self, process: str) -> None:
        wait_for(lambda: status(self.at(process, "/health/ready")) == 200, f"{process} is ready", self)

    def sign_in(self, role: str) -> Visitor:
        """A member of staff, signed in at the office process."""
        visitor = Visitor()
        fields = {"email": f"{role}@demo.example.org", "password": "many-voices-one-city"}
        reply = visitor.submit(self.at("office", "/office/login"), fields)
        assert reply.status == 302, reply.text
        return visitor


def status(address: str) -> int:
    """The status a process answers with; 0 while it does not answer."""
    try:
        return Visitor().get(address).status
    except (OSError, http.client.HTTPException):
        return 0


def wait_for(holds, what: str, house: House) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        for process, running in house.running.items():
            assert running.poll() is None, f"{process} ended by itself:\n{house.log(process)}"
        assert time.monotonic() < deadline, f"not in {PATIENCE} s: {what}\n" + "\n".join(
            f"--- {process}\n{house.log(process)[-3000:]}" for process in house.running
        )
        time.sleep(0.2)


def environments(house: House) -> dict[str, dict[str, str]]:
    """One environment per process, with nothing in it that its role must not have."""
    shared = {name: secrets.token_urlsafe(48) for name in config.SECRETS_OF_ROLE["all"]}
    made = {}
    for process in PROCESSES:
        own = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "default",
            "ROLE": process,
            "PORT": str(house.ports[process]),
            "WEB_CONCURRENCY": "1",
            "WEB_THREADS": "8",
            "VIELSTIMMIG_DEMO": "1",
            "VIELSTIMMIG_INSTANCE": str(house.folder / process),
            "VIELSTIMMIG_BASE_URL": house.at("public"),
        }
        for store in sorted(config.STORES_OF_ROLE[process]):
            own[f"VIELSTIMMIG_{store.upper()}_URL"] = as_process(plain(house.urls[store]), process)
        for name in sorted(config.SECRETS_OF_ROLE[process]):
            own[f"VIELSTIMMIG_{name}"] = shared[name]
        if process in ("public", "entry"):
            own["VIELSTIMMIG_REGISTER_ADDRESS"] = house.at("register")
        made[process] = own
    return made


@contextmanager
def running(folder: Path, urls: Mapping[str, str]) -> Iterator[House]:
    """The whole house, ready; stopped on leaving."""
    house = House(folder, urls)
    house.environments.update(environments(house))
    try:
        for process in PROCESSES:
            house.start(process)
        for process in PROCESSES:
            house.wait_until_ready(process)
        wait_for(lambda: "Staff logins" in house.log("office"), "the demo's logins are made", house)
        yield house
    finally:
        for process in list(house.running):
            house.stop(process)
