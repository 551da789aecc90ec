import numpy as np
import pytest

from analysis.columns import Column, as_column
from analysis.crosstab import Tabulator
from analysis.design import SurveyDesign
from analysis.inference import against_rest
from analysis.margins import Margin, Margins
from analysis.weighting import rake


def sample(n=900, seed=3):
    rng = np.random.default_rng(seed)
    return {
        "key": as_column("key", rng.choice(["a", "b", "c"], n).tolist()),
        "sex": as_column("sex", rng.choice(["f", "m"], n, p=[0.4, 0.6]).tolist()),
        "age": as_column("age", rng.choice(["1", "2", "3"], n).tolist()),
        "district": as_column("district", rng.choice(["n", "s", "e", "w"], n).tolist()),
        "trust": Column("trust", "category", rng.integers(-1, 4, n), ("1", "2", "3", "4")),
        "w": Column("w", "number", rng.uniform(5, 30, n)),
    }


def plain(data):
    return SurveyDesign.create(data, weights="w", strata="key")


def raked(data):
    margins = [
        Margin.from_counts("sex", {"f": 8000, "m": 7000}),
        Margin.from_counts("age", {"1": 5000, "2": 6000, "3": 4000}),
    ]
    return rake(plain(data), Margins(tuple(margins)))


def post(data):
    from analysis.weighting import post_stratify

    return post_stratify(plain(data), Margin.from_counts("sex", {"f": 8000, "m": 7000}))


def clustered(data):
    return SurveyDesign.create({**data, "psu": np.arange(len(data["w"])) // 5}, weights="w", psu="psu")


def domain(data):
    design = raked(data)
    return design.subset(data["district"].values != 0)


@pytest.mark.parametrize("make", [plain, raked, post, clustered, domain])
def test_tables_equal_the_engine_to_the_tenth_digit(make):
    """``SurveyDesign.proportion`` is the reference: R ``svyby(~trust, ~district, design, svyciprop,
    "wilson")``.
    """
    data = sample()
    design = make(data)
    for group in (None, "district"):
        found = Tabulator.of(design).table(data["trust"], None if group is None else data[group])
        expected = design.proportion("trust", by=group)
        for number, row in enumerate(expected.rows):
            d = 0 if group is None else data[group].levels.index(row[group])
            c = int(row["category"]) - 1
            mine = [found.share[d, c], found.se[d, c], found.low[d, c], found.high[d, c], found.base[d]]
            theirs = [getattr(expected, key)[number] for key in ("estimate", "se", "low", "high", "base")]
            assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12)
    assert Tabulator.of(design).fast == (make is not clustered)


def test_empty_group_and_unanimous_answer():
    data = sample(60)
    data["only"] = Column("only", "category", np.zeros(60, np.int64), ("yes", "no"))
    data["odd"] = Column("odd", "category", np.zeros(60, np.int64), ("all", "nobody"))
    found = Tabulator.of(plain(data)).table(data["only"], data["odd"])
    assert found.base.tolist() == [60, 0]
    assert np.isnan(found.share[1]).all()
    assert found.share[0].tolist() == [1.0, 0.0]
    assert found.high[0, 1] > 0
    assert found.low[0, 0] < 1


def test_row_order_does_not_matter():
    data = sample()
    order = np.random.default_rng(0).permutation(900)
    moved = {name: column.take(order) for name, column in data.items()}
    one = Tabulator.of(raked(data)).table(data["trust"], data["district"])
    two = Tabulator.of(raked(moved)).table(moved["trust"], moved["district"])
    assert np.array_equal(one.count, two.count)
    assert np.allclose(one.se, two.se, rtol=1e-10)


@pytest.mark.parametrize("make", [plain, raked, clustered])
def test_group_against_the_rest_equals_the_t_test(make):
    """R ``svyttest(trust4 ~ inside, design)``: difference and standard error of a group against all
    others.
    """
    data = sample()
    design = make(data)
    found = Tabulator.of(design).table(data["trust"], data["district"])
    numbers = np.where(data["trust"].values < 0, np.nan, data["trust"].values == 3).astype(float)
    judged, tests = against_rest(design, Column("top", "number", numbers), data["district"])
    for d, name in enumerate(judged.names):
        place = data["district"].levels.index(name)
        assert found.difference[place, 3] == pytest.approx(tests[d].estimate, rel=1e-9)
        assert found.difference_se[place, 3] == pytest.approx(tests[d].se, rel=1e-8)
