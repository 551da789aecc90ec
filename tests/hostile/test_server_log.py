"""What `flask serve` itself writes while people answer: nothing; and a log that is turned on is found."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

import pytest

from tests.hostile import crash
from tests.ports import free_port

pytestmark = pytest.mark.slow

BROWSER = "secret-browser/7.3"
PEOPLE = 6
ANSWER = {"_language": "en", "_consent": "yes", "happy": "1"}

#: An hour, however a log writes it.
CLOCK = re.compile(rb"\d[ T:]\d\d:\d\d:\d\d")

#: What no HTTP server likes; each is answered, or cut off, without a word in a log.
MALFORMED = (
    b"GET /s/small/en?code=%s HTTP/9.9\r\n\r\n",
    b"nonsense %s\r\n\r\n",
    b"POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: many%s\r\n\r\n",
    b"GET /s/small HTTP/1.1\r\nHost: a\r\nX-Long: %s" + b"a" * 9000 + b"\r\n\r\n",
    b"GET /" + b"a" * 5000 + b"%s HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /s/small/answers HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\n{%s",
)


@contextmanager
def serving(folder, environ, **more):
    """`flask serve` as a city runs it, with all that it says in one file."""
    port = free_port()
    with (folder / "server.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "app", "serve", "--port", str(port)],
            cwd=crash.ROOT,
            env={**os.environ, **environ, "WEB_CONCURRENCY": "1", **more},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            end = time.monotonic() + crash.PATIENCE
            while b"reviewer@" not in (folder / "server.log").read_bytes():
                assert child.poll() is None, (folder / "server.log").read_text()
                assert time.monotonic() < end
                time.sleep(0.1)
            yield port
        finally:
            child.send_signal(signal.SIGINT)
            child.wait(crash.PATIENCE)


def ask(port, path, data=None, **headers):
    call = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"User-Agent": BROWSER, **headers})
    try:
        with urllib.request.urlopen(call, timeout=60) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def shout(port, words):
    """Send bytes as they are and read until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(words)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65536):
            pass


def come(port, people):
    """Everybody answers by form, and again; others mistype, get lost, or send what is no request at all."""
    for person in people:
        form = {"_code": str(person.code), "_version": "1", **ANSWER}
        body = urllib.parse.urlencode(form).encode()
        end = time.monotonic() + crash.PATIENCE
        # The worker opens the waiting room within a second.
        while ask(port, "/s/small/answers", body) != 200:
            assert time.monotonic() < end
            time.sleep(0.2)
        assert ask(port, "/s/small/answers", body) == 409
    for path in ("/s/small", "/s/small/en", "/s/small/keys.json", "/s/lost", "/nothing?SECRET"):
        ask(port, path)
    json = {"Content-Type": "application/json"}
    assert ask(port, "/token", b'{"code": "AAAAA-SECRET"}', **json) == 400
    assert ask(port, "/token", b"{", **json) == 400
    assert ask(port, "/s/small/answers", b'{"key": "no"}', **json) == 400
    for words in MALFORMED:
        shout(port, words.replace(b"%s", b"SECRET"))


@pytest.fixture(scope="module")
def wave(tmp_path_factory):
    """An open wave on stores of its own; where its environment lies, and who is invited."""
    folder = tmp_path_factory.mktemp("log")
    environ = {"VIELSTIMMIG_DEMO": "1", "VIELSTIMMIG_INSTANCE": str(folder / "instance")}
    app, fielding = crash.fielded(environ, 2 * PEOPLE)
    app.extensions["stores"].dispose()
    return folder, environ, fielding.people


def written(folder):
    """Every byte that the stack wrote beside its stores: what the server said, and all other files."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_nothing_is_written_while_people_come(wave):
    folder, environ, people = wave
    with serving(folder, environ) as port:
        said = (folder / "server.log").read_bytes()
        come(port, people[:PEOPLE])
    assert (folder / "server.log").read_bytes() == said
    whole = written(folder)
    for trace in (BROWSER.encode(), b"SECRET", b"127.0.0.1 ", b"/s/small/answers", b"POST /token"):
        assert trace not in whole, trace
    assert not CLOCK.search(said)


def test_an_access_log_that_somebody_turned_on_is_found(wave):
    """Without this, a search that finds nothing could be a search that sees nothing."""
    folder, environ, people = wave
    with serving(folder, environ, GUNICORN_CMD_ARGS="--access-logfile -") as port:
        come(port, people[PEOPLE:])
    whole = written(folder)
    for trace in (BROWSER.encode(), b"SECRET", b"127.0.0.1 ", b"/s/small/answers", b"POST /token"):
        assert trace in whole, trace
    assert CLOCK.search((folder / "server.log").read_bytes())
