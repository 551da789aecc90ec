"""The reference's estimates, domains, intervals, quantiles, weights and replicates, at their stated
tolerances.

R survey 4.1-1 and 4.5 made the numbers; each case's call is run literally through the adapter.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from analysis import replication
from tests.oracle import run, test_inference
from tests.oracle.session import Session


@pytest.fixture(scope="module")
def session(reference: Path) -> Session:
    return Session(reference / "r-survey")


def _ids() -> list[str]:
    root = os.environ.get("VIELSTIMMIG_SHARED") or Path(__file__).resolve().parents[3] / "shared"
    file = Path(root) / "reference" / "r-survey" / "expected.json"
    if not file.exists():
        return []
    cases = json.loads(file.read_text(encoding="utf-8"))["cases"]
    return [c["id"] for c in cases if c["group"] not in test_inference.GROUPS]


@pytest.mark.parametrize("name", _ids())
def test_reference_case(session: Session, name: str) -> None:
    case = session.cases[name]
    assert run.against(case, run.answer(session, case)) == [], case["r_call"]


def test_degrees_of_freedom_of_every_declared_design(session: Session) -> None:
    designs = session.document["designs"]
    assert {name: session.design(name).df for name in designs} == {
        name: entry["degf"] for name, entry in designs.items()
    }


def _table(path: Path) -> dict[str, np.ndarray]:
    with path.open(newline="", encoding="utf-8") as handle:
        head, *rows = csv.reader(handle)
    return dict(zip(head, np.array(rows, float).T, strict=True))


def test_every_weight_of_every_weighted_design(session: Session) -> None:
    """``expected_weights_*.csv``: full vectors after post-stratification, raking, calibration and
    trimming."""
    folder = session.folder / "data"
    expected = _table(folder / "expected_weights_apiclus1.csv")
    expected |= _table(folder / "expected_weights_apiclus1_newer.csv")
    expected["rk2016"] = _table(folder / "expected_weights_rake_2016.csv")["w"]
    expected["rk2024"] = _table(folder / "expected_weights_rake_2024.csv")["w"]
    del expected["row"]
    gaps = {
        name: float(np.abs(session.design(name).weights / weights - 1).max())
        for name, weights in expected.items()
    }
    assert {name: gap < 1e-8 for name, gap in gaps.items()} == dict.fromkeys(expected, True), gaps


@pytest.mark.parametrize(
    ("name", "base", "make"),
    [
        ("jk1", "dclus1n", replication.jackknife),
        ("jk1f", "dclus1", replication.jackknife),
        ("jkn", "dstrat0", replication.stratified_jackknife),
        ("jknm", "dstrat", lambda d: replication.stratified_jackknife(d, mse=True)),
    ],
)
def test_jackknife_weights_equal_the_reference(session: Session, name: str, base: str, make) -> None:
    given = session.design(name).replicates
    made = make(session.design(base)).replicates
    assert np.allclose(made.matrix(), given.matrix(), rtol=1e-12)
    assert made.scale == pytest.approx(given.scale, rel=1e-12)
    assert np.allclose(made.rscales, given.rscales, rtol=1e-12)
    assert (made.mse, made.degrees()) == (given.mse, given.degrees())


def test_fay_replicates_take_the_values_of_the_reference(session: Session) -> None:
    """Which half a replicate favours depends on the Hadamard matrix; factors, scale and balance do not."""
    given = session.design("fay")
    call = session.document["designs"]["fay"]["r_call"]
    source = session.run({"r_call": call.split("as.svrepdesign(")[1].split(", type")[0]})
    made = replication.balanced(source, fay=0.3).replicates
    own = given.replicates.matrix() / given.weights[:, None]
    factors = made.factors[made.unit][source.active]
    assert factors.shape == own.shape
    assert sorted(np.unique(np.round(factors, 12)).tolist()) == sorted(np.unique(np.round(own, 12)).tolist())
    assert made.scale == pytest.approx(given.replicates.scale)
    first = source.plan[0]
    live = np.unique(first.unit[source.active])
    signs = np.sign(made.factors[live] - 1)
    assert np.array_equal(np.unique(np.round(np.abs(signs @ signs.T))), [0.0, made.count])
