"""The questionnaire document: read it, expand what is written once, know its items, fields and options.

``docs/questionnaire-format.md`` explains the document. A *field* is the smallest thing that has an answer:
an item, a statement of a battery, a part. Its *address* is ``item`` or ``item.part``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from localtext import Fallbacks, LocalText, Picked, isolate, pick
from surveys import rules
from surveys.faults import Fault, Faulty

FORMAT = "vielstimmig/1"
TYPES = (
    "single", "multiple", "scale", "battery", "number", "date", "ranking", "parts", "text", "note",
)  # fmt: skip
LARGEST = 4_000_000
"""Bytes of the largest file that is read; a questionnaire in 25 languages has about 400,000."""


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be chosen; ``start`` and ``stop`` bound a band, both included, ``None`` is open."""

    code: str
    label: LocalText
    exclusive: bool = False
    fixed: bool = False
    start: int | None = None
    stop: int | None = None


@dataclass(frozen=True)
class Field:
    """What has one answer. ``kind``: ``single``, ``multiple``, ``exact``, ``ranking`` or ``text``.

    ``rule`` includes the item's rule; ``own_rule`` is what a statement or part adds to it.
    """

    address: str
    item: str
    kind: str
    text: LocalText
    options: tuple[Option, ...]
    rule: rules.Rule | None
    module: str | None
    concept: str
    dont_know: bool
    refusal: bool
    maximum: int = 0
    low: int | None = None
    high: int | None = None
    shares: Mapping[str, float] | None = None
    own_rule: rules.Rule | None = None
    ends: tuple[LocalText, LocalText] | None = None

    @cached_property
    def codes(self) -> frozenset[str]:
        """The codes that can be chosen."""
        return frozenset(option.code for option in self.options)

    @cached_property
    def beside(self) -> str:
        """The name under which a refusal beside a typed answer or a ranking comes."""
        return f"{self.address}!"

    @cached_property
    def domain(self) -> rules.Domain:
        """What a rule may expect of an answer here."""
        exclusive = frozenset(option.code for option in self.options if option.exclusive)
        return rules.Domain(self.codes, exclusive, self.maximum if self.kind == "multiple" else 0)


@dataclass(frozen=True, slots=True)
class Item:
    """One question or note; ``fields`` holds itself, or its statements or parts."""

    id: str
    type: str
    text: LocalText
    fields: tuple[Field, ...]
    section: str
    rule: rules.Rule | None
    module: str | None
    help: LocalText
    why: LocalText
    sensitive: int
    random: bool
    entry: str
    unit: LocalText
    compare: tuple[Mapping[str, str], ...]
    audio: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its items."""

    id: str
    title: LocalText
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Questionnaire:
    """One version of a questionnaire, expanded. ``document`` is what it was read from."""

    id: str
    version: int
    source: str
    languages: tuple[str, ...]
    fallbacks: Fallbacks
    title: LocalText
    intro: LocalText
    consent: LocalText
    thanks: LocalText
    refused: LocalText
    dont_know: LocalText
    sections: tuple[Section, ...]
    variants: tuple[frozenset[str], ...]
    placeholders: Mapping[str, LocalText]
    document: Mapping[str, Any]

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """All items in order."""
        return tuple(item for section in self.sections for item in section.items)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Everything that has an answer, in order."""
        return tuple(field for item in self.items for field in item.fields)

    @cached_property
    def by_address(self) -> Mapping[str, Field]:
        """Address to field."""
        return {field.address: field for field in self.fields}

    def in_variant(self, module: str | None, variant: int) -> bool:
        """Say whether variant ``variant`` (from 1) asks what belongs to ``module``."""
        return module is None or module in self.variants[variant - 1]

    def pick(self, text: LocalText, language: str) -> Picked:
        """Return a text in ``language`` or by the declared fallback, placeholders filled in the same way."""
        picked = pick(text, language, self.fallbacks, self.source)
        words = str(picked)
        for name, value in self.placeholders.items():
            if "{" + name + "}" in words:
                filled = pick(value, language, self.fallbacks, self.source)
                words = words.replace("{" + name + "}", isolate(filled, picked.language))
        return Picked(words, picked.language)


def loads(content: str | bytes) -> dict[str, Any]:
    """Read a document from JSON or, failing that, YAML text; raises ``Faulty`` with the line."""
    if len(content) > LARGEST:
        raise Faulty((Fault("too-large", "", {"bytes": len(content), "limit": LARGEST}),))
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        if text.lstrip()[:1] in "{[":
            found = json.loads(text)
        else:
            found = yaml.load(text, Loader=_Loader)  # noqa: S506 (it is a SafeLoader)
    except UnicodeDecodeError as error:
        raise Faulty((Fault("not-utf8", "", {"byte": error.start}),)) from None
    except json.JSONDecodeError as error:
        raise Faulty((Fault("not-json", f"line {error.lineno}", {"reason": error.msg}),)) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else ""
        raise Faulty((Fault("not-json", place, {"reason": str(getattr(error, "problem", error))}),)) from None
    if not isinstance(found, dict):
        raise Faulty((Fault("wrong-type", "", {"expected": "object"}),))
    return found


class _Loader(yaml.SafeLoader):
    """YAML without aliases: a page of text cannot unfold into gigabytes. ``no`` and ``on`` stay words."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not supported")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def dumps(document: Mapping[str, Any]) -> str:
    """Write a document as JSON for people: two spaces, every script readable, order kept."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def expand(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with shared texts and scales written out wherever they are used.

    Raises ``KeyError`` for a name that is not there; the checker names such places beforehand.
    """
    texts: Mapping[str, Any] = document.get("texts", {})
    scales: Mapping[str, Any] = document.get("scales", {})

    def written(node: Any) -> Any:
        if isinstance(node, str) and node.startswith("@"):
            return dict(texts[node[1:]])
        if isinstance(node, Mapping):
            out = {key: written(value) for key, value in node.items()}
            if isinstance(name := out.pop("scale", None), str):
                shared = written(scales[name])
                out |= {key: shared[key] for key in ("options", "from", "to", "low", "high") if key in shared}
            return out
        if isinstance(node, list | tuple):
            return [written(value) for value in node]
        return node

    return {key: written(value) for key, value in document.items() if key not in ("texts", "scales")}


def read(document: Mapping[str, Any]) -> Questionnaire:
    """Read a document that the checker has passed; one with faults raises ``KeyError`` or ``ValueError``."""
    full = expand(document)
    parts = {item["id"]: tuple(_addresses(item)) for item in _raw_items(full) if _inner(item)}
    sections = tuple(
        Section(
            section["id"],
            section.get("title", {}),
            tuple(_item(item, section, parts) for item in section["items"]),
        )
        for section in full["sections"]
    )
    return Questionnaire(
        id=full["id"],
        version=full["version"],
        source=full["source"],
        languages=tuple(full["languages"]),
        fallbacks=full.get("fallbacks", {}),
        sections=sections,
        variants=tuple(frozenset(modules) for modules in full.get("variants", [_modules(full)])),
        placeholders={
            name: found.get("value") or found.get("example", {})
            for name, found in full.get("placeholders", {}).items()
        },
        document=document,
        **{key: full.get(key, {}) for key in ("title", "intro", "consent", "thanks", "refused", "dont_know")},
    )


def _raw_items(full: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for section in full["sections"]:
        yield from section["items"]


def _modules(full: Mapping[str, Any]) -> list[str]:
    used = [part.get("module") for section in full["sections"] for part in (section, *section["items"])]
    return [module for module in used if module]


def _inner(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = item.get("statements") or item.get("parts") or ()
    return found


def _addresses(item: Mapping[str, Any]) -> Iterator[str]:
    for part in _inner(item):
        yield f"{item['id']}.{part['id']}"


KINDS = {"multiple": "multiple", "ranking": "ranking", "text": "text"}


def _item(item: Mapping[str, Any], section: Mapping[str, Any], parts: rules.Parts) -> Item:
    rule = rules.parse(item["show_if"], parts) if "show_if" in item else None
    module = item.get("module", section.get("module"))
    inner = _inner(item)
    if item["type"] == "note":
        fields: tuple[Field, ...] = ()
    elif inner:
        fields = tuple(_field(item, part, rule, module, parts) for part in inner)
    else:
        fields = (_field(item, None, rule, module, parts),)
    return Item(
        id=item["id"],
        type=item["type"],
        text=item["text"],
        fields=fields,
        section=section["id"],
        rule=rule,
        module=module,
        help=item.get("help", {}),
        why=item.get("why", {}),
        sensitive=item.get("sensitive", 0),
        random=item.get("random", False),
        entry=item.get("entry", "choose"),
        unit=item.get("unit", {}),
        compare=tuple(item.get("compare", ())),
        audio=item.get("audio", {}),
    )


def _field(
    item: Mapping[str, Any],
    part: Mapping[str, Any] | None,
    rule: rules.Rule | None,
    module: str | None,
    parts: rules.Parts,
) -> Field:
    own = part or item
    answers = own if _has_answers(own) else item
    options = _options(answers)
    own_rule = rules.parse(part["show_if"], parts) if part and "show_if" in part else None
    kind = KINDS.get(item["type"], "single" if options else "exact")
    maximum = {"multiple": item.get("max", len(options)), "ranking": item.get("top", len(options))}
    return Field(
        address=f"{item['id']}.{part['id']}" if part else item["id"],
        item=item["id"],
        kind=kind,
        text=own["text"],
        options=options,
        rule=rules.conjunction(rule, own_rule),
        module=module,
        concept=own.get("concept", item["concept"]),
        dont_know=own.get("dont_know", item.get("dont_know", False)),
        refusal=own.get("refusal", item.get("refusal", True)),
        maximum=item.get("max_length", 300) if kind == "text" else maximum.get(kind, 0),
        low=item.get("min"),
        high=item.get("max") if item["type"] in ("number", "date") else None,
        shares=own.get("shares"),
        own_rule=own_rule,
        ends=(answers["low"], answers["high"]) if "low" in answers else None,
    )


def _has_answers(own: Mapping[str, Any]) -> bool:
    return "options" in own or "from" in own


def _options(answers: Mapping[str, Any]) -> tuple[Option, ...]:
    if "from" in answers:
        steps = [str(step) for step in range(answers["from"], answers["to"] + 1)]
        return tuple(Option(step, {"und": step}) for step in steps)
    return tuple(
        Option(
            code=option["code"],
            label=option["label"],
            exclusive=option.get("exclusive", False),
            fixed=option.get("fixed", False),
            start=option.get("from"),
            stop=option.get("to"),
        )
        for option in answers.get("options", ())
    )
