import numpy as np
import pytest

from analysis.columns import Column
from analysis.errors import MarginError
from analysis.margins import Margin, Margins, check_categories

SEX = Margin.from_counts("sex", {"f": 60.0, "m": 40.0}, source="register", date="2024-12-31")


def test_a_margin_knows_its_source_and_writes_itself_down() -> None:
    made = Margin.from_counts("sex", {"f": 60, "m": 40}, source="Mikrozensus", definition="18+", se={"f": 3})
    again = Margins.from_dict([made.to_dict()]).margins[0]
    assert again.to_dict() == made.to_dict()
    assert (made.total, made.scaled(10).se.tolist()) == (100.0, pytest.approx([0.3, 0.0]))


def test_shares_become_counts() -> None:
    made = Margin.from_shares("sex", {"f": 60, "m": 40}, 1000, source="x")
    assert made.counts.tolist() == [600.0, 400.0]
    with pytest.raises(MarginError) as caught:
        Margin.from_shares("sex", {"f": 0.5, "m": 0.4}, 1000)
    assert (caught.value.code, caught.value.params["total"]) == ("shares_sum", pytest.approx(0.9))


@pytest.mark.parametrize(
    ("categories", "counts", "code"),
    [
        (("a",), [1.0, 2.0], "margin_shape"),
        (("a", "a"), [1.0, 2.0], "margin_twice"),
        (("a", "b"), [1.0, -2.0], "margin_count"),
        (("a", "b"), [1.0, np.nan], "margin_count"),
    ],
)
def test_impossible_margins(categories: tuple[str, ...], counts: list[float], code: str) -> None:
    with pytest.raises(MarginError) as caught:
        Margin(("v",), categories, np.array(counts))
    assert caught.value.code == code


def test_disagreeing_totals_are_named_before_anything_runs() -> None:
    other = Margin.from_counts("age", {"young": 50.0, "old": 53.0}, source="Mikrozensus", date="2023")
    with pytest.raises(MarginError) as caught:
        Margins((SEX, other))
    assert caught.value.code == "totals_disagree"
    assert "sex (register, 2024-12-31) sums to 100, age (Mikrozensus, 2023) to 103 (gap 3)" in str(
        caught.value
    )
    assert [m.total for m in Margins((SEX, other), reconcile=True)] == pytest.approx([100.0, 100.0])


def test_margins_need_to_be_some_and_different() -> None:
    for margins, code in (((), "no_margins"), ((SEX, SEX), "margin_repeated")):
        with pytest.raises(MarginError) as caught:
            Margins(margins)
        assert caught.value.code == code
    assert len(Margins.from_dict({"sex": {"f": 1, "m": 1}, "age": {"y": 2}})) == 2


@pytest.mark.parametrize(
    ("codes", "counts", "code", "place"),
    [
        ([0, 0, 0], {"f": 60, "m": 40}, "category_without_sample", "sex=m"),
        ([0, 1, 2], {"f": 60, "m": 40}, "category_without_margin", "sex=d"),
        ([0, 1, 2], {"f": 60, "m": 40, "d": 0}, "category_of_nobody", "sex=d"),
        ([0, 1, -1], {"f": 60, "m": 40}, "margin_missing", "sex"),
    ],
)
def test_margin_against_sample(codes: list[int], counts: dict, code: str, place: str) -> None:
    column = Column("sex", "category", np.array(codes), ("f", "m", "d"))
    with pytest.raises(MarginError) as caught:
        check_categories(Margin.from_counts("sex", counts), column, np.ones(3, bool))
    assert (caught.value.code, caught.value.place) == (code, place)


def test_rows_outside_the_domain_do_not_count() -> None:
    column = Column("sex", "category", np.array([0, 1, 2]), ("f", "m", "d"))
    check_categories(SEX, column, np.array([True, True, False]))
    assert SEX.codes(column).tolist() == [0, 1, -2]


def test_margins_write_themselves_down() -> None:
    made = Margins((SEX,))
    assert made.to_dict() == [SEX.to_dict()]
    assert (made.total, made.disagreement()) == (100.0, "")
