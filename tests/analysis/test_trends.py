"""Series, trends, overlapping waves, groups and composition over synthetic waves."""

import numpy as np
import pytest

from analysis import estimates, trends
from analysis.breaks import BreakInSeries, Bridge, Fielding
from analysis.changes import published
from analysis.design import SurveyDesign
from analysis.errors import DataError, DesignError, EstimateError
from tests.analysis.samples import category, sample

FIELDINGS = [
    Fielding(w, "w1", "s1", "web", "register", frozenset({"de", "ar"}), "18+")
    for w in ("2016", "2020", "2024")
]
REASON = "A split ballot found no difference between the wordings."


def three() -> trends.Waves:
    return trends.independent({2016: sample(1), 2020: sample(2), 2024: sample(3)})


def panel(seed: int = 1, persons: int = 300, shared: float = 0.5) -> SurveyDesign:
    """Two waves in one design; a share of the persons answers in both, with a strong person effect."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(0, 2, 2 * persons)
    stratum = np.arange(2 * persons) % 3
    first = np.arange(persons)
    stay = first[: int(shared * persons)]
    second = np.concatenate([stay, np.arange(persons, 2 * persons - len(stay))])
    person = np.concatenate([first, second])
    wave = np.repeat([2020, 2024], persons)
    y = 5 + effect[person] + 0.3 * (wave == 2024) + rng.normal(0, 0.5, len(person))
    return SurveyDesign.create(
        {
            "y": y,
            "wave": category("wave", (wave == 2024) * 1, "2020", "2024"),
            "person": person,
            "stratum": category("stratum", stratum[person], "a", "b", "c"),
            "group": category("group", person % 2, "old", "new"),
        },
        weights=np.full(len(person), 20.0),
        strata="stratum",
        psu="person",
    )


# -- series and trend
# ------------------------------------------------------------------------------------------


def test_points_are_the_estimates_of_each_wave() -> None:
    found = trends.series(three(), "y", fieldings=FIELDINGS)
    means = [estimates.mean(d, "y") for d in (sample(1), sample(2), sample(3))]
    np.testing.assert_allclose(found.estimate, [m.estimate[0] for m in means])
    np.testing.assert_allclose([p.se for p in found.points], [m.se[0] for m in means])
    assert found.runs == (("2016", "2020", "2024"),)
    assert found.to_dict()["run"] == [0, 0, 0]
    off = found.covariance - np.diag(np.diag(found.covariance))
    assert (off == 0).all()


def test_proportions_are_seen_and_get_wilson_intervals() -> None:
    found = trends.series(three(), "yes", fieldings=FIELDINGS)
    assert {p.kind for p in found.points} == {"proportion"}
    event = trends.series(three(), "group", "new", fieldings=FIELDINGS)
    assert event.points[0].estimate == pytest.approx(estimates.mean(sample(1), "group").estimate[2])
    with pytest.raises(EstimateError, match="say which of old, mid, new counts"):
        trends.series(three(), "group")


def test_a_trend_of_three_waves_has_pairs_slope_and_departure() -> None:
    found = trends.trend(trends.series(three(), "y", fieldings=FIELDINGS))
    assert found.pairs.names == ("2016-2020", "2016-2024", "2020-2024")
    first, last = found.series.points[0], found.series.points[2]
    np.testing.assert_allclose(found.pairs.estimate[1], last.estimate - first.estimate)
    assert found.departure_df == 1
    assert found.slope_low < found.slope < found.slope_high
    assert 0 <= found.departure_p <= 1


def test_points_on_a_line_have_no_departure_and_the_slope_of_the_line() -> None:
    designs = {}
    for year in (2016, 2020, 2024):
        base = sample(1)
        designs[year] = base.with_columns(y=base.data["y"].values + 0.1 * (year - 2016))
    found = trends.trend(trends.series(trends.independent(designs), "y", fieldings=FIELDINGS))
    assert found.slope == pytest.approx(0.1)
    assert found.departure == pytest.approx(0, abs=1e-12)
    assert found.departure_p == pytest.approx(1)


def test_two_waves_have_a_slope_but_no_departure() -> None:
    waves = trends.independent({2020: sample(1), 2024: sample(2)})
    found = trends.trend(trends.series(waves, "y", fieldings=FIELDINGS[1:]))
    assert np.isnan(found.departure)
    change = trends.change(*found.series.points)
    assert 4 * found.slope == pytest.approx(change.estimate)
    assert 4 * found.slope_se == pytest.approx(change.se)


def test_published_figures_stand_in_the_series_at_their_time() -> None:
    before = published("2012", 2012, 0.3, 900)
    fieldings = [Fielding("2012", "w1", "s1", "web", "register", frozenset({"de", "ar"}), "18+"), *FIELDINGS]
    found = trends.series(three(), "yes", fieldings=fieldings, also=[before])
    assert found.waves == ("2012", "2016", "2020", "2024")
    assert found.to_dict()["source"] == ["published", "sample", "sample", "sample"]
    assert found.covariance[0, 0] == pytest.approx(before.se**2)
    trends.trend(found)
    with pytest.raises(EstimateError, match=r"mixes mean \(2016\)"):
        trends.series(three(), "y", fieldings=fieldings, also=[before])


def test_changed_wording_stops_the_line_and_the_test_until_a_reason_is_stated() -> None:
    changed = [
        *FIELDINGS[:2],
        Fielding("2024", "w2", "s1", "web", "register", frozenset({"de", "ar"}), "18+"),
    ]
    found = trends.series(three(), "y", fieldings=changed)
    assert found.runs == (("2016", "2020"), ("2024",))
    with pytest.raises(BreakInSeries, match="2020 - 2024: wording"):
        trends.trend(found)
    bridge = Bridge("2020", "2024", ("wording",), REASON, "analyst")
    joined = trends.series(three(), "y", fieldings=changed, bridges=[bridge])
    assert joined.runs == (("2016", "2020", "2024"),)
    result = trends.trend(joined)
    assert result.notes == (f"2020 - 2024 compared in spite of a change of wording: {REASON} (analyst)",)


def test_waves_of_which_nothing_is_known_are_not_joined() -> None:
    found = trends.series(three(), "y")
    assert found.runs == (("2016",), ("2020",), ("2024",))
    with pytest.raises(BreakInSeries):
        trends.trend(found)


def test_a_wave_in_which_all_agree_cannot_enter_a_trend() -> None:
    flat = sample(2)
    flat = flat.with_columns(yes=np.zeros(len(flat)))
    waves = trends.independent({2016: sample(1), 2020: flat, 2024: sample(3)})
    with pytest.raises(EstimateError, match="wave 2020 has no standard error"):
        trends.trend(trends.series(waves, "yes", fieldings=FIELDINGS))


# -- the waves themselves
# --------------------------------------------------------------------------------------


def test_weights_in_different_units_are_refused() -> None:
    unit = sample(2)
    flat = SurveyDesign.create(unit.data, unit.weights / unit.weights.mean(), "stratum", "unit")
    with pytest.raises(DataError, match="weights of wave 2020 have the mean 1, those of wave 2016") as caught:
        trends.independent({2016: sample(1), 2020: flat})
    assert caught.value.place == "2020"
    both = trends.independent({2016: flat, 2020: flat})
    assert both.labels == ("2016", "2020")


def test_waves_need_times_in_order() -> None:
    with pytest.raises(EstimateError, match="are no years"):
        trends.independent({"first": sample(1), "second": sample(2)})
    with pytest.raises(EstimateError, match="in ascending order"):
        trends.independent({2020: sample(1), 2016: sample(2)})
    with pytest.raises(EstimateError, match="at least two waves"):
        trends.independent({2020: sample(1)})
    named = trends.independent({"first": sample(1), "second": sample(2)}, times=[1, 2])
    assert named.pick(["second"]).times == (2.0,)
    with pytest.raises(EstimateError, match="There is no wave third; waves are first, second"):
        named.pick(["third"])


def test_waves_in_one_design_are_told_apart_by_a_column() -> None:
    waves = trends.within(panel(), "wave")
    assert waves.labels == ("2020", "2024")
    assert trends.within(panel(), "wave", [2020.0, 2024.0]).times == (2020.0, 2024.0)
    with pytest.raises(EstimateError, match="a comparison needs two of them, not 2030"):
        trends.within(panel(), "wave", [2020, 2030])
    with pytest.raises(EstimateError, match=r"needs two of them\."):
        trends.within(panel(), "wave", [2020])
    scale = np.where(panel().data["wave"].values == 0, 1 / 20, 1.0)
    uneven = SurveyDesign.create(panel().data, panel().weights * scale, "stratum", "person")
    with pytest.raises(DataError, match="weights of wave 2020 have the mean 1"):
        trends.within(uneven, "wave")


def test_waves_can_be_put_together_for_people_who_answered_twice() -> None:
    whole = panel()
    year = whole.data["wave"].values
    parts = {}
    for code, label in ((0, 2020), (1, 2024)):
        rows = year == code
        data = {k: c.take(rows) for k, c in whole.data.items() if k != "wave"}
        parts[label] = SurveyDesign.create(data, whole.weights[rows], "stratum", "person")
    both = trends.together(parts, strata="stratum")
    assert len(both) == len(whole)
    a = trends.overlapping_change(both, "y", "wave", (2020, 2024), "person")
    b = trends.overlapping_change(whole, "y", "wave", (2020, 2024), "person")
    assert (a.change, a.se) == pytest.approx((b.change, b.se))
    recoded = {
        y: d.with_columns(group=d.data["group"] if y == 2020 else np.ones(len(d))) for y, d in parts.items()
    }
    with pytest.raises(DataError, match="group is a category in wave 2020 and a number in wave 2024"):
        trends.together(recoded, strata="stratum")
    with pytest.raises(DataError, match="no column 'district'"):
        trends.together(parts, strata="district")


def test_a_wave_without_any_answer_is_named() -> None:
    empty = sample(2).with_columns(y=np.full(240, np.nan))
    waves = trends.independent({2016: sample(1), 2020: empty})
    with pytest.raises(EstimateError, match="In wave 2020 nobody has a value of y"):
        trends.series(waves, "y")


# -- overlapping waves
# -----------------------------------------------------------------------------------------


def test_shared_persons_make_change_more_precise() -> None:
    found = trends.overlapping_change(panel(), "y", "wave", ("2020", "2024"), "person")
    assert found.common_units == 150
    assert 0.3 < found.correlation < 0.7
    assert found.se < 0.8 * found.se_if_independent
    linear = trends.series(trends.within(panel(), "wave"), "y")
    v = linear.covariance
    direct = np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1])
    assert found.se == pytest.approx(direct, rel=0.05)
    assert found.low < found.change < found.high


def test_without_shared_persons_there_is_no_correlation() -> None:
    found = trends.overlapping_change(panel(shared=0.0), "y", "wave", ("2020", "2024"), "person")
    assert found.common_units == 0
    assert found.correlation == pytest.approx(0, abs=1e-12)
    assert found.se == pytest.approx(found.se_if_independent)


def test_totals_hold_the_size_of_each_wave_fixed() -> None:
    """One person as one PSU over both waves takes the waves' sizes as random and inflates the error of a
    total."""
    design = panel(shared=0.0)
    fixed = trends.overlapping_change(design, "y", "wave", ("2020", "2024"), "person", statistic="total")
    inflated = estimates.total(design, "y", by="wave").contrast({"change": [-1, 1]})
    assert fixed.change == pytest.approx(inflated.estimate[0])
    assert fixed.se < 0.5 * inflated.se[0]


def test_overlap_with_an_event_and_other_orders_of_rows() -> None:
    design = panel()
    found = trends.overlapping_change(design, "group", "wave", ("2020", "2024"), "person", event="new")
    order = np.random.default_rng(0).permutation(len(design))
    moved = SurveyDesign.create(
        {k: c.take(order) for k, c in design.data.items()}, design.weights[order], "stratum", "person"
    )
    again = trends.overlapping_change(moved, "group", "wave", ("2020", "2024"), "person", event="new")
    assert again.se == pytest.approx(found.se)
    assert again.change == pytest.approx(found.change)


def test_overlap_names_what_it_cannot_do() -> None:
    design = panel()
    with pytest.raises(EstimateError, match="'median' is none of mean, total"):
        trends.overlapping_change(design, "y", "wave", ("2020", "2024"), "person", statistic="median")
    with pytest.raises(EstimateError, match="not 2030"):
        trends.overlapping_change(design, "y", "wave", ("2020", "2030"), "person")
    codes = np.where(design.data["person"].values == 0, 0, 1 + design.data["stratum"].values)
    lonely = SurveyDesign.create(
        {**design.data, "stratum": category("stratum", codes, "lone", "a", "b", "c")},
        design.weights,
        "stratum",
        "person",
    )
    with pytest.raises(DesignError, match="Stratum lone has one unit only in wave 2020"):
        trends.overlapping_change(lonely, "y", "wave", ("2020", "2024"), "person")


def test_units_must_be_known_and_lie_in_one_stratum_of_a_wave() -> None:
    design = panel()
    ids = design.data["person"].values.copy()
    ids[3] = np.nan
    with pytest.raises(DataError, match="Row 4 of wave 2020 names no unit"):
        trends.overlapping_change(design.with_columns(person=ids), "y", "wave", ("2020", "2024"), "person")
    twice = np.where(np.arange(len(design)) == 1, 0.0, design.data["person"].values)
    rows = SurveyDesign.create({**design.data, "person": twice}, design.weights, "stratum")
    with pytest.raises(
        DesignError, match=r"The unit of row \d lies in more than one stratum of wave 2020, in"
    ):
        trends.overlapping_change(rows, "y", "wave", ("2020", "2024"), "person")


def test_nothing_changes_where_nobody_changes() -> None:
    design = panel(shared=1.0)
    flat = design.with_columns(y=design.data["person"].values * 0.0 + 3)
    found = trends.overlapping_change(flat, "y", "wave", ("2020", "2024"), "person")
    assert (found.change, found.se, found.correlation) == (0.0, 0.0, 0.0)
    assert np.isnan(found.p_value)


# -- groups and composition
# ------------------------------------------------------------------------------------


def pair() -> trends.Waves:
    return trends.independent({2020: sample(1), 2024: sample(2)})


def test_changes_by_group_are_differences_of_group_means() -> None:
    found = trends.change_by_group(pair(), "y", "group", fieldings=FIELDINGS[1:])
    a, b = (estimates.mean(d, "y", by="group") for d in (sample(1), sample(2)))
    np.testing.assert_allclose(found.changes.estimate, b.estimate - a.estimate)
    np.testing.assert_allclose(found.changes.covariance, a.covariance + b.covariance, atol=1e-15)
    assert found.changes.names == ("old", "mid", "new")
    assert found.df == 2
    assert 0 <= found.p_value <= 1


def test_the_difference_in_differences_of_two_groups_is_one_squared_t() -> None:
    found = trends.change_by_group(trends.within(panel(), "wave"), "y", "group", fieldings=FIELDINGS[1:])
    v = found.changes.covariance
    did = found.changes.estimate[1] - found.changes.estimate[0]
    assert found.statistic == pytest.approx(did**2 / (v[0, 0] + v[1, 1] - 2 * v[0, 1]))
    assert found.df == 1


def test_the_two_parts_add_up_to_the_change() -> None:
    found = trends.composition(pair(), "y", "group", fieldings=FIELDINGS[1:])
    change, same, mix = found.parts.estimate
    assert change == pytest.approx(same + mix)
    direct = estimates.difference(estimates.mean(sample(2), "y"), estimates.mean(sample(1), "y"))
    assert change == pytest.approx(direct.estimate[0])
    assert found.parts.se[0] == pytest.approx(direct.se[0])
    assert found.by_group.names[:2] == ("old:same_groups", "mid:same_groups")
    np.testing.assert_allclose(found.by_group.estimate[3:].sum(), mix)


def test_a_pure_shift_is_same_groups_and_a_pure_mix_is_new_mix() -> None:
    base = sample(1)
    shifted = base.with_columns(y=base.data["y"].values + 1)
    same = trends.composition(
        trends.independent({2020: base, 2024: shifted}), "y", "group", fieldings=FIELDINGS[1:]
    )
    np.testing.assert_allclose(same.parts.estimate, [1, 1, 0], atol=1e-12)
    by_group = np.array([2.0, 5.0, 9.0])[base.data["group"].values]
    flat = base.with_columns(y=by_group)
    heavier = SurveyDesign.create(
        flat.data, np.where(flat.data["group"].values == 2, 3, 1) * flat.weights, "stratum", "unit"
    )
    mix = trends.composition(
        trends.independent({2020: flat, 2024: heavier}), "y", "group", fieldings=FIELDINGS[1:]
    )
    assert mix.parts.estimate[1] == pytest.approx(0, abs=1e-12)
    assert mix.parts.estimate[2] == pytest.approx(mix.parts.estimate[0]) != 0


@pytest.mark.slow
def test_standard_errors_of_the_parts_agree_with_simulation() -> None:
    runs = []
    for k in range(400):
        waves = trends.independent({2020: sample(2 * k, equal=True), 2024: sample(2 * k + 1, equal=True)})
        runs.append(trends.composition(waves, "y", "group", fieldings=FIELDINGS[1:]).parts)
    drawn = np.array([r.estimate for r in runs]).std(axis=0, ddof=1)
    told = np.array([r.se for r in runs]).mean(axis=0)
    np.testing.assert_allclose(told, drawn, rtol=0.12)


def test_comparisons_across_a_break_or_of_three_waves_are_refused() -> None:
    with pytest.raises(BreakInSeries):
        trends.composition(pair(), "y", "group")
    with pytest.raises(BreakInSeries):
        trends.change_by_group(pair(), "y", "group")
    with pytest.raises(EstimateError, match=r"There are 3 waves .* pick two"):
        trends.composition(three(), "y", "group", fieldings=FIELDINGS)


def test_groups_that_are_missing_in_a_wave_are_named() -> None:
    second = sample(2)
    short = second.subset(second.data["group"].values != 1)
    waves = trends.independent({2020: sample(1), 2024: short})
    with pytest.raises(EstimateError, match="group=mid has no case in wave 2024"):
        trends.change_by_group(waves, "y", "group", fieldings=FIELDINGS[1:])
    silent = second.with_columns(
        y=np.where(second.data["group"].values == 1, np.nan, second.data["y"].values)
    )
    waves = trends.independent({2020: sample(1), 2024: silent})
    with pytest.raises(EstimateError, match="group=mid has no observed value in wave 2024"):
        trends.change_by_group(waves, "y", "group", fieldings=FIELDINGS[1:])


def test_one_group_has_nothing_to_compare() -> None:
    one = {
        y: sample(s).with_columns(all=category("all", np.zeros(240), "everyone"))
        for y, s in ((2020, 1), (2024, 2))
    }
    found = trends.change_by_group(trends.independent(one), "y", "all", fieldings=FIELDINGS[1:])
    assert np.isnan(found.statistic)
    assert np.isnan(found.p_value)
