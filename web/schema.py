"""Bringing the stores' schemas up, making migrations, and telling drift (Alembic, one branch per store)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import ops
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from stores import BASES, TRIGGERS, Store

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = ROOT / "migrations"
PACKAGES = ("web", "participation", "surveys", "analysis")

#: Key of PostgreSQL's advisory lock, so that processes starting together migrate one after the other.
_LOCK = 0x5649_454C


def load_models() -> None:
    """Import every ``models.py``, so that the stores' metadata and triggers are complete."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("models.py")):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def _configuration(store: str, connection: Connection | None = None) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    configuration.set_main_option("version_locations", str(MIGRATIONS / store))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    configuration.attributes["metadata"] = BASES[store].metadata
    return configuration


def head(store: str) -> str | None:
    """The newest revision of the store's branch."""
    return ScriptDirectory.from_config(_configuration(store)).get_current_head()


@contextmanager
def _locked(store: Store) -> Iterator[Connection]:
    """A connection in one transaction that no other process's migration can enter."""
    with store.engine.connect() as connection:
        if store.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection
        connection.commit()


def current(store: Store) -> str | None:
    """The revision the store is at; None for an empty one."""
    with store.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(store: Store) -> bool:
    """Bring the store to the newest revision in one transaction; True when anything changed."""
    with _locked(store) as connection:
        before = MigrationContext.configure(connection).get_current_revision()
        if before == head(store.name):
            return False
        command.upgrade(_configuration(store.name, connection), "head")
    return True


def drift(store: Store) -> list[str]:
    """Every difference between the models and the store as it is, in words; empty when there is none."""
    load_models()
    faults: list[str] = []
    revision, newest = current(store), head(store.name)
    if revision != newest:
        faults.append(f"{store.name}: at revision {revision}, the newest is {newest}; run flask db-upgrade")
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, BASES[store.name].metadata)
        faults += [f"{store.name}: {_in_words(difference)}" for difference in differences]
        faults += [f"{store.name}: {fault}" for fault in _trigger_drift(store.name, connection)]
    return faults


def _trigger_drift(store: str, connection: Connection) -> Iterator[str]:
    """Triggers that are missing, or whose text in the store is not that of the models."""
    present = _triggers(connection)
    sqlite = connection.dialect.name == "sqlite"
    query = "SELECT name, sql FROM sqlite_master" if sqlite else "SELECT proname, prosrc FROM pg_proc"
    written = {name: _in_one_line(text_) for name, text_ in connection.execute(text(query)).all() if text_}
    for name, one in sorted(TRIGGERS[store].items()):
        if name not in present:
            yield f"trigger {name} is missing"
            continue
        statements = one.sqlite if sqlite else one.postgresql
        wanted = dict(_texts(statements, _SQLITE_TRIGGER if sqlite else _POSTGRESQL_FUNCTION))
        for part, sql in wanted.items():
            if written.get(part) != sql:
                yield f"trigger {name} differs from the models"


#: The name and the text under which each engine keeps what a statement made.
_SQLITE_TRIGGER = re.compile(r"(?P<text>CREATE TRIGGER (?P<name>\w+) .*)", re.DOTALL)
_POSTGRESQL_FUNCTION = re.compile(r"FUNCTION (?P<name>\w+)\(\) .*AS \$\$(?P<text>.*)\$\$", re.DOTALL)


def _texts(statements: tuple[str, ...], shape: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for statement in statements:
        found = shape.search(statement)
        if found is not None:
            yield found["name"], _in_one_line(found["text"])


def _in_one_line(sql: str) -> str:
    return " ".join(sql.split())


def _triggers(connection: Connection) -> set[str]:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.dialect.name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    return set(connection.execute(text(query)).scalars())


def _in_words(difference: Any) -> str:
    if isinstance(difference, list):
        return "; ".join(_in_words(part) for part in difference)
    kind, *what = difference
    return f"{kind.replace('_', ' ')} {' '.join(str(part) for part in what if part is not None)}"


def write_revision(store: str, message: str, *, initial: bool = False) -> Path | None:
    """Write the migration that leads from the branch's head (or from nothing) to the models.

    None when there is nothing to do.  The triggers registered beside the models are written out in full,
    so that a migration never changes with the code.
    """
    load_models()
    engine = create_engine("sqlite://")
    known: set[str] = set()
    with engine.connect() as connection:
        if not initial:
            command.upgrade(_configuration(store, connection), "head")
            known = _triggers(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        script = produce_migrations(context, BASES[store].metadata)
    new_triggers = [trigger for name, trigger in sorted(TRIGGERS[store].items()) if name not in known]
    upgrade_ops = script.upgrade_ops
    if upgrade_ops is None or (upgrade_ops.is_empty() and not new_triggers):
        return None
    for one in new_triggers:
        upgrade_ops.ops.append(_OneEngine("sqlite", one.sqlite))
        upgrade_ops.ops.append(_OneEngine("postgresql", one.postgresql))
    revision = (
        f"{store}_0001" if initial else f"{store}_{len(list((MIGRATIONS / store).glob('*.py'))) + 1:04d}"
    )
    path = MIGRATIONS / store / f"{revision}.py"
    parent = None if initial else head(store)
    path.write_text(
        _render(store, message, revision, parent, upgrade_ops, script.downgrade_ops), encoding="utf-8"
    )
    return path


class _OneEngine(ops.MigrateOperation):
    """Statements for one engine only."""

    def __init__(self, dialect: str, statements: tuple[str, ...]) -> None:
        self.dialect = dialect
        self.statements = statements


def _render(
    store: str,
    message: str,
    revision: str,
    parent: str | None,
    upgrade_ops: ops.UpgradeOps,
    downgrade_ops: ops.DowngradeOps | None,
) -> str:
    template = (MIGRATIONS / "script.py.mako").read_text(encoding="utf-8")
    own = [op for op in upgrade_ops.ops if isinstance(op, _OneEngine)]
    upgrade_ops.ops = [op for op in upgrade_ops.ops if not isinstance(op, _OneEngine)]
    up = render_python_code(upgrade_ops)
    for dialect in ("sqlite", "postgresql"):
        statements = [statement for op in own if op.dialect == dialect for statement in op.statements]
        if statements:
            up += f'\n    if op.get_bind().dialect.name == "{dialect}":'
            up += "".join(f"\n        op.execute({statement!r})" for statement in statements)
    down = render_python_code(downgrade_ops) if downgrade_ops is not None else "pass"
    from mako.template import Template

    rendered: str = Template(template).render(  # noqa: S702 - Python source, not markup
        message=message,
        up_revision=revision,
        down_revision=parent,
        branch_labels=(store,) if parent is None else None,
        depends_on=None,
        imports="",
        upgrades=up,
        downgrades=down,
    )
    return rendered
