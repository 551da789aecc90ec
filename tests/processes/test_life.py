"""Starting, readiness and stopping of processes as they are really run."""

import os
import subprocess
import sys

import pytest

from tests.processes.house import PROCESSES, ROOT, House, Visitor, status, wait_for

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.mark.parametrize(
    ("process", "setting", "value"),
    [
        ("public", "VIELSTIMMIG_REGISTER_URL", "postgresql://db/register"),
        ("public", "VIELSTIMMIG_SIGNING_WRAP", "0123456789abcdefghijklmnopqrstuvwxyz"),
        ("register", "VIELSTIMMIG_BATCH_KEYS", "/keys"),
        ("analysis", "VIELSTIMMIG_REGISTER_URL", "postgresql://db/register"),
    ],
)
def test_a_process_does_not_start_with_what_its_role_must_not_have(
    house: House, process: str, setting: str, value: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "serve"],
        cwd=ROOT,
        env=house.environments[process] | {setting: value},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert f"{setting} is set, but" in ended.stderr
    assert "remove it" in ended.stderr
    assert value not in ended.stderr


def test_readiness_follows_the_database_and_liveness_does_not(house: House) -> None:
    name = house.urls["register"].split("?")[0].rsplit("/", 1)[1]
    cluster = house.cluster("register")
    cluster(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        cluster(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        reply = Visitor().get(house.at("register", "/health/ready"))
        assert (reply.status, reply.json()["stores"]) == (
            503,
            {"office": True, "register": False, "collector": True},
        )
        assert status(house.at("register", "/health/live")) == 200
        assert status(house.at("public", "/health/ready")) == 200
        assert "the register store cannot be reached" in house.log("register")
        # Residents are told to try again, not that something broke.
        asked = {"code": "CQPHN-614P4-Y2P2R-SZHQS-GB8FG", "key": "0" * 64, "blinded": "00"}
        assert Visitor().post_json(house.at("register", "/token"), asked).status in (409, 422, 503)
    finally:
        cluster(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    wait_for(lambda: status(house.at("register", "/health/ready")) == 200, "the database is back", house)


def test_a_process_stops_cleanly_and_comes_back(house: House) -> None:
    assert house.stop("entry") == 0
    assert status(house.at("entry", "/health/live")) == 0
    house.start("entry")
    house.wait_until_ready("entry")
    said = f"Vielstimmig is running at {house.at('entry')} "
    wait_for(lambda: house.log("entry").count(said) == 2, "it says so", house)


def test_every_process_says_where_it_is(house: House) -> None:
    for process in PROCESSES:
        assert f"Vielstimmig is running at {house.at(process)} " in house.log(process)
    assert "many-voices-one-city" in house.log("office")
    assert "many-voices-one-city" not in house.log("register")
    assert not any("VIELSTIMMIG_DIGEST_KEY" in house.environments[p] for p in PROCESSES if p != "register")
    assert os.environ.get("VIELSTIMMIG_SECRET_KEY") is None
