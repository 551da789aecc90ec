"""PrefLib files of rankings: ``.soc .soi .toc .toi``, with the headers of today and of before 2022.

Today's header lines begin with ``#``; the old form begins with the number of alternatives, one line
``n,name`` each, and a line ``voters,sum,unique``. Ballot lines are ``count: 1,2,{3,4}`` (today) or
``count,1,2,{3,4}`` (old). Lines with count 1 throughout, equal lines repeated, and empty orders (``3:``) are
read as they are.

Source: N. Mattei and T. Walsh, PrefLib: a library for preferences (2013), and preflib.github.io, data format.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from participation.conference.ballots import (
    Ballot,
    BallotFileError,
    Fault,
    Option,
    Profile,
    is_strict,
    merged,
)

SUFFIXES = (".soc", ".soi", ".toc", ".toi")
_HEADER = re.compile(r"#\s*([^:]+?)\s*:\s*(.*)$")
_NAME = re.compile(r"ALTERNATIVE NAME\s+(\S+)$", re.IGNORECASE)
#: Alternatives that a header may promise without naming any.
_MOST_UNNAMED = 10_000
_TOKEN = re.compile(r"\{[^{}]*\}|[^,{}]+")


class _Line(NamedTuple):
    number: int
    text: str


def read(text: str, suffix: str = ".toi") -> Profile:
    """Read a file of any of the four types; ``suffix`` says which promise it makes (strict, complete).

    Raises:
        BallotFileError: every fault, with its line.
    """
    # Not splitlines: names in old encodings may hold what Unicode calls a line end.
    parts = re.split(r"\r\n|\r|\n", text.lstrip("\ufeff"))
    lines = [_Line(n, raw.strip()) for n, raw in enumerate(parts, 1)]
    lines = [line for line in lines if line.text]
    faults: list[Fault] = []
    modern = bool(lines) and lines[0].text.startswith("#")
    title, options, body, promised = (_modern if modern else _old)(lines, faults)
    index = {option.id: i for i, option in enumerate(options)}
    ballots = []
    for line in body:
        ballot = _ballot(line, index, suffix, faults)
        if ballot is not None:
            ballots.append(ballot)
    voters = sum(b.count for b in ballots)
    if not faults and promised is not None and promised != voters:
        faults.append(Fault("voters_differ", "header", {"promised": promised, "found": voters}))
    if faults:
        raise BallotFileError(faults)
    return merged(Profile("ranking", tuple(options), tuple(ballots), title=title))


def _modern(lines: list[_Line], faults: list[Fault]) -> tuple[str, list[Option], list[_Line], int | None]:
    names: dict[str, str] = {}
    meta: dict[str, tuple[str, int]] = {}
    body = []
    for line in lines:
        found = _HEADER.match(line.text)
        if found:
            name = _NAME.match(found[1])
            if name and name[1] in names:
                faults.append(Fault("option_twice", f"line {line.number}", {"option": name[1]}))
            elif name:
                names[name[1]] = _unquoted(found[2])
            else:
                meta[found[1].upper()] = (found[2], line.number)
        elif not line.text.startswith("#"):
            body.append(line)
    promised = _number(meta, "NUMBER VOTERS", faults)
    alternatives = _number(meta, "NUMBER ALTERNATIVES", faults)
    if alternatives is not None:
        if not names and alternatives <= _MOST_UNNAMED:
            names = {str(n): str(n) for n in range(1, alternatives + 1)}
        if len(names) != alternatives:
            place = f"line {meta['NUMBER ALTERNATIVES'][1]}"
            faults.append(Fault("options_differ", place, {"promised": alternatives, "found": len(names)}))
    if not names:
        faults.append(Fault("no_options", "header"))
    title = meta.get("TITLE", ("", 0))[0]
    return title, [Option(n, label) for n, label in names.items()], body, promised


def _unquoted(label: str) -> str:
    quoted = len(label) > 1 and label[0] == label[-1] == '"'
    return label[1:-1].replace('""', '"') if quoted else label


def _number(meta: dict[str, tuple[str, int]], key: str, faults: list[Fault]) -> int | None:
    if key not in meta or not meta[key][0]:
        return None
    value, line = meta[key]
    if not re.fullmatch(r"[0-9]{1,100}", value):
        faults.append(Fault("no_number", f"line {line}", {"text": value}))
        return None
    return int(value)


def _old(lines: list[_Line], faults: list[Fault]) -> tuple[str, list[Option], list[_Line], int | None]:
    if not lines or not re.fullmatch(r"\d{1,9}", lines[0].text):
        place = f"line {lines[0].number}" if lines else "line 1"
        faults.append(Fault("no_header", place, {}))
        return "", [], [], None
    count = int(lines[0].text)
    options = []
    for line in lines[1 : count + 1]:
        name, comma, label = line.text.partition(",")
        if not comma:
            faults.append(Fault("no_option_line", f"line {line.number}", {"text": line.text[:60]}))
        options.append(Option(name.strip(), _unquoted(label.strip())))
    if len(options) < count:
        faults.append(Fault("options_differ", "line 1", {"promised": count, "found": len(options)}))
        return "", options, [], None
    rest = lines[count + 1 :]
    totals = re.fullmatch(r"(\d{1,100})\s*,\s*(\d+)\s*,\s*(\d+)", rest[0].text) if rest else None
    if totals is None:
        faults.append(
            Fault("no_totals", f"line {rest[0].number}" if rest else f"line {lines[-1].number}", {})
        )
        return "", options, [], None
    return "", options, rest[1:], int(totals[1])


def _ballot(line: _Line, index: dict[str, int], suffix: str, faults: list[Fault]) -> Ballot | None:
    place = f"line {line.number}"
    head, colon, order = line.text.partition(":")
    if not colon:
        head, _, order = line.text.partition(",")
    if not re.fullmatch(r"\d{1,100}", head.strip()):
        faults.append(Fault("no_count", place, {"text": line.text[:60]}))
        return None
    ranking, seen, good = [], set(), True
    left_over = _TOKEN.sub("", order).replace(",", "").strip()
    if left_over:
        faults.append(Fault("braces", place, {"text": line.text[:60]}))
        return None
    for token in _TOKEN.findall(order):
        names = [name.strip() for name in token.strip().strip("{}").split(",") if name.strip()]
        for name in names:
            if name not in index or name in seen:
                code = "option_unknown" if name not in index else "option_twice"
                faults.append(Fault(code, place, {"option": name}))
                good = False
            seen.add(name)
        if names and good:
            ranking.append(tuple(index[name] for name in names))
    if not good:
        return None
    if suffix in (".soc", ".soi") and any(len(tied) > 1 for tied in ranking):
        faults.append(Fault("tie_in_strict", place, {"suffix": suffix}))
    if suffix in (".soc", ".toc") and len(seen) != len(index):
        faults.append(
            Fault("incomplete", place, {"suffix": suffix, "ranked": len(seen), "options": len(index)})
        )
    return Ballot(int(head), tuple(ranking))


def suffix_for(profile: Profile) -> str:
    """The narrowest of the four types that holds these ballots."""
    complete = all(sum(map(len, b.ranking)) == len(profile.options) for b in profile.ballots)
    return f".{'s' if is_strict(profile) else 't'}o{'c' if complete else 'i'}"


def write(profile: Profile, *, file_name: str = "") -> str:
    """The profile as a PrefLib file of today's form. Groups and ids have no place in it; options are
    numbered 1..m.

    Raises:
        ValueError: the ballots are no rankings, or carry weights.
    """
    if profile.kind != "ranking" or profile.scale != 1:
        raise ValueError("PrefLib files hold unweighted rankings")
    rows = sorted(merged(profile, keep_attributes=False).ballots, key=lambda b: (-b.count, b.ranking))
    head = {
        "FILE NAME": file_name,
        "TITLE": profile.title,
        "DATA TYPE": suffix_for(profile)[1:],
        "MODIFICATION TYPE": "original",
        "NUMBER ALTERNATIVES": len(profile.options),
        "NUMBER VOTERS": profile.total,
        "NUMBER UNIQUE ORDERS": len(rows),
    }
    head |= {f"ALTERNATIVE NAME {n}": option.name or option.id for n, option in enumerate(profile.options, 1)}
    lines = [f"# {key}: {_one_line(str(value))}" for key, value in head.items()]
    for ballot in rows:
        tokens = []
        for tied in ballot.ranking:
            inside = ",".join(str(x + 1) for x in tied)
            tokens.append(inside if len(tied) == 1 else f"{{{inside}}}")
        lines.append(f"{ballot.count}: {','.join(tokens)}".rstrip())
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())
