import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import raking
from analysis.errors import CalibrationError


def label(m: int, c: int) -> str:
    return f"margin {m}, category {c}"


@given(st.integers(0, 10_000))
def test_every_margin_is_met_or_an_error_is_raised(seed: int) -> None:
    """No third outcome: a peer returns the weights of its last round without a word."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 5, 3)
    codes = [rng.integers(0, k, 40) for k in sizes]
    weights = rng.uniform(0.5, 2.0, 40)
    targets = [rng.dirichlet(np.full(k, 4.0)) * 100 for k in sizes]
    cells = raking.Cells.of(codes, sizes.tolist())
    error = None
    try:
        factor, _, _ = raking.fit(cells.mass(weights), cells, targets, label)
    except CalibrationError as raised:
        error = raised
    if error is not None:
        assert error.code == "raking_failed"
        return
    after = cells.spread(weights, factor)
    for code, target in zip(codes, targets, strict=True):
        assert np.allclose(np.bincount(code, after, len(target)), target, rtol=1e-9)


def test_contradicting_margins_name_the_category_and_the_gap() -> None:
    """Everyone in a1 is in b1, so the share of a1 cannot be above that of b1."""
    cells = raking.Cells.of([np.array([0, 1, 1]), np.array([0, 0, 1])], [2, 2])
    targets = [np.array([70.0, 30.0]), np.array([50.0, 50.0])]
    with pytest.raises(CalibrationError) as caught:
        raking.fit(cells.mass(np.ones(3)), cells, targets, label)
    assert caught.value.code == "raking_failed"
    assert caught.value.place.startswith("margin ")
    assert caught.value.params["gap"] > 0.01


def test_large_crossings_are_listed_in_place_of_counted_out() -> None:
    rng = np.random.default_rng(1)
    codes = [rng.integers(0, 200, 500) for _ in range(3)]
    listed = raking.Cells.of(codes, [200, 200, 200])
    assert len(listed) <= 500
    for j, code in enumerate(codes):
        assert np.array_equal(listed.members[j][listed.key], code)
    assert listed.mass(np.ones(500)).sum() == 500


def test_memory_follows_the_cells_and_not_the_square_of_the_rows() -> None:
    """A peer builds an n x n matrix; 60,000 rows would need 29 GB."""
    import tracemalloc

    rng = np.random.default_rng(2)
    codes = [rng.integers(0, 5, 60_000).astype(np.int16) for _ in range(3)]
    weights = np.ones(60_000)
    targets = [np.bincount(c, minlength=5) * rng.uniform(0.9, 1.1, 5) for c in codes]
    targets = [t / t.sum() * 60_000 for t in targets]
    tracemalloc.start()
    cells = raking.Cells.of(codes, [5, 5, 5])
    cells.spread(weights, raking.fit(cells.mass(weights), cells, targets, label)[0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
