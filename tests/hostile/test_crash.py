"""kill -9 at random moments: every acknowledged answer is there exactly once."""

import tempfile
from pathlib import Path

import pytest

from tests.hostile import crash


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(5))
def test_killed_processes_lose_and_double_nothing(tmp_path, seed):
    outcome = crash.run(tmp_path, seed)
    assert outcome.kills == 3
    assert sum(outcome.acknowledged.values()) == 130
    assert outcome.lost == []
    assert outcome.doubled == []


@pytest.fixture
def database():
    """A folder with a short name (a socket lies in it) that PostgreSQL's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "data"


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_a_killed_database_loses_and_doubles_nothing(tmp_path, database):
    outcome = crash.run(tmp_path, 1, database=database)
    assert sum(outcome.acknowledged.values()) == 130
    assert (outcome.lost, outcome.doubled) == ([], [])


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(100, 300))
def test_two_hundred_crash_runs(tmp_path, seed):
    outcome = crash.run(tmp_path, seed, people=220, kills=6)
    assert (outcome.lost, outcome.doubled) == ([], [])
    assert sum(outcome.acknowledged.values()) == 220
