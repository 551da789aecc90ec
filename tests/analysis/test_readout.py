import json

import numpy as np
import pytest

from analysis import inference, trends
from analysis.breaks import Fielding
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
