"""Backup and restore, one store at a time; the key folders are never part of either.

SQLite: ``VACUUM INTO`` gives a consistent copy without free pages, while the product runs.
PostgreSQL: ``pg_dump`` and ``pg_restore`` in the custom format.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL, make_url

from stores import Store

#: What a store needs after a restore, by name; the register locks itself until its journal is replayed.
AFTER_RESTORE: dict[str, Callable[[Store], None]] = {}


class BackupError(RuntimeError):
    """A backup or restore that was not made; says what stands in the way."""


def backup(store: Store, target: Path) -> None:
    """Write a consistent copy of the store to a new file, readable by its owner only.

    Raises:
        BackupError: the file exists, or the database's own tool is missing or fails.
    """
    if target.exists():
        raise BackupError(f"{target} exists already; name a new file")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if store.engine.dialect.name == "sqlite":
        with store.engine.connect() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(target),))
        target.chmod(0o600)
        _sync(target)
        return
    target.touch(mode=0o600)
    try:
        _run("pg_dump", store.engine.url, "--format=custom", f"--file={target}")
    except BackupError:
        target.unlink()
        raise


def restore(store: Store, source: Path) -> None:
    """Replace the store's content by a backup; the processes of the store must be stopped.

    Raises:
        BackupError: the file is missing or no backup, or the store is in use.
    """
    if not source.is_file():
        raise BackupError(f"{source} is not a file")
    if store.engine.dialect.name == "sqlite":
        _restore_sqlite(store, source)
    else:
        _run("pg_restore", store.engine.url, "--clean", "--if-exists", "--single-transaction", str(source))
    after = AFTER_RESTORE.get(store.name)
    if after is not None:
        after(store)


def _restore_sqlite(store: Store, source: Path) -> None:
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as check:
        try:
            answer = check.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise BackupError(f"{source} is no backup of a store: {error}") from None
    check.close()
    if answer != "ok":
        raise BackupError(f"{source} is damaged: {answer}")
    database = store.engine.url.database
    if database is None:
        raise BackupError(f"the {store.name} store has no file")
    store.engine.dispose()
    target = Path(database)
    incoming = target.with_suffix(".incoming")
    shutil.copyfile(source, incoming)
    incoming.chmod(0o600)
    _sync(incoming)
    for suffix in ("-wal", "-shm"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    incoming.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _run(program: str, url: URL, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise BackupError(f"{program} is not installed here; it comes with PostgreSQL's client package")
    plain = make_url(url).set(drivername="postgresql", password=None)
    environment = dict(os.environ)
    if url.password:
        # The password goes through the environment: a command line is readable by every user.
        environment["PGPASSWORD"] = str(url.password)
    answer = subprocess.run(  # noqa: S603 - fixed program, arguments are ours
        [found, *arguments[:-1], f"--dbname={plain.render_as_string()}", arguments[-1]],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise BackupError(f"{program} failed: {answer.stderr.strip()}")
