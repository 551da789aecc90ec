"""Trimming of weights, the last step of the weighting chain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.columns import Floats
from analysis.diagnostics import describe
from analysis.errors import CalibrationError

if TYPE_CHECKING:
    from analysis.design import SurveyDesign


def trim(
    design: SurveyDesign, *, lower: float = -np.inf, upper: float = np.inf, strict: bool = True
) -> SurveyDesign:
    """Weights within [lower, upper], the excess spread evenly over the untrimmed. R: ``trimWeights`` (4.5).

    ``strict`` repeats until every weight is inside, remembering which were trimmed. Trimming moves the
    margins that calibration had met: the diagnostics name how far. To keep them, calibrate with bounds
    instead.
    """
    if not lower < upper:
        raise CalibrationError(
            "trim_bounds", f"The lower bound {lower:g} is not below the upper bound {upper:g}."
        )
    w = design.weights.copy()
    live = design.active
    count = int(live.sum())
    total = float(w[live].sum())
    if not lower * count <= total * (1 + 1e-12) or not total <= upper * count * (1 + 1e-12):
        raise CalibrationError(
            "trim_infeasible",
            f"{count} weights with the sum {total:,.10g} cannot all lie between {lower:g} and {upper:g}; "
            "their mean is "
            f"{total / count:,.10g}.",
            place="trim",
        )
    trimmed = np.zeros(len(w), bool)
    rounds = 0
    while True:
        outside = live & ((w < lower) | (w > upper))
        if not outside.any() or (rounds and not strict):
            break
        rounds += 1
        trimmed |= outside
        clipped = np.clip(w, lower, upper)
        excess = float((w - clipped)[outside].sum())
        rest = live & ~trimmed
        if not rest.any():
            raise CalibrationError(
                "trim_infeasible",
                f"After {rounds} rounds every weight lies on a bound and {excess:,.10g} is left over; "
                "widen the bounds.",
                place="trim",
            )
        w = np.where(outside, clipped, w)
        w[rest] += excess / rest.sum()
    notes = tuple(f"margins_moved: {gap:.3%}" for gap in (_moved_totals(design, w),) if gap > 1e-9)
    step = describe(
        "trimming",
        w,
        iterations=rounds,
        trimmed=int(trimmed.sum()),
        notes=notes,
        settings={"lower": float(lower), "upper": float(upper), "strict": strict},
    )
    return replace(design, weights=w, steps=(*design.steps, step))


def _moved_totals(design: SurveyDesign, weights: Floats) -> float:
    """Largest relative move of the totals that earlier calibrations had met."""
    worst = 0.0
    for step in design.calibrations:
        before, after = step.margin_totals(design.weights), step.margin_totals(weights)
        size = np.maximum(np.abs(before), 1e-300)
        worst = max(worst, float(np.max(np.abs(after - before) / size)))
    return worst
