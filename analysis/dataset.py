"""Responses and their questionnaire become coded columns; a wave is columns plus what is known of its
fielding.

The five missing codes stay distinct from the answer to the export (:data:`analysis.columns.MISSING`): a
question that was routed past is not a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.breaks import Fielding, digest
from analysis.columns import MISSING, Column, encode
from analysis.design import SurveyDesign
from analysis.errors import DataError
from surveys.digests import item_digests
from surveys.questionnaire import Field, Questionnaire
from surveys.questionnaire import read as read_questionnaire

NO, YES = "0", "1"
NO_ANSWER = MISSING.index("no_answer")
NOT_IN_VARIANT = MISSING.index("not_in_variant")


@dataclass(frozen=True, eq=False)
class Wave:
    """One fielding of a survey as the analysis sees it.

    ``data`` columns of n responses; ``key`` the column of the register's strata; ``population`` and
    ``invited`` persons and invitations per key as the register published them. ``concepts`` name what a
    column measures over surveys and years; ``fieldings`` how each column was asked. ``dates`` first and last
    day. ``weights``, ``strata`` and ``psu`` name columns where the wave brings its own (imported waves).
    """

    name: str
    data: Mapping[str, Column]
    key: str = ""
    population: Mapping[str, float] = field(default_factory=dict)
    invited: Mapping[str, int] = field(default_factory=dict)
    concepts: Mapping[str, str] = field(default_factory=dict)
    fieldings: Mapping[str, Fielding] = field(default_factory=dict)
    dates: tuple[str, str] = ("", "")
    weights: str = ""
    strata: str = ""
    psu: str = ""

    def __len__(self) -> int:
        return len(next(iter(self.data.values()))) if self.data else 0

    def design(self, lonely: str = "fail") -> SurveyDesign:
        """The wave's design: its own weights and strata where it has them, else those of the register."""
        if self.weights:
            return SurveyDesign.create(
                self.data,
                weights=self.weights,
                strata=self.strata or None,
                psu=self.psu or None,
                nest=bool(self.psu and self.strata),
                lonely=lonely,
                wave=self.name,
            )
        return SurveyDesign.from_wave(self, lonely=lonely)

    def column_of(self, concept: str) -> Column:
        """The column that measures a concept in this wave."""
        for name, measured in self.concepts.items():
            if measured == concept:
                return self.data[name]
        raise DataError(
            "no_such_concept",
            f"Wave {self.name} does not measure {concept!r}; it measures "
            f"{', '.join(sorted(set(self.concepts.values()))[:8]) or 'nothing that has a concept'}.",
            place=concept,
        )


def columns(
    questionnaires: Questionnaire | Mapping[int, Questionnaire], responses: Sequence[Mapping[str, Any]]
) -> dict[str, Column]:
    """Coded columns of every closed field of a questionnaire, or of several versions of it.

    Every response is ``{"answers": {address: value}}``, with ``"version"`` where there are several. Single
    choices are categories in the order of the options; a multiple choice gives one category 0/1 per option, a
    ranking one number per option (1 = first), both named ``address_code``; typed numbers are numbers. Words
    that somebody wrote are never among them. A field that the response's version does not have is
    ``not_in_variant``; a code that no version lists raises :class:`DataError`.
    """
    versions = {0: questionnaires} if isinstance(questionnaires, Questionnaire) else dict(questionnaires)
    fields: dict[str, list[Field]] = {}
    for number in sorted(versions, reverse=True):
        for one in versions[number].fields:
            if one.kind != "text":
                fields.setdefault(one.address, []).append(one)
    answers = [dict(response.get("answers", {})) for response in responses]
    out: dict[str, Column] = {}
    for address, defined in fields.items():
        values = [given.get(address, "!not_in_variant") for given in answers]
        codes = tuple(dict.fromkeys(option.code for one in defined for option in one.options))
        out.update(_CODED[defined[0].kind](defined[0], codes, values))
    return out


def from_documents(
    documents: Mapping[str, Any] | Iterable[Mapping[str, Any]], responses: Sequence[Mapping[str, Any]]
) -> dict[str, Column]:
    """:func:`columns` from questionnaire documents (plain data), one or all versions of a survey."""
    listed = [documents] if isinstance(documents, Mapping) else list(documents)
    read = [read_questionnaire(document) for document in listed]
    if len(read) == 1:
        return columns(read[0], responses)
    return columns({q.version: q for q in read}, responses)


def reasons_of(values: Sequence[Any]) -> np.ndarray:
    """(n,) positions in :data:`MISSING`, 0 for an answer; nothing at all is ``no_answer``."""
    return np.array([_reason(value) for value in values], np.int8)


def _reason(value: Any) -> int:
    if isinstance(value, str) and value.startswith("!"):
        return MISSING.index(value[1:]) if value[1:] in MISSING else NO_ANSWER
    if value is None or value == "" or (isinstance(value, (list, tuple)) and not value):
        return NO_ANSWER
    return 0


def _single(field_: Field, codes: tuple[str, ...], values: Sequence[Any]) -> dict[str, Column]:
    reasons = reasons_of(values)
    place = {code: i for i, code in enumerate(codes)}
    coded = np.full(len(values), -1, np.int16)
    for i in np.flatnonzero(reasons == 0).tolist():
        coded[i] = place.get(str(values[i]), -2)
    _refuse_unknown(field_.address, coded == -2, values)
    return {field_.address: Column(field_.address, "category", coded, codes, reasons, field_.text)}


def _multiple(field_: Field, codes: tuple[str, ...], values: Sequence[Any]) -> dict[str, Column]:
    reasons = reasons_of(values)
    out = {}
    chosen = [frozenset(v) if reason == 0 else frozenset() for v, reason in zip(values, reasons, strict=True)]
    known = frozenset(codes)
    _refuse_unknown(field_.address, np.array([not c <= known for c in chosen], bool), values)
    labels = {option.code: option.label for option in field_.options}
    for code in codes:
        hits = np.array([int(code in c) for c in chosen], np.int16)
        name = f"{field_.address}_{code}"
        coded = np.where(reasons == 0, hits, -1).astype(np.int16)
        out[name] = Column(name, "category", coded, (NO, YES), reasons, labels.get(code))
    return out


def _ranking(field_: Field, codes: tuple[str, ...], values: Sequence[Any]) -> dict[str, Column]:
    reasons = reasons_of(values)
    orders = [list(v) if reason == 0 else [] for v, reason in zip(values, reasons, strict=True)]
    _refuse_unknown(field_.address, np.array([not set(o) <= set(codes) for o in orders], bool), values)
    labels = {option.code: option.label for option in field_.options}
    out = {}
    for code in codes:
        ranks = [float(order.index(code) + 1) if code in order else float("nan") for order in orders]
        name = f"{field_.address}_{code}"
        out[name] = Column(name, "number", np.array(ranks, float), (), reasons, labels.get(code))
    return out


def _exact(field_: Field, codes: tuple[str, ...], values: Sequence[Any]) -> dict[str, Column]:
    reasons = reasons_of(values)
    numbers = np.full(len(values), np.nan)
    strange = np.zeros(len(values), bool)
    for i in np.flatnonzero(reasons == 0).tolist():
        try:
            numbers[i] = float(values[i])
        except (TypeError, ValueError):
            strange[i] = True
    _refuse_unknown(field_.address, strange, values)
    return {field_.address: Column(field_.address, "number", numbers, (), reasons, field_.text)}


_CODED = {"single": _single, "multiple": _multiple, "ranking": _ranking, "exact": _exact}


def _refuse_unknown(address: str, strange: np.ndarray, values: Sequence[Any]) -> None:
    if not strange.any():
        return
    row = int(np.flatnonzero(strange)[0])
    raise DataError(
        "unknown_code",
        f"Response {row + 1} answers {address} with {values[row]!r}, which no version of the questionnaire "
        "offers "
        f"({int(strange.sum())} responses do). Give the version that was answered.",
        place=address,
        row=row + 1,
    )


def wave(
    name: str,
    questionnaires: Questionnaire | Mapping[int, Questionnaire],
    responses: Sequence[Mapping[str, Any]],
    *,
    population: Mapping[str, float],
    invited: Mapping[str, int],
    mode: str = "",
    frame: str = "",
    population_text: str = "",
    dates: tuple[str, str] = ("", ""),
) -> Wave:
    """A wave fielded here: responses ``{"answers", "key", "version", "mode"}`` and the register's counts per
    key."""
    data = columns(questionnaires, responses)
    for role in ("key", "mode"):
        if any(role in response for response in responses):
            codes, levels = encode(np.array([r.get(role) or "" for r in responses], object))
            data[role] = Column(role, "category", codes.astype(np.int16), levels)
    newest = (
        questionnaires if isinstance(questionnaires, Questionnaire) else questionnaires[max(questionnaires)]
    )
    return Wave(
        name=name,
        data=data,
        key="key",
        population=dict(population),
        invited=dict(invited),
        concepts={f.address: f.concept for f in newest.fields if f.kind != "text"},
        fieldings=fieldings(newest, name, mode, frame, population_text),
        dates=dates,
    )


def fieldings(
    questionnaire: Questionnaire, wave_name: str, mode: str, frame: str, population: str
) -> dict[str, Fielding]:
    """How every field was asked: what the search for breaks in a series compares."""
    asked = item_digests(questionnaire.document)
    out = {}
    for one in questionnaire.fields:
        scale = [option.code for option in one.options]
        out[one.address] = Fielding(
            wave=wave_name,
            wording=asked.get(one.item, digest(one.text)),
            scale=digest(scale) if scale else "open",
            mode=mode,
            frame=frame,
            languages=frozenset(questionnaire.languages),
            population=population,
        )
    return out
