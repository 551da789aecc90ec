"""Digests: did two waves ask the same?

The digest of an item covers what people read and choose from: wording, help, options, steps, ends, maxima,
missing codes offered. Not its place, its rule, its audio or why it is asked. It is taken per language, so
that a new translation does not look like a new question.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from surveys.questionnaire import expand

OF_ITEM = (
    "type", "text", "help", "options", "from", "to", "low", "high", "unit", "max", "top", "exact", "entry",
    "min", "dont_know", "refusal", "statements", "parts",
)  # fmt: skip
OF_PART = ("id", "text", "options", "from", "to", "low", "high", "dont_know", "refusal")
OF_OPTION = ("code", "label", "exclusive", "from", "to")
DEFAULTS: Mapping[str, Any] = {"dont_know": False, "refusal": True, "exclusive": False, "entry": "choose"}
TEXTS = ("text", "help", "low", "high", "unit", "label")


def questionnaire_digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of the whole expanded document: the identity of a published version."""
    return _hash(expand(document))


def item_digests(document: Mapping[str, Any], language: str | None = None) -> dict[str, str]:
    """Return item id to digest (32 hex digits) of what the item asks in ``language`` (default: the
    source)."""
    full = expand(document)
    tag = language or full["source"]
    return {item["id"]: _hash(_asked(item, OF_ITEM, tag))[:32] for item in _items(full)}


def _items(full: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for section in full["sections"]:
        yield from section["items"]


def _asked(node: Mapping[str, Any], keys: tuple[str, ...], tag: str) -> dict[str, Any]:
    """Keep what is asked, in one language, defaults written out, so that equal questions look equal."""
    out: dict[str, Any] = {}
    for key in keys:
        value = node.get(key, DEFAULTS.get(key))
        if value is None:
            continue
        if key in TEXTS:
            out[key] = value.get(tag, value.get("und", ""))
        elif key == "options":
            out[key] = [_asked(option, OF_OPTION, tag) for option in value]
        elif key in ("statements", "parts"):
            out[key] = [_asked(part, OF_PART, tag) for part in value]
        else:
            out[key] = value
    return out


def _hash(value: Any) -> str:
    canonical = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], language: str | None = None
) -> dict[str, str]:
    """Return for every item of either version: ``same``, ``changed``, ``added`` or ``removed``."""
    old, new = item_digests(before, language), item_digests(after, language)
    names = dict.fromkeys((*new, *old))
    return {
        name: "added" if name not in old else "removed" if name not in new
        else "same" if old[name] == new[name] else "changed"
        for name in names
    }  # fmt: skip
