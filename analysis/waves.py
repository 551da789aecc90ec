"""Several waves side by side: independent designs, or one design whose units may answer in more than one
wave.

Every estimate of a series is a set of scores per wave. Independent waves have no covariance; waves inside
one design have the covariance that shared units give them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from analysis.columns import Bools, Column, Floats
from analysis.design import SurveyDesign
from analysis.errors import DataError, EstimateError


@dataclass(frozen=True, eq=False)
class Waves:
    """k waves in their order; ``designs`` are domains of one design where ``shared``, else independent."""

    labels: tuple[str, ...]
    times: tuple[float, ...]
    designs: tuple[SurveyDesign, ...]
    shared: bool

    def covariance(self, scores: Sequence[Floats]) -> Floats:
        """Covariance of the totals of all scores (n_t, p_t), wave after wave."""
        if self.shared:
            return self.designs[0].covariance(np.hstack(list(scores)))
        blocks = [d.covariance(s) for d, s in zip(self.designs, scores, strict=True)]
        return np.asarray(linalg.block_diag(*blocks))

    @property
    def df(self) -> float:
        """PSUs minus strata over the waves: of the whole where units are shared, the smallest wave's
        otherwise."""
        return float(min(d.df for d in self.designs))

    def pick(self, labels: Sequence[str]) -> Waves:
        """Some of the waves, in the given order."""
        index = [self.position(label) for label in labels]
        return Waves(
            tuple(labels),
            tuple(self.times[i] for i in index),
            tuple(self.designs[i] for i in index),
            self.shared,
        )

    def position(self, label: str) -> int:
        """Where a wave stands."""
        if str(label) not in self.labels:
            raise EstimateError(
                "no_such_wave",
                f"There is no wave {label}; waves are {', '.join(self.labels)}.",
                place=str(label),
            )
        return self.labels.index(str(label))


def _times(labels: Sequence[str], times: Sequence[float] | None) -> tuple[float, ...]:
    if times is None:
        try:
            times = [float(label) for label in labels]
        except ValueError:
            raise EstimateError(
                "no_times",
                f"The waves {', '.join(labels)} are no years; say when they were fielded with times=[...].",
                place=labels[0],
            ) from None
    if len(times) != len(labels) or (np.diff(times) <= 0).any():
        raise EstimateError("bad_times", "Waves need one time each, in ascending order.", times=list(times))
    return tuple(float(t) for t in times)


def independent(designs: Mapping[Any, SurveyDesign], times: Sequence[float] | None = None) -> Waves:
    """Waves drawn independently of each other, one design each, in ascending time.

    Raises :class:`DataError` where the weights of one wave add up to its number of cases and those of
    another to a population: totals and pooled figures of the two have different units.
    """
    if len(designs) < 2:
        raise EstimateError("one_wave", "A comparison over time needs at least two waves.")
    labels = tuple(str(k) for k in designs)
    _check_units(labels, tuple(designs.values()))
    return Waves(labels, _times(labels, times), tuple(designs.values()), False)


def _check_units(labels: Sequence[str], designs: Sequence[SurveyDesign]) -> None:
    """Weights of one wave that add up to its cases beside weights of another that add up to a population."""
    scales = {k: float(d.weights.sum()) / max(d.base, 1) for k, d in zip(labels, designs, strict=True)}
    flat = [k for k, s in scales.items() if abs(s - 1) < 1e-6]
    if flat and len(flat) < len(scales):
        other = next(k for k in scales if k not in flat)
        raise DataError(
            "weight_units",
            f"The weights of wave {flat[0]} have the mean 1, those of wave {other} the mean "
            f"{scales[other]:.4g}: one adds "
            "up to cases, the other to a population. Multiply the weights of the first by population / "
            "cases.",
            place=flat[0],
        )


def within(
    design: SurveyDesign,
    wave: str | Column,
    labels: Sequence[Any] | None = None,
    times: Sequence[float] | None = None,
) -> Waves:
    """Waves inside one design, told apart by a column; shared PSUs give the waves their covariance."""
    column = design.column(wave).category()
    names = (
        tuple(_label(v) for v in labels)
        if labels is not None
        else tuple(
            level for i, level in enumerate(column.levels) if (column.values[design.active] == i).any()
        )
    )
    missing = [name for name in names if name not in column.levels]
    if missing or len(names) < 2:
        raise EstimateError(
            "no_such_wave",
            f"{column.name} has the waves {', '.join(column.levels)}; a comparison needs two of them"
            + (f", not {', '.join(missing)}." if missing else "."),
            place=(missing or [column.name])[0],
        )
    parts = tuple(design.subset(column.values == column.levels.index(name)) for name in names)
    _check_units(names, parts)
    return Waves(names, _times(names, times), parts, True)


def together(
    designs: Mapping[Any, SurveyDesign], strata: str | None = None, wave: str = "wave"
) -> SurveyDesign:
    """One design of several waves with the columns that all of them hold, for people who answered in more
    than one.

    Rows stand one after the other, ``wave`` says which is whose, weights stay as they are. Meant for
    :func:`analysis.overlap.overlapping_change`; calibration of the single waves does not enter its variance.
    Raises :class:`DataError` for a column of another kind in another wave.
    """
    labels = tuple(str(k) for k in designs)
    parts = tuple(designs.values())
    _check_units(labels, parts)
    shared = [name for name in parts[0].data if all(name in d.data for d in parts) and name != wave]
    columns = {name: _joined(name, labels, [d.data[name] for d in parts]) for name in shared}
    codes = np.repeat(np.arange(len(labels)), [len(d) for d in parts])
    columns[wave] = Column(wave, "category", codes.astype(np.int64), labels)
    weights = np.concatenate([d.weights for d in parts])
    return SurveyDesign.create(columns, weights, strata=strata)


def _joined(name: str, labels: Sequence[str], parts: Sequence[Column]) -> Column:
    odd = [label for label, part in zip(labels, parts, strict=True) if part.kind != parts[0].kind]
    if odd:
        other = parts[labels.index(odd[0])].kind
        raise DataError(
            "unlike_columns",
            f"{name} is a {parts[0].kind} in wave {labels[0]} and a {other} in wave {odd[0]}; code it alike.",
            place=name,
        )
    if parts[0].kind == "number":
        return Column(name, "number", np.concatenate([p.values for p in parts]))
    levels = tuple(dict.fromkeys(level for p in parts for level in p.levels))
    moved = [np.array([levels.index(level) for level in p.levels] + [-1], np.int64)[p.values] for p in parts]
    return Column(name, "category", np.concatenate(moved), levels)


def _label(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@dataclass(frozen=True, eq=False)
class Cells:
    """Estimates of all waves: ``estimate`` (p,), ``scores`` per wave, ``base`` (p,)."""

    estimate: Floats
    scores: tuple[Floats, ...]
    base: Floats


def numbers(design: SurveyDesign, variable: Any, event: str | None = None) -> tuple[Floats, Bools]:
    """Values (0 where missing) and where they are observed; ``event`` picks a category's level."""
    column = design.column(variable)
    if event is not None:
        values = column.category().indicator(event)
    elif column.kind == "category":
        raise EstimateError(
            "which_category",
            f"{column.name} is a category; say which of {', '.join(column.levels)} counts with event=...",
            place=column.name,
        )
    else:
        values = column.values
    seen = ~np.isnan(values) & design.active
    return np.where(seen, values, 0.0), seen


def means(waves: Waves, variable: Any, event: str | None = None, statistic: str = "mean") -> Cells:
    """The mean (or total) of every wave with its scores."""
    estimate, scores, base = [], [], []
    for label, design in zip(waves.labels, waves.designs, strict=True):
        values, seen = numbers(design, variable, event)
        w = np.where(seen, design.weights, 0.0)
        _needed(seen, label, variable)
        mass = w.sum() if statistic == "mean" else 1.0
        value = w @ values / mass
        centre = value if statistic == "mean" else 0.0
        estimate.append(value)
        scores.append((w * (values - centre) / mass)[:, None])
        base.append(float(seen.sum()))
    return Cells(np.array(estimate), tuple(scores), np.array(base))


def _needed(seen: Bools, label: str, variable: Any) -> None:
    if not seen.any():
        name = getattr(variable, "name", variable)
        raise EstimateError(
            "all_missing", f"In wave {label} nobody has a value of {name}; leave the wave out.", place=label
        )


def groups(waves: Waves, by: Any) -> tuple[list[Column], tuple[str, ...]]:
    """The grouping in every wave, and its categories in order; codes refer to them.

    Raises :class:`EstimateError` where a category has cases in one wave and none in another.
    """
    columns = [design.column(by).category() for design in waves.designs]
    levels = tuple(dict.fromkeys(level for column in columns for level in column.levels))
    out, held = [], np.zeros((len(columns), len(levels)), bool)
    for t, (column, design) in enumerate(zip(columns, waves.designs, strict=True)):
        position = np.array([levels.index(level) for level in column.levels] + [-1], np.int64)
        codes = position[column.values]
        out.append(Column(column.name, "category", codes, levels))
        held[t, np.unique(codes[design.active & (codes >= 0)])] = True
    known = np.any(held, axis=0)
    short = np.argwhere(~held & known)
    if short.size:
        t, g = int(short[0][0]), int(short[0][1])
        raise EstimateError(
            "empty_group",
            f"{columns[t].name}={levels[g]} has no case in wave {waves.labels[t]}; merge the category with "
            "another in all "
            "waves.",
            place=f"{waves.labels[t]}:{levels[g]}",
        )
    return out, tuple(level for level, k in zip(levels, known.tolist(), strict=True) if k)
