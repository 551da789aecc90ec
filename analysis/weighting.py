"""The weighting chain: design weight -> nonresponse -> calibration -> trimming, with diagnostics of every
step.

Every function takes a :class:`SurveyDesign` and returns a new one whose variance knows what was done. What
cannot be met raises an error that names the category and the gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis import calibration, projection, raking
from analysis.columns import Array, Column, Floats, Ints, interaction
from analysis.diagnostics import Move, describe
from analysis.errors import CalibrationError, DataError, MarginError
from analysis.margin_items import PREFIX
from analysis.margins import Margin, Margins, check_categories
from analysis.replicates import Replicates

if TYPE_CHECKING:
    from analysis.design import SurveyDesign

MOVES = 10
"""How many categories the diagnostics list: those that were moved most."""


def _item(design: SurveyDesign, variable: str) -> Column:
    """The completed item where there is one, else the answer."""
    return (design.data.get(PREFIX + variable) or design.column(variable)).category()


def _margin_column(design: SurveyDesign, margin: Margin) -> Column:
    parts = [_item(design, v) for v in margin.variables]
    return parts[0] if len(parts) == 1 else interaction(parts)


# -- post-stratification and raking


def post_stratify(design: SurveyDesign, margins: Margins | Margin, *, partial: bool = False) -> SurveyDesign:
    """Weights that meet one joint distribution exactly. R: ``postStratify``.

    Source: Holt and Smith (1979), JRSS A 142. ``partial`` ignores categories without respondents, whose
    persons are then missing from the total (they are named in the notes).
    """
    margin = margins if isinstance(margins, Margin) else _single(margins)
    _check_errors(design, (margin,))
    column = _margin_column(design, margin)
    check_categories(margin, column, design.active, partial)
    codes = np.where(design.active, margin.codes(column), 0)
    factor = _post_factor(design.weights, codes, margin)
    after = design.weights * factor[codes]
    step = projection.PostStrata(
        codes, design.weights, after, _uncertainty((margin,)), len(margin.categories)
    )
    notes = tuple(
        f"category_without_sample: {margin.name}={c}"
        for c, n, f in zip(margin.categories, margin.counts, factor, strict=True)
        if n and f == 0
    )
    replicates = None
    if design.replicates is not None:
        tables = [w * _post_factor(w, codes, margin)[codes] for w in design.replicates.each()]
        replicates = _recombined(design.replicates, np.stack(tables, axis=1))
    return _finish(design, after, step, replicates, "post-stratification", (margin,), 1, notes)


def _single(margins: Margins) -> Margin:
    if len(margins) != 1:
        raise MarginError(
            "one_margin",
            "Post-stratification takes one margin; rake() takes several, or cross them into one.",
        )
    return margins.margins[0]


def _post_factor(weights: Floats, codes: Array, margin: Margin) -> Floats:
    sums = np.asarray(np.bincount(codes, weights, len(margin.categories)), float)
    out = np.zeros_like(sums)
    np.divide(margin.counts, sums, out=out, where=sums != 0)
    return out


def rake(
    design: SurveyDesign,
    margins: Margins,
    *,
    iterations: int = 1000,
    tolerance: float = raking.TOLERANCE,
) -> SurveyDesign:
    """Weights that meet every margin, by iterative proportional fitting on the table of distinct cells. R:
    ``rake``.

    Raises :class:`MarginError` for categories that the sample or the margin lacks and
    :class:`CalibrationError` where no weights meet all margins; both name the category.
    """
    _check_errors(design, margins.margins)
    columns = [_margin_column(design, margin) for margin in margins]
    coded = [_raking_codes(margin, c, design.active) for margin, c in zip(margins, columns, strict=True)]
    cells = raking.Cells.of(coded, [len(m.categories) for m in margins])
    targets = [m.counts for m in margins]
    mass = cells.mass(design.weights)
    for margin, column, sums in zip(margins, columns, cells.margins(mass), strict=True):
        if ((sums > 0) != (margin.counts > 0)).any():
            check_categories(margin, column, design.active)

    def label(m: int, c: int) -> str:
        return f"{margins.margins[m].name} = {margins.margins[m].categories[c]}"

    factor, used, gap = raking.fit(mass, cells, targets, label, iterations, tolerance)
    after = cells.spread(design.weights, factor)
    step = projection.Raked(cells, after, _uncertainty(margins.margins))
    replicates = None
    if design.replicates is not None:
        tables = []
        for r, w in enumerate(design.replicates.each()):
            again, _, _ = raking.fit(
                cells.mass(w),
                cells,
                targets,
                lambda m, c, r=r: f"replicate {r + 1}: {label(m, c)}",  # type: ignore[misc]
                iterations,
                tolerance,
            )
            tables.append(cells.spread(w, again))
        replicates = _recombined(design.replicates, np.stack(tables, axis=1))
    return _finish(
        design, after, step, replicates, "raking", margins.margins, used, (), gap, cells.margins(mass)
    )


def _raking_codes(margin: Margin, column: Column, active: Array) -> Array:
    """Codes for raking. Where levels are the margin's own, the cell sums show what the check would find."""
    if column.levels == margin.categories and column.values.min(initial=0) >= 0:
        return column.values
    check_categories(margin, column, active)
    return np.where(active, margin.codes(column), 0)


def _codes_of(margin: Margin, column: Column, active: Array) -> Array:
    """Codes of a checked column; where the levels stand in the margin's order they are used as they are."""
    if column.levels == margin.categories and (column.values.min(initial=0) >= 0):
        return column.values
    return np.where(active, margin.codes(column), 0)


# -- calibration


def calibrate(
    design: SurveyDesign,
    totals: Mapping[str, float] | Margins,
    *,
    columns: Mapping[str, Array] | Floats | None = None,
    numbers: Mapping[str, float] | None = None,
    method: str = "linear",
    bounds: tuple[float, float] | None = None,
    aggregate: int | None = None,
    variance: Array | None = None,
    tolerance: float = calibration.TOLERANCE,
) -> SurveyDesign:
    """Weights that meet totals. R: ``calibrate`` with calfun linear, raking or logit, and bounds on the
    factors.

    ``totals`` are margins (then ``numbers`` may add totals of numeric columns) or ``{name: total}`` of the
    ``columns`` (name -> (n,) values, or an (n, q) matrix in the order of ``totals``; None: the design's own).
    ``aggregate=1`` gives all members of a first-stage unit the same factor. Source: Deville and Särndal
    (1992).
    """
    if isinstance(totals, Margins):
        names, matrix, targets, unsure = _margin_matrix(design, totals, numbers or {})
        _check_errors(design, totals.margins)
    else:
        unsure = None
        names, targets = list(totals), np.array([float(t) for t in totals.values()])
        matrix = _matrix(design, names, columns)
    before = design.weights
    if aggregate is not None:
        if not 1 <= aggregate <= len(design.plan):
            raise DataError("no_such_stage", f"The design has no stage {aggregate}.")
        unit = design.plan[aggregate - 1].unit
        matrix, before = _averaged(matrix, unit), _averaged(before[:, None], unit)[:, 0]
    limits = bounds if bounds is not None else (-np.inf, np.inf)

    def factors(weights: Floats, where: str = "") -> calibration.Solution:
        labels = [where + name for name in names] if where else names
        return calibration.solve(
            matrix, weights, targets, labels, method, limits, variance, tolerance=tolerance
        )

    solution = factors(before)
    after = design.weights * solution.g
    step = projection.Regression(matrix, before, before * solution.g, variance, unsure)
    replicates = None
    if design.replicates is not None:
        tables = []
        for r, w in enumerate(design.replicates.each()):
            used = w if aggregate is None else _averaged(w[:, None], unit)[:, 0]
            tables.append(w * factors(used, f"replicate {r + 1}: ").g)
        replicates = _recombined(design.replicates, np.stack(tables, axis=1))
    moved = [
        Move(name, "", float(b), float(t)) for name, b, t in zip(names, before @ matrix, targets, strict=True)
    ]
    negative = int(np.count_nonzero(after < 0))
    diagnostics = describe(
        f"{method} calibration",
        after,
        iterations=solution.iterations,
        largest_gap=solution.gap,
        moves=_most(moved),
        notes=(f"negative_weights: {negative}",) if negative else (),
        settings={"totals": dict(zip(names, targets.tolist(), strict=True)), "bounds": list(limits)},
    )
    return replace(
        design,
        weights=after,
        calibrations=() if replicates is not None else (*design.calibrations, step),
        replicates=replicates,
        steps=(*design.steps, diagnostics),
    )


def _matrix(
    design: SurveyDesign, names: Sequence[str], columns: Mapping[str, Array] | Floats | None
) -> Floats:
    if isinstance(columns, np.ndarray):
        matrix = np.ascontiguousarray(columns, float)
    else:
        given = columns or {}
        parts = [np.asarray(given[n], float) if n in given else design.column(n).numeric() for n in names]
        matrix = np.stack(parts, axis=1)
    if matrix.shape != (len(design), len(names)):
        raise DataError(
            "matrix_shape",
            f"The calibration columns have shape {matrix.shape}; expected {len(design)} rows for "
            f"{len(names)} totals.",
        )
    if not design.active.all():
        # Rows outside the domain may lack values; with weight 0 they must not spoil the sums.
        matrix = np.where(design.active[:, None], matrix, 0.0)
    return matrix


def _margin_matrix(
    design: SurveyDesign, margins: Margins, numbers: Mapping[str, float]
) -> tuple[list[str], Floats, Floats, Floats | None]:
    """Indicators of all categories but the first of every later margin (they sum to the same total)."""
    names, parts, targets, unsure = [], [], [], []
    for m, margin in enumerate(margins):
        column = _margin_column(design, margin)
        check_categories(margin, column, design.active)
        codes = _codes_of(margin, column, design.active)
        for c in range(1 if m else 0, len(margin.categories)):
            names.append(f"{margin.name} = {margin.categories[c]}")
            parts.append((codes == c) & design.active)
            targets.append(margin.counts[c])
            unsure.append(0.0 if margin.se is None else float(margin.se[c]) ** 2)
    for name, total in numbers.items():
        names.append(name)
        parts.append(design.column(name).numeric())
        targets.append(float(total))
        unsure.append(0.0)
    matrix = np.empty((len(design), len(parts)))
    for j, part in enumerate(parts):
        matrix[:, j] = part
    errors = np.array(unsure) if any(unsure) else None
    return names, _matrix(design, names, matrix), np.array(targets), errors


def _averaged(matrix: Floats, unit: Ints) -> Floats:
    return projection.group_means(matrix, unit, None, int(unit.max()) + 1)[unit]


# -- shared ending


def _check_errors(design: SurveyDesign, margins: Sequence[Margin]) -> None:
    """Replicates are weighted to fixed margins, so the margins' own errors would be lost without a word."""
    if design.replicates is not None and any(m.se is not None for m in margins):
        name = next(m.name for m in margins if m.se is not None)
        raise CalibrationError(
            "margin_errors_replicates",
            f"Margin {name} has standard errors, which replicate weights cannot carry. Weight the design "
            "itself (its linearised variance does), or leave the errors out.",
            place=name,
        )


def _uncertainty(margins: Sequence[Margin]) -> Floats | None:
    """(q,) variances of all margin counts one after the other, or None where they are exact."""
    if all(m.se is None for m in margins):
        return None
    return np.concatenate([np.zeros(len(m.counts)) if m.se is None else m.se**2 for m in margins])


def _recombined(replicates: Replicates, table: Floats) -> Replicates:
    """Replicates whose weights are the columns of ``table`` (n, R); degrees of freedom are taken anew."""
    return replace(replicates, base=np.ones(len(table)), factors=table, unit=None, df=None)


def _most(moves: Sequence[Move]) -> tuple[Move, ...]:
    def size(move: Move) -> float:
        return abs(np.log(move.after / move.before)) if move.after > 0 and move.before > 0 else np.inf

    return tuple(sorted(moves, key=size, reverse=True)[:MOVES])


def _finish(
    design: SurveyDesign,
    after: Floats,
    step: projection.Projection,
    replicates: Replicates | None,
    kind: str,
    margins: Sequence[Margin],
    iterations: int,
    notes: tuple[str, ...],
    gap: float = 0.0,
    reached: Sequence[Floats] | None = None,
) -> SurveyDesign:
    names = [(m.name, category) for m in margins for category in m.categories]
    targets = np.concatenate([m.counts for m in margins])
    before = step.margin_totals(design.weights) if reached is None else np.concatenate(reached)
    moves = [
        Move(name, category, float(b), float(t))
        for (name, category), b, t in zip(names, before, targets, strict=True)
    ]
    diagnostics = describe(
        kind,
        after,
        iterations=iterations,
        largest_gap=gap,
        moves=_most(moves),
        notes=notes,
        settings={"margins": [m.to_dict() for m in margins]},
    )
    return replace(
        design,
        weights=after,
        calibrations=() if replicates is not None else (*design.calibrations, step),
        replicates=replicates,
        steps=(*design.steps, diagnostics),
    )
