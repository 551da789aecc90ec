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
        move = np.linalg.pinv(information, hermitian=True) @ gradient
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
    variance = np.diag(np.linalg.pinv(information, hermitian=True))
    return Strengths(theta - theta.mean(), np.sqrt(variance), float(value), steps)


def _choices(profile: Profile) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Equal choices counted together: winners (choices,), sets offered (choices, options), weights
    (choices,)."""
    size = len(profile.options)
    found: dict[tuple[int, int], int] = {}
    for ballot in profile.ballots:
        for winner, offered in _stages(ballot, size, profile.kind == "pairwise"):
            found[winner, offered] = found.get((winner, offered), 0) + ballot.count
    winners = np.array([w for w, _ in found], dtype=np.int64)
    sets = np.array([[s >> x & 1 for x in range(size)] for _, s in found], dtype=bool).reshape(-1, size)
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
    worth = np.where(sets, np.exp(theta - theta.max()), 0.0)
    total = worth.sum(axis=1)
    shares = worth / total[:, None]
    value = float((weights * (theta[winners] - theta.max() - np.log(total))).sum())
    gradient = -(weights[:, None] * shares).sum(axis=0)
    np.add.at(gradient, winners, weights)
    weighted = weights[:, None] * shares
    information = np.diag(weighted.sum(axis=0)) - weighted.T @ shares
    return value, gradient, information
