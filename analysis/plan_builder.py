"""A plan put together by choosing instead of writing: from a document to the fields of a form, and back.

What the form does not show (comparisons, conferences, bridges, precision rules) stays in the document as it
was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]
One = Callable[[str], str]
Many = Callable[[str], Sequence[str]]

BLANK = 2
"""Empty rows that a form offers beyond what the plan holds."""


def as_list(value: Any) -> list[str]:
    """A word or a list of words of a plan as a list."""
    if value is None:
        return []
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]


def entries(document: Document, key: str) -> list[dict[str, Any]]:
    """The entries under a key; what is no entry is left to the checker."""
    found = document.get(key)
    return [dict(entry) for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def rules_of(document: Document) -> dict[str, Any]:
    """The disclosure rules of a plan."""
    found = document.get("disclosure")
    return dict(found) if isinstance(found, dict) else {}


def tables_of(document: Document) -> list[dict[str, Any]]:
    """The requests for tables, with one empty request to fill in."""
    found = []
    for entry in entries(document, "tables"):
        every = entry.get("items") in (None, "all")
        items = [] if every else as_list(entry["items"])
        found.append({"every": every, "items": items, "groups": as_list(entry.get("groups"))})
    return [*found, {"every": False, "items": [], "groups": []}]


def rows_of(document: Document, key: str) -> list[dict[str, Any]]:
    """Findings or trends, with empty rows to fill in."""
    found = [{**entry, "categories": as_list(entry.get("categories"))} for entry in entries(document, key)]
    return [*found, *({"item": "", "categories": []} for _ in range(BLANK))]


def trimming(document: Document) -> Any:
    """The upper bound of the weights, empty where none is set."""
    steps = [step for step in entries(document, "weighting") if step.get("step") == "trim"]
    return steps[-1].get("upper", "") if steps else ""


def raked(document: Document) -> list[str]:
    """The margins that the weights are raked to."""
    steps = [step for step in entries(document, "weighting") if step.get("step") == "rake"]
    return as_list(steps[-1].get("margins")) if steps else []


def built(document: Document, one: One, many: Many) -> dict[str, Any]:
    """The document with what was chosen; ``one`` and ``many`` give the values of a field of the form."""
    languages = as_list(document.get("languages", ["en"]))
    result = dict(document)
    result["title"] = {**_texts(document.get("title")), **_written(languages, "title", one)}
    result["waves"] = list(many("waves"))
    result["weighting"] = _weighting(document, one, many)
    result["tables"] = _tables(document, many)
    result["findings"] = _findings(document, languages, one, many)
    result["trends"] = _trends(document, one, many)
    rules = rules_of(document)
    rules |= {"sensitive": list(many("sensitive")), "places": list(many("places"))}
    result["disclosure"] = rules
    return result


def _texts(value: Any) -> dict[str, str]:
    return dict(value) if isinstance(value, dict) else {} if value is None else {"en": str(value)}


def _written(languages: Sequence[str], field: str, one: One) -> dict[str, str]:
    return {tag: text for tag in languages if (text := one(f"{field}-{tag}").strip())}


def _weighting(document: Document, one: One, many: Many) -> list[dict[str, Any]]:
    """Raking and trimming as chosen; their other options and all other steps stay."""
    margins, upper = list(many("margins")), one("upper").strip().replace(",", ".")
    found: list[dict[str, Any]] = []
    kinds = set()
    for step in entries(document, "weighting"):
        kind = step.get("step")
        kinds.add(kind)
        if kind == "rake":
            found += [{**step, "margins": margins}] if margins else []
        elif kind == "trim":
            found += [{**step, "upper": _number(upper)}] if upper else []
        else:
            found.append(dict(step))
    if margins and "rake" not in kinds:
        found.append({"step": "rake", "margins": margins})
    if upper and "trim" not in kinds:
        found.append({"step": "trim", "upper": _number(upper)})
    return found


def _number(text: str) -> float | int | str:
    """A number where it is one; anything else stays as written for the checker to name."""
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


def _tables(document: Document, many: Many) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, _ in enumerate(tables_of(document)):
        groups, items = list(many(f"table-{number}-groups")), list(many(f"table-{number}-items"))
        if many(f"table-{number}-every"):
            found.append({"items": "all", "groups": groups})
        elif items:
            found.append({"items": items, "groups": groups})
    return found


def _findings(document: Document, languages: Sequence[str], one: One, many: Many) -> list[dict[str, Any]]:
    found = []
    for number, old in enumerate(rows_of(document, "findings")):
        field = f"finding-{number}"
        item = one(f"{field}-item")
        if not item:
            continue
        entry = {**old, "item": item, "categories": _codes(one(f"{field}-categories"))}
        entry["text"] = {**_texts(old.get("text")), **_written(languages, field, one)}
        for key in ("group", "level"):
            entry.pop(key, None)
            if value := one(f"{field}-{key}").strip():
                entry[key] = value
        found.append(entry)
    return found


def _trends(document: Document, one: One, many: Many) -> list[dict[str, Any]]:
    found = []
    for number, old in enumerate(rows_of(document, "trends")):
        item = one(f"trend-{number}-item")
        if not item:
            continue
        entry = {**old, "item": item, "categories": _codes(one(f"trend-{number}-categories"))}
        within = one(f"trend-{number}-within").strip().replace(",", ".")
        entry.pop("unchanged_within", None)
        found.append({**entry, "unchanged_within": _number(within)} if within else entry)
    return found


def _codes(text: str) -> list[str]:
    """Answers' codes as written: separated by blanks or commas."""
    return text.replace(",", " ").split()
