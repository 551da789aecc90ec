"""Adapting a model questionnaire: languages, placeholders, lists, dropped items; no JSON in sight.

Every function takes a document and returns a new one; what does not fit is returned as faults or names, not
guessed.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from localtext import missing
from surveys.draft import inner_parts
from surveys.faults import Fault
from surveys.questionnaire import expand

PLACES = ("text", "help", "why")


def model_for(document: Mapping[str, Any], survey: str) -> dict[str, Any]:
    """Return a copy of a model as the first version of a survey of one's own."""
    return {**copy.deepcopy(dict(document)), "id": survey, "version": 1}


def choose_languages(document: Mapping[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    """Offer these languages only, in the document's order; texts in others stay for later.

    Raises ``ValueError`` where the source language is missing: the others are translated from it.
    """
    if document["source"] not in languages:
        raise ValueError("the source language cannot be left out")
    chosen = [tag for tag in document["languages"] if tag in languages]
    chosen += [tag for tag in known_languages(document) if tag in languages and tag not in chosen]
    out = {**document, "languages": chosen}
    for name in ("reading", "fallbacks"):
        if name in document:
            out[name] = {tag: value for tag, value in document[name].items() if tag in chosen}
    if "audio" in document:
        out["audio"] = [tag for tag in document["audio"] if tag in chosen]
        out = _without_other_sounds(out)
    return out


def _without_other_sounds(document: dict[str, Any]) -> dict[str, Any]:
    out = copy.deepcopy(document)
    for item in items_of(out):
        if "audio" in item:
            item["audio"] = {tag: name for tag, name in item["audio"].items() if tag in out["audio"]}
    return out


def known_languages(document: Mapping[str, Any]) -> list[str]:
    """Return every language in which the title is written: those that a city may offer."""
    offered = list(document["languages"])
    return offered + [tag for tag in document.get("title", {}) if tag not in offered and tag != "und"]


def fill_placeholders(document: Mapping[str, Any], values: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Write the values of placeholders, ``{name: {language: words}}``; blank words are left out."""
    out = copy.deepcopy(dict(document))
    for name, text in values.items():
        if name in out.get("placeholders", {}):
            out["placeholders"][name]["value"] = {
                tag: words.strip() for tag, words in text.items() if words.strip()
            }
            if not out["placeholders"][name]["value"]:
                del out["placeholders"][name]["value"]
    return out


def lists_to_fill(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the shared lists that the city cuts itself: those to fill and those filled before."""
    return {name: scale for name, scale in document.get("scales", {}).items() if scale.get("about")}


def fill_list(
    document: Mapping[str, Any], name: str, labels: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """Replace the options of a shared list by lines per language; the first option keeps its code, and so on.

    ``labels`` has for each language one label per option, in the same order. An option whose source label was
    there before keeps its code (so that waves stay comparable); a new one gets a code made from the label.
    Returns the document unchanged with faults where a language has another number of lines or a label stands
    twice.
    """
    source = document["source"]
    lines = {tag: [line.strip() for line in label if line.strip()] for tag, label in labels.items()}
    place = f"scales/{name}"
    wanted = len(lines.get(source, ()))
    faults = [
        Fault("lines-differ", place, {"language": tag, "lines": len(found), "expected": wanted})
        for tag, found in lines.items()
        if len(found) != wanted
    ]
    faults += [
        Fault("line-repeated", place, {"language": tag, "label": label})
        for tag, found in lines.items()
        for label in sorted({one for one in found if found.count(one) > 1})
    ]
    if wanted < 2:
        faults.append(Fault("too-few-options", place))
    if faults:
        return dict(document), tuple(faults)
    out = copy.deepcopy(dict(document))
    old = {option["label"].get(source): option for option in out["scales"][name].get("options", ())}
    options: list[dict[str, Any]] = []
    taken = {option["code"] for label, option in old.items() if label in lines[source]}
    for position, label in enumerate(lines[source]):
        kept = {key: value for key, value in old.get(label, {}).items() if key != "label"}
        code = kept.pop("code", None) or code_from(label, taken)
        taken.add(code)
        text = {tag: found[position] for tag, found in lines.items()}
        options.append({"code": code, "label": text, **kept})
    out["scales"][name] = {**out["scales"][name], "options": options}
    out["scales"][name].pop("fill", None)
    return out, ()


def code_from(label: str, taken: Iterable[str]) -> str:
    """Return a code made from a label, unlike those taken: "Nord-Ost" becomes ``nord-ost``."""
    folded = unicodedata.normalize("NFKD", label.lower().replace("ß", "ss"))
    plain = re.sub(r"[^a-z0-9]+", "-", folded.encode("ascii", "ignore").decode()).strip("-")[:20].strip("-")
    code, number = plain or "o", 1
    while code in set(taken):
        number += 1
        code = f"{plain or 'o'}-{number}"
    return code


def items_of(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the items in order."""
    for section in document["sections"]:
        yield from section["items"]


def model_of(document: Mapping[str, Any], models: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the model that a document was made from, known by its title, which no adaptation changes."""
    return next((model for model in models if model["title"] == document["title"]), None)


def left_out(document: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """Return the ids of the model's items that the document does not ask, in the model's order."""
    asked = {item["id"] for item in items_of(document)}
    return [item["id"] for item in items_of(model) if item["id"] not in asked]


def put_back(document: Mapping[str, Any], model: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Ask items of the model again that were left out, at their places, with the lists and texts they use.

    Statements and parts that went with one of them come back too. Whatever else the document says of its own
    stays.
    """
    back = set(left_out(document, model)) & set(names)
    out = copy.deepcopy(dict(document))
    if not back:
        return out
    source = copy.deepcopy(dict(model))
    for kind in ("scales", "texts", "placeholders"):
        if kind in source:
            out[kind] = {**source[kind], **out.get(kind, {})}
    if "variants" in source:
        out["variants"] = source["variants"]
    order = [section["id"] for section in source["sections"]]
    for section in source["sections"]:
        items = [item for item in section["items"] if item["id"] in back]
        here = next((one for one in out["sections"] if one["id"] == section["id"]), None)
        if items and here is None:
            here = {**section, "items": []}
            _put_in(out["sections"], here, order)
        for item in items:
            _put_in(here["items"], item, [one["id"] for one in section["items"]])  # type: ignore[index]
    old = {item["id"]: item for item in items_of(source)}
    for item in items_of(out):
        _put_parts_back(item, old.get(item["id"], {}), back)
    return _without_unused(out)


def _put_in(here: list[dict[str, Any]], one: dict[str, Any], order: Sequence[str]) -> None:
    """Put something in after whatever comes before it in ``order``."""
    before = set(order[: order.index(one["id"])])
    here.insert(max((at + 1 for at, there in enumerate(here) if there["id"] in before), default=0), one)


def _put_parts_back(item: dict[str, Any], old: Mapping[str, Any], back: set[str]) -> None:
    """Put in parts that had gone because their rule looks back to an item that is asked again."""
    for key in ("statements", "parts"):
        order = [part["id"] for part in old.get(key, ())]
        for part in old.get(key, ()) if key in item else ():
            missing_here = part["id"] not in {one["id"] for one in item[key]}
            if missing_here and _depends(part.get("show_if"), back):
                _put_in(item[key], part, order)


def drop_items(document: Mapping[str, Any], names: Iterable[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Remove items, and with them whatever depends on them, and then lists and texts that nothing uses.

    Returns the document and the ids of items that went along because their rule looked back to a dropped one.
    """
    gone = set(names)
    along: list[str] = []
    out = copy.deepcopy(dict(document))
    for section in out["sections"]:
        kept = []
        for item in section["items"]:
            if item["id"] in gone:
                continue
            if _depends(item.get("show_if"), gone) or _lost_all_parts(item, gone):
                gone.add(item["id"])
                along.append(item["id"])
            else:
                kept.append(item)
        section["items"] = kept
    out["sections"] = [section for section in out["sections"] if section["items"]]
    return _without_unused(out), tuple(along)


def _lost_all_parts(item: dict[str, Any], gone: set[str]) -> bool:
    """Take out parts whose rule lost its item; say whether none is left of those there were."""
    for key in ("statements", "parts"):
        if key in item:
            item[key] = [part for part in item[key] if not _depends(part.get("show_if"), gone)]
            return not item[key]
    return False


def _depends(rule: Mapping[str, Any] | None, gone: set[str]) -> bool:
    if rule is None:
        return False
    if "item" in rule:
        return rule["item"].partition(".")[0] in gone
    inner = [rule["not"]] if "not" in rule else rule.get("all", rule.get("any", ()))
    return any(_depends(part, gone) for part in inner)


def _without_unused(document: dict[str, Any]) -> dict[str, Any]:
    written = json.dumps(document["sections"], ensure_ascii=False)
    for kind, mark in (("scales", '"scale": "{}"'), ("texts", '"@{}"')):
        if kind in document:
            everything = written + json.dumps(document.get("scales", {}), ensure_ascii=False)
            document[kind] = {
                name: found for name, found in document[kind].items() if mark.format(name) in everything
            }
    used = {module for part in (*document["sections"], *items_of(document)) if (module := part.get("module"))}
    if "variants" in document:
        cut = [[name for name in modules if name in used] for modules in document["variants"]]
        document["variants"] = [modules for at, modules in enumerate(cut) if modules not in cut[:at]]
    return document


def attach_sound(document: Mapping[str, Any], item: str, language: str, name: str) -> dict[str, Any]:
    """Attach a sound file to an item; a language in which every item has one is announced."""
    out = copy.deepcopy(dict(document))
    for one in items_of(out):
        if one["id"] == item:
            one["audio"] = {**one.get("audio", {}), language: name}
    if all(language in one.get("audio", {}) for one in items_of(out)):
        out["audio"] = list(dict.fromkeys([*out.get("audio", []), language]))
    return out


def to_be_read(document: Mapping[str, Any], language: str) -> list[str]:
    """Return what a native reader must read before a language opens: consent, intro, every sensitive item."""
    full = expand(document)
    texts = [full["consent"], full.get("intro", {}), full.get("thanks", {})]
    for item in items_of(full):
        if item.get("sensitive", 0) == 2:
            texts += [item.get(key, {}) for key in PLACES]
            for holder in (item, *inner_parts(item)):
                texts += [holder["text"]] if holder is not item else []
                texts += [option["label"] for option in holder.get("options", ())]
    words = [text.get(language, text.get("und", "")) for text in texts]
    return list(dict.fromkeys(line for line in words if line.strip()))


def reading_digest(document: Mapping[str, Any], language: str) -> str:
    """Return the SHA-256 of what a native reader read; a changed text makes the reading stale."""
    lines = json.dumps(to_be_read(document, language), ensure_ascii=False)
    return hashlib.sha256(lines.encode()).hexdigest()


def unfinished(document: Mapping[str, Any], language: str) -> int:
    """Return how many placeholders have no value of their own in ``language`` (they fall back)."""
    values = [found.get("value", {}) for found in document.get("placeholders", {}).values()]
    return sum(bool(missing(value, [language])) for value in values)
