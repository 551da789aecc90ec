"""Strengths of options: Plackett-Luce for rankings, Bradley-Terry for pairs, by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from participation.conference.ballots import Profile

_STEPS = 200
_TOLERANCE = 1e-11
#: Numbers held at once: choices are worked through in parts that fit.
_HELD = 2**20


class NoEstimateError(ArithmeticError):
    """The likelihood has no maximum: some options never lose against (or never meet) others (Ford's
    condition)."""


@dataclass(frozen=True)
class Strengths:
    """Log-worths that sum to 0 and their standard errors (observed information, sum-to-zero contrast)."""

    strengths: NDArray[np.float64]
    standard_errors: NDArray[np.float64]
    log_likelihood: float
    steps: int


def plackett_luce(profile: Profile) -> Strengths:
    """Fit rankings or pairwise choices.

    Every place of a strict ranking is a choice from all options not placed yet, the unranked ones included; a
    pairwise ballot is a choice of its winner from the options offered.

    Source: R. D. Luce (1959), R. L. Plackett (1975); existence: L. R. Ford (1957).

    Raises:
        ValueError: a ranking ties two options.
        NoEstimateError: the data do not determine all strengths.
    """
    winners, sets, weights = _choices(profile)
    size = len(profile.options)
    if not _connected(winners, sets, size):
        raise NoEstimateError("the choices do not connect all options both ways")
    theta = np.zeros(size)
    value, gradient, information = _likelihood(theta, winners, sets, weights)
    steps = 0
    while steps < _STEPS:
        steps += 1
        move = _inverse(information) @ gradient
        factor = 1.0
        while True:
            found = _likelihood(theta + factor * move, winners, sets, weights)
            if found[0] >= value - 1e-9 or factor < 1e-6:
                break
            factor /= 2
        theta = theta + factor * move
        value, gradient, information = found
        if float(np.abs(factor * move).max()) < _TOLERANCE:
            break
    else:
        raise NoEstimateError("Newton's method did not settle")
    variance = np.diag(_inverse(information))
    return Strengths(theta - theta.mean(), np.sqrt(variance), float(value), steps)


def _inverse(information: NDArray[np.float64]) -> NDArray[np.float64]:
    """The pseudo-inverse, whose only empty direction is known: all strengths moving together. It is filled
    before and taken out after inverting; a cut-off for small eigenvalues could miss it."""
    size = len(information)
    scale = float(np.trace(information)) / size or 1.0
    mean = np.full((size, size), 1 / size)
    return np.asarray(np.linalg.inv(information + scale * mean) - mean / scale, dtype=np.float64)


def _choices(profile: Profile) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Equal choices counted together: winners (choices,), sets offered (choices, options), weights
    (choices,)."""
    size = len(profile.options)
    found: dict[tuple[int, int], int] = {}
    for ballot in profile.ballots:
        for winner, offered in _stages(ballot, size, profile.kind == "pairwise"):
            found[winner, offered] = found.get((winner, offered), 0) + ballot.count
    winners = np.array([w for w, _ in found], dtype=np.int64)
    width = size // 8 + 1
    raw = np.frombuffer(b"".join(s.to_bytes(width, "little") for _, s in found), dtype=np.uint8)
    bits = np.unpackbits(raw.reshape(-1, width), axis=1, count=size, bitorder="little")
    sets = bits.astype(bool)
    weights = np.array([float(n) / profile.scale for n in found.values()])
    return winners, sets, weights


def _stages(ballot: Any, size: int, pairs: bool) -> list[tuple[int, int]]:
    if pairs:
        offered = sum(1 << x for x, _ in ballot.marks)
        return [(x, offered) for x, mark in ballot.marks if mark]
    if any(len(tied) > 1 for tied in ballot.ranking):
        raise ValueError("Plackett-Luce needs strict ballots")
    stages, offered = [], (1 << size) - 1
    for (option,) in ballot.ranking:
        if offered.bit_count() > 1:
            stages.append((option, offered))
        offered &= ~(1 << option)
    return stages


def _connected(winners: NDArray[np.int64], sets: NDArray[np.bool_], size: int) -> bool:
    beaten = np.zeros((size, size), dtype=bool)
    for winner, offered in zip(winners, sets, strict=True):
        beaten[winner] |= offered
    count, _ = connected_components(csr_array(beaten), directed=True, connection="strong")
    return int(count) == 1


def _likelihood(
    theta: NDArray[np.float64],
    winners: NDArray[np.int64],
    sets: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Log-likelihood, gradient (options,), observed information (options, options)."""
    size = len(theta)
    worth = np.exp(theta - theta.max())
    value, gradient, information = 0.0, np.zeros(size), np.zeros((size, size))
    step = max(1, _HELD // max(size, 1))
    for start in range(0, len(winners), step):
        part = slice(start, start + step)
        shares = np.where(sets[part], worth, 0.0)
        total = shares.sum(axis=1)
        shares /= total[:, None]
        value += float((weights[part] * (theta[winners[part]] - theta.max() - np.log(total))).sum())
        weighted = weights[part, None] * shares
        sums = weighted.sum(axis=0)
        gradient += np.bincount(winners[part], weights[part], size) - sums
        information += np.diag(sums) - weighted.T @ shares
    return value, gradient, information
