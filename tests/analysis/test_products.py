import numpy as np
import pytest

from analysis.products import crossed, spread, times


@pytest.mark.parametrize(("n", "p", "q"), [(1, 1, 1), (1000, 7, 5), (3, 200, 150), (50_000, 2, 3)])
def test_pieces_add_up_to_the_product(n: int, p: int, q: int) -> None:
    rng = np.random.default_rng(1)
    a, b, m, v = rng.normal(size=(n, p)), rng.normal(size=(n, q)), rng.normal(size=(p, q)), rng.normal(size=p)
    assert np.allclose(crossed(a, b), np.einsum("ni,nj->ij", a, b), rtol=1e-12, atol=1e-9)
    assert np.allclose(times(a, v), np.einsum("ni,i->n", a, v), rtol=1e-12, atol=1e-12)
    assert np.allclose(spread(a, m), np.einsum("ni,ij->nj", a, m), rtol=1e-12, atol=1e-12)
