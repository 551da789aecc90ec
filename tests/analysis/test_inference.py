import numpy as np
import pytest

from analysis import estimates, inference
from analysis.comparisons import Family
from analysis.errors import EstimateError
from tests.analysis.samples import category, sample


def test_one_sample_is_the_mean_against_a_value() -> None:
    design = sample()
    mean = estimates.mean(design, "y")
    test = inference.one_sample(design, "y", 5.0)
    assert test.estimate == mean.estimate[0]
    assert test.statistic == pytest.approx((mean.estimate[0] - 5) / mean.se[0])
    assert test.df == design.df - 1
    assert test.low < test.estimate < test.high


def test_two_samples_are_the_difference_of_group_means() -> None:
    design = sample()
    means = estimates.mean(design, "y", by="sex")
    test = inference.two_sample(design, "y", "sex")
    assert test.groups == ("f", "m")
    assert test.estimate == pytest.approx(means.estimate[1] - means.estimate[0])
    se = np.sqrt(np.array([-1, 1]) @ means.covariance @ np.array([-1, 1]))
    assert test.se == pytest.approx(se)


def test_a_number_as_group_is_a_slope() -> None:
    design = sample()
    assert inference.two_sample(design, "y", "x").estimate == inference.glm(design, "y", ["x"]).estimate[1]


def test_every_group_against_the_rest_within_a_family() -> None:
    design = sample()
    judged, tests = inference.against_rest(design, "y", "group", Family("groups", "holm"))
    assert judged.names == ("old", "mid", "new")
    assert judged.adjusted.tolist() == inference.adjust([t.p_value for t in tests]).tolist()
    assert judged.estimate[0] < 0 < judged.estimate[2]
    direct = (design.data["group"].values == 2) * 1
    alone = inference.two_sample(design, "y", category("new", direct, "rest", "new"))
    assert tests[2].estimate == pytest.approx(alone.estimate)


def test_groups_without_answers_do_not_count() -> None:
    design = sample()
    y = np.where(design.data["group"].values == 1, np.nan, design.data["y"].values)
    test = inference.two_sample(design.with_columns(y=y), "y", "group")
    assert test.groups == ("old", "new")


def test_what_cannot_be_tested_is_named() -> None:
    design = sample()
    with pytest.raises(EstimateError, match=r"group has 3 groups with an answer \(old, mid, new\)"):
        inference.two_sample(design, "y", "group")
    with pytest.raises(EstimateError, match="answer is a category; test an indicator"):
        inference.one_sample(design, "answer")
    with pytest.raises(EstimateError, match="no variance under this design"):
        inference.one_sample(design.with_columns(flat=np.ones(len(design))), "flat")
    few = type(design).create({"y": np.array([1.0, 2.0])})
    with pytest.raises(EstimateError, match="leaves 0 degrees of freedom"):
        inference.one_sample(few, "y")
    with pytest.raises(EstimateError, match="Nothing is observed"):
        inference.one_sample(design.with_columns(none=np.full(len(design), np.nan)), "none")


def test_the_front_door_names_everything() -> None:
    assert all(hasattr(inference, name) for name in inference.__all__)
