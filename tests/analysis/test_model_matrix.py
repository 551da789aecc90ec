import numpy as np
import pytest

from analysis.columns import Column
from analysis.errors import EstimateError
from analysis.model_matrix import build, powers
from tests.analysis.samples import category, sample


def test_categories_become_contrasts_against_their_first_level() -> None:
    found = build(sample(), ["x", "group"])
    assert found.names == ("(intercept)", "x", "group=mid", "group=new")
    assert found.assign.tolist() == [-1, 0, 1, 1]
    assert found.terms == ("x", "group")
    design = sample()
    np.testing.assert_array_equal(found.values[:, 2], design.column("group").indicator("mid"))


def test_interactions_run_their_first_variable_fastest() -> None:
    found = build(sample(), ["sex", "group", ("sex", "group"), ("sex", "x")])
    assert found.names[4:] == ("sex=m:group=mid", "sex=m:group=new", "sex=f:x", "sex=m:x")


def test_without_an_intercept_the_first_category_keeps_all_levels() -> None:
    found = build(sample(), ["group", "sex"], intercept=False)
    assert found.names == ("group=old", "group=mid", "group=new", "sex=m")


def test_an_interaction_without_its_margin_keeps_all_levels() -> None:
    found = build(sample(), [("group", "x")])
    assert found.names == ("(intercept)", "group=old:x", "group=mid:x", "group=new:x")


def test_powers_are_one_term() -> None:
    design = sample()
    found = build(design, [powers("x", design.data["x"].values, 2)])
    assert found.names == ("(intercept)", "x=1", "x=2")
    np.testing.assert_allclose(found.values[:, 2], design.data["x"].values ** 2)


def test_rows_with_a_missing_value_are_not_complete() -> None:
    design = sample()
    x = design.data["x"].values.copy()
    x[:3] = np.nan
    block = powers("z", np.where(np.arange(len(design)) == 5, np.nan, design.data["y"].values), 1)
    found = build(design.with_columns(x=x), ["x", block])
    assert np.flatnonzero(~found.complete).tolist() == [0, 1, 2, 5]
    assert (found.values[~found.complete] == 0).all()


def test_levels_without_a_case_are_left_out() -> None:
    design = sample()
    found = build(design.subset(design.data["group"].values != 1), ["group"])
    assert found.names == ("(intercept)", "group=new")


def test_a_category_with_one_level_is_named() -> None:
    design = sample()
    with pytest.raises(EstimateError, match="group has the one category 'mid'"):
        build(design.subset(design.data["group"].values == 1), ["group"])


def test_a_term_that_repeats_others_is_named_or_dropped() -> None:
    design = sample()
    twice = design.with_columns(twice=2 * design.data["x"].values - 1, flat=np.ones(len(design)))
    with pytest.raises(EstimateError, match="twice, flat: constant, or determined") as caught:
        build(twice, ["x", "twice", "y", "flat"])
    assert caught.value.place == "twice"
    found = build(twice, ["x", "twice", "y", "flat"], collinear="drop")
    assert found.names == ("(intercept)", "x", "y")
    assert found.assign.tolist() == [-1, 0, 2]


def test_no_complete_row_is_an_error() -> None:
    design = sample()
    empty = Column("empty", "number", np.full(len(design), np.nan))
    with pytest.raises(EstimateError, match="No case has values in all variables of the model: empty, x"):
        build(design, ["x", empty])


def test_a_model_of_the_intercept_alone() -> None:
    assert build(sample(), []).names == ("(intercept)",)
    assert build(sample(), [category("g", np.arange(240) % 2, "a", "b")], intercept=False).names == (
        "g=a",
        "g=b",
    )
