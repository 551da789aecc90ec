"""A scripted reader with bad intentions: has the published documents, as they are served, and nothing else.

It shares no code with the auditor or the publication. It reads bases, marks, percentages, intervals and
headlines, works out which counts fit them (fractions of whole numbers, Wilson's intervals, thresholds told by
marks), and attacks by linear programming over the joint table of all groups and answers, by the difference of
a group and an age class, by totals against parts, and by what is new in a second release of one wave.
"""

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

NOISE = 2
MISSING = "(missing)"
ATOMS = 1500


@dataclass
class Knowledge:
    """What everybody may know: how far weights lie apart, which codings belong together, and the data sheet.

    ``codings`` maps a coarse variable to (fine variable, code -> coarse codes); ``certain`` are variables
    that nobody left out; ``levels`` the codes of all groups.
    """

    spread: float
    full: bool = False
    sensitive: frozenset = frozenset()
    codings: dict = field(default_factory=dict)
    certain: frozenset = frozenset()
    levels: dict = field(default_factory=dict)


@dataclass
class Fact:
    """``low`` <= people in ``group`` <= ``high``; with ``of``: times the number of people in ``of``.

    ``group`` maps variables to sets of codes.
    """

    source: str
    group: dict
    low: float
    high: float
    of: dict | None = None


def wilson(p, n, z=1.96):
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(max(p * (1 - p) / n + z * z / (4 * n * n), 0))
    return 100 * (middle - half), 100 * (middle + half)


def half_of(row):
    """Half a unit of the last printed digit: tenths stand from 100 answers on."""
    return 0.05 if row["decimals"] else 0.5


def fits(n, row, known):
    """Whether a base of ``n`` can have the printed percentages and intervals of a row."""
    half = half_of(row)
    for cell in row["cells"]:
        if "percent" not in cell:
            continue
        p, q = min(1, (cell["percent"] + half) / 100), max(0, (cell["percent"] - half) / 100)
        s = 1.0 if known.spread <= 1.001 else known.spread
        least = math.ceil(n * q / (s - q * s + q) - 1e-6)
        most = math.floor(n * p * s / (1 - p + p * s) + 1e-6)
        if most < least:
            return False
        if "low" in cell and s < 1.2:
            kish = (1 + s) ** 2 / (4 * s)
            shown = cell["high"] - cell["low"]
            ends = [
                np.subtract(*reversed(wilson(share, size, z)))
                for share in (q, cell["percent"] / 100, p)
                for size in (n / kish - 1.5, n + 0.5)
                for z in (1.96, 2.0)
            ]
            if not min(ends) - 2 * half - 0.01 <= shown <= max(ends) + 2 * half + 0.01:
                return False
    return True


def base_range(row, known, rules, sensitive):
    """Smallest and largest true base, and the bases from which the percentages may have been drawn."""
    if row["base"] == 0:
        return 0, 0, [0]
    near = range(max(1, row["base"] - 2), row["base"] + 3)
    drawn = [n for n in near if fits(n, row, known)] or list(near)
    noisy = known.full or known.spread <= 1.001
    low, high = drawn[0], drawn[-1]
    if noisy:
        low, high = max(0, low - NOISE), high + NOISE
    kind = "sensitive_" if sensitive else ""
    low = max(low, rules[kind + "hide_below"])
    marks = {cell.get("mark", "") for cell in row["cells"] if "percent" in cell}
    narrow = all(
        cell.get("high", 100) - cell.get("low", 0) < 29 for cell in row["cells"] if "percent" in cell
    )
    if marks and "()" not in marks:
        low = max(low, rules[kind + "bracket_below"])
    elif marks == {"()"} and narrow and "low" in row["cells"][0] and row["base"] >= 25:
        high = min(high, rules[kind + "bracket_below"] - 1)
    if not noisy and marks:
        whole = rules["whole_percent_below"]
        low, high = (max(low, whole), high) if row["decimals"] else (low, min(high, whole - 1))
    return low, high, drawn


def decimals_of(row):
    values = [v for cell in row["cells"] for k, v in cell.items() if k in ("percent", "low", "high")]
    return any(abs(v - round(v)) > 1e-9 for v in values)


def columns_of(item, spec):
    """The variables of an item: itself, or one per option of a multiple choice."""
    if not spec["multiple"]:
        return [item]
    return [f"{item}_{category['code']}" for category in spec["categories"]]


def codes_of(document, name, known=None):
    if known is not None and name in known.levels:
        return list(known.levels[name])
    for item, spec in document["items"].items():
        if item == name:
            return [category["code"] for category in spec["categories"]]
        if spec["multiple"] and name in columns_of(item, spec):
            return ["0", "1"]
    return list(document["groups"][name]["levels"])


def facts(document, wave, known):
    """Everything that one document says of the counts of one wave."""
    rules = document["rules"]
    found = []
    for entry in document["waves"]:
        if entry["key"] == wave:
            found.append(Fact("responses", {}, entry["responses"] - 2, entry["responses"] + 2))
    for table in document["tables"]:
        if table["wave"] == wave:
            found += _of_table(document, table, known, rules)
    for number, headline in enumerate(document["headlines"]):
        if headline["wave"] == wave and "base" in headline:
            found += _of_single(document, headline, headline, f"finding {number}", known, rules)
    for number, trend in enumerate(document["trends"]):
        for point in trend["points"]:
            if point["wave"] == wave and "base" in point:
                found += _of_single(document, trend, point, f"trend {number}", known, rules)
    return found


def _of_table(document, table, known, rules):
    spec, item = document["items"][table["item"]], table["item"]
    sensitive = item in known.sensitive
    names = columns_of(item, spec)
    hidden = sum(row["base"] is None for row in table["rows"])
    for row in table["rows"]:
        row["decimals"] = decimals_of(row)
        own = {table["group"]: {row["level"]}} if table["group"] else {}
        asked = {**own, names[0]: set(codes_of(document, names[0]))}
        source = f"{item}/{table['group']}"
        least = rules["sensitive_hide_below" if sensitive else "hide_below"]
        if row["base"] is None:
            # Only one dot: nothing else can have been hidden for its sake.
            yield Fact(source, asked, 1, least - 1 if hidden == 1 else math.inf)
            continue
        low, high, drawn = base_range(row, known, rules, sensitive)
        yield Fact(source, asked, low, high)
        for number, (code, cell) in enumerate(zip(table["categories"], row["cells"], strict=True)):
            if "percent" not in cell:
                continue
            name, wanted = (names[number], {"1"}) if spec["multiple"] else (item, {code})
            yield from _of_share(
                source, cell["percent"], half_of(row), drawn, {**own, name: wanted}, asked, known
            )


def _of_single(document, request, shown, source, known, rules):
    spec, item = document["items"].get(request["item"]), request["item"]
    if spec is None:
        return
    names = columns_of(item, spec)
    row = {"base": shown["base"], "cells": [shown]}
    row["decimals"] = decimals_of(row)
    own = {request["group"]: {request["level"]}} if request["group"] else {}
    asked = {**own, names[0]: set(codes_of(document, names[0]))}
    if "in_ten" in shown:
        # Whole percent, whatever the base.
        row = {"base": shown["base"], "cells": [{"percent": shown["percent"]}], "decimals": False}
        near = [n for n in range(max(1, shown["base"] - 2), shown["base"] + 3) if fits(n, row, known)]
        noise = NOISE if known.full or known.spread <= 1.001 else 0
        drawn = near or [shown["base"] - 2, shown["base"] + 2]
        low, high = drawn[0] - noise, drawn[-1] + noise
    else:
        low, high, drawn = base_range(row, known, rules, item in known.sensitive)
    yield Fact(source, asked, low, high)
    categories = request["categories"]
    if spec["multiple"] and len(categories) > 1:
        return
    name = f"{item}_{categories[0]}" if spec["multiple"] else item
    wanted = {"1"} if spec["multiple"] else set(categories)
    yield from _of_share(source, shown["percent"], half_of(row), drawn, {**own, name: wanted}, asked, known)


def _of_share(source, percent, half, drawn, group, asked, known):
    p, q = min(1.0, (percent + half) / 100), max(0.0, (percent - half) / 100)
    if known.full or known.spread <= 1.001:
        counts = [k for n in drawn for k in (math.ceil(n * q - 1e-6), math.floor(n * p + 1e-6))]
        yield Fact(source, group, max(0, min(counts) - NOISE), max(counts) + NOISE)
        return
    s = known.spread
    yield Fact(source, group, q / (s - q * s + q), p * s / (1 - p + p * s), of=asked)


@dataclass
class Joint:
    """The joint table of everything that the facts tell apart."""

    names: list
    atoms: list
    matrix: csr_array
    limit: np.ndarray

    def row(self, group):
        return np.array(
            [
                all(code in group[name] for name, code in zip(self.names, atom, strict=True) if name in group)
                for atom in self.atoms
            ]
        )


def join(found, documents, known, extra=()):
    """``found``: facts tied to releases. Codes that no fact tells apart are one."""
    names = sorted({name for fact in found for name in (*fact.group, *(fact.of or ()))})
    axes = []
    for name in names:
        if name == "release":
            axes.append([str(n) for n in range(len(documents))])
            continue
        codes = list(codes_of(documents[-1], name, known)) + ([] if name in known.certain else [MISSING])
        cuts = [fact.group[name] for fact in found if name in fact.group]
        cuts += [fact.of[name] for fact in found if fact.of and name in fact.of]
        apart = {tuple(code in cut for cut in cuts): code for code in codes}
        keep = name in known.codings or any(fine == name for fine, _ in known.codings.values())
        axes.append(codes if keep or name in extra else sorted(apart.values()))
    atoms = [
        atom for atom in itertools.product(*axes) if _possible(dict(zip(names, atom, strict=True)), known)
    ]
    joint = Joint(names, atoms, None, None)
    rows, limit, seen = [], [], {}

    def row(group):
        key = str(sorted((name, sorted(codes)) for name, codes in group.items()))
        if key not in seen:
            seen[key] = joint.row(group).astype(float)
        return seen[key]

    for fact in found:
        inside = row(fact.group)
        base = row(fact.of) if fact.of is not None else None
        if math.isfinite(fact.high):
            rows.append(inside - (0 if base is None else fact.high * base))
            limit.append(fact.high if base is None else 1e-9)
        rows.append(-inside + (0 if base is None else fact.low * base))
        limit.append(-fact.low if base is None else 1e-9)
    joint.matrix, joint.limit = csr_array(np.array(rows)), np.array(limit)
    return joint


def _possible(codes, known):
    for coarse, (fine, mapping) in known.codings.items():
        if coarse in codes and fine in codes:
            if MISSING in (codes[coarse], codes[fine]):
                if codes[coarse] != codes[fine]:
                    return False
            elif codes[coarse] not in mapping[codes[fine]]:
                return False
    return True


def ends(joint, row):
    """Smallest and largest number of people; None where the facts contradict each other."""
    result = []
    for sign in (1, -1):
        found = linprog(sign * row.astype(float), A_ub=joint.matrix, b_ub=joint.limit, method="highs")
        if found.status == 2:
            return None
        result.append(math.inf if found.status == 3 else sign * found.fun)
    return math.ceil(result[0] - 1e-6), result[1] if math.isinf(result[1]) else math.floor(result[1] + 1e-6)


def targets(found, documents, known):
    """Groups that the tables touch, what is left of them, and differences of groups, by kind of attack."""
    published = {}
    for fact in found:
        published[str(sorted((n, sorted(c)) for n, c in fact.group.items()))] = fact.group
    for group in published.values():
        yield "linear programming", group
        for name, codes in group.items():
            if name == "release":
                if len(documents) > 1 and codes == {"0", "1"}:
                    yield "two releases", {**group, name: {"1"}}
                continue
            every = set(codes_of(documents[-1], name, known)) | (
                set() if name in known.certain else {MISSING}
            )
            for part in [every - codes, *({code} for code in every)]:
                if part and part != codes:
                    yield "total against parts", {**group, name: part}
            for coarse, (fine, mapping) in known.codings.items():
                if name == fine:
                    wide = {code for own in codes for code in mapping.get(own, ())}
                    for code in wide:
                        yield "group minus age class", {**group, coarse: {code}}
                if name == coarse:
                    for own, wide in mapping.items():
                        if wide & codes:
                            yield "group minus age class", {**group, fine: {own}}
                    inside = {own for own, wide in mapping.items() if wide <= codes}
                    if inside:
                        yield "group minus age class", {**group, fine: inside}


def protected(group, document, known, grouped):
    """Answers to harmless items, or none, are no secret; who is in a group and what is sensitive is."""
    for name, codes in group.items():
        item = next((i for i, spec in document["items"].items() if name in columns_of(i, spec)), None)
        if item is None or item in known.sensitive or item in grouped:
            continue
        if not codes >= set(codes_of(document, name)):
            return False
    return True


def attack(documents, wave, known, count, threshold, width):
    """What the reader wins against one wave of one or two documents, oldest first: kind, group, its size and
    the range that is left. ``count`` knows the truth and only picks the groups that are small.
    """
    found = []
    for number, document in enumerate(documents):
        told = facts(document, wave, known)
        if len(documents) > 1:
            tie = {"release": {str(n) for n in range(number + 1)}}
            told = [
                Fact(f.source, f.group | tie, f.low, f.high, None if f.of is None else f.of | tie)
                for f in told
            ]
        found += told
    small, grouped = {}, {name for document in documents for name in document["groups"]}
    for kind, group in targets(found, documents, known):
        key = str(sorted((name, sorted(codes)) for name, codes in group.items()))
        if (
            key not in small
            and 0 < count(group) < threshold
            and protected(group, documents[-1], known, grouped)
        ):
            small[key] = (kind, group, count(group))
    if not small:
        return []
    won, joints = [], {}
    for kind, group, size in small.values():
        names = _names(group, found, documents[-1], known)
        if names not in joints:
            own = [f for f in found if {*f.group, *(f.of or ())} <= names]
            joints[names] = join(own, documents, known)
        joint = joints[names]
        if not set(group) <= set(joint.names):
            continue
        left = ends(joint, joint.row(group))
        if left is None:
            return [("contradiction", group, size, 0, 0)]
        # A range beside the truth is no knowledge.
        if left[0] <= size <= left[1] and left[1] - left[0] < width:
            won.append((kind, group, size, *left))
    return won


def _names(group, found, document, known):
    """The variables of a target and as many others that facts link with them as one program can hold."""
    sets = [frozenset((*f.group, *(f.of or ()))) for f in found]
    names = set(group) | ({"release"} if any("release" in s for s in sets) else set())

    def cells(chosen):
        return np.prod(
            [
                len(codes_of(document, n, known)) + (n not in known.certain) if n != "release" else 2
                for n in chosen
            ]
        )

    while True:
        links = {
            n: sum(n in s and bool(s & names - {"release"}) for s in sets) for s in sets for n in s - names
        }
        fitting = [n for n in links if cells(names | {n}) <= ATOMS]
        if not fitting:
            return frozenset(names)
        names.add(max(sorted(fitting), key=lambda n: links[n]))
