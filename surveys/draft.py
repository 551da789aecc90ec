"""A document under check: sound in shape, but its names may lead nowhere and its meaning may be wrong.

The checks look at it through this class, so that each of them is a few lines and none stumbles over
another's fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

TEXT_KEYS = ("title", "intro", "consent", "thanks", "text", "help", "why", "label", "low", "high", "unit")
TOP_TEXT_KEYS = ("refused", "dont_know")


@dataclass(frozen=True)
class Draft:
    """A document of sound shape; ``broken`` was taken out of it, ``sounds`` are the files at hand."""

    document: Mapping[str, Any]
    broken: frozenset[str] = frozenset()
    final: bool = False
    sounds: frozenset[str] | None = None

    @cached_property
    def items(self) -> tuple[Mapping[str, Any], ...]:
        """All items in order, each with the module of its section where it has none."""
        return tuple(
            {"module": section["module"], **item} if "module" in section else item
            for section in self.document["sections"]
            for item in section["items"]
        )

    def references(self, kind: str) -> Iterator[tuple[str, str]]:
        """Yield place and name of each use of a shared ``scale`` or ``text``."""
        if kind == "text":
            for place, text in texts(self.document):
                if isinstance(text, str):
                    yield place, text[1:]
            return
        for item in self.items:
            for place, own in ((f"items/{item['id']}", item), *self.parts(item)):
                if "scale" in own:
                    yield place, own["scale"]

    def parts(self, item: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield place and content of an item's statements or parts."""
        for part in inner_parts(item):
            yield f"items/{item['id']}/{part['id']}", part

    def answering(self, item: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield what has a list of answers: the parts of ``parts``, else the item itself; no notes."""
        if item["type"] == "parts":
            yield from self.parts(item)
        elif item["type"] != "note":
            yield f"items/{item['id']}", item

    def answers(self, own: Mapping[str, Any], item: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the options or steps in force for a part or an item, shared scales looked up."""
        for holder in (own, item):
            if "options" in holder or "from" in holder:
                return holder
            if "scale" in holder:
                found: Mapping[str, Any] | None = self.document.get("scales", {}).get(holder["scale"])
                return found
        return None

    def has_lost_scale(self, own: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
        """Say whether a scale is named that is not there, which is reported at its own place."""
        return self.answers(own, item) is None and ("scale" in own or "scale" in item)

    def is_ordered(self, item: Mapping[str, Any]) -> bool:
        """Say whether the order of the item's answers is meaning."""
        answers = self.answers(item, item) or {}
        return "from" in answers or bool(answers.get("ordered")) or item["type"] in ("number", "date")

    def shares(self) -> Iterator[tuple[str, Mapping[str, float], frozenset[str]]]:
        """Yield place, declared population shares and codes of everything that declares shares."""
        for item in self.items:
            for place, own in ((f"items/{item['id']}", item), *self.parts(item)):
                if "shares" in own:
                    yield place, own["shares"], codes(self.answers(own, item))


def codes(answers: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the codes of a list of options or of the steps of a scale."""
    if answers is None:
        return frozenset()
    if "options" not in answers and {"from", "to"} <= answers.keys():
        return frozenset(str(step) for step in range(answers["from"], answers["to"] + 1))
    return frozenset(option["code"] for option in answers.get("options", ()))


def inner_parts(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the statements or parts of an item, or nothing."""
    found: Sequence[Mapping[str, Any]] = item.get("statements") or item.get("parts") or ()
    return found


def answer_lists(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield place and content of everything that lists answers: shared scales, items, parts."""
    for name, scale in document.get("scales", {}).items():
        yield f"scales/{name}", scale
    for section in document["sections"]:
        for item in section["items"]:
            for place, own in (("", item), *((f"/{part['id']}", part) for part in inner_parts(item))):
                if "options" in own or "from" in own or "low" in own:
                    yield f"items/{item['id']}{place}", own


def texts(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str] | str]]:
    """Yield place and text (written out, or ``"@name"``) of everything people read, in order."""
    for key in (*TEXT_KEYS, *TOP_TEXT_KEYS):
        if key in document:
            yield key, document[key]
    for name, text in document.get("texts", {}).items():
        yield f"texts/{name}", text
    for name, scale in document.get("scales", {}).items():
        yield from _texts_of(f"scales/{name}", scale)
    for section in document["sections"]:
        if "title" in section:
            yield f"sections/{section['id']}/title", section["title"]
        for item in section["items"]:
            yield from _texts_of(f"items/{item['id']}", item)
            for part in inner_parts(item):
                yield from _texts_of(f"items/{item['id']}/{part['id']}", part)


def _texts_of(place: str, holder: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str] | str]]:
    for key in TEXT_KEYS:
        if key in holder:
            yield f"{place}/{key}", holder[key]
    for option in holder.get("options", ()):
        yield f"{place}/options/{option['code']}/label", option["label"]
