"""The survey design: who stands for whom, and how the sample was drawn.

A design is declared once; every estimate asks it for weights and for the covariance of totals. It is a value:
``subset``, ``rake``, ``calibrate`` return a new design.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import projection, sampling
from analysis.columns import Array, Bools, Column, Floats, Ints, as_column, encode
from analysis.errors import DataError, DesignError
from analysis.replicates import Replicates

if TYPE_CHECKING:
    from analysis.dataset import Wave
    from analysis.diagnostics import WeightingStep
    from analysis.margins import Margins
    from analysis.results import Estimates

Columns = Mapping[str, Any]
Role = str | Array | Column
"""A column by name, or its values."""


@dataclass(frozen=True, eq=False)
class SurveyDesign:
    """A sample of n rows with weights and its sampling structure.

    ``data`` columns by name; ``weights`` (n,), 0 outside the domain; ``plan`` the stages of selection;
    ``domain`` (n,) mask of a subset or None; ``calibrations`` the projections that the variance goes through,
    in order; ``replicates`` for replicate designs, which then replace the plan in every variance; ``lonely``
    the rule for strata with one PSU; ``steps`` the diagnostics of the weighting chain.
    """

    data: Mapping[str, Column]
    weights: Floats
    plan: tuple[sampling.Stage, ...]
    domain: Bools | None = None
    calibrations: tuple[projection.Projection, ...] = ()
    replicates: Replicates | None = None
    lonely: str = "fail"
    steps: tuple[WeightingStep, ...] = ()
    wave: str = ""
    notes: tuple[str, ...] = field(default=())

    # -- making a design
    # ---------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        data: Columns,
        weights: Role | None = None,
        strata: Role | Sequence[Role] | None = None,
        psu: Role | Sequence[Role] | None = None,
        fpc: Role | Sequence[Role] | None = None,
        nest: bool = False,
        lonely: str = "fail",
        wave: str = "",
    ) -> SurveyDesign:
        """A design from columns; every argument is a column name or an array, or one per stage.

        ``fpc`` are population sizes of the stage's strata (in units of that stage) or sampling fractions.
        Without weights they are the product of N/n over the stages, or 1. ``nest=True`` says that PSU codes
        start again in every stratum. R: ``svydesign``.

        Raises :class:`DataError` for missing columns, missing or negative weights, and :class:`DesignError`
        for clusters that cut across strata, population sizes below the sample and rules that do not exist.
        """
        columns = {name: as_column(name, values) for name, values in data.items()}
        n = _row_count(columns)
        units = [_codes(columns, u, "psu", n)[0] for u in _listed(psu)]
        named = [_codes(columns, s, "strata", n) for s in _listed(strata)]
        strata_codes = [codes for codes, _ in named]
        if units and strata_codes and not nest:
            _check_nested(units[0], strata_codes[0], named[0][1])
        populations = [_numbers(columns, f, "fpc", n) for f in _listed(fpc)] or None
        if lonely not in sampling.LONELY_RULES:
            raise DesignError("lonely_rule", f"{lonely!r} is no rule for lonely PSUs.", place=lonely)
        if units or strata_codes:
            units = units or [np.arange(n)]
            plan = sampling.stages(units, strata_codes, populations, named[0][1] if named else ())
        else:
            plan = sampling.simple(n, populations)
        return cls(
            data=columns,
            weights=_weights(columns, weights, plan, n),
            plan=plan,
            lonely=lonely,
            wave=wave,
        )

    @classmethod
    def from_wave(cls, wave: Wave, nonresponse: bool = True, lonely: str = "fail") -> SurveyDesign:
        """The design of a wave fielded from the register: strata are the keys, no fpc.

        Weights are N/n of the key as the register published them; with ``nonresponse`` they are multiplied by
        invited/responses inside every key. There is no fpc: invited n over N would understate the variance
        once people do not answer.
        """
        from analysis.wave_weights import design_of_wave

        return design_of_wave(cls, wave, nonresponse, lonely)

    @classmethod
    def from_replicates(
        cls,
        data: Columns,
        weights: str | Array,
        replicate_weights: Floats,
        scale: float,
        rscales: Floats | float = 1.0,
        mse: bool = False,
        combined: bool = True,
        kind: str = "other",
        df: float | None = None,
    ) -> SurveyDesign:
        """A design from replicate weights (n, R) that came with the data. R: ``svrepdesign``.

        ``combined``: the replicate weights contain the sampling weights. ``df`` None: rank of the replicate
        weights minus one.
        """
        columns = {name: as_column(name, values) for name, values in data.items()}
        n = _row_count(columns)
        full = _weights(columns, weights, (), n)
        replicates = Replicates.given(full, replicate_weights, scale, rscales, mse, combined, kind, df)
        plan = sampling.simple(n, None)
        return cls(data=columns, weights=full, plan=plan, replicates=replicates)

    # -- size
    # --------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.weights)

    def __repr__(self) -> str:
        first = self.plan[0]
        what = f"{self.base:,} cases"
        if self.base < len(self):
            what += f" of {len(self):,} rows"
        what += f", {len(first.unit_stratum):,} PSUs in {len(first.size):,} strata"
        what += f", {len(self.plan)} stage{'s' if len(self.plan) > 1 else ''}"
        if self.replicates is not None:
            what = f"{self.base:,} cases, {self.replicates.count:,} {self.replicates.kind} replicates"
        done = "".join(f", then {step.kind}" for step in self.steps)
        return f"<SurveyDesign: {what}, weights sum to {self.weights.sum():,.6g}{done}>"

    @cached_property
    def active(self) -> Bools:
        """(n,) rows of the domain that carry weight."""
        return np.asarray(self.weights != 0)

    @property
    def base(self) -> int:
        """Unweighted number of cases."""
        return int(np.count_nonzero(self.weights))

    @property
    def stratum(self) -> Ints:
        """(n,) first-stage stratum codes."""
        first = self.plan[0]
        return first.unit_stratum[first.unit]

    @property
    def psu(self) -> Ints:
        """(n,) first-stage PSU codes."""
        return self.plan[0].unit

    @cached_property
    def df(self) -> float:
        """Degrees of freedom: PSUs with data minus strata with data; for replicates the rank minus one."""
        if self.replicates is not None:
            return self.replicates.degrees(None if self.domain is None else self.weights)
        first = self.plan[0]
        live = np.zeros(len(first.unit_stratum), bool)
        live[first.unit[self.active]] = True
        return float(live.sum() - len(np.unique(first.unit_stratum[live])))

    @property
    def averages(self) -> bool:
        """True where strata with one PSU take the average variance of the others."""
        alone = any(bool((stage.size == 1).any()) for stage in self.plan)
        return self.lonely == "average" and alone and self.replicates is None

    # -- columns
    # -----------------------------------------------------------------------------------------------

    def column(self, name: str | Column | Array) -> Column:
        """A column by name; arrays and Columns pass through."""
        if not isinstance(name, str):
            return as_column(getattr(name, "name", "value"), name)
        if name not in self.data:
            raise DataError(
                "no_such_column",
                f"There is no column {name!r}. Columns are: {', '.join(list(self.data)[:12])}.",
                place=name,
            )
        return self.data[name]

    def with_columns(self, **columns: Any) -> SurveyDesign:
        """The design with further columns (or columns replaced)."""
        added = {name: as_column(name, values) for name, values in columns.items()}
        for name, column in added.items():
            if len(column) != len(self):
                raise DataError(
                    "length",
                    f"Column {name} has {len(column)} rows, the design {len(self)}.",
                    place=name,
                )
        return replace(self, data={**self.data, **added})

    # -- domains and variance
    # ----------------------------------------------------------------------------------

    def subset(self, mask: Array) -> SurveyDesign:
        """The domain where ``mask`` (n,) is true; rows stay, so that the variance knows the whole design."""
        chosen = np.asarray(mask)
        if chosen.shape != (len(self),):
            raise DataError(
                "mask", f"The mask has {chosen.shape[0] if chosen.ndim else 0} rows, the design {len(self)}."
            )
        inside = chosen.astype(bool) if self.domain is None else chosen.astype(bool) & self.domain
        replicates = None if self.replicates is None else self.replicates.masked(inside)
        return replace(
            self, weights=np.where(inside, self.weights, 0.0), domain=inside, replicates=replicates
        )

    def covariance(self, scores: Floats) -> Floats:
        """(p, p) covariance of the totals of ``scores`` (n, p) or (n,).

        Scores are weighted influence values: ``weights * z`` for the total of z, and 0 outside a domain.
        Calibration, strata, stages, finite populations, the lonely-PSU rule and replicates are taken into
        account. Source: Binder (1983); Deville (1999). R: ``svyrecvar``.
        """
        matrix = np.asarray(scores, float)
        if matrix.ndim == 1:
            matrix = matrix[:, None]
        if not np.isfinite(matrix).all():
            raise DataError(
                "scores", "Scores contain missing values; leave those rows out as a domain first."
            )
        if self.replicates is not None:
            totals = self.replicates.score_totals(matrix, self.weights)
            return self.replicates.covariance(totals, matrix.sum(axis=0))
        left, added = projection.residuals(matrix, self.calibrations)
        touched = None if self.domain is None else self.active
        return sampling.covariance(left, self.plan, self.lonely, touched) + added

    def replicate(self, statistic: Callable[[Floats], Any]) -> tuple[Floats, Floats, Floats]:
        """Value (p,), covariance (p, p) and replicates (R, p) of ``statistic(weights)``. R:
        ``withReplicates``."""
        if self.replicates is None:
            raise DesignError(
                "no_replicates", "This design has no replicate weights; make them with analysis.replication."
            )
        value = np.atleast_1d(np.asarray(statistic(self.weights), float))
        rows = [np.atleast_1d(statistic(w)) for w in self.replicates.each(self.weights)]
        values = np.array(rows, float)
        return value, self.replicates.covariance(values, value), values

    # -- estimates, in sentences
    # -------------------------------------------------------------------------------

    def mean(self, variables: Any, by: Any = None, **options: Any) -> Estimates:
        """Means; for a category the proportion of every level. See :func:`analysis.estimates.mean`."""
        from analysis import estimates

        return estimates.mean(self, variables, by=by, **options)

    def total(self, variables: Any, by: Any = None, **options: Any) -> Estimates:
        """Totals; for a category the total of every level. See :func:`analysis.estimates.total`."""
        from analysis import estimates

        return estimates.total(self, variables, by=by, **options)

    def ratio(self, numerators: Any, denominators: Any, by: Any = None, **options: Any) -> Estimates:
        """Ratios of totals. See :func:`analysis.estimates.ratio`."""
        from analysis import estimates

        return estimates.ratio(self, numerators, denominators, by=by, **options)

    def proportion(self, variables: Any, by: Any = None, **options: Any) -> Estimates:
        """Proportions with intervals made for proportions. See :func:`analysis.proportions.proportion`."""
        from analysis import proportions

        return proportions.proportion(self, variables, by=by, **options)

    def quantile(self, variables: Any, quantiles: Any = (0.5,), by: Any = None, **options: Any) -> Estimates:
        """Quantiles. See :func:`analysis.quantiles.quantile`."""
        from analysis import quantiles as room

        return room.quantile(self, variables, quantiles, by=by, **options)

    # -- weighting, in sentences
    # -------------------------------------------------------------------------------

    def post_stratify(self, margins: Margins, **options: Any) -> SurveyDesign:
        """Weights that meet one joint distribution. See :func:`analysis.weighting.post_stratify`."""
        from analysis import weighting

        return weighting.post_stratify(self, margins, **options)

    def rake(self, margins: Margins, **options: Any) -> SurveyDesign:
        """Weights that meet every margin. See :func:`analysis.weighting.rake`."""
        from analysis import weighting

        return weighting.rake(self, margins, **options)

    def calibrate(self, totals: Any, **options: Any) -> SurveyDesign:
        """Weights that meet totals. See :func:`analysis.weighting.calibrate`."""
        from analysis import weighting

        return weighting.calibrate(self, totals, **options)

    def trim(self, **options: Any) -> SurveyDesign:
        """Weights within bounds, the excess spread over the others. See :func:`analysis.trimming.trim`."""
        from analysis import trimming

        return trimming.trim(self, **options)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], (str, np.ndarray, Column)):
        return list(value)
    return [value]


def _row_count(columns: Mapping[str, Column]) -> int:
    lengths = {name: len(column) for name, column in columns.items()}
    if not lengths:
        raise DataError("no_columns", "A design needs at least one column of data.")
    n = next(iter(lengths.values()))
    for name, length in lengths.items():
        if length != n:
            raise DataError("length", f"Column {name} has {length} rows, others have {n}.", place=name)
    if not n:
        raise DataError("no_rows", "There are no responses; a design needs at least one row.")
    return n


def _array(columns: Mapping[str, Column], value: Any, role: str, n: int) -> tuple[str, Any]:
    if isinstance(value, str):
        if value not in columns:
            raise DataError("no_such_column", f"There is no column {value!r} (for {role}).", place=value)
        return value, columns[value]
    array = value if isinstance(value, Column) else np.asarray(value)
    if len(array) != n:
        raise DataError("length", f"The {role} have {len(array)} rows, the data {n}.", place=role)
    return role, array


def _codes(columns: Mapping[str, Column], value: Any, role: str, n: int) -> tuple[Ints, tuple[str, ...]]:
    name, array = _array(columns, value, role, n)
    if isinstance(array, Column):
        column = array.category()
        codes, levels = column.values.astype(np.int64), column.levels
    else:
        codes, levels = encode(array)
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise DataError(
            "missing_role", f"{name} ({role}) is missing in row {row + 1}.", place=name, row=row + 1
        )
    return codes, levels


def _numbers(columns: Mapping[str, Column], value: Any, role: str, n: int) -> Floats:
    if isinstance(value, (int, float)):
        return np.full(n, float(value))
    _, array = _array(columns, value, role, n)
    return array.numeric() if isinstance(array, Column) else np.asarray(array, float)


def _weights(columns: Mapping[str, Column], value: Any, plan: Sequence[sampling.Stage], n: int) -> Floats:
    if value is None:
        weights = np.ones(n)
        for stage in plan:
            if stage.population is not None:
                weights = weights * (stage.population / stage.size)[stage.unit_stratum][stage.unit]
        return weights
    name = value if isinstance(value, str) else "weights"
    weights = _numbers(columns, value, "weights", n)
    if weights.min() >= 0 and 0 < weights.sum() < np.inf:
        return weights
    for code, bad, word in (
        ("missing_weight", ~np.isfinite(weights), "missing or infinite"),
        ("negative_weight", weights < 0, "negative"),
    ):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise DataError(
                code,
                f"{name}: {int(bad.sum())} weights are {word}, the first in row {row + 1} "
                f"({weights[row]:g}). "
                "Mend the weights or leave these rows out.",
                place=name,
                row=row + 1,
                count=int(bad.sum()),
            )
    raise DataError("zero_weights", f"{name}: all weights are zero.", place=name)


def _check_nested(unit: Ints, stratum: Ints, names: Sequence[str]) -> None:
    low = np.full(int(unit.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(low, unit, stratum)
    high = np.full(len(low), -1)
    np.maximum.at(high, unit, stratum)
    cut = np.flatnonzero((high > low) & (high >= 0))
    if cut.size:
        a, b = names[low[cut[0]]], names[high[cut[0]]]
        raise DesignError(
            "not_nested",
            f"{cut.size} PSUs lie in more than one stratum, the first in {a} and {b}. If PSU codes start "
            "again in "
            "every stratum, say nest=True.",
            place=a,
        )
