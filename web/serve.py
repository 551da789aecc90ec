"""`flask serve`: gunicorn and one worker under one supervisor that stops both cleanly."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent

#: Seconds between an abrupt end of a child and its next start; doubled up to the last value.
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)

#: Seconds in which processes of a former run, killed a moment ago, may still hold the port.
_LEAVING = 5.0

#: Seconds that children have to end by themselves.
_PATIENCE = 15.0


class Stop(Exception):
    """Ctrl-C or SIGTERM arrived."""


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stop


class PortTaken(RuntimeError):
    """Another program listens where the server should; says what to do."""


def address(host: str, port: int) -> str:
    """Host and port in one, IPv6 addresses in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_free(host: str, port: int) -> None:
    """Find out that a port is taken before anything is started on it.

    Raises:
        PortTaken: it is, or this machine does not have the address, or it may not be used.
    """
    deadline = time.monotonic() + _LEAVING
    while (error := _bound(host, port)) is not None:
        if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
            raise PortTaken(
                f"{address(host, port)} cannot be used: {error.strerror or error}. Stop what runs there, "
                f"or take another port, for example: PORT={port + 1} make run"
            )
        time.sleep(0.2)


def _bound(host: str, port: int) -> OSError | None:
    """What goes wrong when a server wants to listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Of two sockets that were only bound neither would notice the other.
            probe.listen(1)
        except OSError as error:
            return error
    return None


def commands(port: int, with_worker: bool, host: str = "127.0.0.1") -> list[list[str]]:
    """The command lines of the children: the web server and, where the role has one, the worker."""
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py")]
    children = [[*gunicorn, "--bind", address(host, port), "app:create_app()"]]
    if with_worker:
        children.append([sys.executable, "-m", "flask", "--app", "app", "worker"])
    return children


@contextmanager
def foreground() -> Iterator[None]:
    """Have the terminal to ourselves, as a shell gives it to a job, and give it back on leaving.

    Under ``make run`` Ctrl-C would otherwise reach make as well, which then ends as interrupted although
    the product stopped cleanly.  Does nothing without a terminal, in the background, or where we are the
    terminal's job anyway.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield
        return
    former = os.getpgrp()
    try:
        if os.tcgetpgrp(terminal) != former or former == os.getpid():
            yield
            return
        # Handing over the terminal from the background stops a process unless it ignores this signal; and
        # who alone is stopped by Ctrl-Z would leave the shell waiting.
        kept = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTTOU, signal.SIGTSTP)}
        os.setpgid(0, 0)
        os.tcsetpgrp(terminal, os.getpgrp())
        try:
            yield
        finally:
            os.tcsetpgrp(terminal, former)
            os.setpgid(0, former)
            for number, handler in kept.items():
                signal.signal(number, handler)
    finally:
        os.close(terminal)


def supervise(
    children: Sequence[list[str]], port: int, when_ready: Callable[[], None], host: str = "127.0.0.1"
) -> int:
    """Run the children until Ctrl-C or SIGTERM; start one again that ends by itself.

    Returns the exit code: 0 after a clean stop, 1 when a child could not be kept running.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    running: dict[int, subprocess.Popen[bytes]] = {}
    falls = dict.fromkeys(range(len(children)), 0)
    announced = False
    try:
        while True:
            for index, line in enumerate(children):
                child = running.get(index)
                if child is not None and child.poll() is None:
                    continue
                if child is not None:
                    if falls[index] >= len(_PAUSES):
                        print(f"{line[2]} ended {falls[index]} times; giving up", file=sys.stderr, flush=True)
                        return 1
                    time.sleep(_PAUSES[falls[index]])
                    falls[index] += 1
                # A group of its own: Ctrl-C reaches the supervisor alone, which then stops all in order.
                running[index] = subprocess.Popen(line, cwd=ROOT, start_new_session=True)  # noqa: S603
            if not announced and _ready(host, port):
                announced = True
                when_ready()
            time.sleep(0.2)
    except Stop:
        return 0
    finally:
        _end(list(running.values()))


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + _PATIENCE
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _ready(host: str, port: int) -> bool:
    # Who listens on every address is asked at this machine's own.
    asked = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    try:
        with urllib.request.urlopen(f"http://{address(asked, port)}/health/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
