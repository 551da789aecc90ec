"""One ballot as a phone or a clerk sends it: checked against the round, every fault at once.

The published document of a round says what a ballot may hold: ``method``, ``options`` (id, version, cost),
``places`` (ranking), ``dots`` and ``per_option`` (dots), ``top`` (score and resistance), ``budget``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from participation.conference import ballotfiles
from participation.conference.ballots import Fault, Profile

#: Method of a round -> key under which a ballot document holds it, and kind of profile.
METHODS: dict[str, tuple[str, str]] = {
    "ranking": ("ranking", "ranking"),
    "dots": ("dots", "dots"),
    "approval": ("approve", "approval"),
    "score": ("score", "score"),
    "consensing": ("resistance", "consensing"),
    "pairwise": ("pairs", "pairwise"),
    "budget": ("approve", "budget"),
}
#: A receipt is this many indices into a list of so many words.
RECEIPT = 6
WORDS = 256
#: Pairs that one ballot may hold.
MOST_PAIRS = 60


class BallotError(ValueError):
    """A ballot that cannot be taken; ``faults`` names every reason."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.code for fault in self.faults))


def check(round_: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """The document to keep: the ballot, its receipt, and nothing else that was sent.

    Raises:
        BallotError: ``malformed``, ``reworded`` (another version of the options), ``option_unknown``,
            ``option_twice``, ``too_many_places``, ``too_many_dots``, ``too_many_on_one``, ``out_of_range``,
            ``over_budget``.
    """
    key, _ = METHODS[round_["method"]]
    faults: list[Fault] = []
    if sent.get("version", round_["version"]) != round_["version"]:
        faults.append(Fault("reworded"))
    content = sent.get(key)
    checks: dict[str, Callable[[Mapping[str, Any], Any, list[Fault]], Any]] = {
        "ranking": _ranking,
        "dots": _dots,
        "approve": _approved,
        "score": _graded,
        "resistance": _graded,
        "pairs": _pairs,
    }
    kept = checks[key](round_, content, faults)
    if faults:
        raise BallotError(faults)
    return {key: kept, "receipt": _receipt(sent.get("receipt"))}


def is_blank(document: Mapping[str, Any]) -> bool:
    """Whether a checked ballot says nothing at all."""
    return not any(value for name, value in document.items() if name != "receipt")


def _receipt(value: Any) -> list[int]:
    if value is None:
        return []
    good = isinstance(value, list) and len(value) == RECEIPT
    if not good or not all(type(n) is int and 0 <= n < WORDS for n in value):
        raise BallotError([Fault("malformed")])
    return list(value)


def _known(round_: Mapping[str, Any], names: Sequence[Any], faults: list[Fault]) -> bool:
    ids = {option["id"] for option in round_["options"]}
    before = len(faults)
    for n, name in enumerate(names):
        if not isinstance(name, str) or name not in ids:
            faults.append(Fault("option_unknown", "", {"option": str(name)[:40]}))
        elif name in names[:n]:
            faults.append(Fault("option_twice", "", {"option": name}))
    return len(faults) == before


def _ranking(round_: Mapping[str, Any], content: Any, faults: list[Fault]) -> list[list[str]]:
    if not isinstance(content, list) or not all(isinstance(tied, list) for tied in content):
        faults.append(Fault("malformed"))
        return []
    classes = [[str(name) for name in tied] for tied in content if tied]
    names = [name for tied in classes for name in tied]
    _known(round_, names, faults)
    places = round_.get("places") or len(round_["options"])
    if len(names) > places:
        faults.append(Fault("too_many_places", "", {"places": places, "found": len(names)}))
    return classes


def _numbers(round_: Mapping[str, Any], content: Any, faults: list[Fault]) -> dict[str, int]:
    if not isinstance(content, dict) or not all(type(n) is int for n in content.values()):
        faults.append(Fault("malformed"))
        return {}
    _known(round_, list(content), faults)
    return dict(content)


def _dots(round_: Mapping[str, Any], content: Any, faults: list[Fault]) -> dict[str, int]:
    marks = _numbers(round_, content, faults)
    dots, most = round_["dots"], round_.get("per_option") or round_["dots"]
    if any(n < 0 for n in marks.values()):
        faults.append(Fault("out_of_range", "", {"top": most}))
    if sum(marks.values()) > dots:
        faults.append(Fault("too_many_dots", "", {"dots": dots, "found": sum(marks.values())}))
    if any(n > most for n in marks.values()):
        faults.append(Fault("too_many_on_one", "", {"most": most}))
    return {name: n for name, n in marks.items() if n}


def _graded(round_: Mapping[str, Any], content: Any, faults: list[Fault]) -> dict[str, int]:
    marks = _numbers(round_, content, faults)
    top = round_.get("top") or 10
    if any(not 0 <= n <= top for n in marks.values()):
        faults.append(Fault("out_of_range", "", {"top": top}))
    return marks


def _approved(round_: Mapping[str, Any], content: Any, faults: list[Fault]) -> list[str]:
    if not isinstance(content, list):
        faults.append(Fault("malformed"))
        return []
    known = _known(round_, content, faults)
    budget = round_.get("budget")
    if round_["method"] == "budget" and known:
        costs = {option["id"]: option["cost"] for option in round_["options"]}
        spent = sum(costs[name] for name in content)
        if spent > budget:
            faults.append(Fault("over_budget", "", {"budget": budget, "found": spent}))
    return [str(name) for name in content]


def _pairs(round_: Mapping[str, Any], content: Any, faults: list[Fault]) -> list[list[str]]:
    """Pairs (chosen, other)."""
    if not isinstance(content, list) or len(content) > MOST_PAIRS:
        faults.append(Fault("malformed"))
        return []
    for pair in content:
        if not isinstance(pair, list) or len(pair) != 2:
            faults.append(Fault("malformed"))
        else:
            _known(round_, pair, faults)
    return [list(pair) for pair in content]


def profile(round_: Mapping[str, Any], ballots: Iterable[Mapping[str, Any]]) -> Profile:
    """The ballots of a round as a profile; ``group`` and ``mode`` are columns.

    Each ballot is what `check` keeps, with ``group`` and ``mode`` beside it. A pairwise ballot counts as many
    choices as it holds.
    """
    _, kind = METHODS[round_["method"]]
    options = [
        {"id": option["id"], "name": option["id"]}
        | ({"cost": option["cost"]} if round_["method"] == "budget" else {})
        for option in round_["options"]
    ]
    rows: list[dict[str, Any]] = []
    for ballot in ballots:
        columns = {"count": 1, "group": ballot.get("group", ""), "mode": ballot.get("mode", "")}
        if kind == "pairwise":
            rows += [columns | {"winner": won, "from": [won, lost]} for won, lost in ballot["pairs"]]
        else:
            key = METHODS[round_["method"]][0]
            rows.append(columns | {key: ballot[key]})
    return ballotfiles.profile_from(
        {
            "kind": kind,
            "options": options,
            "ballots": rows,
            "seats": round_.get("seats"),
            "budget": round_.get("budget"),
        }
    )


def from_fields(round_: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """A ballot from the plain form: fields ``o-<id>`` hold a rank, a number, or a mark; ``pair-<n>`` the
    chosen id.

    Raises:
        BallotError: ``no_number`` for what is no number.
    """
    key, _ = METHODS[round_["method"]]
    filled = {o["id"]: fields.get(f"o-{o['id']}", "").strip() for o in round_["options"]}
    sent: dict[str, Any] = {"version": round_["version"]}
    if "version" in fields and fields["version"].isdecimal():
        sent["version"] = int(fields["version"])
    if key == "approve":
        return sent | {key: [name for name, value in filled.items() if value]}
    if key == "pairs":
        return sent | {key: [value.split("|") for name, value in fields.items() if _is_pair(name, value)]}
    wrong = [name for name, value in filled.items() if value and not value.isdecimal()]
    if wrong:
        raise BallotError([Fault("no_number", "", {"option": name}) for name in wrong])
    numbers = {name: int(value) for name, value in filled.items() if value}
    if key != "ranking":
        return sent | {key: numbers}
    places = sorted(set(numbers.values()) - {0})
    return sent | {key: [[name for name, n in numbers.items() if n == place] for place in places]}


def _is_pair(name: str, value: str) -> bool:
    return name.startswith("pair-") and value.count("|") == 1
