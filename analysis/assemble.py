"""From stored responses and their questionnaire to a wave that can be tabulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis import cellkey
from analysis.breaks import Fielding, digest
from analysis.columns import MISSING, Column, Floats
from analysis.design import SurveyDesign
from analysis.errors import DataError
from analysis.exchange.codebook import Codebook, codebook
from analysis.margin_items import complete_margins
from analysis.margins import Margin, Margins
from analysis.plan import Plan, Step
from analysis.tables import Item, WaveData
from localtext import LocalText
from surveys.digests import item_digests
from surveys.questionnaire import Field, Questionnaire

KEY, MODE, RECORD, WEIGHT = "_key", "_mode", "_record_key", "_design_weight"
"""Columns that are no answers: key of the letter, mode, record key for perturbation, design weight."""

NO, YES = "0", "1"


@dataclass(frozen=True)
class Answers:
    """One stored response."""

    id: str
    key: str
    mode: str
    record_key: bytes
    version: int
    answers: Mapping[str, Any]


@dataclass(frozen=True)
class Frame:
    """What is known of a wave beside its answers.

    ``population`` and ``invited`` are counts per key as the register published them; empty for open
    participation.
    """

    key: str
    label: LocalText
    time: float
    mode: str
    frame: str
    population_text: str
    population: Mapping[str, float]
    invited: Mapping[str, int]
    open_participation: bool = False


def columns(questionnaire: Questionnaire, responses: Sequence[Answers]) -> dict[str, Column]:
    """Coded columns of every closed question; words that people wrote are never among them.

    Multiple choice gives one 0/1 column per option, ranking one column of ranks per option.
    """
    found: dict[str, Column] = {}
    for field in questionnaire.fields:
        if field.kind == "text":
            continue
        values = [response.answers.get(field.address, "!not_in_variant") for response in responses]
        found.update(_columns_of(field, values))
    found[KEY] = _plain(KEY, [response.key for response in responses])
    found[MODE] = _plain(MODE, [response.mode for response in responses])
    keys = np.array([cellkey.record_key(response.record_key) for response in responses], dtype=float)
    found[RECORD] = Column(RECORD, "number", keys)
    return found


def _plain(name: str, values: Sequence[str]) -> Column:
    levels = tuple(sorted(set(values)))
    place = {level: number for number, level in enumerate(levels)}
    return Column(name, "category", np.array([place[v] for v in values], dtype=np.int64), levels)


def _reason(value: Any) -> int:
    """Position of a missing code in :data:`MISSING`, 0 for an answer."""
    if isinstance(value, str) and value.startswith("!"):
        return MISSING.index(value[1:]) if value[1:] in MISSING else MISSING.index("no_answer")
    return 0


def _columns_of(field: Field, values: Sequence[Any]) -> dict[str, Column]:
    reasons = np.array([_reason(value) for value in values], dtype=np.int8)
    codes = [option.code for option in field.options]
    name = field.address
    if field.kind == "exact":
        numbers = [
            float("nan") if reason else float(value) for value, reason in zip(values, reasons, strict=True)
        ]
        return {name: Column(name, "number", np.array(numbers), missing=reasons, label=field.text)}
    if field.kind == "single":
        place = {code: number for number, code in enumerate(codes)}
        coded = np.array([place.get(v, -1) if isinstance(v, str) else -1 for v in values], dtype=np.int64)
        gone = np.where((coded < 0) & (reasons == 0), MISSING.index("no_answer"), reasons).astype(np.int8)
        return {name: Column(name, "category", coded, tuple(codes), gone, field.text)}
    result = {}
    for option in field.options:
        column = f"{name}_{option.code}"
        if field.kind == "multiple":
            hits = [
                -1 if reason else int(option.code in value)
                for value, reason in zip(values, reasons, strict=True)
            ]
            coded = np.array(hits, dtype=np.int64)
            result[column] = Column(column, "category", coded, (NO, YES), reasons, option.label)
        else:
            ranks = [_rank(value, option.code, reason) for value, reason in zip(values, reasons, strict=True)]
            result[column] = Column(column, "number", np.array(ranks), missing=reasons, label=option.label)
    return result


def _rank(value: Any, code: str, reason: int) -> float:
    return float("nan") if reason or code not in value else float(list(value).index(code) + 1)


def items(questionnaire: Questionnaire) -> dict[str, Item]:
    """What can be tabulated: single and multiple choice, with texts in every language."""
    found = {}
    by_item = {item.id: item for item in questionnaire.items}
    headings = {section.id: section.title for section in questionnaire.sections}
    for field in questionnaire.fields:
        if field.kind not in {"single", "multiple"} or not field.options:
            continue
        parent = by_item[field.item]
        codes = tuple(option.code for option in field.options)
        names = (
            tuple(f"{field.address}_{code}" for code in codes)
            if field.kind == "multiple"
            else (field.address,)
        )
        if field.kind == "multiple" and len(codes) < 2:
            continue
        found[field.address] = Item(
            name=field.address,
            label=_filled(questionnaire, field.text or parent.text),
            categories=codes,
            labels={option.code: _filled(questionnaire, option.label) for option in field.options},
            columns=names,
            sensitive=parent.sensitive,
            ordered=parent.type in {"scale", "battery"},
            section=_filled(questionnaire, headings[parent.section]),
        )
    return found


def _filled(questionnaire: Questionnaire, text: LocalText) -> LocalText:
    """A text in every language of the survey, placeholders filled."""
    if not text:
        return {}
    return {
        tag: str(questionnaire.pick(text, tag)) for tag in questionnaire.languages if tag in text
    } or dict(text)


def fieldings(questionnaire: Questionnaire, frame: Frame) -> dict[str, Fielding]:
    """How every item was asked in this wave, for the search for breaks."""
    asked = item_digests(questionnaire.document)
    result = {}
    for field in questionnaire.fields:
        scale = [option.code for option in field.options]
        result[field.address] = Fielding(
            wave=frame.key,
            wording=asked.get(field.item, digest(field.text)),
            scale=digest(scale) if scale else "open",
            mode=frame.mode,
            frame=frame.frame,
            languages=frozenset(questionnaire.languages),
            population=frame.population_text,
        )
    return result


def design(found: Mapping[str, Column], frame: Frame) -> SurveyDesign:
    """Design weights and strata of a wave: N of the key over its responses; 1 for open participation.

    Nonresponse within a key is adjusted by that; finite populations are left out, because invited n over N
    would understate the variance once people do not answer.  Raises :class:`DataError` for responses of a
    key the register did not publish.
    """
    size = len(found[KEY])
    if not size:
        raise DataError("no_responses", f"wave {frame.key} has no responses yet", frame.key)
    if frame.open_participation or not frame.population:
        data = {**found, WEIGHT: Column(WEIGHT, "number", np.ones(size))}
        return SurveyDesign.create(data, weights=WEIGHT, wave=frame.key, lonely="adjust")
    key = found[KEY]
    unknown = [level for level in key.levels if level not in frame.population]
    if unknown:
        raise DataError(
            "unknown_key", f"the register has published no population for key {unknown[0]}", unknown[0]
        )
    responses = np.bincount(key.values, minlength=len(key.levels))
    population: Floats = np.array([frame.population[level] for level in key.levels], dtype=float)
    weights = (population / np.maximum(responses, 1))[key.values]
    data = {**found, WEIGHT: Column(WEIGHT, "number", weights)}
    return SurveyDesign.create(data, weights=WEIGHT, strata=KEY, wave=frame.key, lonely="adjust")


def weigh(
    start: SurveyDesign, steps: Sequence[Step], margins: Mapping[str, Margin], wave: str = ""
) -> SurveyDesign:
    """The weighting chain of a plan; every step leaves its diagnostics in the design.

    A margin ``age`` is the wave's own where ``age@<wave>`` is stored: counts change over the years.  Missing
    margin items are completed within the key, for weighting only; a step's option ``outside`` says what
    becomes of categories that a margin lacks.
    """
    now = start
    for step in steps:
        names = [own if (own := f"{name}@{wave}") in margins else name for name in step.margins]
        missing = [name for name in names if name not in margins]
        if missing:
            raise DataError("unknown_margin", f"there is no margin called {missing[0]}", missing[0])
        chosen = [margins[name] for name in names]
        if chosen:
            now = complete_margins(now, Margins(tuple(chosen)), key=KEY, outside=step.options.get("outside"))
        options = {
            key: value for key, value in step.options.items() if key in {"lower", "upper", "method", "bounds"}
        }
        if step.kind == "rake":
            now = now.rake(Margins(tuple(chosen)))
        elif step.kind == "post_stratify":
            now = now.post_stratify(Margins(tuple(chosen)))
        elif step.kind == "calibrate":
            bounds = options.pop("bounds", None)
            now = now.calibrate(Margins(tuple(chosen)), bounds=tuple(bounds) if bounds else None, **options)
        elif step.kind == "trim":
            now = now.trim(**options)
    return now


def wave_data(
    questionnaire: Questionnaire,
    responses: Sequence[Answers],
    frame: Frame,
    steps: Sequence[Step] = (),
    margins: Mapping[str, Margin] | None = None,
) -> WaveData:
    """A wave ready for the table book."""
    found = columns(questionnaire, responses)
    weighted = design(found, frame)
    if not frame.open_participation:
        weighted = weigh(weighted, steps, margins or {}, frame.key)
    return WaveData(
        key=frame.key,
        label=frame.label,
        time=frame.time,
        design=weighted,
        items=items(questionnaire),
        fieldings=fieldings(questionnaire, frame),
        invited=sum(frame.invited.values()) if frame.invited else None,
        open_participation=frame.open_participation,
    )


def sealed_export(wave: WaveData) -> tuple[Codebook, dict[str, Column]]:
    """Columns and codebook for the analyst's own programs: every answer, stratum, design weight and final
    weight.

    The record key stays inside: whoever has it can undo the perturbation of published counts.
    """
    columns = {name: column for name, column in wave.design.data.items() if name != RECORD}
    columns["weight"] = Column("weight", "number", wave.design.weights)
    return book_of(replace(wave, design=replace(wave.design, data=columns))), columns


def book_of(wave: WaveData, plan: Plan | None = None, *, title: LocalText | None = None) -> Codebook:
    """The codebook of a wave's columns, for exports."""
    data = wave.design.data
    labels, values, sets = {}, {}, {}
    for item in wave.items.values():
        if item.multiple:
            sets[item.name] = (item.label, item.columns)
            for code, name in zip(item.categories, item.columns, strict=True):
                labels[name] = item.labels.get(code, {"en": code})
        else:
            labels[item.columns[0]] = item.label
            values[item.columns[0]] = item.labels
    languages = (
        plan.languages if plan else tuple(next(iter(wave.items.values())).label) if wave.items else ("en",)
    )
    return codebook(
        wave.key,
        data,
        title=title or dict(wave.label),
        languages=languages,
        labels=labels,
        value_labels=values,
        sets=sets,
        ordered=[item.name for item in wave.items.values() if item.ordered],
    )
