import numpy as np
import pytest

from analysis.diagnostics import Move, describe, kish_deff, kish_effective_n


def test_kish() -> None:
    w = np.array([1.0, 1.0, 2.0, 0.0])
    assert kish_effective_n(w) == pytest.approx(16 / 6)
    assert kish_deff(w) == pytest.approx(3 * 6 / 16)
    assert (kish_effective_n(np.zeros(2)), np.isnan(kish_deff(np.zeros(2)))) == (0.0, True)


def test_a_step_without_rows() -> None:
    step = describe("nothing", np.zeros(3))
    assert (step.rows, step.total, step.effective_n, step.ratio) == (0, 0.0, 0.0, float("inf"))


def test_moves() -> None:
    assert Move("sex", "f", 2.0, 3.0).change == pytest.approx(0.5)
    assert Move("sex", "f", 0.0, 3.0).change == float("inf")


def test_moves_as_shares_of_their_margin():
    moves = (Move("sex", "f", 300.0, 250.0), Move("age", "old", 100.0, 50.0), Move("sex", "m", 100.0, 250.0))
    step = describe("raking", np.ones(4), moves=moves)
    assert step.shares() == [
        Move("sex", "f", 0.75, 0.5),
        Move("age", "old", 1.0, 1.0),
        Move("sex", "m", 0.25, 0.5),
    ]
    column = describe("linear calibration", np.full(4, 100.0), moves=(Move("f", "", 300.0, 200.0),))
    assert column.shares() == [Move("f", "", 0.75, 0.5)]
