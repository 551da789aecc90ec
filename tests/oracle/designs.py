"""Reads the reference's data and designs: CSV tables, and each R design call by its kind and arguments."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from analysis.columns import Column


def table(folder: Path, entry: dict) -> dict[str, Column]:
    """Columns of one reference data set: numbers as floats, text as categories in the stated level order."""
    with (folder / entry["file"]).open(newline="", encoding="utf-8") as handle:
        rows = list(csv.reader(handle))
    head, body = rows[0], rows[1:]
    levels = entry.get("factor_levels", {})
    out = {}
    for j, name in enumerate(head):
        cells = [row[j] for row in body]
        if name in levels:
            order = {level: i for i, level in enumerate(levels[name])}
            codes = np.array([order.get(cell, -1) for cell in cells], np.int64)
            out[name] = Column(name, "category", codes, tuple(levels[name]))
        else:
            out[name] = Column(name, "number", np.array([float(c) if c else np.nan for c in cells]))
    return out


def argument(call: str, name: str) -> str | None:
    """The text of a named argument of an R call, brackets respected."""
    found = re.search(rf"[(,]\s*{re.escape(name)}\s*=", call)
    if not found:
        return None
    depth, start = 0, found.end()
    for i in range(start, len(call)):
        if call[i] in "([{":
            depth += 1
        elif call[i] in ")]}":
            if depth == 0:
                return call[start:i].strip()
            depth -= 1
        elif call[i] == "," and depth == 0:
            return call[start:i].strip()
    return call[start:].strip()
