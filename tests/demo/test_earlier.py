"""The demo's wave of 2016: a file that the analyst's door takes, and that breaks the series."""

from collections import Counter

import pytest

from analysis.imported import described, imported
from demo import city, earlier
from demo.survey import cli as survey
from surveys import questionnaire


@pytest.fixture(scope="module")
def model():
    return questionnaire.read(survey.document())


def test_the_seed_fixes_the_file(model) -> None:
    assert earlier.table(model, 1, 0.1) == earlier.table(model, 1, 0.1)
    assert earlier.table(model, 1, 0.1) != earlier.table(model, 2, 0.1)


def test_712_interviews_in_five_strata_add_up_to_the_population_of_2016(model) -> None:
    rows = [line.split(",") for line in earlier.table(model, survey.SEED).decode().splitlines()[1:]]
    assert len(rows) == 712
    assert set(Counter(row[0] for row in rows)) == set(earlier.STRATA.values())
    assert len(set(earlier.STRATA.values())) == 5
    assert sum(float(row[1]) for row in rows) == pytest.approx(city.COUNTS[2016].persons, abs=1)


def test_the_analyst_can_import_it_and_questions_keep_their_names(model) -> None:
    data = imported(described(earlier.description()), earlier.table(model, survey.SEED), "csv", model)
    assert data.responses == 712
    assert set(data.items) == {"life", "housing-satisfaction", "stay-germany", "gender", "age"}
    assert {one.mode for one in data.fieldings.values()} == {"persönliches Interview"}


def test_recent_refugees_were_not_asked(model) -> None:
    rows = [line.split(",") for line in earlier.table(model, survey.SEED).decode().splitlines()[1:]]
    near_east = Counter(row[4] for row in rows if row[0] == "near-east")
    elsewhere = Counter(row[4] for row in rows if row[0] != "near-east")
    assert near_east["0-1"] / near_east.total() < 0.5 * elsewhere["0-1"] / elsewhere.total()
