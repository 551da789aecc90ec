"""Do 95 % intervals hold the truth in 95 of 100 samples? The simulation of ``bench/coverage.py``, tested."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[2] / "bench" / "coverage.py"


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("interval_coverage", FILE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "interval_coverage", module)
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec.loader.exec_module(module)
    return module


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_intervals_hold_the_truth_as_often_as_they_say(simulation: ModuleType) -> None:
    """Four thousand samples: the simulation's own error is 0.35 percentage points."""
    held = {row["metric"]: row["value"] for row in simulation.run(4000)}
    aims = list(simulation.AIMS.values())
    inside = {name: low <= held[name] <= high for name, (_, low, high) in zip(held, aims, strict=True)}
    assert inside == dict.fromkeys(held, True), held


def test_the_simulation_runs_and_finds_intervals(simulation: ModuleType) -> None:
    rows = simulation.run(3)
    assert len(rows) == len(simulation.AIMS)
    assert {row["rival_value"] for row in rows} == {95.0}
