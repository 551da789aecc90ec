"""The reference's tests, models, trends, nonresponse and imputation cases, each at its stated tolerance.

The reference's call stands in each case and is run literally through the adapter: R survey 4.1-1 and 4.5
made the numbers. ``/p`` in a failure names the number that differs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.oracle import run
from tests.oracle.session import Session

GROUPS = frozenset(
    {
        "svychisq",
        "svytable",
        "svyttest",
        "svyranktest",
        "svykappa",
        "svyglm",
        "svyolr",
        "regTermTest",
        "trend",
        "wave change",
        "wave means",
        "group by wave",
        "groups",
        "overlap change (Berger-Priam)",
        "multiple comparisons",
        "multiple imputation",
        "nonresponse",
        "R-indicator",
        "partial R-indicator",
        "svychisq after weighting",
        "svyglm after weighting",
        "replicate glm",
        "replicate svychisq",
        "replicate svyttest",
        "disclosure",
    }
)


@pytest.fixture(scope="module")
def session(reference: Path) -> Session:
    return Session(reference / "r-survey")


def _ids() -> list[str]:
    """Case names where the reference is at hand, so that each case is a test of its own."""
    root = os.environ.get("VIELSTIMMIG_SHARED") or Path(__file__).resolve().parents[3] / "shared"
    file = Path(root) / "reference" / "r-survey" / "expected.json"
    if not file.exists():
        return []
    cases = json.loads(file.read_text(encoding="utf-8"))["cases"]
    return [c["id"] for c in cases if c["group"] in GROUPS]


@pytest.mark.parametrize("name", _ids())
def test_reference_case(session: Session, name: str) -> None:
    case = session.cases[name]
    assert run.against(case, run.answer(session, case)) == [], case["r_call"]


def test_the_comparison_can_fail(session: Session) -> None:
    case = session.cases["glm-gauss"]
    got = run.answer(session, case)
    got["coefficients"]["ell"]["se"] *= 1 + 1e-6
    assert [line.split(":")[0] for line in run.against(case, got)] == ["coefficients/ell/se"]
    del got["df_residual"]
    assert "df_residual: missing" in run.against(case, got)
