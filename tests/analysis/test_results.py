import numpy as np
import pytest

from analysis import estimates
from analysis.errors import EstimateError
from analysis.results import critical
from tests.analysis.samples import sample


def means() -> estimates.Estimates:
    return estimates.mean(sample(2), ["y", "x"])


def test_rows_by_name_and_as_tables() -> None:
    made = means()
    assert list(made) == ["y", "x"]
    assert made["y"]["estimate"] == made.estimate[0]
    assert list(made.to_dict()) == [
        "variable", "category", "estimate", "se", "low", "high", "deff", "base", "effective_n",
    ]  # fmt: skip
    assert made.to_polars().shape == (2, 9)
    with pytest.raises(EstimateError) as caught:
        made["z"]
    assert caught.value.code == "no_such_row"


def test_linear_contrasts_by_position_and_by_name() -> None:
    made = means()
    both = made.contrast({"a": [1, -1], "b": {"y": 1.0, "x": -1.0}})
    v = made.covariance
    assert both.estimate == pytest.approx([made.estimate[0] - made.estimate[1]] * 2)
    assert both.covariance[0, 1] == pytest.approx(v[0, 0] - 2 * v[0, 1] + v[1, 1], rel=1e-12)
    with pytest.raises(EstimateError) as caught:
        made.contrast({"c": [1]})
    assert caught.value.code == "contrast_length"


def test_nonlinear_contrasts_by_the_delta_method() -> None:
    """A ratio of means is the ratio estimator: its delta-method error equals the linearised one."""
    design = sample(5)
    made = estimates.mean(design, ["y", "x"]).contrast({"r": lambda e: e["x"] / e["y"]})
    direct = estimates.ratio(design, "x", "y")
    assert made.estimate[0] == pytest.approx(direct.estimate[0], rel=1e-12)
    assert made.se[0] == pytest.approx(direct.se[0], rel=1e-12)


def test_a_contrast_is_not_spoiled_by_a_group_it_does_not_use() -> None:
    design = sample(2).with_columns(z=np.where(sample(2).data["group"].values == 0, np.nan, 1.0))
    made = estimates.mean(design, ["z"], by="group")
    assert np.isnan(made.estimate[0])
    assert made.contrast({"d": [0, 1, -1]}).estimate[0] == pytest.approx(0.0)


def test_levels_and_degrees() -> None:
    made = means()
    low, high = made.interval_at(0.9, np.inf)
    assert (high - low)[0] == pytest.approx(2 * 1.6448536269514722 * made.se[0])
    assert np.isnan(critical(0.95, 0.0))
    with pytest.raises(EstimateError):
        critical(95, 10)


def test_rows_can_be_taken() -> None:
    part = means().take(np.array([1]))
    assert (part.names, part.covariance.shape) == (("x",), (1, 1))
