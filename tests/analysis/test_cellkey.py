import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.cellkey import PUBLISHED, PerturbationError, cell_keys, generate, perturbed_table, record_key


def test_published_table_is_what_our_generator_makes():
    """R: ``pt_create_pTable(pt_create_pParams(D=2, V=1.08, js=1), type="destatis")``, published to 15
    digits.
    """
    own = generate(2, 1.08, 1)
    assert np.abs(own.rows - PUBLISHED.rows).max() < 1e-9
    assert (PUBLISHED.limit, PUBLISHED.variance, PUBLISHED.blocked) == (2, 1.08, 1)


@settings(max_examples=25, deadline=None)
@given(limit=st.integers(1, 6), share=st.floats(0.15, 0.6), blocked=st.integers(0, 2))
def test_rows_are_unbiased_and_never_give_a_blocked_value(limit, share, blocked):
    if blocked + 1 > limit:
        return
    table = generate(limit, share * limit, blocked)
    noise = np.arange(-limit, limit + 1)
    assert np.abs(table.rows.sum(axis=1) - 1).max() < 1e-9
    assert np.abs(table.rows @ noise).max() < 1e-6
    assert table.rows.min() >= 0
    for count, row in enumerate(table.rows):
        results = count + noise[row > 1e-12]
        assert not np.any((results < 0) | ((results > 0) & (results <= blocked)))
    assert abs(table.rows[-1] @ noise**2 - share * limit) < 1e-5


def test_zero_stays_zero_and_one_never_stays():
    keys = np.linspace(0, 1, 999, endpoint=False)
    assert set(PUBLISHED.perturb(np.zeros(999, int), keys)) == {0}
    assert set(PUBLISHED.perturb(np.ones(999, int), keys)) == {0, 2, 3}
    assert set(PUBLISHED.perturb(np.full(999, 100), keys)) == {98, 99, 100, 101, 102}


def test_the_same_people_get_the_same_noise_in_every_table():
    rng = np.random.default_rng(4)
    keys = rng.random(500)
    sex, age = rng.integers(0, 2, 500), rng.integers(0, 4, 500)
    wide = perturbed_table(keys, [sex, age], (2, 4))
    narrow = perturbed_table(keys, [sex], (2,))
    assert wide.shape == (3, 5)
    assert wide[:, -1].tolist() == narrow.tolist()
    order = rng.permutation(500)
    assert np.array_equal(perturbed_table(keys[order], [sex[order], age[order]], (2, 4)), wide)


def test_noise_is_unbiased_over_many_cells():
    rng = np.random.default_rng(5)
    counts = np.full(40_000, 7)
    noise = PUBLISHED.noise(counts, rng.random(40_000))
    assert abs(noise.mean()) < 0.03
    assert abs(noise.var() - 1.08) < 0.04


def test_missing_codes_are_left_out_of_the_whole_table():
    table = perturbed_table(np.array([0.1, 0.2, 0.3]), [np.array([0, -1, 0]), np.array([0, 0, -1])], (1, 1))
    assert table.max() <= 3
    counts, _ = cell_keys([0.1, 0.2], [0, -1], 1)
    assert counts.tolist() == [1]


@pytest.mark.parametrize(
    "call",
    [
        lambda: generate(0, 1),
        lambda: generate(2, 5.0),
        lambda: generate(2, 1.0, 3),
        lambda: PUBLISHED.noise([1], [1.0]),
        lambda: PUBLISHED.noise([-1], [0.5]),
        lambda: cell_keys([0.5], [0, 1], 2),
        lambda: cell_keys([1.5], [0], 1),
        lambda: perturbed_table([0.5], [np.array([3])], (2,)),
        lambda: record_key(b"123"),
    ],
)
def test_what_cannot_be_done_is_refused(call):
    with pytest.raises(PerturbationError):
        call()


def test_record_key():
    assert record_key(b"\x80\x00\x00\x00") == 0.5
    assert 0 <= record_key(b"\xff\xff\xff\xff") < 1
