"""From answers to the path: which fields are asked. The authority; script and CSS are held to it by tests.

An atom of a rule holds only for a substantive answer of a field that is itself on the path, so the path
is computed in the document's order, each field looking back on those before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from surveys.questionnaire import Questionnaire
from surveys.rules import All, Answered, AnyOf, In, Rule

Value: TypeAlias = str | int | Sequence[str]
Answers: TypeAlias = Mapping[str, Value]

MISSING = ("!not_asked", "!not_in_variant", "!dont_know", "!refused", "!no_answer")
"""The missing codes as stored. No option's code can begin with an exclamation mark."""


def substantive(value: Value | None) -> bool:
    """Say whether this is an answer, and not a missing code, an empty list or nothing."""
    if value is None or isinstance(value, str):
        return bool(value) and not str(value).startswith("!")
    return isinstance(value, int) or len(value) > 0


def holds(rule: Rule | None, asked: Mapping[str, bool] | set[str], answers: Answers) -> bool:
    """Say whether ``rule`` holds, given the addresses already ``asked`` and the answers."""
    if rule is None:
        return True
    if isinstance(rule, All):
        return all(holds(part, asked, answers) for part in rule.rules)
    if isinstance(rule, AnyOf):
        return any(holds(part, asked, answers) for part in rule.rules)
    value = answers.get(rule.address)
    if rule.address not in asked or value is None or not substantive(value):
        return False
    if isinstance(rule, Answered):
        return True
    chosen = (value,) if isinstance(value, str | int) else value
    return any(code in rule.codes for code in chosen) != rule.otherwise


def path(questionnaire: Questionnaire, answers: Answers, variant: int = 1) -> tuple[str, ...]:
    """Return the addresses that are asked, in order; answers off the path have no influence on it."""
    asked: dict[str, bool] = {}
    for field in questionnaire.fields:
        if questionnaire.in_variant(field.module, variant) and holds(field.rule, asked, answers):
            asked[field.address] = True
    return tuple(asked)


def compact(rule: Rule | None) -> list[Any] | None:
    """Return the rule as the browser script reads it: nested lists that begin with their operator.

    ``["&", ...]``, ``["|", ...]``, ``["=", address, codes...]``, ``["!", address, codes...]`` (answered
    otherwise), ``["?", address]`` (answered).
    """
    if rule is None:
        return None
    if isinstance(rule, All):
        return ["&", *(compact(part) for part in rule.rules)]
    if isinstance(rule, AnyOf):
        return ["|", *(compact(part) for part in rule.rules)]
    if isinstance(rule, Answered):
        return ["?", rule.address]
    return ["!" if rule.otherwise else "=", rule.address, *rule.codes]


def css(rule: Rule, questionnaire: Questionnaire) -> str:
    """Return a compound selector that matches the form exactly when ``rule`` holds.

    The condition of the field that an atom refers to is conjoined, because a hidden radio may still be
    checked.
    """
    if isinstance(rule, All):
        return "".join(css(part, questionnaire) for part in rule.rules)
    if isinstance(rule, AnyOf):
        return ":is(" + ",".join(css(part, questionnaire) for part in rule.rules) + ")"
    field = questionnaire.by_address[rule.address]
    own = css(field.rule, questionnaire) if field.rule is not None else ""
    return own + _atom(rule, field.kind, questionnaire)


def _atom(rule: In | Answered, kind: str, questionnaire: Questionnaire) -> str:
    address = rule.address
    named = f'[name="{address}"]'
    if kind in ("single", "multiple"):
        codes = _codes(rule, kind, questionnaire)
        if codes is None:
            return f':has({named}:checked:not([value^="!"]))'
        found = ":has(" + ",".join(f'{named}[value="{code}"]:checked' for code in codes) + ")"
        if kind == "multiple" and isinstance(rule, In) and rule.otherwise:
            return f':has({named}:checked:not([value^="!"])):not({found})'
        return found
    if kind == "ranking":
        found = f':has([name^="{address}~"] option:checked:not([value=""]))'
    else:
        found = f":has({named}:not(:placeholder-shown))"
    return f'{found}:not(:has([name="{address}!"]:checked))'


def _codes(rule: In | Answered, kind: str, questionnaire: Questionnaire) -> tuple[str, ...] | None:
    """Return the codes of which one must be checked; ``None`` where any code will do."""
    if isinstance(rule, Answered):
        return None
    if kind == "single" and rule.otherwise:
        options = questionnaire.by_address[rule.address].options
        return tuple(option.code for option in options if option.code not in rule.codes)
    return rule.codes
