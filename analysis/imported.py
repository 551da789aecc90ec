"""Waves that ran elsewhere, as tables of this house: read whole, or refused with the place of the fault.

What they measure is said by a concept map; a variable whose concept is one of the survey's own questions
takes that question's name, answers and words, so that plans can name it and series reach back.  How it was
asked stays its own: what is not known counts as different (:mod:`analysis.breaks`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from analysis.assemble import KEY, MODE, items
from analysis.breaks import digest
from analysis.columns import Column
from analysis.design import SurveyDesign
from analysis.earlier_waves import Description, Variable, import_wave
from analysis.errors import DataError
from analysis.tables import Item, WaveData
from surveys.questionnaire import Questionnaire

KINDS = ("csv", "sav")
OWN = ("key", "survey", "label")
"""Settings of an imported wave beside those of :class:`analysis.earlier_waves.Description`."""
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")


@dataclass(frozen=True)
class Imported:
    """What is said of an outside wave: ``key`` and ``survey`` are its address here, ``label`` its name."""

    key: str
    survey: str
    label: Mapping[str, str]
    time: float
    description: Description


def described(document: Mapping[str, Any]) -> Imported:
    """The description of an outside wave from plain data.

    Settings are ``key``, ``survey``, ``label`` and those of :class:`analysis.earlier_waves.Description`.
    Raises :class:`DataError` naming the setting.
    """
    for name in (*OWN, "dates", "variables"):
        if not document.get(name):
            raise DataError("setting_needed", f"The description needs {name!r}.", place=name, name=name)
    for name in ("key", "survey"):
        if not isinstance(document[name], str) or not _SLUG.match(document[name]):
            raise DataError(
                "setting_slug", f"{name}: use small letters, digits and hyphens.", place=name, name=name
            )
    label = document["label"]
    label = {"en": label} if isinstance(label, str) else label
    if not isinstance(label, Mapping) or not all(isinstance(text, str) for text in label.values()):
        raise DataError("setting_type", "label: write one text, or one per language.", place="label")
    variables = _variables(document["variables"])
    first, last = _dates(document["dates"])
    rest = {name: value for name, value in document.items() if name not in OWN}
    rest |= {"name": document["key"], "variables": variables, "dates": (first.isoformat(), last.isoformat())}
    if rest.get("population") is not None:
        rest["population"] = _positive(rest["population"])
    description = Description.from_dict(rest)
    # In the middle of the fieldwork, as a year with its fraction by months: like the waves fielded here.
    time = first.year + (last.month - 1 + 12 * (last.year - first.year)) / 12
    return Imported(document["key"], document["survey"], dict(label), time, description)


def _variables(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise DataError("setting_type", "variables: write a list of columns.", place="variables")
    known = set(Variable.__dataclass_fields__)
    found = []
    for number, one in enumerate(given):
        place = f"variables/{number + 1}"
        strange = sorted(set(one) - known)
        if strange:
            raise DataError(
                "unknown_setting",
                f"{place} has no setting {strange[0]!r}; settings are {', '.join(sorted(known))}.",
                place=place,
                name=strange[0],
                known=", ".join(sorted(known)),
            )
        if not one.get("column"):
            raise DataError("setting_needed", f"{place} needs 'column'.", place=place, name="column")
        entry = {name: one[name] for name in one if one[name] is not None}
        for name in ("recode", "missing", "wording"):
            value = entry.get(name, {})
            if name == "wording" and isinstance(value, str):
                value = {"en": value}
            if not isinstance(value, Mapping):
                raise DataError("setting_type", f"{place}: {name} must be pairs.", place=place)
            entry[name] = {str(key): str(text) for key, text in value.items()}
        order = entry.get("order", ())
        if isinstance(order, str) or not isinstance(order, (list, tuple)):
            raise DataError("setting_type", f"{place}: order must be a list.", place=place)
        found.append({**entry, "order": [str(level) for level in order]})
    return found


def _dates(given: Any) -> tuple[date, date]:
    try:
        first, last = (day if isinstance(day, date) else date.fromisoformat(str(day)) for day in given)
    except (TypeError, ValueError):
        raise DataError(
            "setting_dates", "dates: write the first and the last day as 2019-03-31.", place="dates"
        ) from None
    if last < first:
        raise DataError("setting_dates", "dates: the last day lies before the first.", place="dates")
    return first, last


def _positive(given: Any) -> float:
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = 0.0
    if not 0 < value < 1e12:
        raise DataError("setting_type", "population: write a number of people.", place="population")
    return value


def imported(about: Imported, content: bytes, kind: str, questionnaire: Questionnaire | None) -> WaveData:
    """The wave ready for the table book, with its own weights.

    ``questionnaire`` is the survey's, where there is one: its questions are what concepts are matched with,
    by concept or by address.  Raises :class:`DataError` naming column and row.
    """
    if kind not in KINDS:
        raise DataError(
            "file_kind", f"A file of kind {kind!r} cannot be read; bring CSV or .sav.", place=kind
        )
    questions = _questions(questionnaire)
    linked = {v.column: questions[v.concept] for v in about.description.variables if v.concept in questions}
    variables = tuple(_fitted(v, linked.get(v.column)) for v in about.description.variables)
    wave = import_wave(content, replace(about.description, variables=variables), kind)
    names = {
        v.column: linked[v.column].name if v.column in linked else v.concept or v.column for v in variables
    }
    _distinct({column: names.get(column, column) for column in wave.data})
    data = {
        names.get(column, column): replace(found, name=names.get(column, column))
        for column, found in wave.data.items()
    }
    size = len(wave)
    if not size:
        raise DataError("empty_file", "The file has no rows below its header.")
    for name, level in ((KEY, about.key), (MODE, about.description.mode or "other")):
        data[name] = Column(name, "category", np.zeros(size, np.int64), (level,))
    design = SurveyDesign.create(
        data,
        weights=names.get(wave.weights, wave.weights),
        strata=names.get(wave.strata, wave.strata) or None,
        psu=names.get(wave.psu, wave.psu) or None,
        nest=bool(wave.psu and wave.strata),
        lonely="adjust",
        wave=about.key,
    )
    return WaveData(
        key=about.key,
        label=about.label,
        time=about.time,
        design=design,
        items={
            names[v.column]: _item(names[v.column], v, data[names[v.column]], linked.get(v.column))
            for v in variables
            if data[names[v.column]].kind == "category"
        },
        fieldings={
            names[v.column]: replace(
                wave.fieldings[v.column], scale=_scale(v, wave.fieldings[v.column].scale)
            )
            for v in variables
        },
    )


def row_ids(key: str, size: int) -> list[str]:
    """Ids of the rows, the same at every reading: what releases of this wave are compared by."""
    return [hashlib.sha256(f"{key}:{row}".encode()).hexdigest()[:32] for row in range(size)]


def _questions(questionnaire: Questionnaire | None) -> dict[str, Item]:
    """Single-choice questions by address, and by concept where one question alone has it."""
    if questionnaire is None:
        return {}
    found = {name: item for name, item in items(questionnaire).items() if not item.multiple}
    concepts = [field.concept for field in questionnaire.fields if field.address in found]
    by_concept = {
        field.concept: found[field.address]
        for field in questionnaire.fields
        if field.address in found and field.concept and concepts.count(field.concept) == 1
    }
    return {**by_concept, **found}


def _fitted(variable: Variable, item: Item | None) -> Variable:
    """A variable that belongs to a question has exactly its answers; what fits none is named, not guessed."""
    if item is None:
        return variable
    recode = dict(variable.recode) or {code: code for code in item.categories}
    strange = next((target for target in recode.values() if target not in item.categories), None)
    if strange is not None:
        raise DataError(
            "no_such_answer",
            f"{variable.column}: {item.name} has no answer {strange!r}; its answers are "
            f"{', '.join(item.categories)}.",
            place=variable.column,
            name=strange,
            item=item.name,
            known=", ".join(item.categories),
        )
    return replace(variable, recode=recode, order=item.categories)


def _distinct(names: Mapping[str, str]) -> None:
    taken: dict[str, str] = {}
    for column, name in names.items():
        if name.startswith("_") and name != "_weight":
            raise DataError("reserved_name", f"{column}: names may not begin with a low line.", place=column)
        if name in taken:
            raise DataError(
                "measured_twice", f"{taken[name]} and {column} both measure {name!r}; keep one.", place=column
            )
        taken[name] = column


def _scale(variable: Variable, levels: str) -> str:
    """Answers that were joined to fit were another scale."""
    if len(set(variable.recode.values())) == len(variable.recode):
        return levels
    return digest([f"{value}={target}" for value, target in sorted(variable.recode.items())])


def _item(name: str, variable: Variable, column: Column, item: Item | None) -> Item:
    if item is not None:
        return replace(item, columns=(name,))
    levels = column.levels
    return Item(
        name=name,
        label=dict(variable.wording) or {"en": name},
        categories=levels,
        labels={level: {"en": level} for level in levels},
        columns=(name,),
    )
