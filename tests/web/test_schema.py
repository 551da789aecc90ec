"""Migrations: in step with the models, whole or not at all, and drift is named."""

import shutil
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

import stores
from tests.conftest import StoresOn
from web import schema


def test_models_and_migrated_stores_agree(stores_on: StoresOn) -> None:
    opened: stores.Stores = stores_on.app.extensions["stores"]
    assert [fault for name in stores.NAMES for fault in schema.drift(opened.get(name))] == []


def test_upgrading_twice_changes_nothing(stores_on: StoresOn) -> None:
    assert schema.upgrade(stores_on.collector) is False


def test_drift_is_named(stores_on: StoresOn) -> None:
    with stores_on.collector.begin() as session:
        session.execute(text("ALTER TABLE published_office ADD COLUMN extra TEXT"))
        session.execute(text("DROP TABLE published_register"))
    faults = schema.drift(stores_on.collector)
    assert len(faults) == 2
    assert "published_office" in "".join(faults)
    assert "published_register" in "".join(faults)


def test_a_missing_trigger_is_named(app: Flask) -> None:
    store = app.extensions["stores"].get("office")
    schema.load_models()
    name = sorted(stores.TRIGGERS["office"])[0]
    with store.begin() as session:
        session.execute(text(f"DROP TRIGGER {name}"))
    assert schema.drift(store) == [f"office: trigger {name} is missing"]


@pytest.mark.parametrize(
    ("dialect", "statements"),
    [
        (
            "sqlite",
            (
                "DROP TRIGGER audit_entry_kept_delete",
                "CREATE TRIGGER audit_entry_kept_delete BEFORE DELETE ON audit_entry FOR EACH ROW "
                "BEGIN SELECT 1; END",
            ),
        ),
        (
            "postgresql",
            (
                "CREATE OR REPLACE FUNCTION audit_entry_kept_delete() RETURNS trigger LANGUAGE plpgsql "
                "AS $$ BEGIN RETURN OLD; END $$",
            ),
        ),
    ],
)
def test_a_weakened_trigger_is_named(stores_on: StoresOn, dialect: str, statements: tuple[str, ...]) -> None:
    if stores_on.dialect == dialect:
        with stores_on.office.begin() as session:
            for statement in statements:
                session.execute(text(statement))
        assert schema.drift(stores_on.office) == [
            "office: trigger audit_entry_kept_delete differs from the models"
        ]


def test_db_check_exits_with_1_on_drift(app: Flask) -> None:
    runner = app.test_cli_runner()
    assert runner.invoke(args=["db-check"]).exit_code == 0
    with app.extensions["stores"].get("collector").begin() as session:
        session.execute(text("DROP TABLE published_results"))
    result = runner.invoke(args=["db-check"])
    assert (result.exit_code, "published_results" in result.output) == (1, True)


def test_one_office_looks_after_its_own_store(app: Flask) -> None:
    with app.extensions["stores"].get("collector").begin() as session:
        session.execute(text("DROP TABLE published_results"))
    runner = app.test_cli_runner()
    assert runner.invoke(args=["db-check", "--store", "register"]).exit_code == 0
    assert runner.invoke(args=["db-check", "--store", "collector"]).exit_code == 1
    result = runner.invoke(args=["db-upgrade", "--store", "register"])
    assert result.output.splitlines() == [f"register: already at {schema.head('register')}"]


def test_a_row_of_stores_left_half_upgraded_is_named_and_finished(app: Flask) -> None:
    """The office is up, the register's migration broke off: nothing of it is there, and going on is safe."""
    store = app.extensions["stores"].get("register")
    with store.begin() as session:
        for table in reversed(stores.BASES["register"].metadata.sorted_tables):
            session.execute(text(f"DROP TABLE {table.name}"))
        session.execute(text("DELETE FROM alembic_version"))
    runner = app.test_cli_runner()
    checked = runner.invoke(args=["db-check"])
    assert checked.exit_code == 1
    assert f"register: at revision None, the newest is {schema.head('register')}" in checked.output
    finished = runner.invoke(args=["db-upgrade"])
    assert finished.output.splitlines() == [
        f"office: already at {schema.head('office')}",
        f"register: brought to {schema.head('register')}",
        f"collector: already at {schema.head('collector')}",
    ]
    assert runner.invoke(args=["db-check"]).exit_code == 0


@pytest.mark.parametrize("dialect", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_migration_that_breaks_halfway_leaves_nothing(
    dialect: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("env.py", "script.py.mako"):
        shutil.copy(schema.MIGRATIONS / name, tmp_path / name)
    (tmp_path / "collector").mkdir()
    (tmp_path / "collector/broken.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision = 'broken'\ndown_revision = None\nbranch_labels = ('collector',)\ndepends_on = None\n"
        "def upgrade():\n"
        "    op.create_table('half', sa.Column('id', sa.Integer, primary_key=True))\n"
        "    raise RuntimeError('the power went out')\n"
    )
    monkeypatch.setattr(schema, "MIGRATIONS", tmp_path)
    if dialect == "sqlite":
        store = stores.Store("collector", stores.make_engine(f"sqlite:///{tmp_path}/new.sqlite"))
        _refuses_whole(store)
    else:
        with request.getfixturevalue("postgres").databases(template=False) as urls:
            _refuses_whole(stores.Store("collector", stores.make_engine(urls["collector"])))


def _refuses_whole(store: stores.Store) -> None:
    with pytest.raises(RuntimeError, match="power"):
        schema.upgrade(store)
    assert schema.current(store) is None
    with pytest.raises(Exception, match="half"), store.engine.connect() as connection:
        connection.execute(text("SELECT * FROM half"))
    store.engine.dispose()
