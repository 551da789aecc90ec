"""What a clerk types for a paper sheet: option codes instead of clicks, read into what `answers.check` takes.

``3`` is an option, ``1 4 7`` several, in the order of a ranking; ``-`` is a refusal, ``?`` is "don't know",
nothing is no answer.  Words of free text are typed as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surveys.questionnaire import Field, Questionnaire

REFUSED = "-"
DONT_KNOW = "?"

#: In a list of differences: this keying calls the sheet void.  Pages put it into words.
VOID = "void"

_MISSING = {REFUSED: "!refused", DONT_KNOW: "!dont_know"}


def raw(questionnaire: Questionnaire, typed: Mapping[str, str]) -> dict[str, Any]:
    """Address -> what was typed, as the body that `surveys.answers.check` reads; consent is on the sheet."""
    body: dict[str, Any] = {"_consent": "yes"}
    for field in questionnaire.fields:
        text = typed.get(field.address, "").strip()
        if not text:
            continue
        if text in _MISSING:
            beside = "!" if field.kind in ("text", "exact", "ranking") else ""
            body[field.address + beside] = _MISSING[text]
        elif field.kind in ("multiple", "ranking"):
            body[field.address] = text.replace(",", " ").split()
        else:
            body[field.address] = text
    return body


def shown(field: Field, answers: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """A kept answer as a clerk would have typed it; empty for no answer and for what was not asked."""
    value = texts.get(field.address, "") if field.kind == "text" else answers.get(field.address, "")
    if isinstance(value, list):
        return " ".join(str(one) for one in value)
    if isinstance(value, str) and value.startswith("!"):
        return {"!refused": REFUSED, "!dont_know": DONT_KNOW}.get(value, "")
    return str(value)


@dataclass(frozen=True)
class Difference:
    """One place in which two keyings of a sheet differ.

    ``address`` is empty where one calls the sheet void; then that one's side is ``VOID``, the other's empty.
    """

    sheet: int
    address: str
    first: str
    second: str


@dataclass(frozen=True)
class Keyed:
    """A sheet as it was keyed once."""

    sheet: int
    void: bool
    variant: int
    answers: Mapping[str, Any]
    texts: Mapping[str, str]


def differences(questionnaire: Questionnaire, first: Keyed, second: Keyed) -> list[Difference]:
    """Every place in which the two keyings differ, in the order of the sheet."""
    if first.void != second.void:
        return [Difference(first.sheet, "", *(VOID if one.void else "" for one in (first, second)))]
    if first.void:
        return []
    found = []
    if first.variant != second.variant:
        found.append(Difference(first.sheet, "_variant", str(first.variant), str(second.variant)))
    for field in questionnaire.fields:
        one, other = shown(field, first.answers, first.texts), shown(field, second.answers, second.texts)
        if one != other:
            found.append(Difference(first.sheet, field.address, one, other))
    return found


def missing_sheets(sheets: int, keyed: Sequence[int]) -> list[int]:
    """Numbers of a stack's sheets that are not among those keyed."""
    return sorted(set(range(1, sheets + 1)) - set(keyed))
