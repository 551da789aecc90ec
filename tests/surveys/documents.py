"""Questionnaires made for tests: small ones by hand, random ones by hypothesis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from surveys.questionnaire import Questionnaire, read

DATA = Path(__file__).parent / "data"


def load(name: str) -> dict[str, Any]:
    """The valid document `name` of the corpus."""
    return json.loads((DATA / "valid" / f"{name}.json").read_text("utf-8"))


def questionnaire(name: str = "small") -> Questionnaire:
    return read(load(name))


def words(text: str) -> dict[str, str]:
    return {"de": text, "en": f"{text} (en)"}


def options(*codes: str) -> list[dict[str, Any]]:
    return [{"code": code, "label": words(code.upper())} for code in codes]


def item(name: str, kind: str = "single", **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": name,
        "type": kind,
        "concept": f"test.{name}",
        "text": words(f"Frage {name}"),
    }
    if kind == "single" and not {"options", "scale", "from"} & fields.keys():
        made["options"] = options("yes", "no")
    return made | fields


def document(*items: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {
        "format": "vielstimmig/1",
        "id": "test",
        "version": 1,
        "source": "de",
        "languages": ["de", "en"],
        "title": words("Titel"),
        "consent": words("Ich mache mit."),
        "sections": [{"id": "first", "items": list(items or (item("one"), item("two")))}],
    } | top


CODES = ("a", "b", "c")


@st.composite
def rules(draw: st.DrawFn, earlier: dict[str, str], depth: int = 2) -> dict[str, Any]:
    """A rule over earlier addresses, given as address to kind."""
    kind = draw(st.sampled_from(("in", "in", "not", "answered", "all", "any") if depth else ("in", "not")))
    if kind in ("all", "any"):
        return {kind: draw(st.lists(rules(earlier, depth - 1), min_size=1, max_size=3))}
    address = draw(st.sampled_from(sorted(earlier)))
    if kind == "answered" or earlier[address] not in ("single", "multiple"):
        return {"item": address, "answered": True}
    codes = draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=2, unique=True))
    atom = {"item": address, "in": codes}
    return {"not": atom} if kind == "not" else atom


@st.composite
def documents(draw: st.DrawFn, largest: int = 9) -> dict[str, Any]:
    """A questionnaire of all answerable types whose rules refer backwards (they may well never hold)."""
    earlier: dict[str, str] = {}
    items = []
    variants = draw(st.booleans())
    for number in range(draw(st.integers(2, largest))):
        name = f"i{number}"
        kind = draw(
            st.sampled_from(("single", "single", "multiple", "parts", "battery", "number", "ranking", "text"))
        )
        made = _made(name, kind, draw)
        if variants:
            made |= draw(st.sampled_from(({}, {}, {"module": "m"}, {"module": "n"})))
        if earlier and draw(st.booleans()):
            made["show_if"] = draw(rules(earlier))
        for part in made.get("parts", made.get("statements", ())):
            if earlier and draw(st.booleans()):
                part["show_if"] = draw(rules(earlier))
            earlier[f"{name}.{part['id']}"] = "single"
        if kind not in ("parts", "battery"):
            earlier[name] = kind
        items.append(made)
    top: dict[str, Any] = {"variants": [["m"], ["n"]]} if variants else {}
    return document(*items, free_text=True, **top)


def _made(name: str, kind: str, draw: st.DrawFn) -> dict[str, Any]:
    if kind in ("single", "ranking"):
        return item(name, kind, options=options(*CODES), dont_know=draw(st.booleans()))
    if kind == "multiple":
        listed = options(*CODES)
        if draw(st.booleans()):
            listed[2]["exclusive"] = True
        return item(name, kind, options=listed, max=draw(st.integers(2, 3)))
    if kind in ("parts", "battery"):
        inner = "parts" if kind == "parts" else "statements"
        return item(
            name, kind, options=options(*CODES), **{inner: [{"id": p, "text": words(p)} for p in "pq"]}
        )
    if kind == "number":
        return item(name, kind, exact=True, min=0, max=99)
    return item(name, kind)


@st.composite
def answers(draw: st.DrawFn, made: Questionnaire) -> dict[str, Any]:
    """Valid answers to some of the fields, on the path or not."""
    found: dict[str, Any] = {}
    for field in made.fields:
        missing = ["!refused", *(["!dont_know"] if field.dont_know else [])]
        choice = draw(st.sampled_from(("none", "missing", "answer", "answer", "answer")))
        if choice == "missing":
            found[field.address] = draw(st.sampled_from(missing))
        elif choice == "answer":
            found[field.address] = draw(_answer(field))
    return found


def _answer(field: Any) -> st.SearchStrategy[Any]:
    codes = sorted(field.codes)
    if field.kind == "single":
        return st.sampled_from(codes)
    if field.kind == "multiple":
        free = sorted(field.codes - field.domain.exclusive)
        several = st.lists(st.sampled_from(free), min_size=1, max_size=field.maximum, unique=True)
        alone = [[code] for code in sorted(field.domain.exclusive)]
        return st.one_of(several, st.sampled_from(alone)) if alone else several
    if field.kind == "ranking":
        return st.lists(st.sampled_from(codes), min_size=1, max_size=field.maximum, unique=True)
    if field.kind == "exact":
        return st.integers(field.low, field.high)
    return st.sampled_from(("Wort", "two words"))
