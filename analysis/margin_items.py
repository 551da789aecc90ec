"""Items that margins need, completed for weighting only; the answers stay as given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.columns import Array, Column, Floats, Ints
from analysis.diagnostics import describe
from analysis.errors import MarginError
from analysis.margins import Margin, Margins

if TYPE_CHECKING:
    from analysis.design import SurveyDesign

PREFIX = "weighting:"
FLAGGED = 0.1
"""A margin of which more than this share was imputed is flagged."""


def complete_margins(
    design: SurveyDesign,
    margins: Margins,
    *,
    key: str | None = None,
    seed: int = 0,
    outside: Mapping[str, Mapping[str, str]] | None = None,
) -> SurveyDesign:
    """Margin items for weighting only: missing ones imputed within ``key`` from a seed, others by declared
    rule.

    ``outside[variable][category]`` is ``"random"`` (drawn by the margin's shares) or a category of the
    margin. The answers stay as given: the completed items are new columns ``weighting:<variable>``, which the
    weighting steps use in place of the answers. The diagnostics report the share per margin and flag one
    above 10 %.
    """
    rng = np.random.default_rng(seed)
    strata = design.column(key).category().values if key else np.zeros(len(design), np.int64)
    added, notes, shares = {}, [], {}
    for margin in margins:
        if len(margin.variables) > 1:
            continue
        name = margin.variables[0]
        column = design.column(name).category()
        codes = margin.codes(column)
        rule = (outside or {}).get(name, {})
        draw = np.flatnonzero((codes == -1) & design.active)
        for level in {column.levels[i] for i in column.values[(codes == -2) & design.active]}:
            rows = np.flatnonzero((column.values == column.levels.index(level)) & design.active)
            codes = _outside(margin, codes, rows, level, rule, rng)
        codes = _impute(margin, codes, draw, strata, design.weights, rng)
        share = len(draw) / max(design.base, 1)
        shares[name] = share
        if share > FLAGGED:
            notes.append(f"margin_mostly_imputed: {name} {share:.0%}")
        added[PREFIX + name] = Column(PREFIX + name, "category", codes, margin.categories)
    step = describe(
        "margin items",
        design.weights,
        notes=tuple(notes),
        settings={"key": key or "", "seed": seed, "imputed": shares, "outside": dict(outside or {})},
    )
    return replace(design, data={**design.data, **added}, steps=(*design.steps, step))


def _outside(
    margin: Margin, codes: Array, rows: Ints, level: str, rule: Mapping[str, str], rng: np.random.Generator
) -> Array:
    chosen = rule.get(level)
    if chosen is None:
        raise MarginError(
            "category_without_margin",
            f"{len(rows)} respondents have {margin.name} = {level}, a category that the margin lacks. "
            f"Declare a rule: outside={{'{margin.name}': {{'{level}': 'random'}}}} or a category of the "
            "margin; the answer stays as given.",
            place=f"{margin.name}={level}",
            count=len(rows),
        )
    out = codes.copy()
    if chosen == "random":
        out[rows] = rng.choice(len(margin.categories), len(rows), p=margin.counts / margin.total)
    elif chosen in margin.categories:
        out[rows] = margin.categories.index(chosen)
    else:
        raise MarginError(
            "outside_rule",
            f"The rule for {margin.name} = {level} is {chosen!r}; use 'random' or one of "
            f"{', '.join(margin.categories)}.",
            place=f"{margin.name}={level}",
        )
    return out


def _impute(
    margin: Margin, codes: Array, rows: Ints, strata: Ints, weights: Floats, rng: np.random.Generator
) -> Array:
    """Random draw from the observed distribution of the same key; from the margin where the key has no
    donor."""
    out = codes.copy()
    k = len(margin.categories)
    for stratum in np.unique(strata[rows]):
        here = rows[strata[rows] == stratum]
        donors = (strata == stratum) & (codes >= 0) & (weights > 0)
        shares = np.bincount(codes[donors], weights[donors], k) if donors.any() else margin.counts
        out[here] = rng.choice(k, len(here), p=shares / shares.sum())
    return out
