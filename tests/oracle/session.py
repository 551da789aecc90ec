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
        self.case: Mapping[str, Any] = {}

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
        raise KeyError(f"nothing in the reference says what {name} is")

    def frame(self, described: str) -> dict[str, Vector]:
        """A table (``name`` or ``name where condition``) as R vectors, with the variables that the
        reference's script derives from it."""
        dataset, _, condition = described.partition(" where ")
        table = designs.table(self.folder, self.document["datasets"][dataset])
        frame = derived({name: vector(c) for name, c in table.items()})
        if not condition:
            return frame
        keep = rlang.evaluate(rlang.parse(condition), self.scope.over(frame)).values == 1
        return {name: v.take(keep) for name, v in frame.items()}

    def design(self, name: str) -> SurveyDesign:
        """A design from its stated call."""
        call = rlang.parse(self.document["designs"][name]["r_call"])
        return rlang.evaluate(call.positional[1] if call.fn == "<-" else call, self.scope)

    def run(self, case: Mapping[str, Any]) -> Any:
        """The case's numbers."""
        scope = Scope(self.objects.copy())
        scope.case = self.case = case  # type: ignore[attr-defined]
        return plain(rlang.evaluate(rlang.parse(case["r_call"]), scope))


def derived(frame: dict[str, Vector]) -> dict[str, Vector]:
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


def _named_by_a_design(session: Session, name: str) -> Any:
    """The data of a declared design under the name that its call gives them: ``data=w24``."""
    for entry in session.document["designs"].values():
        call = rlang.parse(entry["r_call"])
        call = call.positional[1] if call.fn == "<-" else call
        if call.named.get("data") == rlang.Name(name):
            return session.frame(entry["dataset"])
    return None


def _abbreviated(session: Session, name: str) -> Any:
    """A table of which the name is a part (``gross`` of ``waves_gross``), or one wave of it (``g24``)."""
    datasets = [d for d in session.document["datasets"] if name in (d, *d.split("_"))]
    if len(datasets) == 1:
        return session.frame(datasets[0])
    if name[:1].isalpha() and name[1:].isdigit():
        year = int(name[1:]) + (2000 if len(name) == 3 else 0)
        for dataset, entry in session.document["datasets"].items():
            parts = dataset.split("_")[::-1]
            if "wave" in entry["columns"] and name[0] in (parts[0][0], parts[-1][0]):
                return session.frame(f"{dataset} where wave=={year}")
    return None


def of_the_case(session: Session, name: str) -> Any:
    """The table that the running case says it is about."""
    about = str(session.case.get("design", ""))
    return session.frame(about) if about.partition(" where ")[0] in session.document["datasets"] else None


SHORT_NAMES = [_named_by_a_design, _abbreviated]


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
