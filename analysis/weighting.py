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

from analysis import calibration, projection
from analysis.columns import Array, Column, Floats, Ints, interaction
from analysis.diagnostics import Move, describe
from analysis.errors import DataError, MarginError
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
    tolerance: float = calibration.TOLERANCE,
) -> SurveyDesign:
    """Weights that meet every margin, by iterative proportional fitting on the table of distinct cells. R:
    ``rake``.

    Raises :class:`MarginError` for categories that the sample or the margin lacks and
    :class:`CalibrationError` where no weights meet all margins; both name the category.
    """
    coded = []
    for margin in margins:
        column = _margin_column(design, margin)
        check_categories(margin, column, design.active)
        coded.append(_codes_of(margin, column, design.active))
    sizes = [len(m.categories) for m in margins]
    key, count = calibration.cells_of(coded, sizes)
    fit = _Fit(margins, coded, sizes, key, count, iterations, tolerance)
    after, used, gap = fit.weights(design.weights)
    step = projection.Raked(key, fit.members, tuple(sizes), after, _uncertainty(margins.margins))
    replicates = None
    if design.replicates is not None:
        tables = [fit.weights(w, f"replicate {r + 1}: ")[0] for r, w in enumerate(design.replicates.each())]
        replicates = _recombined(design.replicates, np.stack(tables, axis=1))
    return _finish(design, after, step, replicates, "raking", margins.margins, used, (), gap)


def _codes_of(margin: Margin, column: Column, active: Array) -> Array:
    """Codes of a checked column; where the levels stand in the margin's order they are used as they are."""
    if column.levels == margin.categories and (column.values.min(initial=0) >= 0):
        return column.values
    return np.where(active, margin.codes(column), 0)


class _Fit:
    """Raking prepared once and applied to the full sample and to every replicate."""

    def __init__(
        self,
        margins: Margins,
        coded: Sequence[Array],
        sizes: Sequence[int],
        key: Ints,
        count: int,
        iterations: int,
        tolerance: float,
    ) -> None:
        self.margins, self.key, self.count = margins, key, count
        self.iterations, self.tolerance = iterations, tolerance
        self.members = _members(coded, sizes, key, count)

    def weights(self, weights: Floats, where: str = "") -> tuple[Floats, int, float]:
        mass = np.asarray(np.bincount(self.key, weights, self.count), float)
        live = np.flatnonzero(mass)
        factor = np.zeros(self.count)

        def label(m: int, c: int) -> str:
            margin = self.margins.margins[m]
            return f"{where}{margin.name} = {margin.categories[c]}"

        factor[live], used, gap = calibration.rake_cells(
            mass[live],
            [member[live] for member in self.members],
            [m.counts for m in self.margins],
            label,
            self.iterations,
            self.tolerance,
        )
        return weights * factor[self.key], used, gap


def _members(coded: Sequence[Array], sizes: Sequence[int], key: Ints, count: int) -> tuple[Ints, ...]:
    """Every cell's category per margin (c,)."""
    if count == int(np.prod([float(s) for s in sizes])):
        grid = np.unravel_index(np.arange(count), tuple(sizes))
        return tuple(np.asarray(g, np.int64) for g in grid)
    first = np.zeros(count, np.int64)
    first[key[::-1]] = np.arange(len(key))[::-1]
    return tuple(np.asarray(code[first], np.int64) for code in coded)


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
        names, matrix, targets = _margin_matrix(design, totals, numbers or {})
    else:
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
    step = projection.Regression(matrix, before, before * solution.g, variance)
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
) -> tuple[list[str], Floats, Floats]:
    """Indicators of all categories but the first of every later margin (they sum to the same total)."""
    names, parts, targets = [], [], []
    for m, margin in enumerate(margins):
        column = _margin_column(design, margin)
        check_categories(margin, column, design.active)
        codes = _codes_of(margin, column, design.active)
        for c in range(1 if m else 0, len(margin.categories)):
            names.append(f"{margin.name} = {margin.categories[c]}")
            parts.append((codes == c) & design.active)
            targets.append(margin.counts[c])
    for name, total in numbers.items():
        names.append(name)
        parts.append(design.column(name).numeric())
        targets.append(float(total))
    matrix = np.empty((len(design), len(parts)))
    for j, part in enumerate(parts):
        matrix[:, j] = part
    return names, _matrix(design, names, matrix), np.array(targets)


def _averaged(matrix: Floats, unit: Ints) -> Floats:
    return projection.group_means(matrix, unit, None, int(unit.max()) + 1)[unit]


# -- shared ending


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
) -> SurveyDesign:
    names = [(m.name, category) for m in margins for category in m.categories]
    targets = np.concatenate([m.counts for m in margins])
    moves = [
        Move(name, category, float(b), float(t))
        for (name, category), b, t in zip(names, step.margin_totals(design.weights), targets, strict=True)
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
