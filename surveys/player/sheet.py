"""What one page needs beside the texts: routing as data for the script and as CSS for pages without
script."""

from __future__ import annotations

from typing import Any

from surveys.questionnaire import Item, Questionnaire
from surveys.routing import compact, css
from surveys.rules import AnyOf


def items_of(questionnaire: Questionnaire, variant: int | None) -> tuple[Item, ...]:
    """Return the items of one variant, or of all (``None``): the page that the script makes variants from."""
    if variant is None:
        return questionnaire.items
    return tuple(item for item in questionnaire.items if questionnaire.in_variant(item.module, variant))


def rules_as_data(questionnaire: Questionnaire) -> dict[str, Any]:
    """Return item id or address to its own rule, as the script reads it; what has no rule is left out."""
    rules: dict[str, Any] = {}
    for item in questionnaire.items:
        if item.rule is not None:
            rules[item.id] = compact(item.rule)
        for field in item.fields:
            if field.own_rule is not None:
                rules[field.address] = compact(field.own_rule)
    return rules


def variants_as_data(questionnaire: Questionnaire) -> list[list[str]]:
    """Return the modules of each variant, sorted, so that the same questionnaire gives the same bytes."""
    return [sorted(modules) for modules in questionnaire.variants]


def routing_css(questionnaire: Questionnaire) -> str:
    """Return rules that hide what is not asked, for pages without script.

    A browser that does not know ``:has()`` must drop all of it: then everything shows, and the server
    discards what was not asked. ``@supports`` makes sure of that, for ``:is()`` swallows what is unknown and
    would hide too much.
    """
    lines = []
    for item in questionnaire.items:
        own = [field.own_rule for field in item.fields]
        if item.rule is not None:
            lines.append(_hide(item.id, css(item.rule, questionnaire)))
        if own and all(rule is not None for rule in own):
            some = AnyOf(tuple(rule for rule in own if rule is not None))
            lines.append(_hide(item.id, css(some, questionnaire)))
        for field in item.fields:
            if field.own_rule is not None:
                lines.append(_hide(field.address, css(field.own_rule, questionnaire)))
    return "@supports selector(:has(a)){" + "".join(lines) + "}" if lines else ""


def _hide(identifier: str, condition: str) -> str:
    return f".n form:not({condition}) #{identifier.replace('.', chr(92) + '.')}{{display:none}}"
