"""Breaks in a series: what changed between two waves, and the stated reason to compare them all the same.

A figure that changes because the question, its scale, the mode, the frame, the languages or the population
changed is no finding. Between such waves no line is drawn and no test is run until an analyst states why the
comparison holds; the reason is printed with every result that relies on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from analysis.errors import EstimateError

KINDS = ("wording", "scale", "mode", "frame", "languages", "population")
SHORTEST_REASON = 20


class BreakInSeries(EstimateError):
    """A comparison across a break that no reason bridges; ``breaks`` lists every one of them."""

    def __init__(self, message: str, breaks: tuple[Break, ...]) -> None:
        super().__init__(
            "break_in_series",
            message,
            place=breaks[0].first + " - " + breaks[0].second,
            kinds=breaks[0].kinds,
        )
        self.breaks = breaks


@dataclass(frozen=True)
class Fielding:
    """How one variable was collected in one wave.

    ``wording`` and ``scale`` are digests of the question's text and of its answers (see :func:`digest`),
    ``mode`` the modes of collection, ``frame`` what people were drawn from, ``languages`` those offered,
    ``population`` who counts as a member. An empty field is unknown, and unknown is never the same.
    """

    wave: str
    wording: str
    scale: str
    mode: str
    frame: str
    languages: frozenset[str]
    population: str


@dataclass(frozen=True)
class Break:
    """What differs between two waves: ``kinds`` out of :data:`KINDS`, ``details`` as (before, after)
    texts."""

    first: str
    second: str
    kinds: tuple[str, ...]
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bridge:
    """A stated reason to compare two waves across a break; it covers the kinds that it names and is printed.

    Raises :class:`EstimateError` for a reason of less than 20 characters and for kinds that do not exist.
    """

    first: str
    second: str
    kinds: tuple[str, ...]
    reason: str
    stated_by: str

    def __post_init__(self) -> None:
        if len(self.reason.strip()) < SHORTEST_REASON:
            raise EstimateError(
                "reason_too_short",
                f"The reason to compare {self.first} and {self.second} is printed with the result; state it "
                "in a sentence.",
                place=f"{self.first} - {self.second}",
            )
        if not self.stated_by.strip():
            raise EstimateError(
                "nobody_stated", "A reason needs the name or role of the analyst who states it."
            )
        strange = [k for k in self.kinds if k not in KINDS]
        if strange or not self.kinds:
            raise EstimateError(
                "unknown_break",
                f"{', '.join(strange) or 'Nothing'} is no kind of break; name one of {', '.join(KINDS)}.",
            )


def digest(texts: Mapping[str, str] | Iterable[str]) -> str:
    """A short digest of the wording in every language, or of the answer labels in their order.

    White space and case do not count, languages are taken in the order of their tags.

    >>> digest({"en": "How are you?"}) == digest({"en": "How  are you? "})
    True
    >>> digest(["yes", "no"]) == digest(["no", "yes"])
    False
    """
    parts = (
        [f"{tag}={text}" for tag, text in sorted(texts.items())]
        if isinstance(texts, Mapping)
        else list(texts)
    )
    plain = "\x1f".join(" ".join(part.casefold().split()) for part in parts)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def compare(first: Fielding, second: Fielding) -> Break | None:
    """The break between two waves, None where nothing that matters changed."""
    kinds, details = [], []
    for kind in KINDS:
        before, after = getattr(first, kind), getattr(second, kind)
        if before == after and before:
            continue
        kinds.append(kind)
        details.append((_told(before), _told(after)))
    return Break(first.wave, second.wave, tuple(kinds), tuple(details)) if kinds else None


def _told(value: str | frozenset[str]) -> str:
    text = ", ".join(sorted(value)) if isinstance(value, frozenset) else value
    return text or "unknown"


def breaks(fieldings: Sequence[Fielding]) -> tuple[Break, ...]:
    """All breaks between waves that follow each other."""
    found = (compare(a, b) for a, b in pairwise(fieldings))
    return tuple(b for b in found if b is not None)


def unbridged(found: Sequence[Break], bridges: Sequence[Bridge] = ()) -> tuple[Break, ...]:
    """Breaks of which at least one kind is not covered by a stated reason."""
    covered = {(b.first, b.second): set[str]() for b in bridges}
    for bridge in bridges:
        covered[bridge.first, bridge.second].update(bridge.kinds)
    return tuple(b for b in found if set(b.kinds) - covered.get((b.first, b.second), set()))


def segments(waves: Sequence[str], open_breaks: Sequence[Break]) -> tuple[tuple[str, ...], ...]:
    """Runs of waves between which a line may be drawn."""
    cuts = {(b.first, b.second) for b in open_breaks}
    out: list[list[str]] = []
    for i, wave in enumerate(waves):
        if i == 0 or (waves[i - 1], wave) in cuts:
            out.append([])
        out[-1].append(wave)
    return tuple(tuple(run) for run in out)


def require(fieldings: Sequence[Fielding], bridges: Sequence[Bridge] = ()) -> tuple[str, ...]:
    """The notes to print with a comparison of these waves: one per stated reason.

    Raises :class:`BreakInSeries` where a break is not bridged; the message lists each with what changed.
    """
    found = breaks(fieldings)
    left = unbridged(found, bridges)
    if left:
        told = "; ".join(
            f"{b.first} - {b.second}: "
            + ", ".join(f"{k} ({x} -> {y})" for k, (x, y) in zip(b.kinds, b.details, strict=True))
            for b in left
        )
        raise BreakInSeries(
            f"The waves are not comparable as they stand. {told}. Compare other waves, or state a reason why "
            "the change "
            "does not matter (Bridge).",
            left,
        )
    return printed(found, bridges)


def printed(found: Sequence[Break], bridges: Sequence[Bridge]) -> tuple[str, ...]:
    """The stated reasons that concern these breaks, as sentences."""
    pairs = {(b.first, b.second) for b in found}
    return tuple(
        f"{b.first} - {b.second} compared in spite of a change of {', '.join(b.kinds)}: {b.reason} "
        f"({b.stated_by})"
        for b in bridges
        if (b.first, b.second) in pairs
    )


def listed(waves: Sequence[str], fieldings: Sequence[Fielding]) -> tuple[Fielding, ...]:
    """The fielding of every wave; one of which nothing is known differs from all others.

    Raises :class:`EstimateError` for a fielding of a wave that is not in the series.
    """
    by_wave = {f.wave: f for f in fieldings}
    strange = [w for w in by_wave if w not in waves]
    if strange:
        raise EstimateError(
            "no_such_wave",
            f"A fielding is given for {strange[0]}, which is no wave of the series.",
            place=strange[0],
        )
    return tuple(by_wave.get(w, Fielding(w, "", "", "", "", frozenset(), "")) for w in waves)
