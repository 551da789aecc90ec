"""The first two steps of the weighting chain: design weights per stratum, and nonresponse by classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.columns import Array, Column, Floats, interaction
from analysis.diagnostics import describe
from analysis.errors import DataError

if TYPE_CHECKING:
    from analysis.dataset import Wave
    from analysis.design import SurveyDesign


def design_of_wave(make: type[SurveyDesign], wave: Wave, nonresponse: bool, lonely: str) -> SurveyDesign:
    """See :meth:`SurveyDesign.from_wave`."""
    column = wave.data[wave.key].category()
    if (column.values < 0).any():
        row = int(np.flatnonzero(column.values < 0)[0]) + 1
        raise DataError(
            "missing_role",
            f"Response {row} has no key ({wave.key}), so nobody knows whom it stands for.",
            place=wave.key,
            row=row,
        )
    present = {level for level, n in zip(column.levels, np.bincount(column.values), strict=True) if n}
    unknown = sorted(present - set(wave.population))
    if unknown:
        raise DataError(
            "unknown_key",
            f"Responses carry the key {unknown[0]}, which the register did not publish.",
            place=unknown[0],
        )
    silent = [key for key, n in wave.invited.items() if n and key not in present]
    if silent:
        raise DataError(
            "silent_stratum",
            f"Nobody answered in stratum {silent[0]} ({wave.invited[silent[0]]} invited), so it cannot be "
            "represented. "
            "Merge it with a similar stratum.",
            place=silent[0],
            strata=silent,
        )
    base = np.array([wave.population[k] / wave.invited[k] if k in present else 0.0 for k in column.levels])
    design = make.create(wave.data, weights=base[column.values], strata=column, lonely=lonely, wave=wave.name)
    first = describe("design weights", design.weights, settings={"key": wave.key})
    design = replace(design, steps=(first,))
    if not nonresponse:
        return design
    answered = dict(zip(column.levels, np.bincount(column.values, minlength=len(column.levels)), strict=True))
    factor = np.array([wave.invited[k] / answered[k] if k in present else 0.0 for k in column.levels])
    if (factor[column.values] < 1).any():
        key = column.levels[int(column.values[np.flatnonzero(factor[column.values] < 1)[0]])]
        raise DataError(
            "more_answers_than_invited",
            f"Stratum {key} has {answered[key]} responses but only {wave.invited[key]} invitations.",
            place=key,
        )
    weights = design.weights * factor[column.values]
    rates = {k: answered[k] / wave.invited[k] for k in sorted(present)}
    step = describe("nonresponse classes", weights, settings={"key": wave.key, "rates": rates})
    return replace(design, weights=weights, steps=(*design.steps, step))


def respondents_by_class(weights: Array, responded: Array, classes: Column | Sequence[Column]) -> Floats:
    """(n,) weights of a gross sample with nonrespondents' weight moved to respondents of the same class.

    Weighting-class adjustment (Little 1986): factor = sum of weights / sum of respondents' weights. Zero for
    nonrespondents. Raises :class:`DataError` for a class in which nobody answered.
    """
    column = classes if isinstance(classes, Column) else interaction(list(classes))
    code = column.category()
    answered = np.asarray(responded, bool)
    if (code.values < 0).any():
        raise DataError("missing_class", "A row of the gross sample has no class.", place=column.name)
    whole = np.bincount(code.values, weights, len(code.levels))
    part = np.bincount(code.values[answered], weights[answered], len(code.levels))
    silent = np.flatnonzero((part == 0) & (whole > 0))
    if silent.size:
        level = code.levels[int(silent[0])]
        raise DataError(
            "silent_class",
            f"Nobody answered in class {level}, so no one can stand for it. Merge it with a similar class.",
            place=level,
        )
    factor = np.divide(whole, part, out=np.zeros_like(whole), where=part > 0)
    return np.where(answered, weights * factor[code.values], 0.0)
