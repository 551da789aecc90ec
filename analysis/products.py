"""Products of tall matrices with few columns, in pieces that one processor core does alone.

A linear algebra library hands every larger product to all cores and waits for the slowest. Where other
processes use the cores (a web server does), waiting costs a hundred times the arithmetic. Pieces below the
library's own threshold for threads stay on the calling core.
"""

from __future__ import annotations

import numpy as np

from analysis.columns import Floats

PIECE = 200_000
"""Multiplications in one piece; OpenBLAS uses threads above 262,144 for a matrix and 9,216 for a vector."""
VECTOR_PIECE = 8_192
WIDE = 20_000
"""From so many cells of the result on, threads pay."""


def crossed(a: Floats, b: Floats) -> Floats:
    """(p, q) the product a'b of (n, p) and (n, q)."""
    cells = a.shape[1] * b.shape[1]
    if cells > WIDE:
        return np.asarray(a.T @ b)
    rows = max(8, PIECE // max(cells, 1))
    out = np.zeros((a.shape[1], b.shape[1]))
    for start in range(0, len(a), rows):
        out += a[start : start + rows].T @ b[start : start + rows]
    return out


def times(a: Floats, v: Floats) -> Floats:
    """(n,) the product of (n, q) and (q,)."""
    rows = max(8, VECTOR_PIECE // max(a.shape[1], 1))
    out = np.empty(len(a))
    for start in range(0, len(a), rows):
        np.dot(a[start : start + rows], v, out=out[start : start + rows])
    return out


def spread(a: Floats, m: Floats) -> Floats:
    """(n, p) the product of (n, q) and (q, p)."""
    rows = max(8, PIECE // max(a.shape[1] * m.shape[1], 1))
    out = np.empty((len(a), m.shape[1]))
    for start in range(0, len(a), rows):
        np.dot(a[start : start + rows], m, out=out[start : start + rows])
    return out
