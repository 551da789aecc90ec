import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.suppression import (
    SuppressionError,
    additivity,
    controlled_rounding,
    feasible,
    homogeneous,
    suppress,
    with_margins,
)

TABLE = with_margins([[60, 30, 4], [25, 80, 33], [40, 41, 42]])


def test_margins():
    assert TABLE[-1].tolist() == [125, 151, 79, 355]
    assert not np.any(additivity(TABLE.shape) @ TABLE.reshape(-1))


def test_a_lone_suppressed_cell_follows_from_its_row():
    alone = np.zeros(TABLE.shape, bool)
    alone[0, 2] = True
    assert feasible(TABLE, alone, (0, 2)) == (4, 4)


def test_complementary_suppression_is_the_cheapest_that_protects():
    chosen = suppress(TABLE, 20, width=5)
    assert chosen.exact
    assert np.argwhere(chosen.primary).tolist() == [[0, 2]]
    low, high = feasible(TABLE, chosen.hidden, (0, 2))
    assert high - low >= 5
    # Brute force over every set of three further cells: none of smaller cost protects.
    cost = np.log1p(TABLE) + 1.0
    best = min(
        cost[tuple(np.array(cells).T)].sum()
        for size in (1, 2, 3)
        for cells in itertools.combinations([c for c in np.ndindex(*TABLE.shape) if c != (0, 2)], size)
        if _protects(cells)
    )
    assert cost[chosen.complementary].sum() == pytest.approx(best)


def _protects(cells):
    mask = np.zeros(TABLE.shape, bool)
    mask[0, 2] = True
    for cell in cells:
        mask[cell] = True
    low, high = feasible(TABLE, mask, (0, 2))
    return high - low >= 5


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 4))
def test_every_hidden_cell_keeps_its_range(seed, rows, columns):
    counts = np.random.default_rng(seed).poisson(25, (rows, columns))
    table = with_margins(counts)
    try:
        chosen = suppress(table, 20, width=4)
    except SuppressionError:
        return
    for cell in np.argwhere(chosen.primary):
        low, high = feasible(table, chosen.hidden, tuple(cell))
        assert high - low >= 4


def test_nothing_small_means_nothing_hidden():
    assert not suppress(with_margins([[30, 40], [50, 60]]), 20).hidden.any()


def test_kept_cells_stay_and_impossible_demands_are_named():
    keep = np.zeros(TABLE.shape, bool)
    keep[0] = True
    with pytest.raises(SuppressionError) as caught:
        suppress(TABLE, 20, keep=keep)
    assert caught.value.code == "small_kept"
    keep[0, 2] = False
    with pytest.raises(SuppressionError) as caught:
        suppress(TABLE, 20, keep=keep)
    assert caught.value.code == "cannot_protect"


@pytest.mark.slow
def test_large_tables_are_mended_without_the_program():
    rng = np.random.default_rng(8)
    table = with_margins(rng.poisson(rng.gamma(1.2, 40, (16, 14))))
    chosen = suppress(table, 20, width=3)
    for cell in np.argwhere(chosen.primary)[:10]:
        low, high = feasible(table, chosen.hidden, tuple(cell))
        assert high - low >= 3


def test_bounds_of_a_table_that_does_not_add_up():
    broken = TABLE.copy()
    broken[-1, -1] += 1
    with pytest.raises(SuppressionError):
        feasible(broken, np.zeros(TABLE.shape, bool), (0, 2))


def test_known_upper_limit_narrows_the_range():
    mask = np.zeros(TABLE.shape, bool)
    for cell in ((0, 2), (0, 1), (1, 2), (1, 1)):
        mask[cell] = True
    assert feasible(TABLE, mask, (0, 2)) == (0, 34)
    assert feasible(TABLE, mask, (0, 2), below=100) == (0, 23)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([3, 5, 10]))
def test_controlled_rounding_adds_up_and_stays_near(seed, base):
    table = with_margins(np.random.default_rng(seed).poisson(12, (4, 3)))
    result = controlled_rounding(table, base)
    assert not np.any(additivity(table.shape) @ result.reshape(-1))
    assert not np.any(result % base)
    assert np.abs(result - table).max() < base


def test_homogeneity():
    groups = [[50, 0, 0], [40, 10, 0], [96, 4, 0], [1, 0, 0], [0, 0, 0], [9, 1, 0]]
    assert homogeneous(groups).tolist() == [True, False, True, True, False, True]
