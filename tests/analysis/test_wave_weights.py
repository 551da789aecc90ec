import numpy as np
import pytest

from analysis.columns import Column
from analysis.errors import DataError
from analysis.wave_weights import respondents_by_class


def column(codes: list[int], *levels: str) -> Column:
    return Column("c", "category", np.array(codes), levels)


def test_weight_moves_to_respondents_of_the_same_class() -> None:
    classes = column([0, 0, 0, 1, 1], "x", "y")
    made = respondents_by_class(np.array([1.0, 2, 3, 4, 5]), np.array([1, 0, 1, 1, 0]), classes)
    assert made.tolist() == [1.5, 0.0, 4.5, 9.0, 0.0]
    both = [classes, column([0, 0, 0, 0, 0], "z")]
    assert respondents_by_class(np.ones(5), np.array([1, 0, 1, 1, 0]), both).sum() == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("codes", "code"), [([0, 0, 1, 1], "silent_class"), ([0, 0, 0, -1], "missing_class")]
)
def test_classes_that_cannot_stand_for_anyone(codes: list[int], code: str) -> None:
    with pytest.raises(DataError) as caught:
        respondents_by_class(np.ones(4), np.array([1, 1, 0, 0]), column(codes, "x", "y"))
    assert caught.value.code == code
