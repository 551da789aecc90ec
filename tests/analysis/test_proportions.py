import numpy as np
import pytest

from analysis import proportions, replication
from analysis.errors import EstimateError
from analysis.intervals import INTERVALS
from tests.analysis.samples import sample


def test_wilson_is_the_default_and_stays_inside_zero_and_one() -> None:
    made = proportions.proportion(sample(1), "answer", by="group")
    assert made.interval == "wilson"
    assert (
        (made.low >= 0) & (made.low <= made.estimate) & (made.estimate <= made.high) & (made.high <= 1)
    ).all()


@pytest.mark.parametrize("method", INTERVALS)
def test_every_interval_holds_the_estimate(method: str) -> None:
    made = proportions.proportion(sample(2), "yes", by="sex", method=method)
    assert ((made.low < made.estimate) & (made.estimate < made.high)).all()


def test_nobody_said_yes() -> None:
    design = sample(2).with_columns(never=np.zeros(240))
    made = proportions.proportion(design, "never")
    assert (made.estimate[0], made.low[0]) == (0.0, 0.0)
    assert 0 < made.high[0] < 0.05
    assert made.notes == ("no_variance: never",)


def test_replicates_give_logits_their_own_error() -> None:
    design = replication.stratified_jackknife(sample(2, clustered=True))
    a, b = (proportions.proportion(design, "yes", method=m) for m in ("logit", "xlogit"))
    assert a.low[0] == pytest.approx(b.low[0], rel=0.02)
    assert a.low[0] != b.low[0]
    nobody = proportions.proportion(design.with_columns(no=np.zeros(240)), "no", method="logit")
    assert nobody.low[0] == 0.0


@pytest.mark.parametrize(
    ("variable", "method", "code"), [("y", "wilson", "not_a_share"), ("yes", "exact", "interval")]
)
def test_what_is_no_proportion(variable: str, method: str, code: str) -> None:
    with pytest.raises(EstimateError) as caught:
        proportions.proportion(sample(2), variable, method=method)
    assert caught.value.code == code


def test_degrees_of_freedom_can_be_given() -> None:
    few, many = (proportions.proportion(sample(2), "yes", df=df) for df in (2, np.inf))
    assert few.high[0] > many.high[0]


def test_an_empty_group_is_flagged() -> None:
    design = sample(2)
    yes = np.where(design.data["group"].values == 0, np.nan, design.data["yes"].values)
    made = proportions.proportion(design.with_columns(yes=yes), "yes", by="group")
    assert np.isnan(made.low).tolist() == [True, False, False]
    assert made.notes == ("no_cases: old",)
