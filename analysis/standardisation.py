"""Direct standardisation: rates of groups as if they had one standard composition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.columns import Column, interaction
from analysis.errors import MarginError
from analysis.margins import Margin
from analysis.weighting import post_stratify

if TYPE_CHECKING:
    from analysis.design import SurveyDesign


def standardise(
    design: SurveyDesign,
    by: str,
    over: str | Sequence[str],
    population: Mapping[str, float] | Sequence[float],
) -> SurveyDesign:
    """Direct standardisation: within every group of ``over`` the shares of ``by`` are those of
    ``population``.

    R: ``svystandardize``. ``population`` counts or shares per level of ``by``, by name or in level order.
    """
    column = design.column(by).category()
    if isinstance(population, Mapping):
        values = [float(population.get(level, 0.0)) for level in column.levels]
    else:
        values = [float(v) for v in population]
    if len(values) != len(column.levels):
        raise MarginError(
            "standard_length",
            f"{by} has {len(column.levels)} categories and the standard population {len(values)}.",
            place=by,
        )
    shares = np.array(values) / sum(values)
    groups = [over] if isinstance(over, str) else list(over)
    crossed = interaction([design.column(g).category() for g in groups]) if groups else None
    codes = crossed.values if crossed is not None else np.zeros(len(design), np.int64)
    levels = crossed.levels if crossed is not None else ("all",)
    live = design.active & (codes >= 0) & (column.values >= 0)
    sizes = np.bincount(codes[live], design.weights[live], len(levels))
    counts = np.outer(shares, sizes).ravel()
    names = tuple(f"{a}.{b}" for a in column.levels for b in levels)
    cell = Column("standard", "category", np.where(live, column.values * len(levels) + codes, -1), names)
    inside = design if live.sum() == design.active.sum() else design.subset(live)
    margin = Margin(("standard",), names, counts)
    done = post_stratify(inside.with_columns(standard=cell), margin, partial=True)
    kept = {k: v for k, v in done.data.items() if k != "standard"}
    return replace(done, data=kept)
