"""The adapter and the product on tables, names and levels that the reference set does not have.

``synthetic/expected.json`` has the reference's form. R survey 4.1-1 made its numbers from the CC0 tables
beside it; every case's ``r_call`` and every design's is what R ran.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle import run
from tests.oracle.session import Session

SESSION = Session(Path(__file__).parent / "synthetic")


@pytest.mark.parametrize("name", SESSION.cases)
def test_case(name: str) -> None:
    case = SESSION.cases[name]
    assert run.against(case, run.answer(SESSION, case)) == [], case["r_call"]


def test_degrees_of_freedom() -> None:
    designs = SESSION.document["designs"]
    assert {name: SESSION.design(name).df for name in designs} == {
        name: entry["degf"] for name, entry in designs.items()
    }


def test_unknown_names_and_links_are_refused() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        SESSION.run({"r_call": "svymean(~alter, nowhere)"})
    with pytest.raises(NotImplementedError, match="probit"):
        SESSION.run({"r_call": 'svyglm(auch~alter, design=d, family=quasibinomial(link="probit"))'})
