"""On PostgreSQL the report reads the cluster's files, not rows alone, and says so where it cannot."""

from dataclasses import replace

import pytest
from sqlalchemy import text

import stores
from app import create_app
from surveys.assurance import store
from surveys.assurance.forms import _read
from surveys.assurance.reading import Reading
from tests import databases
from tests.conftest import make_settings
from web.i18n import speaking

pytestmark = pytest.mark.postgres

#: As a digest of somebody's code would lie there.
CANARY = bytes(range(100, 132))


@pytest.fixture(scope="module")
def opened(postgres, tmp_path_factory):
    """The stores in two clusters of their own, as superuser and as the processes."""
    with postgres.databases() as urls:
        databases.grant(urls)
        app = create_app(make_settings(tmp_path_factory.mktemp("instance"), urls))
        yield app.extensions["stores"].available, urls
        app.extensions["stores"].dispose()


@pytest.fixture
def deleted(opened):
    """A spent token that was wiped from the table again, and is still a person's."""
    made, _ = opened
    with made["collector"].begin() as session:
        session.execute(
            text("INSERT INTO spent (key_id, token, submission, revision) VALUES ('k', :token, :id, 1)"),
            {"token": CANARY, "id": CANARY[:16]},
        )
    with made["collector"].begin() as session:
        session.execute(text("DELETE FROM spent"))
    return made


def test_a_row_that_was_deleted_is_found_in_the_files(deleted, monkeypatch):
    monkeypatch.setattr(store, "_strings_of_people", lambda _session: [CANARY])
    found = store.traces(deleted["collector"], deleted["register"])
    assert found.shared == 1
    assert [(one.store, one.way, one.reason) for one in found.readings] == [
        ("collector", "cluster", ""),
        ("register", "cluster", ""),
    ]
    assert all(one.files > 300 and one.size > 20_000_000 for one in found.readings)
    assert "log_min_error_statement = error" in found.readings[0].logged


def test_a_role_without_the_right_reads_rows_and_says_so(opened):
    made, urls = opened
    bare = {
        name: replace(made[name], engine=stores.make_engine(databases.as_process(urls[name], process)))
        for name, process in {"register": "register", "collector": "analysis"}.items()
    }
    clusters = {name: store._cluster(one) for name, one in bare.items()}
    found, read = store._search(bare["register"], [CANARY], clusters)
    for one in bare.values():
        one.engine.dispose()
    assert (found, read.way, read.reason, read.files) == (0, "rows", "rights", 0)


def test_a_folder_of_another_server_is_not_taken_for_it(opened, monkeypatch):
    made, _ = opened
    monkeypatch.setattr(store, "cluster_identifier", lambda _folder: 1)
    cluster = store._cluster(made["register"])
    assert (cluster.folder, cluster.reason) == (None, "elsewhere")


def test_two_stores_in_one_cluster_are_told_apart_by_their_tables_only(opened):
    made, _ = opened
    # The office's store stands in for a register that somebody put into the collector's cluster.
    clusters = {"collector": store._cluster(made["collector"]), "register": store._cluster(made["office"])}
    found, read = store._search(made["collector"], [b"no such thing anywhere"], clusters)
    assert (found, read.way) == (0, "shared")
    assert read.files > 100


@pytest.mark.parametrize(
    ("way", "reason", "words"),
    [
        ("cluster", "", "the whole data folder"),
        ("shared", "", "Give the register a cluster of its own"),
        ("rows", "rights", "may ask neither"),
        ("rows", "elsewhere", "another machine"),
    ],
)
def test_the_report_says_what_was_read(app, way, reason, words):
    read = Reading("register", way, 3, 2_000_000, reason, ("log_connections = on",))
    with app.test_request_context(), speaking("en"):
        said = " ".join(_read(read))
    assert said.startswith("Register: ")
    assert words in said
    assert "log_connections = on" in said
