"""Rights of the processes: every table is named, and PostgreSQL itself refuses what is not granted."""

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask

import stores
from tests.databases import Clusters, grant, plain
from web import grants, schema


@pytest.fixture(autouse=True)
def models() -> None:
    schema.load_models()


@pytest.mark.parametrize("store", stores.NAMES)
def test_no_table_is_forgotten(store: str) -> None:
    assert grants.unnamed(store) == []


def test_no_process_but_its_own_reads_the_register() -> None:
    reading = [process for process in grants.RIGHTS if "register" in grants.RIGHTS[process]]
    assert reading == ["register"]


@pytest.mark.parametrize("table", ["response", "response_text"])
def test_answers_are_read_by_the_analysis_alone(table: str) -> None:
    reading = [
        process for process in grants.RIGHTS if "SELECT" in (grants.right(process, "collector", table) or "")
    ]
    assert reading == ["analysis"]


def test_nobody_rewrites_the_audit_log() -> None:
    given = {process: grants.right(process, "office", "audit_entry") for process in grants.RIGHTS}
    assert {process: rights for process, rights in given.items() if rights} == {
        "register": "INSERT",
        "office": "SELECT, INSERT",
        "analysis": "INSERT",
        "entry": "INSERT",
    }


def test_the_command_prints_what_is_granted(app: Flask) -> None:
    lines = app.test_cli_runner().invoke(args=["grants"]).output.splitlines()
    assert lines == list(grants.everything())


@pytest.fixture
def granted(postgres: Clusters) -> Iterator[dict[str, str]]:
    """Fresh databases with the roles and rights in force."""
    with postgres.databases() as urls:
        grant(urls)
        yield urls


@pytest.mark.postgres
@pytest.mark.parametrize("process", sorted(grants.RIGHTS))
def test_the_database_refuses_every_process_what_is_not_granted(
    granted: dict[str, str], process: str
) -> None:
    for store in stores.NAMES:
        with psycopg.connect(plain(granted[store]), autocommit=True) as connection:
            known = store in grants.RIGHTS[process]
            if known:
                connection.execute(f"SET ROLE vielstimmig_{process}".encode())
                for table in grants.tables(store):
                    rights = grants.right(process, store, table) or ""
                    given = rights.split(", ")
                    assert _may(connection, f"SELECT * FROM {table}") == ("SELECT" in given), (store, table)
                    assert _may(connection, f"DELETE FROM {table}") == ("DELETE" in given), (store, table)
            else:
                rows = connection.execute(
                    "SELECT 1 FROM information_schema.role_table_grants WHERE grantee = %s",
                    (f"vielstimmig_{process}",),
                ).fetchall()
                assert rows == []


def _may(connection: "psycopg.Connection[object]", statement: str) -> bool:
    try:
        connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.errors.IntegrityError:
        return True
    return True


@pytest.mark.postgres
def test_the_office_sees_that_paper_is_being_keyed_and_not_what_it_says(granted: dict[str, str]) -> None:
    with psycopg.connect(plain(granted["collector"]), autocommit=True) as connection:
        connection.execute("SET ROLE vielstimmig_office")
        assert _may(connection, "SELECT round FROM conference_sheet")
        assert not _may(connection, "SELECT ballot FROM conference_sheet")


@pytest.mark.postgres
@pytest.mark.parametrize("store", sorted(grants.WIPES))
def test_who_wipes_also_clears_away_at_once(granted: dict[str, str], store: str) -> None:
    """VACUUM of somebody who may not only warns, so that nobody would notice."""
    for process, table in grants.WIPES[store]:
        with psycopg.connect(plain(granted[store]), autocommit=True) as connection:
            said: list[str] = []
            connection.add_notice_handler(lambda notice, said=said: said.append(notice.message_primary or ""))
            connection.execute(f"SET ROLE vielstimmig_{process}".encode())
            connection.execute(f"VACUUM {table}".encode())
            assert said == []
