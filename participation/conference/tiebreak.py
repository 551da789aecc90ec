"""Breaking ties openly: head-to-head, then first ranks, then a lot with a seed shown beforehand.

The result says for every place which step decided it. Sources of the lot: SHA-256 of seed and option id, so
that anybody can repeat it with paper and a hash program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from participation.conference.ballots import Classes, Policy, Profile
from participation.conference.elimination import plurality
from participation.conference.pairwise import pairwise

STEPS = ("rule", "head_to_head", "first_ranks", "lot")


@dataclass(frozen=True)
class Place:
    """One place of the resolved order; ``step`` is what put it before the next one."""

    option: str
    step: str


def lot(seed: str, options: Iterable[str]) -> list[str]:
    """The order of the lot: by SHA-256 of ``seed/option id``."""
    return sorted(options, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).hexdigest())


def lot_decided(order: Sequence[Mapping[str, Any]], choose: int) -> bool:
    """Whether the lot said who has the last of ``choose`` places; ``order`` as an outcome keeps it."""
    last = order[choose - 1 : choose]
    return bool(last) and bool(last[0]["step"] == "lot")


def resolve(classes: Classes, profile: Profile, policy: Policy, seed: str) -> list[Place]:
    """A strict order out of ordered classes, each tie broken by the first step that can.

    Head-to-head takes out whoever strictly beats all others of the tie; first ranks take the most first votes
    (for ballots that are no rankings both steps see nothing, and the lot decides).
    """
    wins = pairwise(profile, policy) if profile.kind == "ranking" else None
    firsts = plurality(profile) if profile.kind == "ranking" else None
    found: list[Place] = []
    for tied in classes:
        rest = list(tied)
        while rest:
            option, step = _next(rest, profile.ids, wins, firsts, seed)
            rest.remove(option)
            found.append(Place(option, step if rest else "rule"))
    return found


def _next(rest: list[str], ids: tuple[str, ...], wins: Any, firsts: Any, seed: str) -> tuple[str, str]:
    if wins is not None:
        for name in rest:
            x = ids.index(name)
            others = [ids.index(other) for other in rest if other != name]
            if all(wins[x, y] > wins[y, x] for y in others):
                return name, "head_to_head"
    if firsts is not None:
        most = max(firsts[ids.index(name)] for name in rest)
        best = [name for name in rest if firsts[ids.index(name)] == most]
        if len(best) == 1:
            return best[0], "first_ranks"
        return lot(seed, best)[0], "lot"
    return lot(seed, rest)[0], "lot"
