import numpy as np
import pytest

from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.errors import MarginError
from analysis.margin_items import complete_margins
from analysis.margins import Margin, Margins

SEX = Margins.from_dict({"sex": {"f": 600, "m": 400}})


def design(codes: list[int]) -> SurveyDesign:
    key = np.arange(len(codes)) % 2
    data = {
        "sex": Column("sex", "category", np.array(codes), ("f", "m", "divers")),
        "key": Column("key", "category", key, ("k1", "k2")),
    }
    return SurveyDesign.create(data)


def test_missing_items_are_drawn_within_their_key_and_reported() -> None:
    codes = [0, 1] * 20 + [-1, -1]
    done = complete_margins(design(codes), SEX, key="key", seed=3)
    assert done.data["weighting:sex"].values[-2:].tolist() == [0, 1]
    assert done.data["sex"].values[-2:].tolist() == [-1, -1]
    assert done.steps[-1].settings["imputed"] == {"sex": pytest.approx(2 / 42)}
    assert done.steps[-1].notes == ()
    assert done.rake(SEX).weights.sum() == pytest.approx(1000)


def test_the_same_seed_gives_the_same_items() -> None:
    sample = design([0, 1, 0, 1] + [-1] * 30)
    runs = [complete_margins(sample, SEX, seed=seed).data["weighting:sex"].values for seed in (1, 1, 2)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_a_margin_above_ten_percent_is_flagged() -> None:
    done = complete_margins(design([0, 1, 0, 1, -1]), SEX, seed=1)
    assert done.steps[-1].notes == ("margin_mostly_imputed: sex 20%",)


def test_categories_outside_the_margin_follow_a_declared_rule() -> None:
    sample = design([0, 1] * 10 + [2, 2])
    drawn = complete_margins(sample, SEX, seed=1, outside={"sex": {"divers": "random"}})
    assert set(drawn.data["weighting:sex"].values[-2:]) <= {0, 1}
    counted = complete_margins(sample, SEX, seed=1, outside={"sex": {"divers": "f"}})
    assert counted.data["weighting:sex"].values[-2:].tolist() == [0, 0]
    assert counted.data["sex"].values[-2:].tolist() == [2, 2]
    with pytest.raises(MarginError) as caught:
        complete_margins(sample, SEX, outside={"sex": {"divers": "other"}})
    assert caught.value.code == "outside_rule"
    with pytest.raises(MarginError) as caught:
        complete_margins(sample, SEX)
    assert caught.value.code == "category_without_margin"


def test_a_key_without_donors_takes_the_margin() -> None:
    sample = design([0, -1, 1, -1])
    assert (complete_margins(sample, SEX, key="key", seed=1).data["weighting:sex"].values >= 0).all()


def test_crossed_margins_are_completed_by_their_parts() -> None:
    crossed = Margins((Margin.from_counts(("sex", "key"), {"f.k1": 1.0}),))
    assert list(complete_margins(design([0, 1]), crossed).data) == ["sex", "key"]
