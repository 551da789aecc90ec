"""Tail probabilities of weighted sums of chi-squares, and of their ratio to an independent chi-square.

The statistics of tables and models in complex samples follow sum(lambda_i * chi2_1) in place of a chi-square
(Rao and Scott 1984, Annals of Statistics 12); with few PSUs the denominator's degrees of freedom matter too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import optimize, stats

from analysis.columns import Floats
from analysis.errors import EstimateError

NEAR_ZERO = 1e-4
"""A saddlepoint this close to 0 has no stable correction; the moment approximation is used in its place."""

SERIES_TERMS = 4000


def satterthwaite(weights: Floats) -> tuple[float, float]:
    """(scale, df) of the chi-square with the same mean and variance as the sum."""
    mean = float(np.mean(weights))
    ratio = float(np.mean(weights**2)) / mean**2
    return mean * ratio, len(weights) / ratio


def _moments(x: float, weights: Floats, ddf: float) -> float:
    scale, ndf = satterthwaite(weights)
    if np.isinf(ddf):
        return float(stats.chi2.sf(x / scale, ndf))
    return float(stats.f.sf(x / ndf / scale, ndf, ddf))


def _saddlepoint(x: float, weights: Floats, ddf: float) -> float:
    """Lugannani and Rice in the form of Barndorff-Nielsen; Kuonen (1999), Biometrika 86, for sums of
    chi-squares.

    For a ratio, P(Q > x V / ddf) = P(Q - x V / ddf > 0); whole degrees of freedom enter, as in the reference.
    """
    at = x
    lam = weights
    if np.isfinite(ddf):
        lam, at = np.concatenate([weights, np.repeat(-x / ddf, max(int(ddf), 1))]), 0.0
    size = lam.max()
    lam, at = lam / size, at / size

    def slope(z: float) -> float:
        return float(np.sum(lam / (1 - 2 * z * lam)) - at)

    if (lam < 0).any():
        low = float(np.max(1 / (2 * lam[lam < 0]))) * 0.99999
    else:
        low = -0.01 if at > lam.sum() else -len(lam) / (2 * at)
    high = 0.5 / lam.max() * 0.99999
    if slope(low) > 0 or slope(high) < 0:
        return _moments(x, weights, ddf)
    zeta = float(optimize.brentq(slope, low, high, xtol=1e-14))
    if abs(zeta) < NEAR_ZERO:
        return _moments(x, weights, ddf)
    cumulant = -0.5 * float(np.sum(np.log(1 - 2 * zeta * lam)))
    curvature = 2 * float(np.sum(lam**2 / (1 - 2 * zeta * lam) ** 2))
    w = np.sign(zeta) * np.sqrt(2 * (zeta * at - cumulant))
    v = zeta * np.sqrt(curvature)
    return float(stats.norm.sf(w + np.log(v / w) / w))


def _exact(x: float, weights: Floats, ddf: float) -> float:
    """The exact probability: Ruben's series (1962, Annals 33) of (F) probabilities, else Imhof's integral.

    Degrees of freedom of the denominator are cut to whole ones, as the reference's algorithm (Davies 1980,
    Applied Statistics 29) does.
    """
    if np.isfinite(ddf):
        whole = max(float(int(ddf)), 1.0)
        x, ddf = x * whole / ddf, whole
    series = _series(x, weights, ddf)
    return _imhof(x, weights, ddf) if series is None else series


def _series(x: float, weights: Floats, ddf: float) -> float | None:
    beta = float(weights.min())
    n = len(weights)
    step = 1 - beta / weights
    powers = step.copy()
    g = np.empty(SERIES_TERMS)
    a = np.empty(SERIES_TERMS)
    a[0] = np.exp(0.5 * np.sum(np.log(beta / weights)))
    if a[0] < 1e-200:
        return None
    mass = a[0]
    used = 1
    for k in range(1, SERIES_TERMS):
        if 1 - mass < 1e-14:
            break
        g[k] = 0.5 * powers.sum()
        powers *= step
        a[k] = np.dot(g[1 : k + 1], a[k - 1 :: -1][:k]) / k
        mass += a[k]
        used = k + 1
    if 1 - mass > 1e-10:
        return None
    df = n + 2.0 * np.arange(used)
    if np.isinf(ddf):
        tails = stats.chi2.sf(x / beta, df)
    else:
        tails = stats.f.sf(x / beta / df, df, ddf)
    return float(np.dot(a[:used], tails))


def _imhof(x: float, weights: Floats, ddf: float) -> float:
    """Imhof (1961), Biometrika 48: numerical inversion of the characteristic function."""
    lam = np.append(weights, -x / ddf) if np.isfinite(ddf) else weights
    h = np.append(np.ones(len(weights)), ddf) if np.isfinite(ddf) else np.ones(len(weights))
    at = 0.0 if np.isfinite(ddf) else x
    scale = float(np.mean(weights))
    lam, at = lam / scale, at / scale

    def envelope(u: float) -> float:
        return float(np.dot(h, np.log1p((lam * u) ** 2))) / 4 + float(np.log(u))

    # The range ends where the integrand has died away or where its tail swings too fast to matter.
    end = 1.0
    while envelope(end) < 25 and end * max(at, 1.0) < 1e5:
        end *= 1.5
    edges = np.concatenate([[0.0], np.geomspace(end * 1e-8, end, 600)])
    pieces = np.maximum(1, np.ceil(np.diff(edges) * at / 4).astype(int))
    starts = np.repeat(edges[:-1], pieces)
    width = np.repeat(np.diff(edges) / pieces, pieces)
    offset = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    node, mass = np.polynomial.legendre.leggauss(16)
    u = (starts + offset * width)[:, None] + width[:, None] * (node + 1) / 2
    angle = 0.5 * np.sum(h * np.arctan(lam * u[..., None]), axis=-1) - 0.5 * at * u
    size = np.sum(h * np.log1p((lam * u[..., None]) ** 2), axis=-1) / 4
    integral = float(np.sum(np.sin(angle) * np.exp(-size) / u * mass * width[:, None] / 2))
    return float(np.clip(0.5 + integral / np.pi, 0.0, 1.0))


APPROXIMATIONS: Mapping[str, Callable[[float, Floats, float], float]] = {
    "satterthwaite": _moments,
    "saddlepoint": _saddlepoint,
    "exact": _exact,
}


def tail(x: float, weights: Floats, ddf: float = np.inf, method: str = "saddlepoint") -> float:
    """P(sum(weights * chi2_1) > x), with finite ``ddf`` P(sum(weights * chi2_1) > x * chi2_ddf / ddf).

    R: ``pchisqsum``, ``pFsum``. Raises :class:`EstimateError` where no weight is positive.
    """
    if method not in APPROXIMATIONS:
        raise EstimateError("unknown_approximation", f"{method!r} is none of {', '.join(APPROXIMATIONS)}.")
    lam = np.asarray(weights, float)
    lam = lam[lam > 1e-12 * max(float(lam.max(initial=0.0)), 0.0)]
    if not lam.size:
        raise EstimateError("no_variance", "The statistic has no variance under this design.")
    if x <= 0:
        return 1.0
    return APPROXIMATIONS[method](float(x), lam, float(ddf))
