"""Change by group, and change split into what changed inside groups and how the groups' sizes changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from analysis import waves as sides
from analysis.breaks import Bridge, Fielding, listed, require
from analysis.columns import Floats, Ints
from analysis.errors import EstimateError
from analysis.results import Estimates, from_covariance
from analysis.waves import Waves


@dataclass(frozen=True, eq=False)
class GroupChanges:
    """Change of every group, and the test that all groups changed alike: F on (groups - 1, df)."""

    changes: Estimates
    statistic: float
    df: int
    ddf: float
    p_value: float
    notes: tuple[str, ...] = ()


def change_by_group(
    waves: Waves,
    variable: Any,
    by: Any,
    event: str | None = None,
    *,
    fieldings: Sequence[Fielding] = (),
    bridges: Sequence[Bridge] = (),
    level: float = 0.95,
) -> GroupChanges:
    """Change from the first to the last of two waves in every group, with the covariance of shared units.

    Raises :class:`EstimateError` for a group without cases in a wave or without an observed value.
    """
    pair, notes = _pair_of(waves, fieldings, bridges)
    means, _, scores, names, base = _grouped(pair, variable, by, event)
    covariance = pair.covariance(scores)
    g = len(names)
    jacobian = np.hstack([-np.eye(g), np.eye(g)])
    estimate = means[1] - means[0]
    v = jacobian @ covariance[np.ix_(_mean_rows(g), _mean_rows(g))] @ jacobian.T
    found = from_covariance(
        "change",
        names,
        tuple({"group": n} for n in names),
        estimate,
        v,
        base.sum(axis=0),
        pair.df,
        level,
        notes=notes,
    )
    q = g - 1
    contrast = np.column_stack([-np.ones(q), np.eye(q)])
    gaps = contrast @ estimate
    ddf = pair.df - q + 1
    f = float(gaps @ np.linalg.solve(contrast @ v @ contrast.T, gaps)) / q if q else float("nan")
    p = float(stats.f.sf(f, q, ddf)) if q and ddf > 0 else float("nan")
    return GroupChanges(found, f, q, ddf, p, notes)


@dataclass(frozen=True, eq=False)
class Composition:
    """Change split into *same groups* (what changed inside groups) and *new mix* (groups that grew or
    shrank).

    ``parts`` has the rows ``change``, ``same_groups``, ``new_mix``; ``by_group`` the two parts of every
    group. The two add up to the change of the cases whose group is known.
    """

    parts: Estimates
    by_group: Estimates
    notes: tuple[str, ...] = ()


def composition(
    waves: Waves,
    variable: Any,
    by: Any,
    event: str | None = None,
    *,
    fieldings: Sequence[Fielding] = (),
    bridges: Sequence[Bridge] = (),
    level: float = 0.95,
) -> Composition:
    """Kitagawa's (1955, JASA 50) symmetric decomposition of a change of means, with linearised standard
    errors.

    Same groups: sum of mean share x change of mean; new mix: sum of mean of means x change of share.
    """
    pair, notes = _pair_of(waves, fieldings, bridges)
    means, shares, scores, names, base = _grouped(pair, variable, by, event)
    covariance = pair.covariance(scores)
    g = len(names)
    share, level_of = shares.mean(axis=0), means.mean(axis=0)
    moved, grown = means[1] - means[0], shares[1] - shares[0]
    # The columns of the scores are, wave by wave, g means and g shares.
    inside = np.zeros((g, 4 * g))
    mixed = np.zeros((g, 4 * g))
    index = np.arange(g)
    for t, sign in ((0, -1.0), (1, 1.0)):
        at_mean, at_share = 2 * g * t + index, 2 * g * t + g + index
        inside[index, at_mean] = sign * share
        inside[index, at_share] = moved / 2
        mixed[index, at_mean] = grown / 2
        mixed[index, at_share] = sign * level_of
    jacobian = np.vstack([inside, mixed])
    values = np.concatenate([share * moved, level_of * grown])
    rows = tuple({"group": n, "part": part} for part in ("same_groups", "new_mix") for n in names)
    labels = tuple(f"{n}:{part}" for part in ("same_groups", "new_mix") for n in names)
    detail = from_covariance(
        "composition",
        labels,
        rows,
        values,
        jacobian @ covariance @ jacobian.T,
        np.tile(base.sum(axis=0), 2),
        pair.df,
        level,
        notes=notes,
    )
    total = np.zeros((3, 2 * g))
    total[0], total[1, :g], total[2, g:] = 1.0, 1.0, 1.0
    parts = from_covariance(
        "composition",
        ("change", "same_groups", "new_mix"),
        tuple({"part": p} for p in ("change", "same_groups", "new_mix")),
        total @ values,
        total @ detail.covariance @ total.T,
        np.full(3, base.sum()),
        pair.df,
        level,
        notes=notes,
    )
    return Composition(parts, detail, notes)


def _mean_rows(g: int) -> Ints:
    return np.concatenate([np.arange(g), 2 * g + np.arange(g)])


def _pair_of(
    waves: Waves, fieldings: Sequence[Fielding], bridges: Sequence[Bridge]
) -> tuple[Waves, tuple[str, ...]]:
    if len(waves.labels) != 2:
        raise EstimateError(
            "not_two_waves",
            f"There are {len(waves.labels)} waves ({', '.join(waves.labels)}); pick two with "
            "waves.pick([...]).",
        )
    return waves, require(listed(waves.labels, fieldings), bridges)


def _grouped(
    waves: Waves, variable: Any, by: Any, event: str | None
) -> tuple[Floats, Floats, list[Floats], tuple[str, ...], Floats]:
    """Means and shares (2, g), scores per wave (n, 2g: means then shares), group names, base (2, g)."""
    columns, names = sides.groups(waves, by)
    g = len(names)
    means, shares, base = np.zeros((2, g)), np.zeros((2, g)), np.zeros((2, g))
    scores = []
    for t, design in enumerate(waves.designs):
        values, seen = sides.numbers(design, variable, event)
        position = {columns[t].levels.index(n): i for i, n in enumerate(names)}
        codes = np.array([position.get(c, -1) for c in range(len(columns[t].levels))] + [-1])[
            columns[t].values
        ]
        rows = seen & (codes >= 0)
        w = np.where(rows, design.weights, 0.0)
        mass = np.bincount(codes[rows], w[rows], g)
        base[t] = np.bincount(codes[rows], minlength=g)
        empty = np.flatnonzero(mass == 0)
        if empty.size:
            raise EstimateError(
                "empty_group",
                f"{columns[t].name}={names[empty[0]]} has no observed value in wave {waves.labels[t]}.",
                place=f"{waves.labels[t]}:{names[empty[0]]}",
            )
        means[t] = np.bincount(codes[rows], (w * values)[rows], g) / mass
        shares[t] = mass / mass.sum()
        member = (codes[:, None] == np.arange(g)) & rows[:, None]
        of_means = w[:, None] * member * (values[:, None] - means[t]) / mass
        of_shares = w[:, None] * (member - shares[t]) * rows[:, None] / mass.sum()
        scores.append(np.hstack([of_means, of_shares]))
    return means, shares, scores, names, base
