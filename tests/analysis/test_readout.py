import json

import numpy as np
import pytest

from analysis import inference, trends
from analysis.breaks import Fielding
from analysis.design import SurveyDesign
from analysis.errors import EstimateError
from analysis.readout import to_dict, to_polars
from tests.analysis.samples import sample


def test_every_kind_of_result_is_json() -> None:
    design = sample()
    waves = trends.independent({2020: sample(1), 2024: sample(2)})
    fieldings = [
        Fielding(w, "w", "s", "web", "register", frozenset({"de", "ar"}), "18+") for w in ("2020", "2024")
    ]
    series = trends.series(waves, "yes", fieldings=fieldings)
    change = trends.change(*series.points)
    model = inference.glm(design, "y", ["group"])
    results = [
        inference.association(design, "group", "sex"),
        inference.rank_test(design, "y", "group"),
        inference.two_sample(design, "y", "sex"),
        inference.term_test(design, model, "group"),
        model,
        series,
        trends.trend(series),
        change,
        trends.equivalence(change, 0.2),
        trends.published("city", 2020, 0.4, 900),
        fieldings[0],
        design.mean("y"),
    ]
    for result in results:
        json.dumps(to_dict(result), allow_nan=False)


def test_missing_and_infinite_numbers_are_told_apart() -> None:
    found = to_dict(
        {"a": np.array([1.0, np.nan, np.inf, -np.inf]), "b": np.int64(3), "c": frozenset({"y", "x"})}
    )
    assert found == {"a": [1.0, None, "inf", "-inf"], "b": 3, "c": ["x", "y"]}
    point = to_dict(trends.published("city", 2020, 0.4, 900))
    assert point["df"] == "inf"
    assert point["source"] == "published"


def test_tables_become_frames_and_single_tests_do_not() -> None:
    design = sample()
    frame = to_polars(inference.glm(design, "y", ["group"]))
    assert frame.columns == ["coefficient", "estimate", "se", "t", "p_value", "low", "high"]
    assert frame.height == 3
    assert inference.glm(design, "y", ["group"]).to_polars().equals(frame)
    judged, _ = inference.against_rest(design, "y", "group")
    assert judged.to_polars()["comparison"].to_list() == ["old", "mid", "new"]
    waves = trends.independent({2020: sample(1), 2024: sample(2)})
    assert trends.series(waves, "y").to_polars()["wave"].to_list() == ["2020", "2024"]
    with pytest.raises(EstimateError, match="TTest is no table"):
        to_polars(inference.two_sample(design, "y", "sex"))


def test_designs_and_estimates_read_well_in_a_notebook() -> None:
    data = {"y": [1.0, 2.0, 6.0, 9.0], "g": list("abab"), "h": list("xxyy"), "w": [10.0, 20, 30, 40]}
    design = SurveyDesign.create(data, weights="w", strata="h")
    assert repr(design) == "<SurveyDesign: 4 cases, 4 PSUs in 2 strata, 1 stage, weights sum to 100>"
    assert repr(design.subset(np.array([1, 1, 0, 1], bool))).startswith("<SurveyDesign: 3 cases of 4 rows, ")
    assert repr(design.mean("y", by="g")).splitlines() == [
        "mean: 95% intervals (t), 2 df",
        "   estimate      se  low  high     deff  base",
        "a      4.75  1.3258  nan   nan    0.375     2",
        "b    6.6667  2.1999  nan   nan  0.44444     2",
    ]
    flat = design.with_columns(y=np.ones(4))
    assert flat.mean("y").notes == ("no_variance: y",)
    assert repr(flat.mean("y")).splitlines()[-1] == "no_variance: y"
    many = design.with_columns(y=np.arange(4.0)).quantile("y", [i / 100 for i in range(1, 71)])
    assert repr(many).splitlines()[-1] == "... and 10 more rows; to_polars() has all"
