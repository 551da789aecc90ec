"""Surveys that ran elsewhere: tables (CSV, ``.sav``) with weights and a concept map, and published
aggregates.

Without them the first comparison would be years away. What cannot be read is named with its column and row;
nothing is guessed from a column's name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from analysis.breaks import Fielding, digest
from analysis.changes import Point
from analysis.changes import published as published_point
from analysis.columns import MISSING, Column, encode, number_text
from analysis.dataset import Wave
from analysis.errors import DataError

EMPTY = ("", "NA", "N/A", ".", "NaN", "nan", "null")
"""Cells of a CSV file that hold nothing."""
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Variable:
    """One column of an outside survey and what it means here.

    ``concept`` names what it measures; ``wording`` the question as it was asked (for the search for breaks);
    ``recode`` maps its values to the categories used here, ``order`` lists these; ``missing`` maps values to
    missing codes (``{"99": "refused"}``).
    """

    column: str
    concept: str = ""
    wording: Mapping[str, str] = field(default_factory=dict)
    recode: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """What must be known of an outside survey before its numbers can be used.

    ``weights``, ``strata``, ``psu`` name columns; ``population`` multiplies weights that add up to cases to
    persons. ``mode``, ``frame``, ``languages``, ``population_text`` and ``dates`` go into the search for
    breaks.
    """

    name: str
    variables: tuple[Variable, ...]
    weights: str = ""
    strata: str = ""
    psu: str = ""
    population: float | None = None
    mode: str = ""
    frame: str = ""
    languages: tuple[str, ...] = ()
    population_text: str = ""
    dates: tuple[str, str] = ("", "")
    decimal: str = "."

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Description:
        """From plain data (JSON or YAML); raises :class:`DataError` for keys that do not exist."""
        known = set(cls.__dataclass_fields__)
        strange = sorted(set(document) - known)
        if strange:
            raise DataError(
                "unknown_setting",
                f"The description has no setting {strange[0]!r}; settings are {', '.join(sorted(known))}.",
                place=strange[0],
                name=strange[0],
                known=", ".join(sorted(known)),
            )
        for needed in ("name", "variables"):
            if not document.get(needed):
                raise DataError(
                    "setting_needed", f"The description needs {needed!r}.", place=needed, name=needed
                )
        made = dict(document)
        made["variables"] = tuple(
            Variable(**{**v, "order": tuple(v.get("order", ()))}) for v in document["variables"]
        )
        for key in ("languages", "dates"):
            if key in made:
                made[key] = tuple(made[key])
        return cls(**made)


def import_wave(source: Path | bytes, description: Description, kind: str = "") -> Wave:
    """A wave from a CSV or ``.sav`` file. ``kind`` None: by the name's ending; bytes are CSV unless said."""
    ending = kind or (source.suffix.lower().lstrip(".") if isinstance(source, Path) else "csv")
    readers = {"csv": _read_csv, "tsv": _read_csv, "txt": _read_csv, "sav": _read_sav, "zsav": _read_sav}
    if ending not in readers:
        raise DataError(
            "file_kind", f"A file of kind {ending!r} cannot be read; bring CSV or .sav.", place=ending
        )
    raw, labels = readers[ending](source, description)
    roles = {r for r in (description.weights, description.strata, description.psu) if r}
    wanted = {v.column: v for v in description.variables}
    for name in [*wanted, *sorted(roles)]:
        if name not in raw:
            raise DataError(
                "no_such_column",
                f"The file has no column {name!r}. Its columns are: {', '.join(list(raw)[:12])}.",
                place=name,
            )
    data = {
        name: _column(variable, raw[name], labels.get(name, {}), description)
        for name, variable in wanted.items()
    }
    for name in sorted(roles - set(data)):
        data[name] = _role(name, raw[name], name == description.weights, description)
    if description.weights and description.population is not None:
        data[description.weights] = _expanded(data[description.weights], description.population)
    return Wave(
        name=description.name,
        data=data if description.weights else {**data, "_weight": _even(data, description)},
        concepts={v.column: v.concept for v in description.variables if v.concept},
        fieldings={v.column: _fielding(v, data[v.column], description) for v in description.variables},
        dates=description.dates,
        weights=description.weights or "_weight",
        strata=description.strata,
        psu=description.psu,
    )


Raw = dict[str, list[Any]]
Labels = dict[str, Mapping[str, str]]


def _read_csv(source: Path | bytes, description: Description) -> tuple[Raw, Labels]:
    content = source.read_bytes() if isinstance(source, Path) else source
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            "not_utf8",
            f"The file is not UTF-8 (byte {error.start}). Save it as UTF-8 ('CSV UTF-8' in spreadsheets).",
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(DELIMITERS, key=first.count))
    try:
        rows = list(reader)
    except csv.Error as error:
        number = reader.line_num
        raise DataError(
            "not_csv", f"Row {number} is no CSV ({error}).", f"row {number}", row=number
        ) from None
    if len(rows) < 2:
        raise DataError("empty_file", "The file has no rows below its header.")
    head = [name.strip() for name in rows[0]]
    twice = next((name for name in head if head.count(name) > 1), None)
    if twice is not None:
        raise DataError("column_twice", f"The file has two columns called {twice!r}.", place=twice)
    for number, row in enumerate(rows[1:], start=2):
        if row and len(row) != len(head):
            raise DataError(
                "row_length",
                f"Row {number} has {len(row)} cells, the header {len(head)}.",
                place=f"row {number}",
                row=number,
            )
    body = [row for row in rows[1:] if row]
    return {
        name: [None if row[j].strip() in EMPTY else row[j].strip() for row in body]
        for j, name in enumerate(head)
    }, {}


def _read_sav(source: Path | bytes, description: Description) -> tuple[Raw, Labels]:
    import tempfile

    import pyreadstat

    if isinstance(source, bytes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "wave.sav"
            path.write_bytes(source)
            return _read_sav(path, description)
    try:
        frame, about = pyreadstat.read_sav(str(source), user_missing=True, output_format="dict")
    except pyreadstat._readstat_parser.ReadstatError as error:
        raise DataError("not_sav", f"The file is no readable .sav file ({error}).") from None
    raw: Raw = {name: [None if _nothing(v) else v for v in values] for name, values in frame.items()}
    labels: Labels = {
        name: {number_text(k) if isinstance(k, float) else str(k): v for k, v in pairs.items()}
        for name, pairs in about.variable_value_labels.items()
    }
    return raw, labels


def _nothing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


def _texts(values: Sequence[Any]) -> list[str | None]:
    return [None if v is None else number_text(v) if isinstance(v, (int, float)) else str(v) for v in values]


def _number(text: str, description: Description) -> float | None:
    try:
        return float(text.replace(".", "").replace(",", ".") if description.decimal == "," else text)
    except ValueError:
        return None


def _column(
    variable: Variable, values: list[Any], labels: Mapping[str, str], description: Description
) -> Column:
    """A category where there are labels, a recoding or text; else a number."""
    texts = _texts(values)
    reasons = np.array([_missing_reason(variable, t) for t in texts], np.int8)
    kept = [t if reason == 0 else None for t, reason in zip(texts, reasons, strict=True)]
    if variable.recode:
        kept = [_recoded(variable, t, row) for row, t in enumerate(kept, start=1)]
    elif labels:
        kept = [None if t is None else labels.get(t, t) for t in kept]
    else:
        numbers = [None if t is None else _number(t, description) for t in kept]
        if all(n is not None or t is None for n, t in zip(numbers, kept, strict=True)):
            array = np.array([np.nan if n is None else n for n in numbers], float)
            return Column(variable.column, "number", array, (), reasons, variable.wording or None)
    order = list(variable.order) or list(dict.fromkeys(variable.recode.values())) or None
    if order is None and labels:
        order = [*labels.values()]
        order += sorted({t for t in kept if t is not None} - set(order))
    codes, levels = encode(np.array(kept, object), order)
    return Column(
        variable.column, "category", codes.astype(np.int16), levels, reasons, variable.wording or None
    )


def _missing_reason(variable: Variable, text: str | None) -> int:
    if text is None:
        return MISSING.index("no_answer")
    code = variable.missing.get(text)
    if code is None:
        return 0
    if code not in MISSING[1:]:
        raise DataError(
            "unknown_missing_code",
            f"{variable.column}: {code!r} is no missing code; use one of {', '.join(MISSING[1:])}.",
            place=variable.column,
            name=code,
            known=", ".join(MISSING[1:]),
        )
    return MISSING.index(code)


def _recoded(variable: Variable, text: str | None, row: int) -> str | None:
    if text is None:
        return None
    if text not in variable.recode:
        raise DataError(
            "not_recoded",
            f"{variable.column} has the value {text!r} in row {row}, for which the concept map has no "
            "category.",
            place=variable.column,
            row=row,
        )
    return variable.recode[text]


def _role(name: str, values: list[Any], is_weight: bool, description: Description) -> Column:
    if not is_weight:
        codes, levels = encode(np.array(_texts(values), object))
        return Column(name, "category", codes, levels)
    numbers = [None if t is None else _number(t, description) for t in _texts(values)]
    bad = next((i for i, n in enumerate(numbers) if n is None), None)
    if bad is not None:
        raise DataError(
            "missing_weight",
            f"The weight {name} is missing or no number in row {bad + 1}.",
            place=name,
            row=bad + 1,
        )
    return Column(name, "number", np.array(numbers, float))


def _expanded(weights: Column, population: float) -> Column:
    """Weights that add up to cases, made to add up to persons."""
    total = float(np.nansum(weights.values))
    if not total > 0:
        raise DataError(
            "zero_weights", f"{weights.name}: the weights add up to {total:g}.", place=weights.name
        )
    return Column(weights.name, "number", weights.values * (population / total))


def _even(data: Mapping[str, Column], description: Description) -> Column:
    n = len(next(iter(data.values())))
    return Column("_weight", "number", np.full(n, (description.population or n) / n))


def _fielding(variable: Variable, column: Column, description: Description) -> Fielding:
    return Fielding(
        wave=description.name,
        wording=digest(variable.wording) if variable.wording else "",
        scale=digest(column.levels) if column.levels else "open",
        mode=description.mode,
        frame=description.frame,
        languages=frozenset(description.languages),
        population=description.population_text,
    )


AGGREGATE_COLUMNS = ("concept", "category", "estimate", "n")
EXTRAS = ("low", "high", "level", "sd", "deff")


def published_aggregates(
    wave: str, time: float, rows: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], Point]:
    """Figures that somebody else published, by (concept, category), ready to be compared over time.

    Every row needs concept, category, estimate (a share between 0 and 1, or a mean with ``kind: mean`` and
    ``sd``) and n; ``low``, ``high`` and ``level`` give the printed interval. Raises :class:`DataError` naming
    the row.
    """
    out: dict[tuple[str, str], Point] = {}
    for number, row in enumerate(rows, start=1):
        gaps = [c for c in AGGREGATE_COLUMNS if row.get(c) in (None, "")]
        if gaps:
            raise DataError(
                "aggregate_incomplete",
                f"Row {number} of {wave} has no {gaps[0]}.",
                place=f"row {number}",
                row=number,
            )
        kind = str(row.get("kind") or "proportion")
        estimate = float(row["estimate"])
        if kind == "proportion" and not 0 <= estimate <= 1:
            raise DataError(
                "not_a_share",
                f"Row {number} of {wave}: the share {estimate:g} is not between 0 and 1 (37 % is 0.37).",
                place=f"row {number}",
                row=number,
            )
        place = (str(row["concept"]), str(row["category"]))
        if place in out:
            raise DataError(
                "aggregate_twice",
                f"Row {number} of {wave} repeats {place[0]}, {place[1]}.",
                place=place[0],
                row=number,
            )
        given = {k: float(row[k]) for k in EXTRAS if row.get(k) not in (None, "")}
        out[place] = published_point(
            wave,
            time,
            estimate,
            float(row["n"]),
            low=given.get("low"),
            high=given.get("high"),
            kind=kind,
            level=given.get("level", 0.95),
            sd=given.get("sd"),
            deff=given.get("deff", 1.0),
        )
    return out
