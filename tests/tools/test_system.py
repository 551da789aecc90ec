"""Set-up of the system: what is missing is named with the command that gets it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import system


def need(present: Callable[[], bool]) -> system.Need:
    return system.Need("speech", "the demo's audio", present, ("espeak-ng",))


def test_nothing_is_installed_where_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "install", lambda packages: pytest.fail(f"installed {packages}"))
    assert system.provide((need(lambda: True),)) == []


def test_root_gets_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(system, "install", installed.extend)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert system.provide((need(lambda: bool(installed)),)) == []
    assert installed == ["espeak-ng"]


@pytest.mark.parametrize(("purpose", "status"), [("demo", 0), ("tests", 1), ("venv", 1)])
def test_others_are_told_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], purpose: str, status: int
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setitem(system.NEEDS, purpose, (need(lambda: False),))
    assert system.main(purpose) == status
    printed = capsys.readouterr()
    assert printed.out == "Missing: speech (espeak-ng), for the demo's audio\n"
    assert printed.err == "Not found: speech. Install it with: sudo apt-get install espeak-ng\n"


def test_a_python_without_its_venv_part_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert system.main("venv") == 0
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert system.main("venv") == 1
    assert "sudo apt-get install python3-venv" in capsys.readouterr().err


def test_what_is_here_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "espeak-ng").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "espeak-ng").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CHROMIUM", "/opt/chromium")
    found = [need.name for need in system.TESTS if need.present()]
    assert found == ["speech", "Chromium"]
