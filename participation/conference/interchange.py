"""Lists of options from files: CSV, JSON, and lists of fields of action (``lists`` of ``items``)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localtext import TAG
from participation.conference.ballots import BallotFileError, Fault

#: More options than a ballot can hold is a wrong file.
MOST = 100


@dataclass(frozen=True)
class OptionLine:
    """One option of a file."""

    code: str
    label: dict[str, str]
    explanation: dict[str, str] = field(default_factory=dict)
    cost: int | None = None


def read(text: str, name: str, *, chosen: str = "") -> list[OptionLine]:
    """Options of a CSV or JSON file; ``chosen`` names one list where the file holds several.

    CSV: columns ``label`` or ``label_<language>``, ``explanation_<language>``, ``id``, ``cost``; a single
    column without a known name is a plain list. JSON: a list of strings or objects ``{id, label, explanation,
    cost}``, a ``ballots/1`` file, or ``{"lists": [{"id", "items": [{"id", "label_de", "label_en"}]}]}``.

    Raises:
        BallotFileError: ``json``, ``no_options``, ``no_label``, ``no_number``, ``option_twice``,
        ``too_many``,
            ``choose_list`` with the ids to choose from.
    """
    text = text.lstrip("\ufeff")
    faults: list[Fault] = []
    is_json = name.lower().endswith(".json") or text.lstrip()[:1] in ("{", "[")
    found = list(_json(text, chosen, faults) if is_json else _csv(text, faults))
    seen: set[str] = set()
    for number, line in enumerate(found, 1):
        if line.code and line.code in seen:
            faults.append(Fault("option_twice", f"{number}", {"option": line.code}))
        seen.add(line.code)
        if not any(line.label.values()):
            faults.append(Fault("no_label", f"{number}", {}))
    if not found and not faults:
        faults.append(Fault("no_options"))
    if len(found) > MOST:
        faults.append(Fault("too_many", "", {"found": len(found), "most": MOST}))
    if faults:
        raise BallotFileError(faults)
    return found


def _json(text: str, chosen: str, faults: list[Fault]) -> Iterable[OptionLine]:
    try:
        data = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise BallotFileError([Fault("json", f"line {line}", {"text": str(error)})]) from None
    if isinstance(data, dict) and isinstance(data.get("lists"), list):
        data = _one_list(data["lists"], chosen)
    elif isinstance(data, dict):
        data = data.get("options", [])
    for number, item in enumerate(data if isinstance(data, list) else [], 1):
        if isinstance(item, str):
            yield OptionLine("", {"de": item})
        elif isinstance(item, dict):
            yield _from_object(item, f"{number}", faults)


def _one_list(lists: list[Any], chosen: str) -> list[Any]:
    ids = [str(one.get("id")) for one in lists]
    if chosen not in ids:
        if len(lists) != 1:
            raise BallotFileError([Fault("choose_list", "", {"known": ", ".join(ids)})])
        chosen = ids[0]
    items = lists[ids.index(chosen)]["items"]
    # Sub-sections of a field are no options of their own.
    return [item for item in items if not item.get("parent")]


def _from_object(item: Mapping[str, Any], place: str, faults: list[Fault]) -> OptionLine:
    label = _texts(item, "label") or _texts(item, "name")
    cost = item.get("cost")
    if cost is not None and (type(cost) is not int or cost < 0):
        faults.append(Fault("no_number", place, {"text": str(cost)[:40]}))
        cost = None
    return OptionLine(str(item.get("id") or ""), label, _texts(item, "explanation"), cost)


def _texts(item: Mapping[str, Any], name: str) -> dict[str, str]:
    """``label`` as text or as {language: text}, and ``label_<language>``."""
    value = item.get(name)
    found: dict[str, str] = {}
    if isinstance(value, dict):
        found = {str(tag): str(text) for tag, text in value.items()}
    elif value:
        found = {"de": str(value)}
    for key, text in item.items():
        tag = key.removeprefix(f"{name}_")
        if tag != key and TAG.fullmatch(tag) and text:
            found[tag] = str(text)
    return found


def _column(cell: str) -> str:
    """Names in lower case; the language tag keeps its own writing."""
    name, underscore, tag = cell.partition("_")
    return name.lower() + underscore + tag


def _csv(text: str, faults: list[Fault]) -> Iterable[OptionLine]:
    first = text.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    header = [_column(cell.strip()) for cell in rows[0]] if rows else []
    known = any(cell.split("_")[0] in ("label", "name") for cell in header)
    if not known:
        # A plain list, one topic per line; commas belong to the words.
        for line in text.splitlines():
            if line.strip():
                yield OptionLine("", {"de": line.strip()})
        return
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        item: dict[str, Any] = {k: v.strip() for k, v in zip(header, row, strict=False) if v.strip()}
        if "cost" in item:
            if not item["cost"].isdecimal():
                faults.append(Fault("no_number", f"line {number}", {"text": item["cost"][:40]}))
                item["cost"] = None
            else:
                item["cost"] = int(item["cost"])
        yield _from_object(item, f"line {number}", faults)


def write_csv(lines: Iterable[OptionLine], languages: Iterable[str]) -> str:
    """The options as a table that `read` reads."""
    tags = list(languages)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["id", *(f"label_{t}" for t in tags), *(f"explanation_{t}" for t in tags), "cost"])
    for line in lines:
        texts = [line.label.get(t, "") for t in tags] + [line.explanation.get(t, "") for t in tags]
        table.writerow([line.code, *texts, "" if line.cost is None else line.cost])
    return out.getvalue()
