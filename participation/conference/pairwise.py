"""Rules that look only at pairs: Condorcet, Smith set, averaged Borda, Copeland, Schulze.

n(x, y) is the number of ballots that place x strictly above y. Under the policy ``last`` the unranked options
of a ballot share one last class; under ``no_opinion`` a pair counts only where both are ranked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from participation.conference.ballots import Policy, Profile

#: Distinct ballots compared at once: bounds the memory of the comparison tensor.
_CHUNK = 4096
#: Numbers of a stack of tables worked on at once.
_CACHED = 2**16


def above(ranks: NDArray[np.int32], policy: Policy) -> NDArray[np.bool_]:
    """For each ballot and pair, whether x stands above y: shape (ballots, options, options)."""
    ranked = ranks >= 0
    places = np.where(ranked, ranks, np.iinfo(np.int32).max)
    higher = places[:, :, None] < places[:, None, :]
    if policy == "no_opinion":
        higher &= ranked[:, :, None] & ranked[:, None, :]
    return higher


def pairwise(profile: Profile, policy: Policy) -> NDArray[Any]:
    """n(x, y) in units of 1/scale, shape (options, options); exact."""
    size = len(profile.options)
    counts = profile.counts()
    ranks = profile.ranks()
    wins = np.zeros((size, size), dtype=counts.dtype)
    for start in range(0, len(counts), _CHUNK):
        part = slice(start, start + _CHUNK)
        higher = above(ranks[part], policy)
        if counts.dtype == object:
            wins += np.array(
                [[sum(counts[part][higher[:, x, y]], 0) for y in range(size)] for x in range(size)],
                dtype=object,
            )
        else:
            wins += np.tensordot(counts[part], higher.astype(np.int64), axes=1)
    return wins


def condorcet_winner(wins: NDArray[Any]) -> int | None:
    """The option that strictly beats every other, or None."""
    beats = wins > wins.T
    found = np.flatnonzero(beats.sum(axis=1) == len(wins) - 1)
    return int(found[0]) if len(found) else None


def condorcet_loser(wins: NDArray[Any]) -> int | None:
    """The option that is strictly beaten by every other, or None."""
    return condorcet_winner(wins.T)


def smith_set(wins: NDArray[Any]) -> NDArray[np.bool_]:
    """The smallest non-empty set whose members strictly beat everybody outside, as a mask."""
    holds = np.asarray(wins >= wins.T, dtype=bool)
    np.fill_diagonal(holds, True)
    order = np.argsort(-holds.sum(axis=1), kind="stable")
    inside = np.zeros(len(wins), dtype=bool)
    inside[order[:1]] = True
    while True:
        # Whoever is not strictly beaten by every member belongs inside as well.
        joins = holds[:, inside].any(axis=1) & ~inside
        if not joins.any():
            return inside
        inside |= joins


def borda(wins: NDArray[Any]) -> NDArray[Any]:
    """Averaged (symmetric) Borda scores: sum over y of n(x, y) - n(y, x)."""
    return np.asarray((wins - wins.T).sum(axis=1))


def copeland(wins: NDArray[Any]) -> NDArray[np.int64]:
    """Wins minus losses."""
    beats = np.asarray(wins > wins.T, dtype=np.int64)
    return np.asarray((beats - beats.T).sum(axis=1))


def strongest_paths(strength: NDArray[Any]) -> NDArray[Any]:
    """Widest path between all pairs (Floyd-Warshall). Works on stacks: shape (..., options, options)."""
    paths = strength.copy()
    size = paths.shape[-1]
    stack = paths.reshape(-1, size, size)
    # A few at a time stay in the processor's cache.
    step = max(1, _CACHED // max(size * size, 1))
    for start in range(0, len(stack), step):
        part = stack[start : start + step]
        for middle in range(size):
            np.maximum(part, np.minimum(part[:, :, middle, None], part[:, None, middle, :]), out=part)
    return paths


def schulze(wins: NDArray[Any], *, margins: bool = False) -> NDArray[np.bool_]:
    """Relation "x before y" of the Schulze method; on stacks as well.

    Source: M. Schulze, A new monotonic, clone-independent ... single-winner election method (2011), section
    2; strength of a link by winning votes, or by margins.
    """
    turned = np.swapaxes(wins, -1, -2)
    strength = np.where(wins > turned, wins - turned if margins else wins, 0)
    paths = strongest_paths(strength)
    return np.asarray(paths > np.swapaxes(paths, -1, -2), dtype=bool)
