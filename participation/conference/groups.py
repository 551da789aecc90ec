"""Groups of a hall: merging of small ones, agreed shares as weights, and the share at which the order
flips."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from participation.conference.ballots import Ballot, Policy, Profile
from participation.conference.pairwise import borda, pairwise

#: A group is shown from this many ballots on.
SMALLEST = 5


def group_sizes(profile: Profile, column: str = "group") -> dict[str, int]:
    """Ballots per group in order of appearance; a ballot without the column belongs to the group ``""``."""
    sizes: dict[str, int] = {}
    for ballot in profile.ballots:
        name = ballot.attribute(column) or ""
        sizes[name] = sizes.get(name, 0) + ballot.count
    return sizes


def merge_small(sizes: Mapping[str, int], smallest: int = SMALLEST) -> dict[str, tuple[str, ...]]:
    """Which group each is shown with: ``{group: all groups of its merged one}``.

    The smallest group under ``smallest`` is merged with the next smallest until all shown have enough, or
    one is left. Groups without ballots are merged too, so that nothing follows from their absence.
    """
    parts: dict[tuple[str, ...], int] = {(name,): size for name, size in sizes.items()}
    while len(parts) > 1:
        ordered = sorted(parts, key=lambda names: (parts[names], names))
        if parts[ordered[0]] >= smallest:
            break
        parts[tuple(sorted(ordered[0] + ordered[1]))] = parts.pop(ordered[0]) + parts.pop(ordered[1])
    return {name: names for names in parts for name in names}


def shown_groups(
    profile: Profile, column: str = "group", smallest: int = SMALLEST
) -> dict[tuple[str, ...], Profile]:
    """One profile per group that may be shown. Empty if even all ballots together are under ``smallest``."""
    if profile.total < smallest * profile.scale:
        return {}
    together = merge_small(group_sizes(profile, column), smallest)
    split: dict[tuple[str, ...], list[Ballot]] = {names: [] for names in together.values()}
    for ballot in profile.ballots:
        split[together[ballot.attribute(column) or ""]].append(ballot)
    return {names: profile.with_ballots(ballots) for names, ballots in split.items()}


def weights(sizes: Mapping[str, int], shares: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Weight of one ballot of each group: share * ballots / ballots of the group. Shares are scaled to sum
    to 1 over the groups that have ballots, so the weighted ballots add up to the number of ballots.

    Raises:
        ValueError: a group with ballots has no share, or a share is negative, or all are zero.
    """
    present = [name for name, size in sizes.items() if size]
    if any(name not in shares or shares[name] < 0 for name in present):
        raise ValueError("every group with ballots needs a share of at least 0")
    total = sum(shares[name] for name in present)
    if not total:
        raise ValueError("the shares are all zero")
    ballots = sum(sizes.values())
    return {name: shares[name] / total * ballots / sizes[name] for name in present}


def weighted(profile: Profile, shares: Mapping[str, Fraction], column: str = "group") -> Profile:
    """The profile with every group counting its agreed share; exact: whole counts and a common scale.

    Raises:
        ValueError: see `weights`.
    """
    per_ballot = weights(group_sizes(profile, column), shares)
    unit = math.lcm(*(w.denominator for w in per_ballot.values())) if per_ballot else 1
    ballots = [
        Ballot(int(b.count * per_ballot[b.attribute(column) or ""] * unit), b.ranking, b.marks, b.attributes)
        for b in profile.ballots
        if b.count
    ]
    return profile.with_ballots(ballots, scale=profile.scale * unit)


@dataclass(frozen=True)
class Tipping:
    """``group`` at ``share`` ties the two options in Borda, the other groups keeping their relative
    shares."""

    group: str
    ahead: int
    behind: int
    share: Fraction
    share_now: Fraction


def tipping_shares(
    profile: Profile, policy: Policy, *, column: str = "group", shares: Mapping[str, Fraction] | None = None
) -> list[Tipping]:
    """For each group and pair of options: the share between 0 and 1 at which the two tie in averaged Borda.

    ``shares`` are the present ones (default: by ballots). Pairs that no share of the group can tie are left
    out.
    """
    sizes = {name: size for name, size in group_sizes(profile, column).items() if size}
    now = {name: Fraction(size, sum(sizes.values())) for name, size in sizes.items()}
    if shares is not None:
        total = sum(shares[name] for name in sizes)
        now = {name: Fraction(shares[name]) / total for name in sizes}
    means = {name: _mean_borda(profile, policy, column, name, size) for name, size in sizes.items()}
    found = []
    for group in sizes:
        rest = 1 - now[group]
        if not rest:
            continue
        others = [
            sum((now[g] * means[g][x] for g in sizes if g != group), Fraction(0)) / rest
            for x in range(len(profile.options))
        ]
        found += _tips(group, means[group], others, now[group])
    return found


def _mean_borda(profile: Profile, policy: Policy, column: str, name: str, size: int) -> list[Fraction]:
    own = profile.with_ballots(b for b in profile.ballots if (b.attribute(column) or "") == name)
    return [Fraction(int(score), size) for score in borda(pairwise(own, policy))]


def _tips(group: str, own: list[Fraction], others: list[Fraction], share_now: Fraction) -> list[Tipping]:
    score = [share_now * a + (1 - share_now) * b for a, b in zip(own, others, strict=True)]
    order = sorted(range(len(score)), key=lambda x: (-score[x], x))
    found = []
    for i, ahead in enumerate(order):
        for behind in order[i + 1 :]:
            mine, theirs = own[ahead] - own[behind], others[ahead] - others[behind]
            if mine != theirs and 0 <= theirs / (theirs - mine) <= 1:
                found.append(Tipping(group, ahead, behind, theirs / (theirs - mine), share_now))
    return found
