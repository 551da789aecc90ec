"""The demo's synthetic city: real totals, invented people, answers that the product's own check accepts."""

from pathlib import Path

import numpy as np
import pytest

from demo import city, residents
from participation.access import sample, spreadsheet
from surveys import answers, questionnaire

MODEL = Path(__file__).parents[2] / "surveys/models/living-here.json"


@pytest.mark.parametrize("year", [2020, 2024])
def test_groups_strata_and_margins_sum_to_the_real_total(year: int) -> None:
    assert int(city.origin_sizes(year).sum()) == city.COUNTS[year].persons
    assert sum(city.stratum_sizes(year).values()) == city.COUNTS[year].persons
    for counts in city.margins(year).values():
        assert sum(counts.values()) == city.COUNTS[year].persons


def test_the_seed_fixes_the_sample() -> None:
    one, two = city.draw_sample(2020, 1), city.draw_sample(2020, 1)
    assert np.array_equal(one.origin, two.origin)
    assert np.array_equal(one.answers, two.answers)


def test_strata_are_sampled_at_one_fraction_and_enough_people_answer() -> None:
    invited = city.draw_sample(2020, 1)
    assert int(invited.answers.sum()) >= 2000
    sizes = city.origin_sizes(2020)
    for number, origin in enumerate(city.ORIGINS):
        drawn = int((invited.origin == number).sum())
        assert drawn == pytest.approx(sizes[number] * city.STRATA[origin.stratum][1], abs=0.51)


def test_the_register_imports_the_sample_file_without_a_fault() -> None:
    rows = city.sample_rows(city.draw_sample(2020, 1), 2020)
    table = spreadsheet.read_table(city.sample_csv(rows))
    found = sample.check(
        table, sample.guess_mapping(table.columns), strata=city.STRATA.keys(), languages_of={}
    )
    assert found.faults == ()
    assert len(found.people) == len(rows)
    assert found.people[0].languages == ("ar", "ku", "de")
    assert set(found.people[0].bands) == {"age", "sex", "district"}


def test_every_generated_response_passes_the_check_and_keeps_to_its_path() -> None:
    document = questionnaire.read(questionnaire.loads(MODEL.read_bytes()))
    invited = city.draw_sample(2020, 1)
    random = np.random.default_rng(5)
    for number in range(0, len(invited), 97):
        who = residents.person(invited, number, 2020, random)
        checked = answers.check(document, residents.answer(document, who, random))
        assert checked.faults == ()
        assert checked.discarded == ()
