"""Pabulib files (``.pb``) of participatory budgets: sections META, PROJECTS, VOTES, separated by semicolons.

Source: D. Faliszewski and others, Participatory budgeting: data, tools and analysis (2023);
pabulib.org/format.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from participation.conference.ballots import (
    Ballot,
    BallotFileError,
    Fault,
    Kind,
    Option,
    Profile,
    merged,
    table_rows,
)

#: vote_type of the file -> kind of ballot; ordinal votes are rankings of those named.
VOTE_TYPES: dict[str, Kind] = {
    "approval": "budget",
    "choose-1": "budget",
    "cumulative": "dots",
    "scoring": "score",
    "ordinal": "ranking",
}
_SECTIONS = ("META", "PROJECTS", "VOTES")
#: An amount of money; a comma before three digits could part thousands, so it is not guessed at.
_AMOUNT = re.compile(r"([0-9]{1,100})(?:\.([0-9]{1,100})|,([0-9]{1,2}))?")
_POINTS = re.compile(r"(-?[0-9]{1,100})(?:\.0+)?")
Row = tuple[int, dict[str, str]]


def read(text: str) -> Profile:
    """Read a budget with its votes; columns of voters (sex, age, district ...) become attributes.

    Amounts with decimals are all read in the smallest unit that makes them whole. A ``default_score`` stands
    for every project that a scoring vote leaves out. A file without a budget, or without any cost, is counted
    by the rules that need none.

    Raises:
        BallotFileError: every fault, with its line.
    """
    faults: list[Fault] = []
    sections = _sections(text.lstrip("\ufeff"), faults)
    meta = {row.get("key", "").strip(): (row.get("value", "").strip(), n) for n, row in sections["META"]}
    kind_name, line = meta.get("vote_type", ("", 1))
    if kind_name.lower() not in VOTE_TYPES:
        faults.append(Fault("vote_type", f"line {line}", {"text": kind_name, "known": ", ".join(VOTE_TYPES)}))
        raise BallotFileError(faults)
    kind = VOTE_TYPES[kind_name.lower()]
    options, amounts = _projects(sections["PROJECTS"], faults)
    index = {option.id: i for i, option in enumerate(options)}
    ballots = [b for row in sections["VOTES"] if (b := _vote(row, index, kind, faults)) is not None]
    if "default_score" in meta and kind == "score":
        ballots = _filled(ballots, len(options), meta["default_score"], faults)
    budget = _amount(*meta["budget"], faults=faults) if "budget" in meta else None
    _promises(meta, {"num_projects": len(options), "num_votes": len(ballots)}, faults)
    if faults:
        raise BallotFileError(faults)
    unit = _unit([*amounts, Fraction(budget or 0)])
    costs = tuple(int(a * unit) for a in amounts)
    whole = None if budget is None else int(budget * unit)
    title = meta.get("description", ("", 0))[0]
    return merged(Profile(kind, tuple(options), tuple(ballots), title=title, costs=costs, budget=whole))


def _promises(meta: dict[str, tuple[str, int]], found: dict[str, int], faults: list[Fault]) -> None:
    """A file that holds less than it says was cut off somewhere."""
    codes = {"num_projects": "options_differ", "num_votes": "voters_differ"}
    whole = not faults
    for key, number in found.items():
        text, line = meta.get(key, ("", 0))
        promised = _POINTS.fullmatch(text)
        if text and promised is None:
            faults.append(Fault("no_number", f"line {line}", {"text": text[:60]}))
        elif promised and whole and int(promised[1]) != number:
            faults.append(Fault(codes[key], f"line {line}", {"promised": promised[1], "found": number}))


def _filled(
    ballots: Iterable[Ballot], options: int, default: tuple[str, int], faults: list[Fault]
) -> list[Ballot]:
    """The ballots with the file's default score wherever a ballot gives none."""
    text, line = default
    found = _POINTS.fullmatch(text)
    if found is None:
        faults.append(Fault("no_number", f"line {line}", {"text": text[:60]}))
        return []
    unmarked = dict.fromkeys(range(options), int(found[1]))
    return [Ballot(b.count, (), tuple((unmarked | dict(b.marks)).items()), b.attributes) for b in ballots]


def _sections(text: str, faults: list[Fault]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {name: [] for name in _SECTIONS}
    current, header = "", list[str]()
    seen = set()
    for line, cells in table_rows(text, ";"):
        name = cells[0].strip().upper() if cells else ""
        if name in _SECTIONS and len([c for c in cells if c.strip()]) == 1:
            current, header = name, []
            seen.add(name)
        elif any(cell.strip() for cell in cells):
            if not current:
                faults.append(Fault("no_section", f"line {line}", {"text": cells[0][:60]}))
                raise BallotFileError(faults)
            if not header:
                header = [cell.strip() for cell in cells]
                _check_columns(current, header, faults)
                if current == "META" and "key" not in header:
                    header = ["key", "value"]
                    found[current].append((line, dict(zip(header, cells, strict=False))))
                continue
            if current != "META" and any(cell.strip() for cell in cells[len(header) :]):
                params = {"cells": len(cells), "columns": len(header)}
                faults.append(Fault("too_many_cells", f"line {line}", params))
            found[current].append((line, dict(zip(header, cells, strict=False))))
    missing = [name for name in _SECTIONS if name not in seen]
    if missing:
        raise BallotFileError([Fault("section_missing", "file", {"sections": ", ".join(missing)})])
    if faults:
        raise BallotFileError(faults)
    return found


def _check_columns(section: str, header: list[str], faults: list[Fault]) -> None:
    needed = {"PROJECTS": "project_id", "VOTES": "vote"}.get(section)
    if needed and needed not in header:
        faults.append(Fault("no_column", section, {"column": needed, "known": ", ".join(header)[:120]}))


def _amount(text: str, line: int, *, faults: list[Fault]) -> Fraction:
    found = _AMOUNT.fullmatch("".join(text.split()))
    if found is None:
        faults.append(Fault("no_amount", f"line {line}", {"text": text[:60]}))
        return Fraction(0)
    return Fraction(f"{found[1]}.{found[2] or found[3] or 0}")


def _unit(amounts: list[Fraction]) -> int:
    """The power of ten that makes all amounts whole (100 for cents)."""
    unit = 1
    while any((amount * unit).denominator > 1 for amount in amounts):
        unit *= 10
    return unit


def _projects(rows: list[Row], faults: list[Fault]) -> tuple[list[Option], list[Fraction]]:
    options, costs, seen = [], [], set()
    priced = any(row.get("cost", "").strip() for _, row in rows)
    for line, row in rows:
        name = row.get("project_id", "").strip()
        if not name or name in seen:
            faults.append(
                Fault("option_twice" if name else "no_option_line", f"line {line}", {"option": name})
            )
            continue
        seen.add(name)
        options.append(Option(name, row.get("name", "").strip()))
        if priced:
            costs.append(_amount(row.get("cost", ""), line, faults=faults))
    if not options:
        faults.append(Fault("no_options", "PROJECTS"))
    return options, costs


def _vote(row: Row, index: dict[str, int], kind: Kind, faults: list[Fault]) -> Ballot | None:
    line, cells = row
    if "vote" not in cells:
        faults.append(Fault("no_cell", f"line {line}", {"column": "vote"}))
        return None
    names = [name.strip() for name in cells.get("vote", "").split(",") if name.strip()]
    good = True
    for place, name in enumerate(names):
        if name not in index or name in names[:place]:
            code = "option_unknown" if name not in index else "option_twice"
            faults.append(Fault(code, f"line {line}", {"option": name}))
            good = False
    marks = [1] * len(names)
    if kind in ("dots", "score"):
        points = [_POINTS.fullmatch(p.strip()) for p in cells.get("points", "").split(",") if p.strip()]
        marks = [int(p[1]) for p in points if p is not None]
        if not len(points) == len(marks) == len(names):
            faults.append(Fault("points", f"line {line}", {"votes": len(names), "points": len(marks)}))
            return None
    if not good:
        return None
    attributes = tuple(
        (key, value.strip()) for key, value in cells.items() if key not in ("voter_id", "vote", "points", "")
    )
    chosen = [index[name] for name in names]
    if kind == "ranking":
        return Ballot(1, tuple((x,) for x in chosen), (), attributes)
    return Ballot(1, (), tuple(zip(chosen, marks, strict=True)), attributes)


def write(profile: Profile, meta: dict[str, Any] | None = None) -> str:
    """A budget round as a Pabulib file; one line per ballot, in the order of the profile.

    Raises:
        ValueError: the ballots carry no costs, or carry weights.
    """
    types = {kind: name for name, kind in reversed(VOTE_TYPES.items())}
    if not profile.costs or profile.scale != 1 or profile.kind not in types:
        raise ValueError("a Pabulib file needs costs, a budget and unweighted ballots")
    out = io.StringIO()
    table = csv.writer(out, delimiter=";", lineterminator="\n")
    head: dict[str, Any] = {
        "description": profile.title,
        "num_projects": len(profile.options),
        "num_votes": profile.total,
        "budget": profile.budget,
        "vote_type": types[profile.kind],
    } | (meta or {})
    table.writerows([["META"], ["key", "value"], *head.items(), ["PROJECTS"], ["project_id", "cost", "name"]])
    table.writerows([o.id, c, o.name] for o, c in zip(profile.options, profile.costs, strict=True))
    columns = sorted({key for b in profile.ballots for key, _ in b.attributes})
    points = ["points"] if profile.kind in ("dots", "score") else []
    table.writerows([["VOTES"], ["voter_id", *columns, "vote", *points]])
    voter = 0
    for ballot in profile.ballots:
        chosen = [x for tied in ballot.ranking for x in tied] or [x for x, _ in ballot.marks]
        row = [ballot.attribute(c) or "" for c in columns] + [",".join(profile.ids[x] for x in chosen)]
        row += [",".join(str(mark) for _, mark in ballot.marks)] if points else []
        for _ in range(ballot.count):
            voter += 1
            table.writerow([voter, *row])
    return out.getvalue()
