"""Every fault of a questionnaire at once, each named and located: ``check(document)``.

Shape comes first (``surveys.shape``); whatever is sound in shape is then checked for meaning: structure
here, texts in ``surveys.text_checks``, rules and variants in ``surveys.rule_checks``, what may identify or
hurt people here too.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from surveys.draft import Draft, answer_lists, inner_parts
from surveys.faults import Fault
from surveys.rule_checks import RULE_CHECKS
from surveys.shape import shape
from surveys.text_checks import TEXT_CHECKS

STEPS = 11
"""Most steps of a numeric scale: 0 to 10."""
LONGEST_TEXT = 2000
SMALL_CELL = 10
"""People who share a combination of answers; below it the combination counts as identifying."""
RISK = 0.05
"""Share of people in small cells from which the checker speaks up."""
CELLS = 2_000_000


def check(
    document: Mapping[str, Any], *, final: bool = False, sounds: frozenset[str] | None = None
) -> tuple[Fault, ...]:
    """Return all faults in the order of the checks, then of the document.

    ``final``: the version is about to be published, so placeholders and lists to be filled must be filled.
    ``sounds``: names of the sound files at hand; left out, their presence is not checked.
    """
    sound = shape(document)
    if not sound.readable:
        return sound.faults
    draft = Draft(sound.document, sound.broken, final, sounds)
    found = [fault for one in (*STRUCTURE, *TEXT_CHECKS, *RULE_CHECKS, *RISKS) for fault in one(draft)]
    return (*sound.faults, *dict.fromkeys(found))


def stops(faults: Sequence[Fault]) -> bool:
    """Say whether a publication must be refused."""
    return any(not fault.advice for fault in faults)


def _repeated(names: Sequence[Any]) -> list[Any]:
    return [name for name, count in Counter(names).items() if count > 1]


def _duplicates(draft: Draft) -> Iterator[Fault]:
    """Find ids and codes that stand twice where they must be one."""
    document = draft.document
    for name in _repeated([section["id"] for section in document["sections"]]):
        yield Fault("duplicate-section", f"sections/{name}")
    for name in _repeated([item["id"] for item in draft.items]):
        yield Fault("duplicate-item", f"items/{name}")
    for item in draft.items:
        for name in _repeated([part["id"] for part in inner_parts(item)]):
            yield Fault("duplicate-part", f"items/{item['id']}/{name}")
    for place, answers in answer_lists(document):
        for code in _repeated([option["code"] for option in answers.get("options", ())]):
            yield Fault("duplicate-option", f"{place}/options/{code}")
    for name in _repeated([item["concept"] for item in draft.items if "concept" in item]):
        yield Fault("concept-repeated", "items", {"concept": name}, advice=True)


def _references(draft: Draft) -> Iterator[Fault]:
    """Find names of shared scales and texts that do not exist or that nobody uses."""
    for kind in ("scale", "text"):
        shared = draft.document.get(f"{kind}s", {})
        used = set()
        for place, name in draft.references(kind):
            used.add(name)
            if name not in shared and f"{kind}s/{name}" not in draft.broken:
                yield Fault(f"unknown-{kind}", place, {"name": name})
        for name in shared:
            if name not in used and not draft.broken:
                yield Fault(f"unused-{kind}", f"{kind}s/{name}", advice=True)


def _sections(draft: Draft) -> Iterator[Fault]:
    for section in draft.document["sections"]:
        if not section["items"] and not draft.broken:
            yield Fault("empty-section", f"sections/{section['id']}")


def _answers(draft: Draft) -> Iterator[Fault]:
    """Check each list of answers by itself: enough of them, worded ends, bands without holes."""
    for place, answers in answer_lists(draft.document):
        options = answers.get("options")
        if options is not None and "from" in answers:
            yield Fault("two-answer-lists", place)
        elif options is not None and len(options) < 2:
            yield Fault("too-few-options", place)
        if "from" in answers or "to" in answers:
            yield from _steps(place, answers)
        if options and any("from" in option or "to" in option for option in options):
            yield from _bands(place, options)


def _steps(place: str, answers: Mapping[str, Any]) -> Iterator[Fault]:
    if not {"from", "to", "low", "high"} <= answers.keys():
        yield Fault("ends-missing", place)
    elif not 2 <= answers["to"] - answers["from"] + 1 <= STEPS or answers["from"] < 0:
        yield Fault("scale-range", place, {"low": answers["from"], "high": answers["to"], "steps": STEPS})


def _bands(place: str, options: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """Bands must follow one another; only the first may be open below and the last above."""
    for before, after in itertools.pairwise(options):
        end, start = before.get("to"), after.get("from")
        at = f"{place}/options/{after['code']}"
        if end is None or start is None:
            yield Fault("band-open", at)
        elif start <= end:
            yield Fault("bands-overlap", at, {"from": start, "to": end})
        elif start > end + 1:
            yield Fault("bands-gap", at, {"from": end + 1, "to": start - 1})
    for option in options:
        if option.get("from", 0) > option.get("to", option.get("from", 0)):
            yield Fault("band-empty", f"{place}/options/{option['code']}")


def _answers_of_items(draft: Draft) -> Iterator[Fault]:
    """Check that each item has answers, once, and of a kind that its type can use."""
    for item in draft.items:
        place = f"items/{item['id']}"
        for at, own in draft.answering(item):
            answers = draft.answers(own, item)
            if "scale" in own and ("options" in own or "from" in own):
                yield Fault("scale-and-options", at)
            if answers is None and not draft.has_lost_scale(own, item) and not _exact(item):
                yield Fault("no-options", at)
            elif answers and "from" in answers and item["type"] in ("multiple", "ranking", "number", "date"):
                yield Fault("steps-not-for-type", at, {"type": item["type"]})
        if item["type"] in ("number", "date"):
            yield from _numbers(draft, item, place)


def _exact(item: Mapping[str, Any]) -> bool:
    return item["type"] in ("text", "note", "number", "date")


def _numbers(draft: Draft, item: Mapping[str, Any], place: str) -> Iterator[Fault]:
    answers = draft.answers(item, item)
    options = (answers or {}).get("options", ())
    if answers is None and not draft.has_lost_scale(item, item):
        if not item.get("exact", False):
            yield Fault("number-exact", place)
        elif not {"min", "max"} <= item.keys():
            yield Fault("number-unlimited", place)
    elif options and any("from" not in option and "to" not in option for option in options):
        yield Fault("bands-missing", place)
    if item.get("min", 0) > item.get("max", item.get("min", 0)):
        yield Fault("limits-crossed", place, {"low": item["min"], "high": item["max"]})


def _options_of_items(draft: Draft) -> Iterator[Fault]:
    """Check what the type allows of its options: maxima, exclusives, random order."""
    for item in draft.items:
        place = f"items/{item['id']}"
        options = (draft.answers(item, item) or {}).get("options", ())
        count = len(options)
        if item["type"] == "multiple" and not 1 < item.get("max", 2) <= max(count, 2):
            yield Fault("maximum-out-of-range", place, {"maximum": item["max"], "options": count})
        if item["type"] == "ranking" and count and item.get("top", 1) > count:
            yield Fault("top-out-of-range", place, {"top": item["top"], "options": count})
        if item["type"] != "multiple":
            for option in options:
                if option.get("exclusive"):
                    yield Fault(
                        "exclusive-not-for-type", f"{place}/options/{option['code']}", {"type": item["type"]}
                    )
        if item.get("random") and item["type"] != "battery" and draft.is_ordered(item):
            yield Fault("random-ordered", place)


def _free_text(draft: Draft) -> Iterator[Fault]:
    for item in draft.items:
        if item["type"] == "text":
            if not draft.document.get("free_text", False):
                yield Fault("text-not-allowed", f"items/{item['id']}")
            if item.get("max_length", 0) > LONGEST_TEXT:
                yield Fault("text-limit", f"items/{item['id']}", {"limit": LONGEST_TEXT})


def _sensitive(draft: Draft) -> Iterator[Fault]:
    """Find sensitive items that do not say why they are asked or cannot be refused."""
    for item in draft.items:
        level = item.get("sensitive", 0)
        if level == 2 and "why" not in item:
            yield Fault("sensitive-without-why", f"items/{item['id']}")
        for at, own in draft.answering(item):
            if level and not own.get("refusal", item.get("refusal", True)):
                yield Fault("sensitive-without-refusal", at)


def _audio(draft: Draft) -> Iterator[Fault]:
    """Find announced languages without sound, sound that nobody announced, files that are not there."""
    announced = draft.document.get("audio", [])
    for tag in announced:
        if tag not in draft.document["languages"]:
            yield Fault("audio-language-unknown", "audio", {"language": tag})
    for item in draft.items:
        place = f"items/{item['id']}/audio"
        files = item.get("audio", {})
        for tag in announced:
            if tag not in files:
                yield Fault("audio-missing", place, {"language": tag})
        for tag, name in files.items():
            if tag not in announced:
                yield Fault("audio-unannounced", place, {"language": tag}, advice=True)
            if draft.sounds is not None and name not in draft.sounds:
                yield Fault("audio-file-missing", place, {"file": name})


def _shares(draft: Draft) -> Iterator[Fault]:
    for place, shares, codes in draft.shares():
        for code in shares:
            if code not in codes:
                yield Fault("shares-unknown-code", f"{place}/shares/{code}")
        if sum(shares.values()) > 1.001:
            yield Fault("shares-over-one", f"{place}/shares", {"sum": round(sum(shares.values()), 3)})


def small_cell_share(margins: Sequence[Sequence[float]], population: int) -> float:
    """Return the share of people (0 to 1) who share their answers with under ten, were answers independent.

    ``margins`` are shares per item, each summing to at most one; what is missing to one counts as one more
    answer. Multiplication stops before ``CELLS`` cells, so the result is a lower bound for very many items.
    """
    cells = np.ones(1)
    for margin in margins:
        rest = max(0.0, 1.0 - sum(margin))
        full = np.array([*margin, rest] if rest > 1e-9 else list(margin))
        if cells.size * full.size > CELLS:
            break
        cells = np.outer(cells, full).ravel()
    return float(cells[cells * population < SMALL_CELL].sum())


def _identifying(draft: Draft) -> Iterator[Fault]:
    population = draft.document.get("population")
    found = [(place, list(shares.values())) for place, shares, _ in draft.shares()]
    if population is None or len(found) < 2:
        return
    share = small_cell_share([margin for _, margin in found], population)
    if share > RISK:
        names = ", ".join(place.removeprefix("items/") for place, _ in found)
        params = {"items": names, "percent": round(100 * share), "people": SMALL_CELL}
        yield Fault("identifying-combination", "items", params, advice=True)


Check = Callable[[Draft], Iterator[Fault]]
STRUCTURE: tuple[Check, ...] = (
    _duplicates, _references, _sections, _answers, _answers_of_items, _options_of_items, _free_text,
)  # fmt: skip
RISKS: tuple[Check, ...] = (_sensitive, _audio, _shares, _identifying)
