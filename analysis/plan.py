"""The analysis plan: what will be estimated and published, declared before the data and run as one batch.

A plan is a document (JSON or YAML).  It names waves, the weighting chain, groups, tables, tests, trends,
comparisons with outside figures and conferences, and the disclosure rules; so it is also the publication
plan that the auditor checks.  :func:`read` reports every fault of the document at once,
:func:`analysis.plan_checks.check` every fault beside the data, each with its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from analysis.breaks import KINDS as BREAK_KINDS
from analysis.breaks import SHORTEST_REASON, Bridge
from analysis.comparisons import METHODS as ADJUSTMENTS
from analysis.disclosure import METHODS as DISCLOSURE_METHODS
from analysis.disclosure import DisclosurePolicy
from analysis.marks import PrecisionRules, RulesError
from localtext import LocalText, is_tag
from surveys.faults import Fault, Faulty

VERSION = 1
STEPS = ("nonresponse", "post_stratify", "rake", "calibrate", "trim")


@dataclass(frozen=True)
class Step:
    """One step of the weighting chain; ``margins`` names stored margins, ``options`` is passed on."""

    kind: str
    margins: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TableRequest:
    """Items by groups. ``items`` empty: every item of the wave."""

    items: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """A headline: the share of ``categories`` of an item, within ``group`` = ``level`` or of everybody."""

    item: str
    categories: tuple[str, ...]
    text: LocalText
    group: str = ""
    level: str = ""


@dataclass(frozen=True)
class TrendRequest:
    """The share of ``categories`` of an item over ``waves``, within ``group`` = ``level`` or of everybody.

    ``unchanged_within`` is in percentage points.
    """

    item: str
    categories: tuple[str, ...]
    waves: tuple[str, ...]
    bridges: tuple[Bridge, ...] = ()
    unchanged_within: float | None = None
    group: str = ""
    level: str = ""


@dataclass(frozen=True)
class Outside:
    """A published figure of somebody else's survey, to be set beside ours; never pooled with it."""

    item: str
    categories: tuple[str, ...]
    label: LocalText
    time: float
    estimate: float
    n: float
    source: str
    low: float | None = None
    high: float | None = None
    population: LocalText = field(default_factory=dict)


@dataclass(frozen=True)
class ConferenceLink:
    """Priorities of a conference beside an item: option code -> category of the item."""

    conference: str
    item: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A plan as read. ``document`` is what it was read from, ``digest`` identifies it."""

    name: str
    title: LocalText
    languages: tuple[str, ...]
    waves: tuple[str, ...]
    weighting: tuple[Step, ...]
    tables: tuple[TableRequest, ...]
    findings: tuple[Finding, ...]
    trends: tuple[TrendRequest, ...]
    outside: tuple[Outside, ...]
    conferences: tuple[ConferenceLink, ...]
    policy: DisclosurePolicy
    level: float
    book_adjustment: str
    headline_adjustment: str
    about: Mapping[str, LocalText]
    document: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Identifies the plan: the same document in any order of keys has the same digest."""
        plain = json.dumps(self.document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()

    @property
    def groups(self) -> tuple[str, ...]:
        """All grouping variables, in the order of the plan."""
        return tuple(dict.fromkeys(group for table in self.tables for group in table.groups))


def loads(content: str | bytes) -> dict[str, Any]:
    """A plan's document from JSON or YAML text; raises :class:`Faulty` naming the line."""
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        found = json.loads(text) if text.lstrip()[:1] == "{" else yaml.safe_load(text)
    except UnicodeDecodeError as error:
        raise Faulty((Fault("not-utf8", "", {"byte": error.start}),)) from None
    except json.JSONDecodeError as error:
        raise Faulty((Fault("not-json", f"line {error.lineno}", {"reason": error.msg}),)) from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else ""
        raise Faulty((Fault("not-yaml", place, {"reason": str(getattr(error, "problem", error))}),)) from None
    if not isinstance(found, dict):
        raise Faulty((Fault("wrong-type", "", {"expected": "object"}),))
    return found


def title_of(content: str) -> dict[str, str]:
    """The title per language, of a plan that may be half written; empty where none can be read."""
    try:
        found = loads(content).get("title")
    except Faulty:
        return {}
    return {str(k): v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


class _Reader:
    """Walks a document, collecting faults instead of stopping at the first."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, kind: str, place: str, **params: Any) -> None:
        self.faults.append(Fault(kind, place, params))

    def known(self, value: Any, place: str, keys: Sequence[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.fault("wrong-type", place, expected="object")
            return {}
        for key in value:
            if key not in keys:
                self.fault("unknown-key", f"{place}/{key}".strip("/"), known=", ".join(keys))
        return value

    def words(self, value: Any, place: str) -> tuple[str, ...]:
        if value is None:
            return ()
        if isinstance(value, str | int) and not isinstance(value, bool):
            return (str(value),)
        if not isinstance(value, list):
            self.fault("wrong-type", place, expected="list")
            return ()
        for twice in sorted({str(v) for v in value if value.count(v) > 1}):
            self.fault("named-twice", place, name=twice)
        return tuple(str(v) for v in value)

    def word(self, value: Any, place: str, required: bool = True) -> str:
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)
        if required or value is not None:
            self.fault("missing" if value is None else "wrong-type", place, expected="text")
        return ""

    def number(self, value: Any, place: str, required: bool = True) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if required or value is not None:
            self.fault("missing" if value is None else "wrong-type", place, expected="number")
        return None

    def text(self, value: Any, place: str) -> LocalText:
        if value is None:
            return {}
        if isinstance(value, str):
            return {"en": value}
        if not isinstance(value, dict):
            self.fault("wrong-type", place, expected="text per language")
            return {}
        for tag, words in value.items():
            if not is_tag(str(tag)):
                self.fault("unknown-language", f"{place}/{tag}", tag=str(tag))
            if not isinstance(words, str):
                self.fault("wrong-type", f"{place}/{tag}", expected="text")
        return {str(tag): str(words) for tag, words in value.items()}

    def each(self, value: Any, place: str) -> Iterator[tuple[str, Any]]:
        if value is None:
            return
        if not isinstance(value, list):
            self.fault("wrong-type", place, expected="list")
            return
        for number, entry in enumerate(value, start=1):
            yield f"{place}/{number}", entry


KEYS = (
    "plan",
    "name",
    "title",
    "languages",
    "waves",
    "weighting",
    "tables",
    "tests",
    "findings",
    "trends",
    "outside",
    "conferences",
    "disclosure",
    "about",
)


def read(document: Mapping[str, Any]) -> Plan:
    """A plan from its document. Raises :class:`Faulty` with every fault that needs no data to be seen."""
    reader = _Reader()
    top = reader.known(dict(document), "", KEYS)
    if top.get("plan") != VERSION:
        reader.fault("plan-version", "plan", expected=VERSION, found=top.get("plan"))
    tests = reader.known(top.get("tests", {}), "tests", ("level", "book", "headlines"))
    level = reader.number(tests.get("level", 0.95), "tests/level") or 0.95
    if not 0.5 <= level < 1:
        reader.fault("out-of-range", "tests/level", low=0.5, high=1)
    waves = reader.words(top.get("waves"), "waves")
    if not waves:
        reader.fault("missing", "waves", expected="at least one wave")
    tables = tuple(_table(reader, entry, place) for place, entry in reader.each(top.get("tables"), "tables"))
    if not tables:
        reader.fault("missing", "tables", expected="at least one table")
    plan = Plan(
        name=reader.word(top.get("name"), "name"),
        title=reader.text(top.get("title"), "title"),
        languages=reader.words(top.get("languages", ["en"]), "languages"),
        waves=waves,
        weighting=tuple(_step(reader, e, p) for p, e in reader.each(top.get("weighting"), "weighting")),
        tables=tables,
        findings=tuple(_finding(reader, e, p) for p, e in reader.each(top.get("findings"), "findings")),
        trends=tuple(_trend(reader, e, p, waves) for p, e in reader.each(top.get("trends"), "trends")),
        outside=tuple(_outside(reader, e, p) for p, e in reader.each(top.get("outside"), "outside")),
        conferences=tuple(
            _conference(reader, e, p) for p, e in reader.each(top.get("conferences"), "conferences")
        ),
        policy=_policy(reader, top.get("disclosure", {})),
        level=level,
        book_adjustment=_adjustment(reader, tests, "book", "bh"),
        headline_adjustment=_adjustment(reader, tests, "headlines", "holm"),
        about=_about(reader, top.get("about", {})),
        document=document,
    )
    for tag in plan.languages:
        if not is_tag(tag):
            reader.fault("unknown-language", "languages", tag=tag)
    if reader.faults:
        raise Faulty(tuple(reader.faults))
    return plan


def _adjustment(reader: _Reader, tests: Mapping[str, Any], key: str, default: str) -> str:
    method = str(tests.get(key, default)).lower()
    if method not in ADJUSTMENTS:
        reader.fault("unknown-adjustment", f"tests/{key}", name=method, known=", ".join(sorted(ADJUSTMENTS)))
    return method


def _about(reader: _Reader, value: Any) -> dict[str, LocalText]:
    known = ("population", "method", "caution", "contact", "weighting")
    return {
        key: reader.text(text, f"about/{key}") for key, text in reader.known(value, "about", known).items()
    }


def _table(reader: _Reader, entry: Any, place: str) -> TableRequest:
    entry = reader.known(entry, place, ("items", "groups"))
    items = entry.get("items")
    return TableRequest(
        () if items in (None, "all") else reader.words(items, f"{place}/items"),
        reader.words(entry.get("groups"), f"{place}/groups"),
    )


def _step(reader: _Reader, entry: Any, place: str) -> Step:
    entry = dict(
        reader.known(entry, place, ("step", "margins", "lower", "upper", "bounds", "method", "outside"))
    )
    kind = reader.word(entry.pop("step", None), f"{place}/step")
    if kind and kind not in STEPS:
        reader.fault("unknown-step", f"{place}/step", name=kind, known=", ".join(STEPS))
    margins = reader.words(entry.pop("margins", None), f"{place}/margins")
    if kind in {"post_stratify", "rake", "calibrate"} and not margins:
        reader.fault("missing", f"{place}/margins", expected="names of margins")
    return Step(kind, margins, entry)


def _finding(reader: _Reader, entry: Any, place: str) -> Finding:
    entry = reader.known(entry, place, ("item", "categories", "text", "group", "level"))
    categories = reader.words(entry.get("categories"), f"{place}/categories")
    if not categories:
        reader.fault("missing", f"{place}/categories", expected="at least one category")
    if not entry.get("text"):
        reader.fault("missing", f"{place}/text", expected="a sentence per language")
    if bool(entry.get("group")) != bool(entry.get("level")):
        reader.fault("missing", f"{place}/level", expected="group and level together")
    return Finding(
        reader.word(entry.get("item"), f"{place}/item"),
        categories,
        reader.text(entry.get("text"), f"{place}/text"),
        str(entry.get("group") or ""),
        str(entry.get("level") or ""),
    )


def _trend(reader: _Reader, entry: Any, place: str, waves: Sequence[str]) -> TrendRequest:
    keys = ("item", "categories", "waves", "bridges", "unchanged_within", "group", "level")
    entry = reader.known(entry, place, keys)
    if bool(entry.get("group")) != bool(entry.get("level")):
        reader.fault("missing", f"{place}/level", expected="group and level together")
    chosen = reader.words(entry.get("waves"), f"{place}/waves") or tuple(waves)
    for wave in chosen:
        if wave not in waves:
            reader.fault("unknown-wave", f"{place}/waves", name=wave)
    if len(chosen) < 2:
        reader.fault("one-wave", f"{place}/waves")
    bridges = [_bridge(reader, e, p) for p, e in reader.each(entry.get("bridges"), f"{place}/bridges")]
    return TrendRequest(
        reader.word(entry.get("item"), f"{place}/item"),
        reader.words(entry.get("categories"), f"{place}/categories"),
        chosen,
        tuple(bridge for bridge in bridges if bridge is not None),
        reader.number(entry.get("unchanged_within"), f"{place}/unchanged_within", required=False),
        str(entry.get("group") or ""),
        str(entry.get("level") or ""),
    )


def _bridge(reader: _Reader, entry: Any, place: str) -> Bridge | None:
    entry = reader.known(entry, place, ("first", "second", "kinds", "reason", "stated_by"))
    before = len(reader.faults)
    words = {
        key: reader.word(entry.get(key), f"{place}/{key}")
        for key in ("first", "second", "reason", "stated_by")
    }
    kinds = reader.words(entry.get("kinds"), f"{place}/kinds")
    for kind in kinds:
        if kind not in BREAK_KINDS:
            reader.fault("unknown-break", f"{place}/kinds", name=kind, known=", ".join(BREAK_KINDS))
    if not kinds:
        reader.fault("missing", f"{place}/kinds", expected="kinds of break")
    if words["reason"] and len(words["reason"].strip()) < SHORTEST_REASON:
        reader.fault("reason-too-short", f"{place}/reason", least=SHORTEST_REASON)
    if len(reader.faults) > before:
        return None
    return Bridge(words["first"], words["second"], kinds, words["reason"], words["stated_by"])


def _outside(reader: _Reader, entry: Any, place: str) -> Outside:
    keys = ("item", "categories", "label", "time", "estimate", "n", "source", "low", "high", "population")
    entry = reader.known(entry, place, keys)
    numbers: dict[str, float | None] = {
        key: reader.number(entry.get(key), f"{place}/{key}", required=key not in {"low", "high"})
        for key in ("time", "estimate", "n", "low", "high")
    }
    for key in ("estimate", "low", "high"):
        value = numbers[key]
        if value is not None and not 0 <= value <= 1:
            reader.fault("not-a-share", f"{place}/{key}", value=value)
    if not entry.get("source"):
        reader.fault("missing", f"{place}/source", expected="where the figure was published")
    return Outside(
        reader.word(entry.get("item"), f"{place}/item"),
        reader.words(entry.get("categories"), f"{place}/categories"),
        reader.text(entry.get("label"), f"{place}/label"),
        numbers["time"] or 0.0,
        numbers["estimate"] or 0.0,
        numbers["n"] or 0.0,
        str(entry.get("source") or ""),
        numbers["low"],
        numbers["high"],
        reader.text(entry.get("population"), f"{place}/population"),
    )


def _conference(reader: _Reader, entry: Any, place: str) -> ConferenceLink:
    entry = reader.known(entry, place, ("conference", "item", "options"))
    options = entry.get("options") or {}
    if not isinstance(options, dict):
        reader.fault("wrong-type", f"{place}/options", expected="object")
        options = {}
    return ConferenceLink(
        reader.word(entry.get("conference"), f"{place}/conference"),
        reader.word(entry.get("item"), f"{place}/item"),
        {str(key): str(value) for key, value in options.items()},
    )


def _policy(reader: _Reader, value: Any) -> DisclosurePolicy:
    keys = ("method", "rules", "width", "homogeneity", "sensitive", "places")
    entry = reader.known(value, "disclosure", keys)
    method = str(entry.get("method", "sample"))
    if method not in DISCLOSURE_METHODS:
        reader.fault("unknown-method", "disclosure/method", name=method, known=", ".join(DISCLOSURE_METHODS))
        method = "sample"
    try:
        rules = PrecisionRules.from_dict(
            reader.known(entry.get("rules", {}), "disclosure/rules", tuple(_RULES))
        )
    except RulesError as error:
        reader.fault("precision-rule", f"disclosure/rules/{error.place}", reason=str(error.params["reason"]))
        rules = PrecisionRules()
    width = reader.number(entry.get("width", USUAL.width), "disclosure/width")
    width = USUAL.width if width is None else width
    share = reader.number(entry.get("homogeneity", USUAL.homogeneity), "disclosure/homogeneity")
    share = USUAL.homogeneity if share is None else share
    _floor(reader, method, rules, width, share)
    return DisclosurePolicy(
        method=method,
        rules=rules,
        width=int(width),
        homogeneity=share,
        sensitive=frozenset(reader.words(entry.get("sensitive"), "disclosure/sensitive")),
        places=frozenset(reader.words(entry.get("places"), "disclosure/places")),
    )


def _floor(reader: _Reader, method: str, rules: PrecisionRules, width: float, homogeneity: float) -> None:
    """No plan protects less than this, whoever decides: under it the auditor would have nothing to guard."""
    least: dict[str, tuple[float, float]] = {
        "width": (width, LEAST_WIDTH),
        "rules/hide_below": (rules.hide_below, LEAST_HIDDEN),
    }
    if method != "exact":
        least["rules/base_unit"] = (rules.base_unit, USUAL.rules.base_unit)
    for name, (own, floor) in least.items():
        if own < floor:
            reader.fault("protects-too-little", f"disclosure/{name}", least=floor)
    if LEAST_HIDDEN <= rules.hide_below < width + 2 and method != "full":
        params = {"own": rules.hide_below, "width": int(width), "least": int(width) + 2}
        reader.fault("dot-tells", "disclosure/rules/hide_below", **params)
    if not 0.5 < homogeneity <= 1:
        reader.fault("out-of-range", "disclosure/homogeneity", low=0.5, high=1)


USUAL = DisclosurePolicy()
LEAST_HIDDEN = 5
"""Groups of fewer people than this are hidden by every plan."""

LEAST_WIDTH = 3
"""So many people more than the fewest possible a reader must always think possible in a hidden group."""

_RULES = PrecisionRules.__dataclass_fields__
