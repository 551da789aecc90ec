"""The same questionnaire on paper: what the print template needs, every text with its language and direction.

Beside every box stands what a clerk types for it (`boxes`).

A sheet bears no code. It may bear the mark of its key, which is the same on all sheets of a stratum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localtext import LocalText, Picked, direction, quoted
from surveys.player import boxes
from surveys.player.markup import plain
from surveys.questionnaire import Field, Item, Questionnaire
from surveys.rules import All, Answered, AnyOf, In, Rule

Say = Callable[..., str]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def sheet(
    questionnaire: Questionnaire,
    language: str,
    r_: Say,
    *,
    variant: int = 1,
    mark: str = "",
    promise: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the data of ``templates/print/questionnaire.typ`` for one language and variant.

    ``r_`` translates the product's own words, ``promise`` are the paragraphs before the first question.
    """
    writer = _Writer(questionnaire, language, r_, numbers(questionnaire, variant))
    sections = []
    for section in questionnaire.sections:
        items = [item for item in section.items if questionnaire.in_variant(item.module, variant)]
        if items:
            title = writer.text(section.title) if section.title else None
            sections.append({"title": title, "items": [writer.item(item) for item in items]})
    return {
        "title": writer.text(questionnaire.title),
        "intro": writer.text(questionnaire.intro) if questionnaire.intro else None,
        "consent": writer.text(questionnaire.consent),
        "thanks": writer.text(questionnaire.thanks) if questionnaire.thanks else None,
        "promise": list(promise),
        "mark": mark,
        "sections": sections,
    }


def numbers(questionnaire: Questionnaire, variant: int) -> dict[str, str]:
    """Return item id and address to the number on paper: 7, and 7a, 7b for parts."""
    found: dict[str, str] = {}
    count = 0
    for item in questionnaire.items:
        if not item.fields or not questionnaire.in_variant(item.module, variant):
            continue
        count += 1
        found[item.id] = str(count)
        for position, field in enumerate(item.fields):
            if field.address != item.id:
                found[field.address] = f"{count}{LETTERS[position % len(LETTERS)]}"
    return found


class _Writer:
    """Writes items of one questionnaire in one language."""

    def __init__(
        self, questionnaire: Questionnaire, language: str, r_: Say, numbers: Mapping[str, str]
    ) -> None:
        self.questionnaire = questionnaire
        self.language = language
        self.r_ = r_
        self.numbers = numbers

    def text(self, text: LocalText) -> dict[str, Any]:
        """Return a text as runs of plain and strong words, with its language and direction."""
        return self.runs(self.questionnaire.pick(text, self.language))

    def runs(self, picked: Picked) -> dict[str, Any]:
        tag = picked.language if picked.language not in ("", "und") else self.language
        parts = re.split(r"\*\*(.+?)\*\*", " ".join(picked.split()))
        runs = [{"words": words, "strong": index % 2 == 1} for index, words in enumerate(parts) if words]
        return {"runs": runs, "lang": tag.split("-")[0], "dir": direction(tag)}

    def own(self, words: str) -> dict[str, Any]:
        """Return words of the product itself, in the sheet's language."""
        return self.runs(Picked(words, self.language))

    def item(self, item: Item) -> dict[str, Any]:
        """Return everything printed for one item."""
        return {
            "number": self.numbers.get(item.id, ""),
            "text": self.text(item.text),
            "help": self.text(item.help) if item.help else None,
            "why": self.text(item.why) if item.why else None,
            "only": self.only(item.rule),
            "fields": [self.field(item, field) for field in item.fields],
        }

    def field(self, item: Item, field: Field) -> dict[str, Any]:
        """Return the answers of one field; ``label`` is its statement or part."""
        part = field.address != item.id
        printed = {} if boxes.numbered(field) else boxes.marks(field)
        options = [{**self.text(one.label), "mark": printed.get(one.code, "")} for one in field.options]
        return {
            "label": self.text(field.text) if part else None,
            "number": self.numbers[field.address] if part else "",
            "only": self.only(field.own_rule),
            "kind": "steps" if field.ends else field.kind,
            "hint": self.hint(field),
            "unit": self.text(item.unit) if item.unit else None,
            "options": options,
            "ends": [self.text(end) for end in field.ends] if field.ends else [],
            "places": field.maximum if field.kind == "ranking" else 0,
            "missing": self.missing(field),
        }

    def hint(self, field: Field) -> dict[str, Any] | None:
        """Return how many answers are meant, where that is not one."""
        if field.kind == "multiple" and field.maximum < len(field.options):
            return self.own(self.r_("At most %(num)s answers.", num=field.maximum))
        if field.kind == "multiple":
            return self.own(self.r_("Tick all that apply."))
        if field.kind == "ranking":
            return self.own(self.r_("Write 1 for the most important, then up to %(num)s.", num=field.maximum))
        return None

    def missing(self, field: Field) -> list[dict[str, Any]]:
        made = self.questionnaire
        found = []
        if field.dont_know:
            own = self.own(self.r_("I don't know"))
            said = self.text(made.dont_know) if made.dont_know else own
            found.append({**said, "mark": boxes.DONT_KNOW})
        if field.refusal:
            own = self.own(self.r_("I don't want to say"))
            said = self.text(made.refused) if made.refused else own
            found.append({**said, "mark": boxes.REFUSED})
        return found

    def only(self, rule: Rule | None) -> dict[str, Any] | None:
        """Say in words when a question is meant: on paper nothing hides it."""
        if rule is None:
            return None
        return self.own(self.r_("Only if: %(conditions)s", conditions=self.words(rule)))

    def words(self, rule: Rule) -> str:
        """Return a rule as words: question numbers and the answers' own labels."""
        if isinstance(rule, All):
            return "; ".join(self.words(part) for part in rule.rules)
        if isinstance(rule, AnyOf):
            return f" {self.r_('or')} ".join(self.words(part) for part in rule.rules)
        number = self.r_("question %(num)s", num=self.numbers.get(rule.address, "–"))
        if isinstance(rule, Answered):
            return f"{number} ✓"
        return f"{number}: {' / '.join(self.labels(rule))}"

    def labels(self, atom: In) -> list[str]:
        """Return the labels of the answers that open the question."""
        field = self.questionnaire.by_address[atom.address]
        return [
            quoted(plain(self.questionnaire.pick(option.label, self.language)), self.language)
            for option in field.options
            if (option.code in atom.codes) != atom.otherwise
        ]
