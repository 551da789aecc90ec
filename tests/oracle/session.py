"""A session in which the calls of a reference set can be run: its tables, its designs, its helper objects.

``Session(folder)`` reads ``expected.json``; ``session.run(case)`` returns the case's result in the structure
of its
``expect``. Everything follows from the case's call and parameters; nothing from its id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from analysis.columns import Column
from analysis.design import SurveyDesign
from tests.oracle import designs, rlang
from tests.oracle.rlang import Scope, Vector


def vector(column: Column) -> Vector:
    """A column of the product as an R vector."""
    if column.kind == "category":
        return Vector("factor", column.values, column.levels)
    return Vector("number", column.values)


def column(name: str, value: Vector) -> Column:
    """An R vector as a column of the product; logicals and text become categories as R's formulas make
    them."""
    if value.kind == "number":
        return Column(name, "number", value.values)
    factor = value if value.kind == "factor" else rlang.as_factor(value)
    return Column(name, "category", factor.values, factor.levels)


def columns_of(design: SurveyDesign) -> Mapping[str, Vector]:
    """The variables of a design for expressions in its formulas."""
    return {name: vector(c) for name, c in design.data.items()}


class Lazy(dict):  # type: ignore[type-arg]
    """Objects of the session that are made when first named."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def __missing__(self, name: str) -> Any:
        self[name] = self.session.make(name)
        return self[name]

    def copy(self) -> Lazy:
        out = Lazy(self.session)
        out.update(self)
        return out


class Session:
    """Tables and designs of one reference folder."""

    def __init__(self, folder: Path, file: str = "expected.json") -> None:
        self.folder = folder
        self.document = json.loads((folder / file).read_text(encoding="utf-8"))
        self.cases = {case["id"]: case for case in self.document["cases"]}
        self.objects = Lazy(self)
        self.scope = Scope(self.objects)
        self.scope.session = self  # type: ignore[attr-defined]

    def make(self, name: str) -> Any:
        """A design, a table, or a table under the short name that the reference's script gives it."""
        if name in self.document["designs"]:
            return self.design(name)
        if name in self.document["datasets"]:
            return self.frame(name)
        for rule in SHORT_NAMES:
            found = rule(self, name)
            if found is not None:
                return found
        raise KeyError(name)

    def frame(self, dataset: str) -> dict[str, Vector]:
        """A table as R vectors, with the variables that the reference's script derives from it."""
        table = designs.table(self.folder, self.document["datasets"][dataset])
        frame = {name: vector(c) for name, c in table.items()}
        return derived(dataset, frame)

    def design(self, name: str) -> SurveyDesign:
        """A design from its stated call."""
        call = rlang.parse(self.document["designs"][name]["r_call"])
        return rlang.evaluate(call.positional[1] if call.fn == "<-" else call, self.scope)

    def run(self, case: Mapping[str, Any]) -> Any:
        """The case's numbers."""
        scope = Scope(self.objects.copy())
        scope.case = case  # type: ignore[attr-defined]
        return plain(rlang.evaluate(rlang.parse(case["r_call"]), scope))


def derived(dataset: str, frame: dict[str, Vector]) -> dict[str, Vector]:
    """Variables that the reference's script adds to its three-wave survey."""
    if "wave" in frame and "district" in frame:
        wave, district = rlang.as_factor(frame["wave"]), frame["district"]
        levels = tuple(f"{a}.{b}" for b in district.levels for a in wave.levels)
        frame["ws"] = rlang.as_factor(
            Vector("factor", wave.values + len(wave.levels) * district.values, levels)
        )
    for name, source in (("yes", "discrim"), ("crs", "course")):
        if source in frame:
            texts = frame[source].texts()
            frame[name] = Vector(
                "number", np.array([np.nan if t is None else float(t == "yes") for t in texts])
            )
    return frame


def _waves(session: Session, name: str) -> Any:
    """``waves``: the respondents; ``w24``, ``g24``: one wave of respondents or of the gross sample."""
    datasets = session.document["datasets"]
    for short, dataset in (
        ("waves", "waves_net"),
        ("gross", "waves_gross"),
        ("mi", "waves2024_mi"),
        ("lp", "apistrat_lonely"),
        ("fpcdat", "fpc"),
    ):
        if name == short and dataset in datasets:
            return session.frame(dataset)
    for prefix, dataset in (("w", "waves_net"), ("g", "waves_gross")):
        if name[:1] == prefix and name[1:].isdigit() and dataset in datasets:
            frame = session.frame(dataset)
            year = float(name[1:]) + (2000 if len(name) == 3 else 0)
            keep = frame["wave"].values == year
            return {key: v.take(keep) for key, v in frame.items()}
    return None


SHORT_NAMES = [_waves]


def plain(value: Any) -> Any:
    """A result as JSON: dicts, lists, numbers, None for missing values."""
    if isinstance(value, Vector):
        numbers = [plain(v) for v in value.values.tolist()]
        if value.names is not None:
            return dict(zip(value.names, numbers, strict=True))
        return numbers[0] if len(numbers) == 1 else numbers
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    if isinstance(value, np.integer):
        return int(value)
    return value
