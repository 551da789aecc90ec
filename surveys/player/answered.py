"""A person's own answers in words, for who comes too late to send them and wants to keep them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from surveys.answers import Checked
from surveys.player.markup import plain
from surveys.questionnaire import Field, Item, Questionnaire
from surveys.routing import Value

Say = Callable[..., str]


def name(questionnaire: Questionnaire, address: str, language: str) -> str:
    """Return the question behind an address: of statements and parts with the question above them."""
    field = questionnaire.by_address[address]
    item: Item = next(one for one in questionnaire.items if one.id == field.item)
    texts = [item.text] if field.address == item.id else [item.text, field.text]
    return " – ".join(plain(questionnaire.pick(text, language)) for text in texts)


def worded(questionnaire: Questionnaire, language: str, r_: Say) -> list[dict[str, Any]]:
    """Return what a script needs to say any answer: per field, in order, its address, its question
    (``text``), the words of its codes (``words``), and whether places count (``ranked``)."""
    return [
        {
            "address": field.address,
            "text": name(questionnaire, field.address, language),
            "words": _words(questionnaire, field, language, r_),
            "ranked": field.kind == "ranking",
        }
        for field in questionnaire.fields
    ]


def listed(
    questionnaire: Questionnaire, language: str, r_: Say, checked: Checked
) -> list[tuple[str, list[str]]]:
    """Return (question, lines of its answer) for everything that was answered, refusals too."""
    given: Mapping[str, Value] = {**checked.answers, **checked.texts}
    found = []
    for field in questionnaire.fields:
        lines = _lines(field, _words(questionnaire, field, language, r_), given.get(field.address))
        if lines:
            found.append((name(questionnaire, field.address, language), lines))
    return found


def _lines(field: Field, words: Mapping[str, str], value: Value | None) -> list[str]:
    if value is None or value == "":
        return []
    values = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    if values[:1] and values[0].startswith("!") and values[0] not in words:
        return []  # not asked, or not answered
    lines = [words.get(one, one) for one in values]
    if field.kind == "ranking" and isinstance(value, list):
        return [f"{place}. {line}" for place, line in enumerate(lines, 1)]
    return lines


def _words(questionnaire: Questionnaire, field: Field, language: str, r_: Say) -> dict[str, str]:
    """Code, or missing code, to what stands beside its box on the page."""

    def said(text: Mapping[str, str]) -> str:
        return plain(questionnaire.pick(text, language))

    words = {option.code: said(option.label) for option in field.options}
    if field.ends:
        for option, end in zip((field.options[0], field.options[-1]), field.ends, strict=True):
            words[option.code] += f" · {said(end)}"
    words["!dont_know"] = said(questionnaire.dont_know) if questionnaire.dont_know else r_("I don't know")
    words["!refused"] = said(questionnaire.refused) if questionnaire.refused else r_("I don't want to say")
    return words
