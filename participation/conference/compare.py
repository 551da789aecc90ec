"""Comparing rounds of one conference, and conferences over the years.

Options keep their id over versions; between conferences a person maintains a mapping. What stood on one list
only is a gap, never a zero. Ranks are compared among the options both lists share, with the uncertainty of
both counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from participation.conference import closeness
from participation.conference.ballots import Fault, Option, Policy, Profile
from participation.conference.pairwise import borda, pairwise

Change = Literal["same", "renamed", "split", "merged", "new", "dropped"]
CHANGES: tuple[Change, ...] = ("same", "renamed", "split", "merged", "new", "dropped")


@dataclass(frozen=True)
class Link:
    """One line of the mapping: options of the earlier list, of the later list, and what happened between."""

    earlier: tuple[str, ...]
    later: tuple[str, ...]
    change: Change


@dataclass(frozen=True)
class Shift:
    """Rank then and now among shared options, 95 % intervals; None where an option stood on one list only.

    ``moved``: rank now minus rank then (negative: up), with its interval over both bootstraps.
    """

    link: Link
    rank_then: float | None
    rank_now: float | None
    moved: float | None
    low: float | None
    high: float | None


#: How many options each change joins: (earlier, later); None stands for two or more.
_SHAPE: dict[Change, tuple[int | None, int | None]] = {
    "same": (1, 1),
    "renamed": (1, 1),
    "split": (1, None),
    "merged": (None, 1),
    "new": (0, 1),
    "dropped": (1, 0),
}


def check_mapping(links: Iterable[Link], earlier: Iterable[str], later: Iterable[str]) -> list[Fault]:
    """Every fault of a mapping: unknown options, options mapped twice or not at all, changes of the wrong
    shape."""
    faults = []
    links = list(links)
    for number, link in enumerate(links, 1):
        for wanted, given in zip(_SHAPE[link.change], (link.earlier, link.later), strict=True):
            if len(given) != wanted and not (wanted is None and len(given) > 1):
                faults.append(Fault("mapping_shape", f"{number}", {"change": link.change}))
    for side, known in (("earlier", list(earlier)), ("later", list(later))):
        used = [name for link in links for name in getattr(link, side)]
        faults += [
            Fault("mapping_unknown", side, {"option": n}) for n in dict.fromkeys(used) if n not in known
        ]
        faults += [
            Fault("mapping_twice", side, {"option": n}) for n in dict.fromkeys(used) if used.count(n) > 1
        ]
        faults += [Fault("mapping_missing", side, {"option": n}) for n in known if n not in used]
    return faults


def same_ids(earlier: Iterable[str], later: Iterable[str]) -> list[Link]:
    """The mapping where ids are kept (rounds of one conference): same, new, dropped."""
    before, after = list(earlier), list(later)
    links = [Link((n,), (n,), "same") for n in before if n in after]
    links += [Link((n,), (), "dropped") for n in before if n not in after]
    return links + [Link((), (n,), "new") for n in after if n not in before]


def restricted(profile: Profile, keep: Iterable[str], names: Mapping[str, str] | None = None) -> Profile:
    """The same ballots on some of the options, renamed if ``names`` says so; classes that become empty
    vanish."""
    keep = list(keep)
    place = {profile.ids.index(name): n for n, name in enumerate(keep)}
    options = tuple(Option((names or {}).get(n, n)) for n in keep)
    ballots = []
    for ballot in profile.ballots:
        classes = (tuple(place[x] for x in tied if x in place) for tied in ballot.ranking)
        marks = tuple((place[x], mark) for x, mark in ballot.marks if x in place)
        ballots.append(replace(ballot, ranking=tuple(c for c in classes if c), marks=marks))
    return replace(profile, options=options, ballots=tuple(ballots), costs=())


def compare(
    earlier: Profile,
    later: Profile,
    links: Iterable[Link],
    policy: Policy,
    *,
    rng: np.random.Generator,
    replicates: int = 1000,
) -> list[Shift]:
    """Change of rank (averaged Borda) of every option that stands on both lists as one.

    The two votes are taken as independent: nobody's ballots are linked between rounds.
    """
    links = list(links)
    joined = [link for link in links if len(link.earlier) == len(link.later) == 1]
    then = restricted(earlier, [link.earlier[0] for link in joined])
    now = restricted(later, [link.later[0] for link in joined])
    if not joined or not then.total or not now.total:
        return [Shift(link, None, None, None, None, None) for link in links]
    rank_then, rank_now = _ranks(then, policy), _ranks(now, policy)
    moves = closeness.rank_samples(now, policy, rng=rng, replicates=replicates) - closeness.rank_samples(
        then, policy, rng=rng, replicates=replicates
    )
    low, high = np.quantile(moves, [0.025, 0.975], axis=0, method="inverted_cdf")
    found = []
    for link in links:
        if link in joined:
            x = joined.index(link)
            numbers = (rank_then[x], rank_now[x], rank_now[x] - rank_then[x], low[x], high[x])
            found.append(Shift(link, *(float(v) for v in numbers)))
        else:
            found.append(Shift(link, None, None, None, None, None))
    return found


def _ranks(profile: Profile, policy: Policy) -> list[float]:
    """Mean places by Borda, 1 is best."""
    score = borda(pairwise(profile, policy))
    ahead = np.asarray(score[:, None] < score[None, :]).sum(axis=1)
    tied = np.asarray(score[:, None] == score[None, :]).sum(axis=1)
    return [float(a + (t + 1) / 2) for a, t in zip(ahead, tied, strict=True)]
