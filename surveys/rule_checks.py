"""Faults of rules and variants: names that lead nowhere, references forward, conditions that cannot hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from surveys import rules
from surveys.draft import Draft, codes, inner_parts
from surveys.faults import Fault
from surveys.questionnaire import KINDS


@dataclass
class Known:
    """What a rule may refer to at a point of the document: addresses before it, and all there are."""

    everything: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    domains: dict[str, rules.Domain] = field(default_factory=dict)
    modules: dict[str, str | None] = field(default_factory=dict)
    conditions: dict[str, rules.Rule | None] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)


def _known(draft: Draft) -> Known:
    known = Known()
    for item in draft.items:
        known.everything[item["id"]] = item
        inner = inner_parts(item)
        known.modules[item["id"]] = item.get("module")
        if any(draft.has_lost_scale(own, item) for own in inner or (item,)):
            known.unclear.add(item["id"])
        if inner:
            known.parts[item["id"]] = tuple(f"{item['id']}.{part['id']}" for part in inner)
        for part in inner or (None,):
            address = f"{item['id']}.{part['id']}" if part else item["id"]
            known.everything[address] = item
            known.modules[address] = item.get("module")
            known.domains[address] = _domain(draft, item, part or item)
    return known


def _domain(draft: Draft, item: Mapping[str, Any], own: Mapping[str, Any]) -> rules.Domain:
    answers = draft.answers(own, item)
    exclusive = frozenset(
        option["code"] for option in (answers or {}).get("options", ()) if option.get("exclusive")
    )
    found = codes(answers)
    maximum = item.get("max", len(found)) if item["type"] == "multiple" else 0
    return rules.Domain(found, exclusive, maximum)


def _leaves(rule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the atoms of a written rule."""
    if "not" in rule:
        yield from _leaves(rule["not"])
    elif "item" in rule:
        yield rule
    else:
        for part in rule.get("all", rule.get("any", ())):
            yield from _leaves(part)


def _nots(rule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what stands under each ``not``."""
    if "not" in rule:
        yield rule["not"]
    for part in (*rule.get("all", ()), *rule.get("any", ())):
        yield from _nots(part)


def _references(draft: Draft) -> Iterator[Fault]:
    """Check every rule in the document's order, then whether it can hold at all."""
    known = _known(draft)
    before: set[str] = set()
    for item in draft.items:
        place = f"items/{item['id']}"
        own = list(_rule_faults(draft, known, before, item, place, item)) if "show_if" in item else []
        yield from own
        lost = "show_if" in item and _unclear(known, item["show_if"])
        if not own and not lost and "show_if" in item:
            yield from _can_hold(known, rules.parse(item["show_if"], known.parts), f"{place}/show_if")
        inner = inner_parts(item)
        for part in inner:
            at = f"{place}/{part['id']}"
            found = list(_rule_faults(draft, known, before, part, at, item)) if "show_if" in part else []
            yield from found
            part_lost = lost or ("show_if" in part and _unclear(known, part["show_if"]))
            _remember(known, item, part, f"{item['id']}.{part['id']}", bool(own or found or part_lost))
            if not own and not found and not part_lost and "show_if" in part:
                yield from _can_hold(known, known.conditions[f"{item['id']}.{part['id']}"], f"{at}/show_if")
            before.add(f"{item['id']}.{part['id']}")
        if not inner:
            _remember(known, item, None, item["id"], bool(own or lost))
        before.add(item["id"])


def _remember(
    known: Known, item: Mapping[str, Any], part: Mapping[str, Any] | None, address: str, faulty: bool
) -> None:
    if faulty:
        known.conditions[address] = None
        return
    written = [own["show_if"] for own in (item, part) if own and "show_if" in own]
    known.conditions[address] = rules.conjunction(*(rules.parse(rule, known.parts) for rule in written))


def _unclear(known: Known, rule: Mapping[str, Any]) -> bool:
    """Say whether a rule refers to something that was taken out or has lost its answers."""
    names = {atom["item"] for atom in _leaves(rule)}
    return any(name not in known.everything or name.partition(".")[0] in known.unclear for name in names)


def _can_hold(known: Known, rule: rules.Rule | None, place: str) -> Iterator[Fault]:
    """Tell a rule that contradicts itself from one whose filters are themselves never asked."""
    if rules.can_hold(rule, known.domains.__getitem__, known.conditions.__getitem__):
        return
    alone = rules.can_hold(rule, known.domains.__getitem__, lambda address: None)
    yield Fault("unreachable" if alone else "rule-never", place)


def _rule_faults(
    draft: Draft,
    known: Known,
    before: set[str],
    own: Mapping[str, Any],
    place: str,
    item: Mapping[str, Any],
) -> Iterator[Fault]:
    at = f"{place}/show_if"
    for inner in _nots(own["show_if"]):
        if "in" not in inner or inner["item"] in known.parts:
            yield Fault("rule-not", at)
    for atom in _leaves(own["show_if"]):
        address = atom["item"]
        params = {"item": address}
        if address not in known.everything:
            if f"items/{address.partition('.')[0]}" not in draft.broken:
                yield Fault("rule-unknown-item", at, params)
        elif known.everything[address]["id"] == item["id"] and address not in before:
            yield Fault("rule-self", at, params)
        elif address not in before:
            yield Fault("rule-forward", at, params)
        elif known.everything[address]["id"] == item["id"] and item.get("random"):
            yield Fault("rule-in-random", at, params)
        elif known.everything[address]["id"] not in known.unclear:
            yield from _atom_faults(draft, known, atom, at, item)


def _atom_faults(
    draft: Draft, known: Known, atom: Mapping[str, Any], at: str, item: Mapping[str, Any]
) -> Iterator[Fault]:
    address = atom["item"]
    params = {"item": address}
    kind = known.everything[address]["type"]
    choices = frozenset[str]().union(
        *(known.domains[one].codes for one in known.parts.get(address, (address,)))
    )
    if kind == "note":
        yield Fault("rule-on-note", at, params)
    elif "in" in atom and (KINDS.get(kind) in ("ranking", "text") or not choices):
        yield Fault("rule-on-text", at, params)
    else:
        for code in atom.get("in", ()):
            if code not in choices:
                yield Fault("rule-unknown-code", at, {**params, "code": code})
    for number, modules in enumerate(draft.document.get("variants", ()), start=1):
        mine, its = item.get("module"), known.modules[address]
        if its is not None and its not in modules and (mine is None or mine in modules):
            yield Fault("filter-not-in-variant", at, {**params, "variant": number})


def _variants(draft: Draft) -> Iterator[Fault]:
    """Find modules that no variant carries or no item has, and variants that ask the same."""
    variants = draft.document.get("variants")
    used = {item["module"] for item in draft.items if "module" in item}
    if variants is None:
        if used:
            yield Fault(
                "modules-without-variants", "variants", {"modules": ", ".join(sorted(used))}, advice=True
            )
        return
    for name in sorted(used - {name for modules in variants for name in modules}):
        yield Fault("module-in-no-variant", "variants", {"module": name})
    seen: dict[frozenset[str], int] = {}
    for number, modules in enumerate(variants, start=1):
        for name in modules:
            if name not in used and not draft.broken:
                yield Fault("unknown-module", f"variants/{number}", {"module": name})
        if (same := seen.setdefault(frozenset(modules), number)) != number:
            yield Fault("variants-same", f"variants/{number}", {"other": same})


RULE_CHECKS = (_references, _variants)
