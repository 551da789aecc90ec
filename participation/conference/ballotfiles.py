"""Ballots in files: this project's JSON (``ballots/1``) and CSV, and which reader a file belongs to.

CSV, one row per ballot (or per ``count`` equal ones). Either one column per option, named ``rank:ID``,
``approve:ID``,
``dots:ID``, ``score:ID`` or ``resistance:ID`` (equal ranks are ties, an empty cell is unranked or nothing),
or one column
``ranking`` such as ``h01>h02=h03``. Every other column, e.g. ``group``, belongs to the ballot.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from participation.conference import pabulib, preflib
from participation.conference.ballots import (
    KINDS,
    Ballot,
    BallotFileError,
    Fault,
    Kind,
    Option,
    Profile,
    merged,
    table_rows,
)

FORMAT = "ballots/1"
#: Numbers of more digits are no counts; Python itself would refuse to print them.
LARGEST = 10**100
#: Key of a JSON ballot and prefix of a CSV column -> kind.
KEYS: dict[str, Kind] = {
    "ranking": "ranking",
    "approve": "approval",
    "dots": "dots",
    "score": "score",
    "scores": "score",
    "resistance": "consensing",
    "winner": "pairwise",
}
_PREFIXES: dict[str, Kind] = {
    "rank": "ranking",
    "approve": "approval",
    "dots": "dots",
    "score": "score",
    "resistance": "consensing",
}


def read(text: str, name: str) -> Profile:
    """Read a file by the ending of its name; what has an unknown ending, or only looks like a table, is
    recognised by how the text begins.

    Raises:
        BallotFileError: every fault found, each with its line or place.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in preflib.SUFFIXES:
        return preflib.read(text, suffix)
    readers: dict[str, Callable[[str], Profile]] = {".pb": pabulib.read, ".json": read_json, ".csv": read_csv}
    if suffix not in readers or suffix == ".csv":
        start = text.lstrip("\ufeff \n\r\t")[:5].upper()
        suffix = ".json" if start.startswith("{") else ".pb" if start.strip(" ;\r\n") == "META" else ".csv"
        if start.startswith("#"):
            return preflib.read(text)
    return readers[suffix](text)


def read_json(text: str) -> Profile:
    """Read ``{"format": "ballots/1", "kind", "options", "ballots", "seats"?, "budget"?}``.

    Raises:
        BallotFileError: every fault, with its place such as ``ballots[3]``, or the line of a syntax error.
    """
    try:
        data = json.loads(text.lstrip("\ufeff"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise BallotFileError([Fault("json", f"line {line}", {"text": str(error)})]) from None
    return profile_from(data)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand once; two values under one name would make the reader choose."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for n, name in enumerate(names) if name in names[:n])
        raise ValueError(f"the key {twice[:60]!r} stands twice in one object")
    return found


def profile_from(data: Any) -> Profile:
    """A profile from parsed JSON; see `read_json`."""
    if not isinstance(data, dict) or not isinstance(data.get("ballots"), list):
        raise BallotFileError([Fault("no_ballots", "file")])
    if data.get("format", FORMAT) != FORMAT:
        raise BallotFileError(
            [Fault("format", "format", {"text": str(data["format"])[:60], "known": FORMAT})]
        )
    faults: list[Fault] = []
    options, costs = _json_options(data.get("options"), faults)
    index = {option.id: i for i, option in enumerate(options)}
    kind = _json_kind(data, faults)
    ballots = []
    for n, item in enumerate(data["ballots"]):
        ballot = _json_ballot(item, f"ballots[{n}]", index, kind, faults)
        if ballot is not None:
            ballots.append(ballot)
    seats, budget = (_whole(data.get(key), key, faults, none=True) for key in ("seats", "budget"))
    if faults:
        raise BallotFileError(faults)
    profile = Profile(
        kind, tuple(options), tuple(ballots), str(data.get("title") or ""), seats, costs=costs, budget=budget
    )
    return merged(profile)


def _json_options(items: Any, faults: list[Fault]) -> tuple[list[Option], tuple[int, ...]]:
    options: list[Option] = []
    costs: list[int] = []
    for n, item in enumerate(items if isinstance(items, list) else []):
        entry = item if isinstance(item, dict) else {"id": item}
        name = entry.get("id")
        if not isinstance(name, str | int) or isinstance(name, bool) or str(name) == "":
            faults.append(Fault("no_option_line", f"options[{n}]", {"text": str(item)[:60]}))
        elif str(name) in {o.id for o in options}:
            faults.append(Fault("option_twice", f"options[{n}]", {"option": str(name)}))
        else:
            options.append(Option(str(name), str(entry.get("name") or "")))
            if "cost" in entry:
                costs.append(_whole(entry["cost"], f"options[{n}].cost", faults) or 0)
    if not options:
        faults.append(Fault("no_options", "options"))
    if costs and len(costs) != len(options):
        faults.append(Fault("cost_missing", "options", {"found": len(costs), "options": len(options)}))
    return options, tuple(costs)


def _json_kind(data: Mapping[str, Any], faults: list[Fault]) -> Kind:
    named = data.get("kind")
    if named is None:
        keys = {key for ballot in data["ballots"] if isinstance(ballot, dict) for key in ballot}
        return next((kind for key, kind in KEYS.items() if key in keys), "ranking")
    if named not in KINDS:
        faults.append(Fault("kind", "kind", {"text": str(named)[:60], "known": ", ".join(KINDS)}))
        return "ranking"
    return next(kind for kind in KINDS if kind == named)


def _whole(value: Any, place: str, faults: list[Fault], *, none: bool = False) -> int | None:
    if value is None and none:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST:
        faults.append(Fault("no_number", place, {"text": str(value)[:60]}))
        return None
    return value


def _json_ballot(
    item: Any, place: str, index: dict[str, int], kind: Kind, faults: list[Fault]
) -> Ballot | None:
    if not isinstance(item, dict):
        faults.append(Fault("no_ballot", place))
        return None
    before = len(faults)
    count = _whole(item.get("count", 1), f"{place}.count", faults)
    known = {"count", *KEYS, "from", "receipt"}
    attributes = tuple((k, str(v)) for k, v in item.items() if k not in known and v is not None)
    ranking: tuple[tuple[int, ...], ...] = ()
    marks: tuple[tuple[int, int], ...] = ()
    if kind == "ranking":
        ranking = _json_ranking(item.get("ranking"), place, index, faults)
    elif kind == "pairwise":
        offered = _names(item.get("from"), place, index, faults)
        (winner,) = _names([item.get("winner")], place, index, faults) or (-1,)
        if winner not in offered or len(offered) < 2:
            faults.append(Fault("pair", place, {}))
        marks = tuple((x, int(x == winner)) for x in offered)
    elif kind in ("approval", "budget"):
        marks = tuple((x, 1) for x in _names(item.get("approve"), place, index, faults))
    else:
        marks = _json_marks(item, kind, place, index, faults)
    return Ballot(count or 0, ranking, marks, attributes) if len(faults) == before else None


def _names(values: Any, place: str, index: dict[str, int], faults: list[Fault]) -> tuple[int, ...]:
    if not isinstance(values, list):
        faults.append(Fault("no_list", place))
        return ()
    names = [str(v) for v in values]
    for n, name in enumerate(names):
        if name not in index:
            faults.append(Fault("option_unknown", place, {"option": name}))
        elif name in names[:n]:
            faults.append(Fault("option_twice", place, {"option": name}))
    return tuple(index[name] for name in dict.fromkeys(names) if name in index)


def _json_ranking(
    value: Any, place: str, index: dict[str, int], faults: list[Fault]
) -> tuple[tuple[int, ...], ...]:
    if not isinstance(value, list):
        faults.append(Fault("no_list", place))
        return ()
    classes = [tied if isinstance(tied, list) else [tied] for tied in value]
    _names([name for tied in classes for name in tied], place, index, faults)
    ranking = (tuple(index[str(name)] for name in tied if str(name) in index) for tied in classes)
    return tuple(tied for tied in ranking if tied)


def _json_marks(
    item: Mapping[str, Any], kind: Kind, place: str, index: dict[str, int], faults: list[Fault]
) -> tuple[tuple[int, int], ...]:
    key = next((key for key, found in KEYS.items() if found == kind and key in item), "")
    marks = item.get(key)
    if not isinstance(marks, dict):
        faults.append(Fault("no_marks", place, {"key": key or kind}))
        return ()
    found = []
    for option, mark in zip(_names(list(marks), place, index, faults), marks.values(), strict=False):
        number = _whole(mark, f"{place}.{key}", faults)
        found.append((option, number or 0))
    return tuple(found)


def write_json(profile: Profile) -> str:
    """The profile in the form that `read_json` reads.

    Raises:
        ValueError: the ballots carry weights.
    """
    if profile.scale != 1:
        raise ValueError("weighted ballots are computed, not written")
    key = {kind: key for key, kind in reversed(KEYS.items())}
    key["budget"] = "approve"
    costs: list[dict[str, Any]] = [{"cost": c} for c in profile.costs] or [{} for _ in profile.options]
    data: dict[str, Any] = {"format": FORMAT, "kind": profile.kind, "title": profile.title}
    data |= {k: v for k, v in (("seats", profile.seats), ("budget", profile.budget)) if v is not None}
    data["options"] = [{"id": o.id, "name": o.name} | c for o, c in zip(profile.options, costs, strict=True)]
    data["ballots"] = [
        {"count": b.count} | _written(profile, b, key[profile.kind]) | dict(b.attributes)
        for b in profile.ballots
    ]
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _written(profile: Profile, ballot: Ballot, key: str) -> dict[str, Any]:
    ids = profile.ids
    if profile.kind == "ranking":
        return {key: [[ids[x] for x in tied] for tied in ballot.ranking]}
    if profile.kind == "pairwise":
        winner = next(x for x, mark in ballot.marks if mark)
        return {key: ids[winner], "from": [ids[x] for x, _ in ballot.marks]}
    if key == "approve":
        return {key: [ids[x] for x, mark in ballot.marks if mark]}
    return {key: {ids[x]: mark for x, mark in ballot.marks}}


def read_csv(text: str) -> Profile:
    """Read a table of ballots.

    Raises:
        BallotFileError: every fault, with its line.
    """
    text = text.lstrip("\ufeff")
    first = text.partition("\n")[0]
    table = table_rows(text, max(",;\t", key=first.count))
    header = [re.sub(r"(?<=:)\s+", "", cell.strip()) for cell in next(table, (1, []))[1]]
    wide = _option_columns(header)
    faults: list[Fault] = []
    rows = [(line, row) for line, row in table if _is_ballot(header, row)]
    for line, row in rows:
        if len(row) > len(header):
            faults.append(
                Fault("too_many_cells", f"line {line}", {"cells": len(row), "columns": len(header)})
            )
    if any(not name for _, _, name in wide):
        faults.append(Fault("no_option_line", "line 1"))
    for n, name in enumerate(header):
        if name and name in header[:n]:
            faults.append(Fault("column_twice", "line 1", {"column": name}))
    if len({prefix for _, prefix, _ in wide}) > 1:
        faults.append(Fault("kinds_mixed", "line 1"))
    if not wide and "ranking" not in header:
        faults.append(Fault("no_ballot_columns", "line 1", {"columns": ", ".join(header)[:120]}))
    if faults:
        raise BallotFileError(faults)
    profile = _wide(header, wide, rows, faults) if wide else _long(header, rows, faults)
    if faults:
        raise BallotFileError(faults)
    return merged(profile)


def _is_ballot(header: list[str], row: list[str]) -> bool:
    """A row of empty cells is an empty ballot, unless a column of counts would have to say how many; an
    empty line is none."""
    if any(cell.strip() for cell in row):
        return True
    return len(row) == len(header) and "count" not in header


def _option_columns(header: list[str]) -> list[tuple[int, str, str]]:
    """Columns such as ``dots:h01``: position, prefix, option id."""
    parts = [(n, *cell.partition(":")) for n, cell in enumerate(header)]
    return [(n, prefix, name) for n, prefix, colon, name in parts if colon and prefix in _PREFIXES]


def _rest(
    header: list[str], row: list[str], used: set[int], line: int, faults: list[Fault]
) -> tuple[int, tuple[tuple[str, str], ...]]:
    """The count of a row, and its other columns."""
    count, attributes = 1, []
    for n, (name, cell) in enumerate(zip(header, row, strict=False)):
        if name == "count":
            if not re.fullmatch(r"\s*\d{1,100}\s*", cell):
                faults.append(Fault("no_count", f"line {line}", {"text": cell[:60]}))
            else:
                count = int(cell)
        elif n not in used and name:
            attributes.append((name, cell.strip()))
    return count, tuple(attributes)


def _wide(
    header: list[str],
    wide: list[tuple[int, str, str]],
    rows: list[tuple[int, list[str]]],
    faults: list[Fault],
) -> Profile:
    kind = _PREFIXES[wide[0][1]]
    used = {n for n, _, _ in wide}
    ballots = []
    for line, row in rows:
        count, attributes = _rest(header, row, used, line, faults)
        cells: list[tuple[int, int]] = []
        for option, (n, _, name) in enumerate(wide):
            cell = row[n].strip() if n < len(row) else ""
            if cell and not re.fullmatch(r"\d{1,100}", cell):
                faults.append(Fault("no_mark", f"line {line}", {"text": cell[:60], "option": name}))
            elif cell and kind == "approval" and int(cell) > 1:
                faults.append(Fault("no_tick", f"line {line}", {"text": cell[:60], "option": name}))
            elif cell:
                cells.append((option, int(cell)))
        if kind == "ranking":
            places = sorted({place for _, place in cells})
            ranking = tuple(tuple(x for x, place in cells if place == wanted) for wanted in places)
            ballots.append(Ballot(count, ranking, (), attributes))
        else:
            keep = cells if kind in ("score", "consensing") else [(x, mark) for x, mark in cells if mark]
            ballots.append(Ballot(count, (), tuple(keep), attributes))
    return Profile(kind, tuple(Option(name) for _, _, name in wide), tuple(ballots))


def _long(header: list[str], rows: list[tuple[int, list[str]]], faults: list[Fault]) -> Profile:
    column = header.index("ranking")
    parsed = []
    names: dict[str, None] = {}
    for line, row in rows:
        cell = row[column] if column < len(row) else ""
        classes = [[n.strip() for n in part.split("=") if n.strip()] for part in cell.split(">")]
        flat = [name for tied in classes for name in tied]
        for n, name in enumerate(flat):
            if name in flat[:n]:
                faults.append(Fault("option_twice", f"line {line}", {"option": name}))
        names |= dict.fromkeys(flat)
        parsed.append((classes, *_rest(header, row, {column}, line, faults)))
    index = {name: n for n, name in enumerate(sorted(names))}
    ballots = [
        Ballot(count, tuple(tuple(index[name] for name in tied) for tied in classes if tied), (), attributes)
        for classes, count, attributes in parsed
    ]
    if not names:
        faults.append(Fault("no_options", "line 1"))
    return Profile("ranking", tuple(Option(name) for name in index), tuple(ballots))


def write_csv(profile: Profile) -> str:
    """A table with one column per option, in the form that `read_csv` reads.

    Raises:
        ValueError: pairwise or weighted ballots, for which the table has no form.
    """
    prefixes = {kind: prefix for prefix, kind in _PREFIXES.items()} | {"budget": "approve"}
    if profile.kind not in prefixes or profile.scale != 1:
        raise ValueError("only unweighted ballots on all options fit a table")
    columns = list(dict.fromkeys(key for b in profile.ballots for key, _ in b.attributes))
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["count", *columns, *(f"{prefixes[profile.kind]}:{name}" for name in profile.ids)])
    for ballot in profile.ballots:
        cells = {x: place for place, tied in enumerate(ballot.ranking, 1) for x in tied} | dict(ballot.marks)
        own = [ballot.attribute(c) or "" for c in columns]
        table.writerow([ballot.count, *own, *(cells.get(x, "") for x in range(len(profile.options)))])
    return out.getvalue()
