"""What one person's and one response's rows come to in the attacker's hands: whatever columns there are.

Nothing here knows the schema, so a column that a careless change adds is a channel at once.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from participation.access import blind
from surveys.rehearsal.attacker import PersonTrace, ResponseTrace

#: Columns of a response that are its content or common to many: nothing to order people by.
CONTENT = frozenset({"answers", "wave", "key_id", "version", "variant", "mode"})

#: The same of a ballot; the receipt is an order like any other, since nobody but its voter should know it.
BALLOT_CONTENT = frozenset({"ballot", "round", "key_id", "mode"})

#: Bytes of a value, or columns that words are spread over, so that a learner can tell a few of them apart.
_SLOTS = 16


@dataclass(frozen=True)
class Used:
    """A code that was used, as register, journal and keys know it."""

    person: int
    holder: bytes
    name: str
    language: str
    code: str
    digest: bytes
    request: bytes
    day: date
    order: int


def numbers_of(value: Any) -> list[float]:
    """Any stored value as numbers for a regression: one that can be large or small, and sixteen more."""
    slots = [0.0] * _SLOTS
    if isinstance(value, bytes | memoryview):
        return [0.0, *map(float, bytes(value)[:_SLOTS].ljust(_SLOTS, b"\0"))]
    if isinstance(value, tuple | list):
        # A place in a table: page and row.
        return [sum(float(part) * 1e6**-place for place, part in enumerate(value)), *slots]
    if isinstance(value, str):
        slots[zlib.crc32(value.encode()) % _SLOTS] = 1.0
        with suppress(ValueError):
            return [datetime.fromisoformat(value).timestamp(), *slots]
        return [0.0, *slots]
    if isinstance(value, datetime):
        return [value.timestamp(), *slots]
    if isinstance(value, date):
        return [float(value.toordinal()), *slots]
    return [float(value or 0), *slots]


def response_trace(
    place: int,
    row: Mapping[str, Any],
    answers: Mapping[str, Any],
    found: Mapping[bytes, int],
    batch: int,
) -> ResponseTrace:
    """One response: every column that could order it, its place in table and bytes, and all as numbers.

    ``found`` is where ids lie in the collector's bytes.
    """
    identity = bytes(row["id"])
    orders = {name: value for name, value in row.items() if name not in CONTENT}
    orders |= {"select": place, "bytes": found.get(identity)}
    features = [number for name in sorted(orders) for number in numbers_of(orders[name])]
    features += [float(batch), float(row["variant"]), float(row["version"])]
    features += [float(row["mode"] == mode) for mode in ("self", "assisted", "paper")]
    features += [float(sum(str(answers[name]).encode()) % 31) for name in sorted(answers)[:40]]
    features += [0.0] * (40 - min(40, len(answers)))
    return ResponseTrace(identity, row["key_id"], batch, orders, tuple(features))


def ballot_trace(
    row: Mapping[str, Any],
    ballot: Mapping[str, Any],
    known: Mapping[str, Any],
    batch: int,
    options: Sequence[str],
) -> ResponseTrace:
    """One ballot: every column and every word of the ballot that is no vote, as orders and as numbers.

    ``known`` is where it lies: in the table, in the collector's bytes, in the list that is published.
    """
    identity = bytes(row["id"])
    orders = {name: value for name, value in row.items() if name not in BALLOT_CONTENT}
    said = {name: value for name, value in ballot.items() if name != "ranking"}
    orders |= {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
    orders |= known
    features = [number for name in sorted(orders) for number in numbers_of(orders[name])]
    ranked = [option for tied in ballot["ranking"] for option in tied]
    features += [float(batch), float(row["mode"] == "phone")]
    features += [float(ranked.index(one) + 1 if one in ranked else 0) for one in options]
    return ResponseTrace(identity, row["key_id"], batch, orders, tuple(features))


def person_trace(used: Used, key_id: str, key: blind.PrivateKey, languages: Sequence[str]) -> PersonTrace:
    """One person: digests, day and order from the register, and what the signing key makes of them."""
    signed = blind.blind_sign(key, used.request.rjust(key.public.size, b"\0"))
    features = [float(used.order), float(used.day.toordinal())]
    features += [float(used.language == language) for language in languages]
    for value in (used.holder, used.digest, used.request, signed):
        features += numbers_of(value[:8])
    kept = (used.holder, used.digest, used.request, signed, hashlib.sha256(signed).digest())
    values = (*kept, *(value.hex().encode() for value in kept))
    values += (used.code.encode(), used.code.replace("-", "").encode(), used.name.encode())
    return PersonTrace(used.person, key_id, used.order, used.language, values, tuple(features))
