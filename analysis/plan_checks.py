"""Checks of a plan beside the data: unknown names, groups that are too small, breaks without a stated
reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from analysis.plan import Finding, Outside, Plan, TrendRequest
from surveys.faults import Fault


@dataclass(frozen=True)
class Catalogue:
    """What a plan may name: items with their categories, groups with the cases of each level, waves, margins.

    ``breaks`` tells for each item and pair of consecutive waves the kinds of break between them, ``weighted``
    the waves whose responses stand for different numbers of people.
    """

    items: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, Mapping[str, int]]
    waves: frozenset[str]
    margins: frozenset[str] = frozenset()
    conferences: frozenset[str] = frozenset()
    breaks: Callable[[str, str, str], tuple[str, ...]] | None = None
    sensitive: frozenset[str] = frozenset()
    weighted: frozenset[str] = frozenset()


def check(plan: Plan, catalogue: Catalogue) -> tuple[Fault, ...]:
    """Every fault of a plan beside the data, and advice (groups that will be hidden) that does not stop
    it.
    """
    found: list[Fault] = []
    for wave in plan.waves:
        if wave not in catalogue.waves:
            found.append(Fault("unknown-wave", "waves", {"name": wave}))
    for number, step in enumerate(plan.weighting, start=1):
        for name in step.margins:
            if name not in catalogue.margins:
                found.append(Fault("unknown-margin", f"weighting/{number}/margins", {"name": name}))
    for number, table in enumerate(plan.tables, start=1):
        found += _unknown_items(table.items, f"tables/{number}/items", catalogue)
        found += _group_faults(plan, table.groups, f"tables/{number}/groups", catalogue)
    named: dict[str, Sequence[Finding | TrendRequest | Outside]] = {
        "findings": plan.findings,
        "trends": plan.trends,
        "outside": plan.outside,
    }
    for kind, entries in named.items():
        for number, entry in enumerate(entries, start=1):
            found += _item_faults(entry.item, entry.categories, f"{kind}/{number}", catalogue)
    grouped: dict[str, Sequence[Finding | TrendRequest]] = {"findings": plan.findings, "trends": plan.trends}
    for kind, parts in grouped.items():
        for number, part in enumerate(parts, start=1):
            if part.group and part.level not in catalogue.groups.get(part.group, {}):
                params = {"name": part.level, "group": part.group}
                found.append(Fault("unknown-level", f"{kind}/{number}/level", params))
    for number, link in enumerate(plan.conferences, start=1):
        if link.conference not in catalogue.conferences:
            found.append(Fault("unknown-conference", f"conferences/{number}", {"name": link.conference}))
        found += _unknown_items((link.item,), f"conferences/{number}/item", catalogue)
    for number, request in enumerate(plan.trends, start=1):
        found += _break_faults(request, f"trends/{number}", catalogue)
    unknown = sorted(
        (plan.policy.sensitive | plan.policy.places) - set(catalogue.items) - set(catalogue.groups)
    )
    found += [Fault("unknown-item", "disclosure", {"name": name}) for name in unknown]
    if plan.policy.method == "full":
        found += [
            Fault("full-needs-open", "disclosure/method", {"name": wave})
            for wave in plan.waves
            if wave in catalogue.weighted
        ]
    forgotten = sorted(catalogue.sensitive - plan.policy.sensitive)
    found += [Fault("sensitive-not-declared", "disclosure/sensitive", {"name": name}) for name in forgotten]
    return tuple(found)


def _unknown_items(items: Sequence[str], place: str, catalogue: Catalogue) -> list[Fault]:
    return [Fault("unknown-item", place, {"name": name}) for name in items if name not in catalogue.items]


def _item_faults(item: str, categories: Sequence[str], place: str, catalogue: Catalogue) -> list[Fault]:
    if item not in catalogue.items:
        return [Fault("unknown-item", f"{place}/item", {"name": item})]
    known = catalogue.items[item]
    return [
        Fault(
            "unknown-category", f"{place}/categories", {"name": name, "item": item, "known": ", ".join(known)}
        )
        for name in categories
        if name not in known
    ]


def _group_faults(plan: Plan, groups: Sequence[str], place: str, catalogue: Catalogue) -> list[Fault]:
    found = []
    least = plan.policy.rules.hide_below
    for name in groups:
        if name not in catalogue.groups:
            found.append(Fault("unknown-group", place, {"name": name}))
            continue
        small = [f"{level} ({n})" for level, n in catalogue.groups[name].items() if 0 < n < least]
        shown = [level for level, n in catalogue.groups[name].items() if n >= least]
        if len(shown) < 2:
            found.append(Fault("group-too-small", f"{place}/{name}", {"name": name, "least": least}))
        elif small:
            params = {"name": name, "levels": ", ".join(small), "least": least}
            found.append(Fault("levels-will-be-hidden", f"{place}/{name}", params, advice=True))
    return found


def _break_faults(request: TrendRequest, place: str, catalogue: Catalogue) -> list[Fault]:
    if catalogue.breaks is None:
        return []
    found = []
    covered = {(b.first, b.second): set(b.kinds) for b in request.bridges}
    for first, second in pairwise(request.waves):
        left = set(catalogue.breaks(request.item, first, second)) - covered.get((first, second), set())
        if left:
            params = {"first": first, "second": second, "kinds": ", ".join(sorted(left))}
            # A break is no mistake: the points are shown without a line, and nothing is tested.
            found.append(Fault("break-in-series", place, params, advice=True))
    return found
