"""What a clerk types for a paper sheet: the marks printed at the ticked boxes, as `answers.check` takes them.

``3`` is a box, ``1 4 7`` several, ``c a`` the boxes of a ranking in the order of its places; ``-`` is a
refusal, ``?`` is "don't know", nothing is no answer.  What people wrote themselves is typed as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surveys.player.boxes import marks
from surveys.questionnaire import Field, Questionnaire

REFUSED = "-"
DONT_KNOW = "?"

#: In a list of differences: this keying calls the sheet void.  Pages put it into words.
VOID = "void"

#: Typed signs; the printed dash is longer than the one on the keyboard, so any dash will do.
_MISSING = {**dict.fromkeys("-–—−", "!refused"), DONT_KNOW: "!dont_know"}


def raw(questionnaire: Questionnaire, typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the body that `surveys.answers.check` reads (consent is on the sheet), and address to what was
    typed there and stands at no box; that never gets into the body, where it could be taken for a code."""
    body: dict[str, Any] = {"_consent": "yes"}
    strays: dict[str, str] = {}
    for field in questionnaire.fields:
        text = typed.get(field.address, "").strip()
        if not text:
            continue
        if text in _MISSING:
            beside = "!" if field.kind in ("text", "exact", "ranking") else ""
            body[field.address + beside] = _MISSING[text]
        elif field.kind in ("text", "exact"):
            body[field.address] = text
        else:
            codes, unknown = _codes(field, text)
            if unknown:
                strays[field.address] = unknown
            else:
                body[field.address] = codes if field.kind in ("multiple", "ranking") else codes[0]
    return body, strays


def _codes(field: Field, text: str) -> tuple[list[str], str]:
    """The codes of the boxes that were typed, and what is at no box."""
    codes = {mark: code for code, mark in marks(field).items()}
    words = text.lower().replace(",", " ").split()
    if field.kind == "ranking" and len(words) == 1 and words[0].isalpha():
        words = list(words[0])
    if field.kind == "single":
        words = [" ".join(words)]
    return [codes[one] for one in words if one in codes], " ".join(one for one in words if one not in codes)


def shown(field: Field, answers: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """A kept answer as a clerk would have typed it; empty for no answer and for what was not asked."""
    value = texts.get(field.address, "") if field.kind == "text" else answers.get(field.address, "")
    if isinstance(value, str) and value.startswith("!"):
        return {"!refused": REFUSED, "!dont_know": DONT_KNOW}.get(value, "")
    printed = marks(field)
    values = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    return " ".join(printed.get(one, one) for one in values)


@dataclass(frozen=True)
class Difference:
    """One place in which two keyings of a sheet differ.

    ``address`` is empty where one calls the sheet void; then that one's side is ``VOID``, the other's empty.
    ``variant`` is the first keying's: it says how the sheet numbers its questions.
    """

    sheet: int
    address: str
    first: str
    second: str
    variant: int


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
        one, other = (VOID if keyed.void else "" for keyed in (first, second))
        return [Difference(first.sheet, "", one, other, (second if first.void else first).variant)]
    if first.void:
        return []
    found = []
    if first.variant != second.variant:
        one, other = str(first.variant), str(second.variant)
        found.append(Difference(first.sheet, "_variant", one, other, first.variant))
    for field in questionnaire.fields:
        one, other = shown(field, first.answers, first.texts), shown(field, second.answers, second.texts)
        if one != other:
            found.append(Difference(first.sheet, field.address, one, other, first.variant))
    return found


def missing_sheets(sheets: int, keyed: Sequence[int]) -> list[int]:
    """Numbers of a stack's sheets that are not among those keyed."""
    return sorted(set(range(1, sheets + 1)) - set(keyed))
