"""How sure an order is: bootstrap over ballots, and how many ballots would change the outcome.

A vote is not a sample: it speaks for those present. The bootstrap measures how close the outcome is, no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from participation.conference.ballots import Policy, Profile, merged
from participation.conference.pairwise import above, schulze

RULES = ("borda", "copeland", "schulze")
REPLICATES = 2000
#: Numbers held at once, per array: replicates are drawn in parts that fit.
_HELD = 2**23


#: Steps of the paths of Schulze over all replicates; with 2,000 of them enough for 368 options.
_PATHS = 10**11


class TooManyBallotsError(ArithmeticError):
    """More ballots than a replicate can hold exactly (2^53 divided by the number of options)."""


@dataclass(frozen=True)
class RankIntervals:
    """Ranks over replicates for one rule; arrays have one entry per option.

    ``low``, ``high``: the middle 95 % of the rank (1 is best; tied options share their mean place). ``top``:
    share of replicates among the first k, ties counted in parts, shape (options, options): column k - 1 for
    k.
    ``alone_first``: share alone in first place. ``above[x, y]``: share strictly before y.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    top: NDArray[np.float64]
    alone_first: NDArray[np.float64]
    above: NDArray[np.float64]


def rank_intervals(
    profile: Profile,
    policy: Policy,
    *,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
    strata: str | None = None,
) -> dict[str, RankIntervals]:
    """Bootstrap the ballots and count Borda, Copeland and Schulze again each time.

    With ``strata`` the ballots are drawn within each value of that column (use it with group weights).
    Schulze is left out where its paths through hundreds of options would take minutes.

    Raises:
        TooManyBallotsError: sums would no longer be exact in floating point.
    """
    size = len(profile.options)
    if profile.total * max(size, 2) >= 2**53:
        raise TooManyBallotsError(profile.total)
    if strata is None:
        # Equal orders are drawn together, whoever cast them.
        profile = merged(profile, keep_attributes=False)
    ranks = profile.ranks()
    real = np.dtype(np.float32 if profile.total < 2**24 else np.float64)
    parts = _parts(len(ranks), size)
    kept = [_rows(ranks[part], policy, real) for part in parts] if len(parts) == 1 else []
    counted = RULES if replicates * size**3 <= _PATHS else tuple(r for r in RULES if r != "schulze")
    tables = {rule: _Table.empty(size, replicates) for rule in counted}
    drawn_at_once = min(profile.total // profile.scale, _HELD)
    chunk = max(1, _HELD // max(drawn_at_once, len(ranks), size * size, _HELD // 500))
    for start in range(0, replicates, chunk):
        some = min(chunk, replicates - start)
        counts = draw(profile, some, rng, strata).astype(real)
        wins = np.zeros((some, size * size), dtype=real)
        for n, part in enumerate(parts):
            wins += counts[:, part] @ (kept[n] if kept else _rows(ranks[part], policy, real))
        for rule, relation in _relations(wins.reshape(some, size, size), counted).items():
            tables[rule].add(start, relation)
    return {rule: table.summary() for rule, table in tables.items()}


def _parts(ballots: int, size: int) -> list[slice]:
    """Ballots whose comparisons are held at once; mostly all of them."""
    step = max(1, 16 * _HELD // max(size * size, 1))
    return [slice(start, start + step) for start in range(0, max(ballots, 1), step)]


def _rows(ranks: NDArray[np.int32], policy: Policy, real: np.dtype[Any]) -> NDArray[Any]:
    return above(ranks, policy).reshape(len(ranks), -1).astype(real)


def rank_samples(
    profile: Profile, policy: Policy, *, rng: np.random.Generator, replicates: int = REPLICATES
) -> NDArray[np.float64]:
    """Ranks by averaged Borda in each replicate, shape (replicates, options); tied options share their mean
    place.

    Raises:
        TooManyBallotsError: see `rank_intervals`.
    """
    size = len(profile.options)
    if profile.total * max(size, 2) >= 2**53:
        raise TooManyBallotsError(profile.total)
    higher = above(profile.ranks(), policy).astype(np.int64)
    points = (higher.sum(axis=2) - higher.sum(axis=1)).astype(np.float64)
    score = draw(profile, replicates, rng, None).astype(np.float64) @ points
    ahead = (score[:, :, None] < score[:, None, :]).sum(axis=2)
    tied = (score[:, :, None] == score[:, None, :]).sum(axis=2)
    return np.asarray(ahead + (tied + 1) / 2, dtype=np.float64)


def draw(
    profile: Profile, replicates: int, rng: np.random.Generator, strata: str | None
) -> NDArray[np.int64]:
    """Counts of each distinct ballot in each replicate, shape (replicates, ballots)."""
    counts = np.array([b.count for b in profile.ballots], dtype=np.int64)
    labels = [(b.attribute(strata) or "") if strata else "" for b in profile.ballots]
    drawn = np.zeros((replicates, len(counts)), dtype=np.int64)
    for label in dict.fromkeys(labels):
        rows = np.array([i for i, other in enumerate(labels) if other == label and counts[i]], dtype=np.int64)
        if not len(rows):
            continue
        ballots = int(counts[rows].sum()) // profile.scale or 1
        if profile.scale == 1 and ballots <= 4 * len(rows) + 1000:
            # For few ballots, drawing them one by one is faster than a multinomial per replicate.
            owner = np.repeat(np.arange(len(rows)), counts[rows])
            picks = owner[rng.integers(0, ballots, size=(replicates, ballots))]
            picks += np.arange(replicates)[:, None] * len(rows)
            part = np.bincount(picks.ravel(), minlength=replicates * len(rows)).reshape(replicates, -1)
        else:
            part = (
                rng.multinomial(ballots, counts[rows] / counts[rows].sum(), size=replicates) * profile.scale
            )
        drawn[:, rows] = part
    return drawn


def _relations(wins: NDArray[Any], counted: tuple[str, ...]) -> dict[str, NDArray[np.bool_]]:
    turned = wins.transpose(0, 2, 1)
    borda = (wins - turned).sum(axis=2)
    beats = wins > turned
    copeland = beats.sum(axis=2, dtype=np.int32) - beats.sum(axis=1, dtype=np.int32)
    found = {
        "borda": borda[:, :, None] > borda[:, None, :],
        "copeland": copeland[:, :, None] > copeland[:, None, :],
    }
    return found | {"schulze": schulze(wins)} if "schulze" in counted else found


@dataclass(frozen=True)
class _Table:
    """How many options stand before and behind each one in every replicate, and how often x before y."""

    ahead: NDArray[np.int32]
    behind: NDArray[np.int32]
    above: NDArray[np.int64]

    @classmethod
    def empty(cls, size: int, replicates: int) -> _Table:
        counts = [np.zeros((replicates, size), dtype=np.int32) for _ in range(2)]
        return cls(counts[0], counts[1], np.zeros((size, size), dtype=np.int64))

    def add(self, start: int, before: NDArray[np.bool_]) -> None:
        part = slice(start, start + len(before))
        self.ahead[part] = before.sum(axis=1, dtype=np.int32)
        self.behind[part] = before.sum(axis=2, dtype=np.int32)
        self.above[:] += before.sum(axis=0, dtype=np.int64)

    def summary(self) -> RankIntervals:
        replicates, size = self.ahead.shape
        ahead, behind = self.ahead, self.behind
        rank = 1 + (ahead + (size - 1 - behind)) / 2
        low, high = np.quantile(rank, [0.025, 0.975], axis=0, method="inverted_cdf") if size else (rank, rank)
        # An option tied over the places ahead+1 .. size-behind fills the first k in part.
        tied = size - behind - ahead
        top = np.zeros((size, size))
        for k in range(1, size + 1):
            top[:, k - 1] = np.clip((k - ahead) / tied, 0, 1).mean(axis=0)
        alone = (behind == size - 1).mean(axis=0) if size else np.zeros(0)
        return RankIntervals(low, high, top, alone, self.above / replicates)


def indistinct(intervals: RankIntervals, level: float = 0.95) -> list[tuple[int, int]]:
    """Pairs of options that cannot be told apart: neither is before the other in ``level`` of the
    replicates."""
    size = len(intervals.low)
    return [
        (x, y)
        for x in range(size)
        for y in range(x + 1, size)
        if max(intervals.above[x, y], intervals.above[y, x]) < level
    ]


def ballots_to_swap(
    profile: Profile, policy: Policy, ahead: int, behind: int, *, places: int | None = None
) -> int | None:
    """Fewest ballots that would have to be filled in differently so that ``behind`` passes ``ahead`` in
    Borda.

    ``places``: how many places a ballot has (None: all). None if even all ballots changed do not suffice.
    Exact: the ballots that give most when turned round are turned first.
    """
    size = len(profile.options)
    ranks = profile.ranks()
    wins = above(ranks, policy).astype(np.int64)
    points = wins.sum(axis=2) - wins.sum(axis=1)
    against = _largest_difference(size, policy, places)
    gains: dict[int, int] = {}
    margin = 0
    for ballot, difference in zip(profile.ballots, points[:, ahead] - points[:, behind], strict=True):
        margin += int(difference) * ballot.count
        gain = int(difference) + against
        gains[gain] = gains.get(gain, 0) + ballot.count
    needed, turned = margin + 1, 0
    for gain in sorted(gains, reverse=True):
        if needed <= 0 or gain <= 0:
            break
        used = min(gains[gain], -(-needed // gain))
        turned += used
        needed -= used * gain
    return None if needed > 0 else -(-turned // profile.scale)


def _largest_difference(size: int, policy: Policy, places: int | None) -> int:
    """Most Borda points one ballot can put an option above another."""
    places = size if places is None else min(places, size)
    if places >= size - 1 and policy == "last":
        return 2 * (size - 1)
    if policy == "last":
        # First of ``places`` ranked options against a share of the last class.
        return (size - 1) + places
    # Only ranked options meet: first against last of those ranked.
    return 2 * (places - 1)
