"""From what a browser posted to a clean response: every address with a value or exactly one missing code.

``check(questionnaire, raw, variant)`` is the only door. ``raw`` is the JSON object ``answers`` of the
script or the fields of the form (``request.form.to_dict(flat=False)``); both name the same things:

* ``address``: a code, a list of codes, a typed number or words; or ``!refused`` / ``!dont_know`` *
``address~1``, ``address~2`` …: the places of a ranking in the form without script (the script posts a list)
* ``address!``: a refusal beside a typed field or a ranking * names that begin with ``_`` belong to the
envelope; of these only ``_consent`` (``yes``) is looked at
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surveys.faults import Fault
from surveys.questionnaire import Field, Questionnaire
from surveys.routing import Value, path, substantive

#: Control characters, and halves of a character, as a phone sends them that cut an emoji in two: no store
#: takes these, so they would lose the whole answer.
_NO_WORDS = ("Cc", "Cs")

LARGEST_RAW = 2_000
"""Names in one body beyond which nothing is looked at any more."""


Read = tuple[Value, list[Fault]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a body.

    ``answers`` has every address except those of texts, in the document's order, each with a code, a list
    of codes, a whole number or a missing code (``surveys.routing.MISSING``). ``texts`` has the words,
    kept apart. ``faults`` is what the person must mend; while there is one, nothing may be stored.
    ``discarded`` names the addresses that were answered but are not on the path: a page may say so, it is
    no fault.
    """

    answers: dict[str, Value]
    texts: dict[str, str]
    faults: tuple[Fault, ...]
    discarded: tuple[str, ...]


def check(questionnaire: Questionnaire, raw: Mapping[str, Any], variant: int = 1) -> Checked:
    """Return clean answers, texts, faults and discarded addresses; never raises, whatever ``raw`` holds."""
    if not isinstance(raw, Mapping) or len(raw) > LARGEST_RAW:
        return Checked({}, {}, (Fault("wrong-shape", ""),), ())
    if not 1 <= variant <= len(questionnaire.variants):
        return Checked({}, {}, (Fault("unknown-variant", "", {"variant": variant}),), ())
    values: dict[str, Value] = {}
    faults = [Fault("consent-missing", "_consent")] if _first(raw.get("_consent")) != "yes" else []
    per_field: dict[str, list[Fault]] = {}
    for field in questionnaire.fields:
        value, found = _read(field, raw)
        values[field.address] = value
        per_field[field.address] = found
    asked = frozenset(path(questionnaire, values, variant))
    faults += [fault for address, found in per_field.items() if address in asked for fault in found]
    faults += _unknown(questionnaire, raw)
    discarded = tuple(
        address for address, value in values.items()
        if address not in asked and (substantive(value) or per_field[address])
    )  # fmt: skip
    return _sorted_out(questionnaire, values, asked, variant, tuple(faults), discarded)


def _sorted_out(
    questionnaire: Questionnaire,
    values: dict[str, Value],
    asked: frozenset[str],
    variant: int,
    faults: tuple[Fault, ...],
    discarded: tuple[str, ...],
) -> Checked:
    """Give every address its value or the missing code that says why there is none."""
    answers: dict[str, Value] = {}
    texts: dict[str, str] = {}
    for field in questionnaire.fields:
        value = values[field.address]
        if not questionnaire.in_variant(field.module, variant):
            value = "!not_in_variant"
        elif field.address not in asked:
            value = "!not_asked"
        if field.kind != "text":
            answers[field.address] = value
        elif substantive(value):
            texts[field.address] = str(value)
    return Checked(answers, texts, faults, discarded)


def _read(field: Field, raw: Mapping[str, Any]) -> Read:
    """The value of one field and what is wrong with it; the two usual cases without a second look."""
    given = raw.get(field.address)
    if field.kind != "ranking" and field.beside not in raw:
        if given is None:
            return "!no_answer", []
        if field.kind == "single" and given.__class__ is str and given in field.codes:
            return given, []
    return READERS[field.kind](field, _given(field, raw))


@dataclass(frozen=True, slots=True)
class Given:
    """The strings a body holds for one field: under its name, as ranked places, as a refusal beside it."""

    values: tuple[str, ...]
    places: tuple[tuple[int, str], ...]
    beside: tuple[str, ...]
    odd: bool


def _given(field: Field, raw: Mapping[str, Any]) -> Given:
    values, odd = _strings(raw.get(field.address))
    beside, odder = _strings(raw.get(field.beside))
    places = []
    if field.kind == "ranking":
        for place in range(1, len(field.options) + 1):
            code, odd_place = _strings(raw.get(f"{field.address}~{place}"))
            odd = odd or odd_place or len(code) > 1
            places += [(place, one) for one in code[:1]]
    return Given(values, tuple(places), beside, odd or odder)


def _strings(value: Any) -> tuple[tuple[str, ...], bool]:
    """Return the non-blank strings of a value, and whether there was anything else in it."""
    listed: Sequence[Any] = value if isinstance(value, list | tuple) else [] if value is None else [value]
    strings = [str(one) if isinstance(one, int) and not isinstance(one, bool) else one for one in listed]
    good = tuple(one for one in strings if isinstance(one, str) and one.strip())
    return good, any(not isinstance(one, str) for one in strings)


def _first(value: Any) -> str:
    values, _ = _strings(value)
    return values[0] if values else ""


def _allowed_missing(field: Field) -> frozenset[str]:
    return frozenset(
        code for code, on in (("!dont_know", field.dont_know), ("!refused", field.refusal)) if on
    )


def _fault(kind: str, field: Field, **params: Any) -> Read:
    return "!no_answer", [Fault(kind, field.address, params)]


def _missing(field: Field, given: Given) -> Read | None:
    """Read a refusal or "don't know"; ``None`` where the field was answered otherwise or not at all."""
    said = [one for one in (*given.values, *given.beside) if one.startswith("!")]
    if given.odd:
        return _fault("wrong-shape", field)
    if not said or (field.kind == "text" and not given.beside):
        return None
    answered = [one for one in given.values if not one.startswith("!")] or given.places
    if answered or len(set(said)) > 1:
        return _fault("answer-and-refusal", field)
    if said[0] == "!no_answer":
        return "!no_answer", []
    if said[0] not in _allowed_missing(field):
        return _fault("unknown-code", field, code=said[0][:40])
    return said[0], []


def _read_single(field: Field, given: Given) -> Read:
    if found := _missing(field, given):
        return found
    if not given.values:
        return "!no_answer", []
    if len(set(given.values)) > 1:
        return _fault("two-answers", field)
    code = given.values[0]
    if code in field.codes:
        return code, []
    if any(option.start is not None or option.stop is not None for option in field.options):
        return _banded(field, code)
    return _fault("unknown-code", field, code=code[:40])


def _banded(field: Field, typed: str) -> Read:
    """Turn a typed number into the code of its band; the number itself is forgotten."""
    number = whole_number(typed)
    if number is None:
        return _fault("not-a-number", field)
    if not _within(number, field.low, field.high):
        return _fault("out-of-range", field, low=field.low, high=field.high)
    for option in field.options:
        if _within(number, option.start, option.stop):
            return option.code, []
    return _fault("out-of-range", field, low=field.options[0].start, high=field.options[-1].stop)


def _within(number: int, low: int | None, high: int | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def whole_number(typed: str) -> int | None:
    """Read a whole number in any script's digits; ``None`` if it is none or has over 9 digits."""
    stripped = typed.strip()
    digits = "".join(str(unicodedata.decimal(char, "?")) for char in stripped.removeprefix("-"))
    if not 1 <= len(digits) <= 9 or "?" in digits:
        return None
    return -int(digits) if stripped.startswith("-") else int(digits)


def _read_exact(field: Field, given: Given) -> Read:
    if found := _missing(field, given):
        return found
    if not given.values:
        return "!no_answer", []
    if len(set(given.values)) > 1:
        return _fault("two-answers", field)
    number = whole_number(given.values[0])
    if number is None:
        return _fault("not-a-number", field)
    if not _within(number, field.low, field.high):
        return _fault("out-of-range", field, low=field.low, high=field.high)
    return number, []


def _read_multiple(field: Field, given: Given) -> Read:
    if found := _missing(field, given):
        return found
    chosen = frozenset(given.values)
    if strange := sorted(chosen - field.codes):
        return _fault("unknown-code", field, code=strange[0][:40])
    if len(chosen) > 1 and chosen & field.domain.exclusive:
        return _fault("exclusive-with-others", field)
    if len(chosen) > field.maximum:
        return _fault("too-many", field, maximum=field.maximum)
    return [option.code for option in field.options if option.code in chosen] or "!no_answer", []


def _read_ranking(field: Field, given: Given) -> Read:
    if found := _missing(field, given):
        return found
    if given.places and [place for place, _ in given.places] != list(range(1, len(given.places) + 1)):
        return _fault("rank-gap", field)
    order = [code for _, code in given.places] or list(given.values)
    if strange := [code for code in order if code not in field.codes]:
        return _fault("unknown-code", field, code=strange[0][:40])
    if len(set(order)) < len(order):
        return _fault("repeated-rank", field)
    if len(order) > field.maximum:
        return _fault("too-many", field, maximum=field.maximum)
    return order or "!no_answer", []


def _read_text(field: Field, given: Given) -> Read:
    if found := _missing(field, given):
        return found
    if not given.values:
        return "!no_answer", []
    kept = (char for char in given.values[0] if char == "\n" or unicodedata.category(char) not in _NO_WORDS)
    words = "".join(kept)
    words = unicodedata.normalize("NFC", words).strip().lstrip("!")
    if len(words) > field.maximum:
        return _fault("text-too-long", field, length=len(words), maximum=field.maximum)
    return words or "!no_answer", []


READERS: Mapping[str, Callable[[Field, Given], Read]] = {
    "single": _read_single,
    "multiple": _read_multiple,
    "exact": _read_exact,
    "ranking": _read_ranking,
    "text": _read_text,
}


def _unknown(questionnaire: Questionnaire, raw: Mapping[str, Any]) -> list[Fault]:
    """Name what belongs to no field; the envelope's names begin with an underscore."""
    found = []
    for name in raw:
        if not isinstance(name, str) or name.startswith("_"):
            continue
        base, mark, place = name.removesuffix("!").partition("~")
        field = questionnaire.by_address.get(base)
        ranked = field is not None and field.kind == "ranking" and place.isdecimal()
        if field is None or (mark and not ranked):
            found.append(Fault("unknown-item", name[:80]))
    return found
