"""`flask serve`: what it starts and says, and that Ctrl-C stops all of it cleanly."""

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

import config
from app import create_app
from tests import databases
from tests.conftest import make_settings
from tests.ports import free_port
from web import cli, serve

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def signals():
    """The supervisor takes over the signals of its process; here that is the test's."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_commands_name_the_port_and_the_worker_where_there_is_one() -> None:
    web, worker = serve.commands(8177, True)
    assert web[-3:] == ["--bind", "127.0.0.1:8177", "app:create_app()"]
    assert worker[1:] == ["-m", "flask", "--app", "app", "worker"]
    assert len(serve.commands(8177, False)) == 1


def test_the_server_listens_where_it_is_told() -> None:
    assert serve.commands(8177, False, "0.0.0.0")[0][-2] == "0.0.0.0:8177"
    assert serve.commands(8177, False, "::1")[0][-2] == "[::1]:8177"


def test_a_taken_port_is_named_before_anything_starts(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "supervise", lambda *_arguments: pytest.fail("something was started"))
    monkeypatch.setattr(serve, "_LEAVING", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = app.test_cli_runner().invoke(args=["serve", "--port", str(port)])
    assert result.exit_code == 1
    assert result.output == (
        f"Error: 127.0.0.1:{port} cannot be used: Address already in use. Stop what runs there, "
        f"or take another port, for example: PORT={port + 1} make run\n"
    )


def test_a_port_that_is_none_is_named(app: Flask) -> None:
    result = app.test_cli_runner(env={"PORT": "eight"}).invoke(args=["serve"])
    assert (result.exit_code, "'eight' is not a valid integer" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("role", "has"),
    [
        ("all", True),
        ("public", True),
        ("register", True),
        ("analysis", True),
        ("office", False),
        ("entry", False),
    ],
)
def test_roles_with_background_work_have_a_worker(app: Flask, role: str, has: bool) -> None:
    with app.app_context():
        assert (
            cli._has_worker(replace(app.config["SETTINGS"], role=role, secrets=config.demo_secrets(role)))
            == has
        )


def test_the_demo_says_addresses_and_logins(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    with app.app_context():
        cli._announce(8177)
    said = capsys.readouterr().out
    assert "http://127.0.0.1:8177/ " in said
    assert "http://127.0.0.1:8177/office " in said
    assert said.count("@demo.example.org") == 8
    assert "many-voices-one-city" in said


def test_outside_the_demo_no_login_is_said_or_made(
    settings: config.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(replace(settings, demo=False))
    with app.app_context():
        cli._announce(8177)
    assert "@" not in capsys.readouterr().out


def test_a_child_that_keeps_ending_is_given_up(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "_PAUSES", (0.01, 0.01))
    steady = python("import time; time.sleep(60)")
    assert serve.supervise([steady, python("pass")], 9, lambda: None) == 1
    assert "ended 2 times; giving up" in capfd.readouterr().err


def test_a_child_that_does_not_stop_is_killed_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = subprocess.Popen(
        python(
            "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
        ),
        stdout=subprocess.PIPE,
    )
    assert deaf.stdout is not None
    assert deaf.stdout.readline() == b"1\n"
    monkeypatch.setattr(serve, "_PATIENCE", 0.2)
    serve._end([deaf])
    assert deaf.returncode == -signal.SIGKILL
    deaf.stdout.close()


def read_until(terminal: int, wanted: bytes, seconds: float) -> bytes:
    text, end = b"", time.monotonic() + seconds
    while wanted not in text and time.monotonic() < end:
        if select.select([terminal], [], [], 0.5)[0]:
            try:
                text += os.read(terminal, 65536)
            except OSError:
                break
    return text


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ctrl_c_at_a_terminal_ends_with_0_and_frees_the_port(sqlite_template: Path, tmp_path: Path) -> None:
    """As under `make run`: a parent in the same job, which must not be interrupted as well."""
    settings = make_settings(tmp_path, {})

    databases.copy_sqlite(sqlite_template, settings.instance)
    port = free_port()
    makefile = tmp_path / "Makefile"
    makefile.write_text(
        f"run:\n\t@exec {sys.executable} -m flask --app {ROOT / 'app.py'} serve --port {port}\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ |= {
            "VIELSTIMMIG_DEMO": "1",
            "VIELSTIMMIG_INSTANCE": str(settings.instance),
            "WEB_CONCURRENCY": "1",
            "PYTHONUNBUFFERED": "1",
        }
        os.execvp("bash", ["bash", "--norc", "-ic", f"make -f {makefile} run; echo ended with $?."])
    try:
        said = read_until(terminal, b"reviewer@demo", 300)
        assert b"Vielstimmig is running at" in said, said
        os.write(terminal, b"\x03")
        said = read_until(terminal, b"ended with 0.", 120)
        assert b"ended with 0." in said, said
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))
