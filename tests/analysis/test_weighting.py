import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import estimates, ordinal, ranks, regression, replication, standardisation, trimming
from analysis.design import SurveyDesign
from analysis.errors import CalibrationError, DataError, EstimateError, MarginError
from analysis.margins import Margin, Margins
from tests.analysis.samples import sample


def margins(design: SurveyDesign, *names: str, seed: int = 0, total: float = 10_000.0) -> Margins:
    """Margins near the sample's own shares."""
    rng = np.random.default_rng(seed)
    made = []
    for name in names:
        column = design.data[name]
        shares = np.bincount(column.values, design.weights) * rng.uniform(0.85, 1.15, len(column.levels))
        counts = dict(zip(column.levels, (shares / shares.sum() * total).tolist(), strict=True))
        made.append(Margin.from_counts(name, counts, source="test"))
    return Margins(tuple(made))


def sums(design: SurveyDesign, name: str) -> np.ndarray:
    column = design.data[name]
    return np.bincount(column.values, design.weights, len(column.levels))


@given(st.integers(0, 500), st.sampled_from(["rake", "linear", "raking", "logit"]))
def test_weights_meet_every_margin(seed: int, method: str) -> None:
    design = sample(seed, n=200)
    targets = margins(design, "group", "sex", "answer", seed=seed)
    if method == "rake":
        done = design.rake(targets)
    else:
        done = design.calibrate(targets, method=method, bounds=(0.05, 20) if method == "logit" else None)
    for margin in targets:
        assert np.allclose(sums(done, margin.variables[0]), margin.counts, rtol=1e-9)


def test_scaling_weights_leaves_means() -> None:
    design = sample(4)
    targets = margins(design, "group", "sex")
    ten = SurveyDesign.create(design.data, weights=design.weights * 10, strata="stratum", psu="unit")
    a, b = (estimates.mean(d.rake(targets), "y") for d in (design, ten))
    assert a.estimate[0] == pytest.approx(b.estimate[0], rel=1e-12)
    assert a.se[0] == pytest.approx(b.se[0], rel=1e-12)


def test_known_counts_have_no_variance_left() -> None:
    design = sample(6)
    targets = margins(design, "group", "sex")
    for done in (design.rake(targets), design.calibrate(targets), design.calibrate(targets, method="raking")):
        made = estimates.total(done, "group")
        assert np.allclose(made.estimate, targets.margins[0].counts)
        assert (made.se < 1e-6 * made.estimate).all()


def test_calibration_uses_the_relation_to_the_outcome() -> None:
    design = sample(6)
    before = estimates.total(design, "y").se[0]
    targets = margins(design, "group", total=float(design.weights.sum()))
    after = estimates.total(design.calibrate(targets), "y").se[0]
    assert after < before


def test_raking_and_exponential_calibration_are_the_same() -> None:
    design = sample(8)
    targets = margins(design, "group", "sex")
    a, b = design.rake(targets), design.calibrate(targets, method="raking")
    assert np.allclose(a.weights, b.weights, rtol=1e-8)


def test_post_stratification_equals_raking_to_one_margin() -> None:
    design = sample(8)
    targets = margins(design, "group")
    done = design.post_stratify(targets)
    assert np.allclose(done.weights, design.rake(targets).weights, rtol=1e-9)
    assert np.allclose(
        estimates.mean(done, "y").se, estimates.mean(design.calibrate(targets), "y").se, rtol=1e-9
    )
    with pytest.raises(MarginError) as caught:
        design.post_stratify(margins(design, "group", "sex"))
    assert caught.value.code == "one_margin"


def test_margins_over_crossed_variables() -> None:
    design = sample(8)
    counts = {
        f"{a}.{b}": 100.0 + i for i, (a, b) in enumerate((g, s) for s in "fm" for g in ("old", "mid", "new"))
    }
    done = design.post_stratify(Margins((Margin.from_counts(("group", "sex"), counts),)))
    for i, (name, count) in enumerate(counts.items()):
        group, sex = name.split(".")
        inside = (design.data["group"].indicator(group) * design.data["sex"].indicator(sex)) == 1
        assert done.weights[inside].sum() == pytest.approx(count), i


def test_diagnostics_name_what_was_moved_most() -> None:
    design = sample(9)
    column = design.data["group"]
    own = dict(zip(column.levels, sums(design, "group").tolist(), strict=True))
    own["new"] *= 1.5
    done = design.rake(Margins((Margin.from_counts("group", own),)))
    step = done.steps[-1]
    assert (step.kind, step.moves[0].category) == ("raking", "new")
    assert step.moves[0].change == pytest.approx(0.5)
    assert step.effective_n == pytest.approx(done.weights.sum() ** 2 / (done.weights**2).sum())
    assert step.deff == pytest.approx(240 / step.effective_n)
    assert step.to_dict()["settings"]["margins"][0]["variables"] == ["group"]
    assert step.ratio == done.weights.max() / done.weights.min()


def test_missing_margin_items_stop_the_weighting() -> None:
    design = sample(9)
    codes = design.data["sex"].values.copy()
    codes[:5] = -1
    gaps = design.with_columns(sex=type(design.data["sex"])("sex", "category", codes, ("f", "m")))
    for work in (lambda: gaps.rake(margins(design, "sex")), lambda: gaps.calibrate(margins(design, "sex"))):
        with pytest.raises(MarginError) as caught:
            work()
        assert (caught.value.code, caught.value.params["count"]) == ("margin_missing", 5)


def test_numbers_beside_margins() -> None:
    design = sample(9)
    total = float(design.weights @ design.data["x"].values) + 50
    done = design.calibrate(margins(design, "sex", total=design.weights.sum()), numbers={"x": total})
    assert done.weights @ done.data["x"].values == pytest.approx(total, rel=1e-9)


def test_negative_weights_are_flagged() -> None:
    design = sample(9)
    totals = {"one": float(design.weights.sum()), "x": float(design.weights @ design.data["x"].values) + 4000}
    done = design.calibrate(totals, columns={"one": np.ones(len(design))})
    assert done.steps[-1].notes[0].startswith("negative_weights: ")
    for work in (
        lambda: regression.glm(done, "y", ["x"]),
        lambda: ordinal.ordinal(done, "answer", ["x"]),
        lambda: ranks.rank_test(done, "y", "sex"),
    ):
        with pytest.raises(EstimateError, match="negative weights") as caught:
            work()
        assert caught.value.code == "negative_weights"
    assert done.quantile("y").notes == ("negative_weights: y@0.5",)


def test_matrices_of_the_wrong_shape_and_stages_that_do_not_exist() -> None:
    design = sample(9)
    for options, code in (
        ({"columns": np.ones((3, 1))}, "matrix_shape"),
        ({"aggregate": 2}, "no_such_stage"),
    ):
        with pytest.raises(DataError) as caught:
            design.calibrate({"x": 1.0}, **options)
        assert caught.value.code == code


def test_one_factor_per_household() -> None:
    design = sample(9, clustered=True)
    done = design.calibrate(margins(design, "group"), aggregate=1)
    g = done.weights / design.weights
    assert max(np.ptp(g[design.psu == u]) for u in np.unique(design.psu)) < 1e-12
    assert np.allclose(sums(done, "group"), margins(design, "group").margins[0].counts, rtol=0.2)


def test_only_the_domain_is_weighted() -> None:
    design = sample(9)
    part = design.subset(design.data["sex"].values == 0)
    done = part.rake(margins(part, "group"))
    assert (done.weights[design.data["sex"].values == 1] == 0).all()
    assert done.weights.sum() == pytest.approx(10_000)


@pytest.mark.parametrize("method", ["post_stratify", "rake", "calibrate"])
def test_every_replicate_is_weighted_again(method: str) -> None:
    design = replication.bootstrap(sample(9), 8, seed=1)
    targets = margins(design, "group")
    done = getattr(design, method)(targets)
    for weights in done.replicates.each():
        assert np.allclose(np.bincount(design.data["group"].values, weights), targets.margins[0].counts)
    assert done.calibrations == ()
    assert estimates.total(done, "group").se.max() < 1e-6


def test_a_replicate_that_cannot_be_weighted_is_named() -> None:
    data = {"g": ["a", "b", "b", "b"]}
    design = replication.jackknife(SurveyDesign.create(data))
    with pytest.raises(CalibrationError) as caught:
        design.rake(Margins.from_dict({"g": {"a": 10, "b": 30}}))
    assert caught.value.place == "replicate 1: g = a"


def test_margins_with_errors_carry_them_into_the_result() -> None:
    """Var = residual variance + B' V(margins) B (Dever and Valliant 2010); for a known count it is V
    itself."""
    design = sample(9)
    exact = margins(design, "group")
    counts = dict(zip(exact.margins[0].categories, exact.margins[0].counts.tolist(), strict=True))
    unsure = Margins((Margin.from_counts("group", counts, se={"old": 300.0, "mid": 200.0}),))
    for work in ("rake", "post_stratify", "calibrate"):
        made = estimates.total(getattr(design, work)(unsure), "group")
        assert made.se == pytest.approx([300.0, 200.0, 0.0], abs=1e-6)
        better = estimates.mean(getattr(design, work)(exact), "y").se[0]
        assert estimates.mean(getattr(design, work)(unsure), "y").se[0] > better


def test_replicates_refuse_margins_with_errors() -> None:
    design = replication.bootstrap(sample(9), 5, seed=1)
    unsure = Margins((Margin.from_counts("sex", {"f": 10.0, "m": 12.0}, se={"f": 1.0}),))
    for work in ("rake", "post_stratify", "calibrate"):
        with pytest.raises(CalibrationError) as caught:
            getattr(design, work)(unsure)
        assert caught.value.code == "margin_errors_replicates"


def test_trimming_repeats_until_every_weight_is_inside() -> None:
    design = sample(9)
    done = trimming.trim(design, lower=8, upper=15)
    assert (done.weights.min() >= 8) & (done.weights.max() <= 15)
    assert done.weights.sum() == pytest.approx(design.weights.sum())
    once = trimming.trim(design, upper=13, strict=False)
    assert once.steps[-1].iterations == 1
    assert trimming.trim(design, upper=100).steps[-1].trimmed == 0


def test_trimming_says_how_far_it_moved_the_margins() -> None:
    design = sample(9)
    done = design.rake(margins(design, "group", "sex")).trim(upper=60)
    assert done.steps[-1].notes[0].startswith("margins_moved: ")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"lower": 5, "upper": 4}, "trim_bounds"),
        ({"lower": 20}, "trim_infeasible"),
        ({"upper": 6}, "trim_infeasible"),
    ],
)
def test_impossible_trimming(options: dict, code: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        trimming.trim(sample(9), **options)
    assert caught.value.code == code


def test_standardised_rates_by_hand() -> None:
    design = sample(9)
    shares = {"old": 0.5, "mid": 0.3, "new": 0.2}
    made = estimates.mean(standardisation.standardise(design, "group", "sex", shares), "y", by="sex")
    plain = estimates.mean(design, "y", by=["group", "sex"])
    for s, sex in enumerate("fm"):
        by_hand = sum(share * plain[f"{g}.{sex}"]["estimate"] for g, share in shares.items())
        assert made.estimate[s] == pytest.approx(by_hand, rel=1e-12)
    whole = standardisation.standardise(design, "group", [], [5, 3, 2])
    assert "standard" not in whole.data
    assert sums(whole, "group") / whole.weights.sum() == pytest.approx([0.5, 0.3, 0.2])
    with pytest.raises(MarginError) as caught:
        standardisation.standardise(design, "group", "sex", [1, 2])
    assert caught.value.code == "standard_length"


def test_standardisation_leaves_out_rows_without_a_group() -> None:
    design = sample(9)
    codes = design.data["group"].values.copy()
    codes[:4] = -1
    column = type(design.data["group"])("group", "category", codes, ("old", "mid", "new"))
    gaps = design.with_columns(group=column)
    done = standardisation.standardise(gaps, "group", "sex", [1, 1, 1])
    assert (done.weights[:4] == 0).all()


def test_trimming_that_ends_with_every_weight_on_a_bound() -> None:
    design = SurveyDesign.create({"w": [1.0, 10.0]}, weights="w")
    with pytest.raises(CalibrationError) as caught:
        trimming.trim(design, lower=4, upper=7)
    assert caught.value.code == "trim_infeasible"
    assert "left over" in str(caught.value)


def test_levels_in_another_order_and_categories_of_nobody() -> None:
    design = sample(9)
    shuffled = Margins((Margin.from_counts("sex", {"m": 500.0, "f": 700.0}),))
    for done in (design.rake(shuffled), design.calibrate(shuffled)):
        assert sums(done, "sex") == pytest.approx([700.0, 500.0])
    for counts, code in (
        ({"f": 700.0, "m": 0.0}, "category_of_nobody"),
        ({"f": 700.0, "m": 300.0, "d": 10.0}, "category_without_sample"),
    ):
        with pytest.raises(MarginError) as caught:
            design.rake(Margins((Margin.from_counts("sex", counts),)))
        assert caught.value.code == code


def test_a_margin_whose_levels_nobody_has() -> None:
    column = type(sample(9).data["sex"])("sex", "category", np.zeros(240, np.int64), ("f", "m"))
    design = sample(9).with_columns(sex=column)
    with pytest.raises(MarginError) as caught:
        design.rake(Margins((Margin.from_counts("sex", {"f": 1.0, "m": 1.0}),)))
    assert caught.value.place == "sex=m"


def test_rows_outside_the_domain_may_lack_calibration_values() -> None:
    design = sample(9)
    x = np.where(design.data["sex"].values == 0, 1.0, np.nan)
    part = design.with_columns(x=x).subset(design.data["sex"].values == 0)
    assert part.calibrate({"x": 5000.0}).weights.sum() == pytest.approx(5000)


def test_totals_that_trimming_moves_after_calibration() -> None:
    design = sample(9)
    done = design.calibrate(margins(design, "group")).trim(upper=60)
    assert done.steps[-1].notes[0].startswith("margins_moved: ")
