"""How many answered in which way, and how often each item was left open: what an analyst looks at first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.columns import MISSING


def counts(column: Any) -> dict[str, int]:
    """Responses per level."""
    return {level: int((column.values == number).sum()) for number, level in enumerate(column.levels)}


def missing(name: str, label: Mapping[str, str], column: Any) -> dict[str, Any]:
    """Missing answers of an item by reason, and their share of those who were asked."""
    gone = column.missing
    found = {reason: int((gone == number).sum()) for number, reason in enumerate(MISSING) if number}
    asked = len(column) - found["not_asked"] - found["not_in_variant"]
    silent = found["dont_know"] + found["refused"] + found["no_answer"]
    return {
        "name": name,
        "label": dict(label),
        "asked": asked,
        "missing": found,
        "share": silent / max(1, asked),
    }
