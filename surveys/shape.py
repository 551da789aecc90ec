"""Faults of shape: what the JSON Schema says about a document, each fault named, and the sound rest of it.

A questionnaire with a misspelt field in one item still deserves to hear about everything else. So what is
broken is taken out (an item, a scale, a shared text, a top-level field), and the checks of meaning run
over the rest.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from surveys.faults import Fault

SCHEMA = Path(__file__).resolve().parent.parent / "docs" / "questionnaire.schema.json"


@dataclass(frozen=True)
class Sound:
    """What is left of a document; ``broken`` holds ``items/id``, ``scales/name`` and so on."""

    document: dict[str, Any]
    faults: tuple[Fault, ...]
    broken: frozenset[str] = field(default_factory=frozenset)
    readable: bool = True


@cache
def validator() -> Draft202012Validator:
    """Return the validator of the shipped schema, made once."""
    return Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


def shape(document: Mapping[str, Any]) -> Sound:
    """Return every fault of shape and the document without what is broken."""
    faults: list[Fault] = []
    where: list[tuple[Any, ...]] = []
    for error in validator().iter_errors(document):
        for path, fault in _faults(error, document):
            where.append(path)
            if fault not in faults:
                faults.append(fault)
    rest = copy.deepcopy(dict(document))
    broken = {_name(document, path) for path in where}
    if any(path[:1] in (("languages",), ("source",), ()) for path in where) or not _has_sections(document):
        return Sound(rest, tuple(faults), frozenset(broken), readable=False)
    _take_out(rest, where)
    return Sound(rest, tuple(faults), frozenset(broken))


def _has_sections(document: Mapping[str, Any]) -> bool:
    sections = document.get("sections")
    return isinstance(sections, list) and all(
        isinstance(section, dict) and isinstance(section.get("items"), list) for section in sections
    )


REPLACEABLE = {"version": 1, "id": "unnamed", "format": ""}
"""Top-level fields without which the rest can still be checked, and what stands in for them."""


def _faults(error: ValidationError, document: Any) -> list[tuple[tuple[Any, ...], Fault]]:
    """Turn one finding of the validator into ours, with the path of the document it concerns."""
    path = tuple(error.absolute_path)
    place = place_of(document, path)
    kind = str(error.validator)
    if kind == "required":
        names = [name for name in error.validator_value if name not in error.instance]
        top = [
            path or ((name,) if name in REPLACEABLE or name in ("title", "consent") else ()) for name in names
        ]
        return [
            (at, Fault("missing-field", place, {"field": name})) for at, name in zip(top, names, strict=True)
        ]
    if kind == "additionalProperties":
        known = error.schema.get("properties", {})
        names = [name for name in error.instance if name not in known]
        return [
            (path or (name,), Fault("unknown-field", _join(place, name), {"field": name})) for name in names
        ]
    if kind == "not":
        return [(path, Fault("field-not-for-type", place, {"field": str(path[-1])}))]
    if "propertyNames" in error.absolute_schema_path:
        return [
            (path, Fault(_pattern_kind(error), _join(place, str(error.instance)), _short(error.instance)))
        ]
    if kind in ("anyOf", "oneOf"):
        return [(path, Fault("not-a-text" if kind == "anyOf" else "not-a-rule", place))]
    if kind == "type":
        return [(path, Fault("wrong-type", place, {"expected": str(error.validator_value)}))]
    if kind == "pattern":
        return [(path, Fault(_pattern_kind(error), place, _short(error.instance)))]
    return [(path, Fault("bad-value", place, _short(error.instance)))]


def _short(value: Any) -> dict[str, str]:
    return {"value": str(value)[:60]}


def _pattern_kind(error: ValidationError) -> str:
    """Say which kind of name is badly written, by the schema's own pattern."""
    definitions = validator().schema["$defs"]
    for kind, name in (("bad-tag", "tag"), ("bad-code", "code")):
        if error.validator_value == definitions[name]["pattern"]:
            return kind
    return "bad-name"


def _join(place: str, name: str) -> str:
    return f"{place}/{name}" if place else name


def place_of(document: Any, path: Sequence[Any]) -> str:
    """Write a path for people: list entries by id or code, items without section."""
    names: list[str] = []
    node = document
    for step in path:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        own = (
            (node.get("id") or node.get("code"))
            if isinstance(step, int) and isinstance(node, Mapping)
            else None
        )
        names.append(own if isinstance(own, str) else str(step + 1 if isinstance(step, int) else step))
    return re.sub(r"^sections/[^/]+/items/", "items/", "/".join(names))


def _name(document: Any, path: tuple[Any, ...]) -> str:
    """Name what a fault at ``path`` breaks: item, shared entry, section or top-level field."""
    if path[:1] == ("sections",):
        return place_of(document, path[:4] if len(path) >= 4 else path[:2])
    return place_of(
        document, path[:2] if path[:1] in (("scales",), ("texts",), ("placeholders",)) else path[:1]
    )


def _take_out(rest: dict[str, Any], where: list[tuple[Any, ...]]) -> None:
    """Remove what is broken; list entries from the end, so that indices stay true."""
    items = sorted(
        {path[1:4:2] for path in where if path[:1] == ("sections",) and len(path) >= 4}, reverse=True
    )
    for path in where:
        if path[:1] == ("sections",) and len(path) < 4:
            section = rest["sections"][path[1]] if len(path) > 1 else {}
            for name in [name for name in section if name not in ("id", "items", "module") or name in path]:
                del section[name]
            section.setdefault("id", "unnamed")
            continue
        if path[:1] == ("sections",):
            continue
        holder = rest.get(path[0])
        if path[0] in ("scales", "texts", "placeholders") and len(path) > 1 and isinstance(holder, dict):
            holder.pop(path[1], None)
        else:
            rest.pop(path[0], None)
    for section_index, item_index in dict.fromkeys(items):
        del rest["sections"][section_index]["items"][item_index]
    for name, value in REPLACEABLE.items():
        rest.setdefault(name, value)
    for name in ("title", "consent"):
        rest.setdefault(name, {"und": name})
