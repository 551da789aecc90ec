"""kill -9 at random moments: every acknowledged answer is there exactly once."""

import pytest

from tests.hostile import crash


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", range(5))
def test_killed_processes_lose_and_double_nothing(tmp_path, seed):
    outcome = crash.run(tmp_path, seed)
    assert outcome.kills == 3
    assert sum(outcome.acknowledged.values()) == 130
    assert outcome.lost == []
    assert outcome.doubled == []


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 300))
def test_two_hundred_crash_runs(tmp_path, seed):
    outcome = crash.run(tmp_path, seed, people=220, kills=6)
    assert (outcome.lost, outcome.doubled) == ([], [])
    assert sum(outcome.acknowledged.values()) == 220
