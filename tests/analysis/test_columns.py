import numpy as np
import pytest

from analysis.columns import Column, as_column, encode, interaction, number_text
from analysis.errors import DataError


def test_encode_numbers_text_and_missing() -> None:
    codes, levels = encode(np.array([3.0, np.nan, 1.0, 3.0]))
    assert (codes.tolist(), levels) == ([1, -1, 0, 1], ("1", "3"))
    codes, levels = encode(["b", None, "a", ""])
    assert (codes.tolist(), levels) == ([1, -1, 0, -1], ("a", "b"))
    codes, levels = encode(np.array([True, False]))
    assert (codes.tolist(), levels) == ([1, 0], ("False", "True"))
    codes, levels = encode([None, None])
    assert (codes.tolist(), levels) == ([-1, -1], ())


def test_encode_counts_small_integers_and_sorts_wide_ones() -> None:
    assert encode(np.array([7, 5, 7]))[1] == ("5", "7")
    codes, levels = encode(np.array([10**12, 5, 10**12]))
    assert (codes.tolist(), levels) == ([1, 0, 1], ("5", "1000000000000"))


def test_encode_keeps_a_given_order_and_refuses_what_it_does_not_list() -> None:
    assert encode(["low", "high"], ["low", "mid", "high"])[0].tolist() == [0, 2]
    assert encode(np.array([1.0, 2.0]), ["2", "1"])[0].tolist() == [1, 0]
    with pytest.raises(DataError) as caught:
        encode(["low", "huge"], ["low", "high"])
    assert (caught.value.code, caught.value.place) == ("unlisted_level", "huge")


def test_columns_from_anything() -> None:
    assert as_column("x", [1, None, 2]).values.tolist()[0::2] == [1.0, 2.0]
    assert as_column("x", np.array([True, False])).kind == "number"
    assert as_column("x", ["a", "b"]).levels == ("a", "b")
    made = as_column("x", [1.5])
    assert as_column("y", made) is made
    with pytest.raises(DataError) as caught:
        as_column("x", np.zeros((2, 2)))
    assert caught.value.code == "not_a_vector"


def test_numbers_and_categories_read_each_other() -> None:
    column = Column("q", "category", np.array([0, 2, -1]), ("1", "2", "3"))
    assert np.array_equal(column.numeric(), [1.0, 3.0, np.nan], equal_nan=True)
    assert as_column("n", [3.0, 1.0]).category().levels == ("1", "3")
    assert column.category() is column
    with pytest.raises(DataError) as caught:
        Column("q", "category", np.array([0]), ("yes",)).numeric()
    assert caught.value.code == "not_numeric"


def test_indicator_and_take() -> None:
    column = Column("q", "category", np.array([0, 1, -1]), ("a", "b"), np.array([0, 0, 3], np.int8))
    assert np.array_equal(column.indicator("b"), [0.0, 1.0, np.nan], equal_nan=True)
    assert column.take(np.array([2])).missing.tolist() == [3]
    assert as_column("x", [1.0]).take(np.array([0])).missing is None
    with pytest.raises(DataError) as caught:
        column.indicator("c")
    assert caught.value.code == "unknown_level"


def test_interaction_runs_the_first_fastest_and_drops_what_is_absent() -> None:
    a = Column("a", "category", np.array([0, 1, -1]), ("x", "y"))
    b = Column("b", "category", np.array([1, 0, 0]), ("m", "n"))
    assert interaction([a, b]).levels == ("y.m", "x.n")
    whole = interaction([a, b], drop=False)
    assert (whole.levels, whole.values.tolist()) == (("x.m", "y.m", "x.n", "y.n"), [2, 1, -1])


def test_number_text() -> None:
    assert [number_text(v) for v in (2.0, 2.5)] == ["2", "2.5"]


def test_numbers_and_truth_values_among_texts() -> None:
    codes, levels = encode(np.array(["b", True, 2.0], object))
    assert (codes.tolist(), levels) == ([2, 1, 0], ("2", "True", "b"))
