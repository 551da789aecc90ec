"""Population margins: known counts with source, date and definition, and what disagrees about them.

A margin never enters a weighting step unseen: totals that disagree, categories without a respondent and
respondents without a category are named first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from analysis.columns import Column, Floats
from analysis.errors import MarginError

AGREEMENT = 1e-6
"""Totals of margins may differ by this share; more is a disagreement."""


@dataclass(frozen=True, eq=False)
class Margin:
    """Known population counts of one variable, or of several crossed.

    ``variables`` the columns; ``categories`` (k,) the levels, joined by ``.`` where several variables cross;
    ``counts`` (k,) persons; ``se`` (k,) their standard errors where the margin is itself an estimate (a
    Mikrozensus table), or None; ``source``, ``date`` and ``definition`` say what was counted, when and by
    whom.
    """

    variables: tuple[str, ...]
    categories: tuple[str, ...]
    counts: Floats
    source: str = ""
    date: str = ""
    definition: str = ""
    se: Floats | None = None

    def __post_init__(self) -> None:
        if len(self.categories) != len(self.counts) or not self.categories:
            raise MarginError(
                "margin_shape",
                f"Margin {self.name}: {len(self.categories)} categories and {len(self.counts)} counts.",
                place=self.name,
            )
        if len(set(self.categories)) != len(self.categories):
            twice = next(c for c in self.categories if self.categories.count(c) > 1)
            raise MarginError(
                "margin_twice", f"Margin {self.name} lists the category {twice} twice.", place=self.name
            )
        bad = ~np.isfinite(self.counts) | (self.counts < 0)
        if bad.any():
            category = self.categories[int(np.flatnonzero(bad)[0])]
            raise MarginError(
                "margin_count",
                f"Margin {self.name}: the count of {category} is negative or missing.",
                place=f"{self.name}={category}",
            )

    @classmethod
    def from_counts(
        cls,
        variables: str | Sequence[str],
        counts: Mapping[str, float],
        *,
        source: str = "",
        date: str = "",
        definition: str = "",
        se: Mapping[str, float] | None = None,
    ) -> Self:
        """A margin from ``{category: persons}``; ``se`` may name standard errors for some categories."""
        names = (variables,) if isinstance(variables, str) else tuple(variables)
        errors = None if se is None else np.array([float(se.get(c, 0.0)) for c in counts])
        values = np.array([float(v) for v in counts.values()])
        return cls(names, tuple(counts), values, source, date, definition, errors)

    @classmethod
    def from_shares(
        cls, variables: str | Sequence[str], shares: Mapping[str, float], population: float, **about: Any
    ) -> Self:
        """A margin from ``{category: share}`` of a population; shares must sum to 1 (or to 100)."""
        total = sum(shares.values())
        unit = 100.0 if total > 2 else 1.0
        if abs(total / unit - 1) > 5e-3:
            raise MarginError(
                "shares_sum",
                f"The shares of {variables} sum to {total:g}, not to {unit:g}.",
                place=str(variables),
                total=total,
            )
        return cls.from_counts(variables, {c: population * s / total for c, s in shares.items()}, **about)

    @property
    def name(self) -> str:
        return " x ".join(self.variables)

    @property
    def total(self) -> float:
        return float(self.counts.sum())

    def scaled(self, total: float) -> Self:
        """The same shares of another total."""
        factor = total / self.total
        se = None if self.se is None else self.se * factor
        return replace(self, counts=self.counts * factor, se=se)

    def codes(self, column: Column) -> np.ndarray:
        """(n,) positions of the column's values in ``categories``; -1 missing, -2 a level outside the
        margin."""
        order = {c: i for i, c in enumerate(self.categories)}
        position = np.array([order.get(level, -2) for level in column.levels] + [-1])
        return np.asarray(position[column.values])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a protocol file."""
        out: dict[str, Any] = {
            "variables": list(self.variables),
            "counts": dict(zip(self.categories, self.counts.tolist(), strict=True)),
            "source": self.source,
            "date": self.date,
            "definition": self.definition,
        }
        if self.se is not None:
            out["se"] = dict(zip(self.categories, self.se.tolist(), strict=True))
        return out


@dataclass(frozen=True, eq=False)
class Margins:
    """Several margins of one population. Their totals agree, or making it raises :class:`MarginError`.

    ``reconcile`` scales all margins to the first one's total, for margins of the same population from sources
    with different dates; without it a disagreement is an error that names both.
    """

    margins: tuple[Margin, ...]
    reconcile: bool = False

    def __post_init__(self) -> None:
        if not self.margins:
            raise MarginError("no_margins", "There are no margins to weight to.")
        names = [m.name for m in self.margins]
        for name in names:
            if names.count(name) > 1:
                raise MarginError("margin_repeated", f"Margin {name} is given twice.", place=name)
        if self.reconcile:
            first = self.margins[0].total
            object.__setattr__(self, "margins", tuple(m.scaled(first) for m in self.margins))
            return
        disagreement = self.disagreement()
        if disagreement:
            raise MarginError(
                "totals_disagree",
                f"{disagreement} Use counts of the same population and date, or reconcile=True to scale all "
                "margins to the first one's total.",
                place=names[0],
            )

    @classmethod
    def from_dict(cls, document: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Self:
        """Margins from plain data: ``{"sex": {"f": 100, "m": 98}}`` or the list that :meth:`to_dict`
        writes."""
        if isinstance(document, Mapping):
            return cls(tuple(Margin.from_counts(name, counts) for name, counts in document.items()))
        made = []
        for entry in document:
            about = {k: entry[k] for k in ("source", "date", "definition", "se") if k in entry}
            made.append(Margin.from_counts(tuple(entry["variables"]), entry["counts"], **about))
        return cls(tuple(made))

    def to_dict(self) -> list[dict[str, Any]]:
        """Plain data, one entry per margin."""
        return [m.to_dict() for m in self.margins]

    def __iter__(self) -> Iterator[Margin]:
        return iter(self.margins)

    def __len__(self) -> int:
        return len(self.margins)

    @property
    def total(self) -> float:
        return self.margins[0].total

    def disagreement(self) -> str:
        """A sentence naming the two margins whose totals differ most, or nothing."""
        totals = [m.total for m in self.margins]
        low, high = int(np.argmin(totals)), int(np.argmax(totals))
        if totals[high] - totals[low] <= AGREEMENT * max(totals[high], 1e-300):
            return ""
        return (
            f"Margins disagree about the population: {_told(self.margins[low])} sums to {totals[low]:,.10g}, "
            f"{_told(self.margins[high])} to {totals[high]:,.10g} (gap {totals[high] - totals[low]:,.10g})."
        )


def _told(margin: Margin) -> str:
    about = ", ".join(part for part in (margin.source, margin.date) if part)
    return f"{margin.name} ({about})" if about else margin.name


def check_categories(margin: Margin, column: Column, active: np.ndarray, partial: bool = False) -> None:
    """Raises :class:`MarginError` for categories without respondents and respondents without a category.

    ``partial`` lets categories without respondents pass (standardisation over sparse tables).
    """
    values = column.values if active.all() else np.where(active, column.values, len(column.levels))
    rows = np.bincount(values + 1, minlength=len(column.levels) + 2)
    seen = dict(zip(column.levels, rows[1:].tolist(), strict=False))
    empty = [c for c, n in zip(margin.categories, margin.counts, strict=True) if n and not seen.get(c)]
    if empty and not partial:
        counted = margin.counts[margin.categories.index(empty[0])]
        raise MarginError(
            "category_without_sample",
            f"Margin {margin.name}: nobody in the sample is in {', '.join(empty[:5])}, which counts "
            f"{counted:,.10g} in the population. Merge it with a neighbour.",
            place=f"{margin.name}={empty[0]}",
            categories=empty,
        )
    outside = [level for level in column.levels if seen[level] and level not in margin.categories]
    if outside:
        raise MarginError(
            "category_without_margin",
            f"{seen[outside[0]]} respondents have {margin.name} = {outside[0]}, a category that the margin "
            f"does not have. Declare a rule for it with margin_items.complete_margins, for example "
            f"outside={{'{margin.name}': {{'{outside[0]}': 'random'}}}}; the answer stays as given.",
            place=f"{margin.name}={outside[0]}",
            count=seen[outside[0]],
        )
    zero = [c for c, n in zip(margin.categories, margin.counts, strict=True) if seen.get(c) and not n]
    if zero:
        raise MarginError(
            "category_of_nobody",
            f"Margin {margin.name}: {zero[0]} counts 0 in the population, yet the sample has somebody in it.",
            place=f"{margin.name}={zero[0]}",
        )
    if rows[0]:
        raise MarginError(
            "margin_missing",
            f"{rows[0]} respondents have no value for {margin.name}. Impute it for weighting with "
            "margin_items.complete_margins (from a seed, within keys; the share is reported).",
            place=margin.name,
            count=int(rows[0]),
        )
