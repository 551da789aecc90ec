"""What a weighting step did: range, effective sample size, design effect, and the margins it moved most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.columns import Floats
from analysis.errors import EstimateError


def kish_effective_n(weights: Floats) -> float:
    """Kish's effective sample size (sum w)^2 / sum w^2 over the rows with weight (Kish 1965, 11.7)."""
    square = float(np.einsum("i,i->", weights, weights))
    return float(weights.sum()) ** 2 / square if square else 0.0


def kish_deff(weights: Floats) -> float:
    """Kish's design effect of weighting, n sum w^2 / (sum w)^2, over the rows with weight."""
    effective = kish_effective_n(weights)
    return float(np.count_nonzero(weights)) / effective if effective else float("nan")


@dataclass(frozen=True)
class Move:
    """One category of a margin: its total under the weights before, its target, and the relative change."""

    margin: str
    category: str
    before: float
    after: float

    @property
    def change(self) -> float:
        return self.after / self.before - 1 if self.before else float("inf")


@dataclass(frozen=True)
class WeightingStep:
    """Diagnostics of one step; ``settings`` can be run again, ``moves`` are sorted by the size of the
    change."""

    kind: str
    rows: int
    total: float
    smallest: float
    largest: float
    effective_n: float
    deff: float
    iterations: int = 0
    largest_gap: float = 0.0
    trimmed: int = 0
    moves: tuple[Move, ...] = ()
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Largest weight over smallest."""
        return self.largest / self.smallest if self.smallest else float("inf")

    def shares(self) -> list[Move]:
        """The moves as shares of their margin instead of totals, in the same order."""
        before: dict[str, float] = {}
        after: dict[str, float] = {}
        for m in self.moves:
            before[m.margin] = before.get(m.margin, 0.0) + m.before
            after[m.margin] = after.get(m.margin, 0.0) + m.after
        found = []
        for m in self.moves:
            # A column of a calibration is no part of a margin: its share is that of everybody.
            first = before[m.margin] if m.category else self.total
            second = after[m.margin] if m.category else self.total
            found.append(Move(m.margin, m.category, m.before / (first or 1.0), m.after / (second or 1.0)))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a protocol file or a page."""
        return {
            "kind": self.kind,
            "rows": self.rows,
            "total": self.total,
            "smallest": self.smallest,
            "largest": self.largest,
            "effective_n": self.effective_n,
            "deff": self.deff,
            "iterations": self.iterations,
            "largest_gap": self.largest_gap,
            "trimmed": self.trimmed,
            "moves": [
                {"margin": m.margin, "category": m.category, "before": m.before, "after": m.after}
                for m in self.moves
            ],
            "notes": list(self.notes),
            "settings": dict(self.settings),
        }


def describe(kind: str, weights: Floats, **more: Any) -> WeightingStep:
    """A :class:`WeightingStep` of the weights that a step produced."""
    live = weights if weights.all() else weights[weights != 0]
    total, square = float(live.sum()), float(np.einsum("i,i->", live, live))
    return WeightingStep(
        kind=kind,
        rows=int(live.size),
        total=total,
        smallest=float(live.min()) if live.size else 0.0,
        largest=float(live.max()) if live.size else 0.0,
        effective_n=total**2 / square if square else 0.0,
        deff=live.size * square / total**2 if total else float("nan"),
        **more,
    )


def refuse_negative_weights(weights: Floats, purpose: str) -> None:
    """Raise :class:`EstimateError` where weights (n,) are negative, as linear calibration without bounds may
    leave them."""
    negative = int(np.count_nonzero(weights < 0))
    if negative:
        raise EstimateError(
            "negative_weights",
            f"{negative} cases have negative weights, which {purpose} cannot use. Calibrate with bounds, or "
            "by method='raking' or 'logit'.",
            count=negative,
        )
