"""Issuing each code once, many at a time; and what the journal brings back after a restore.

Every function takes the register's session first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from participation.access import journal
from participation.access.register.models import (
    Admission,
    CodeDigest,
    Issue,
    Person,
    RegisterState,
    SigningKey,
)
from participation.access.register.store import RegisterFault, lock_reason, unlock
from stores import insert_new

_WITHDRAWN = ("refused", "ineligible", "deceased")


@dataclass(frozen=True)
class Issued:
    """A code that was just used (or, ``repeated``, used before by the same request)."""

    entry: journal.Entry
    repeated: bool


@dataclass(frozen=True)
class Asked:
    """A code that is to be issued on this day.

    ``request`` is the digest of the blinded message, ``key`` the key it asked for; empty and None where a
    slip is booked.
    """

    digest: bytes
    round: str
    key: SigningKey | None
    request: bytes
    today: date


def request_digest(blinded: bytes) -> bytes:
    """What is kept of a blinded message."""
    return hashlib.sha256(blinded).digest()


def state_of(session: Session, digest: bytes, round_: str = "") -> str:
    """``good``, ``used``, ``withdrawn`` or ``unknown``; asking changes nothing."""
    code = _codes(session, {digest}).get(digest)
    if code is None:
        return "unknown"
    if session.get(Issue, (_holder(code), round_)) is not None:
        return "used"
    return "withdrawn" if code.state in _WITHDRAWN else "good"


def issue_all(session: Session, asked: Sequence[Asked]) -> list[Issued | RegisterFault]:
    """Mark each code as issued; the same request again is told the same.

    Outcomes stand in the order asked; of a code that comes twice, the first counts.  Faults are ``locked``,
    ``unknown``, ``other_key``, ``used`` and ``withdrawn``.
    """
    codes = _codes(session, {one.digest for one in asked})
    # Where no code was found, no row says whether the register is locked.
    locked = next(iter(codes.values())).locked if codes else lock_reason(session) is not None
    if locked:
        return [RegisterFault("locked") for _ in asked]
    told: dict[int, Issued | RegisterFault] = {}
    fresh: dict[tuple[bytes, str], int] = {}
    later = []
    entries: dict[int, journal.Entry] = {}
    for number, one in enumerate(asked):
        code = codes.get(one.digest)
        if code is None:
            told[number] = RegisterFault("unknown")
            continue
        if one.key is not None and _addressee(one.key) != (code.admission, one.round, code.mark):
            told[number] = RegisterFault("other_key")
            continue
        entry = entries[number] = journal.Entry(
            _holder(code), one.round, one.digest, code.admission, code.mark, one.today, one.request
        )
        # Who withdrew is still told again what was issued before.
        withdrawn = code.state in _WITHDRAWN
        if withdrawn or fresh.setdefault((entry.holder, entry.round), number) != number:
            later.append(number)
    # In one order everywhere: two processes that issue the same codes do not wait for each other.
    new = _insert(session, [entries[number] for _, number in sorted(fresh.items())])
    for pair, number in fresh.items():
        if pair in new:
            told[number] = Issued(entries[number], False)
        else:
            later.append(number)
    for number in sorted(later):
        told[number] = _again(session, entries[number], codes[asked[number].digest].state in _WITHDRAWN)
    return [told[number] for number in range(len(asked))]


def issue(
    session: Session, digest: bytes, round_: str, key: SigningKey | None, request: bytes, today: date
) -> Issued:
    """One code by itself, see `issue_all`.  Raises RegisterFault."""
    (told,) = issue_all(session, [Asked(digest, round_, key, request, today)])
    if isinstance(told, RegisterFault):
        raise told
    return told


def book_slip(session: Session, digest: bytes, round_: str, today: date) -> Issued:
    """Book a paper return slip.  Raises RegisterFault: on ``used`` the envelope is destroyed unopened."""
    return issue(session, digest, round_, None, b"", today)


def admission_of_code(session: Session, digest: bytes) -> str | None:
    """The admission whose letter or slip holds the code, or None."""
    return session.scalar(select(CodeDigest.admission).where(CodeDigest.digest == digest))


def _codes(session: Session, digests: set[bytes]) -> dict[bytes, Any]:
    """Admission, mark, person and the person's state of codes, and whether the register is locked."""
    locked = exists().where(RegisterState.key == "lock")
    query = (
        select(
            CodeDigest.digest,
            CodeDigest.admission,
            CodeDigest.mark,
            CodeDigest.person,
            Person.state,
            locked.label("locked"),
        )
        .outerjoin(Person, Person.id == CodeDigest.person)
        .where(CodeDigest.digest.in_(sorted(digests)))
    )
    return {bytes(row.digest): row for row in session.execute(query)}


def _holder(code: Any) -> bytes:
    return bytes(code.person if code.person is not None else code.digest)


def _addressee(key: SigningKey) -> tuple[str, str, str]:
    return (key.admission, key.round, key.mark)


def _again(session: Session, entry: journal.Entry, withdrawn: bool) -> Issued | RegisterFault:
    """What was issued to this holder before, if this is the same request."""
    earlier = session.get(Issue, (entry.holder, entry.round), populate_existing=True)
    if earlier is None and withdrawn:
        return RegisterFault("withdrawn")
    same = earlier is not None and (earlier.request, earlier.digest) == (entry.request, entry.digest)
    if earlier is None or not entry.request or not same:
        return RegisterFault("used")
    return Issued(_entry(earlier), True)


def _insert(session: Session, entries: Sequence[journal.Entry]) -> set[tuple[Any, ...]]:
    """Insert what is not issued yet, and say which holders and rounds those were."""
    return insert_new(session, Issue, [_row(entry) for entry in entries])


def _row(entry: journal.Entry) -> dict[str, Any]:
    return {
        "holder": entry.holder,
        "round": entry.round,
        "digest": entry.digest,
        "admission": entry.admission,
        "mark": entry.mark,
        "issued_on": entry.issued_on,
        "request": entry.request,
    }


def _entry(row: Issue) -> journal.Entry:
    return journal.Entry(
        row.holder, row.round, row.digest, row.admission, row.mark, row.issued_on, row.request
    )


# ---------------------------------------------------------------- after a restore


def missing_issues(session: Session, entries: Iterable[journal.Entry]) -> list[journal.Entry]:
    """Entries of the journal that the register has forgotten: a sign that it was restored."""
    known = {(holder, round_) for holder, round_ in session.execute(select(Issue.holder, Issue.round)).all()}
    purged = set(session.scalars(select(Admission.id).where(Admission.purged_on.is_not(None))))
    missing = {
        (entry.holder, entry.round): entry
        for entry in entries
        if (entry.holder, entry.round) not in known and entry.admission not in purged
    }
    return list(missing.values())


def replay(session: Session, entries: Iterable[journal.Entry]) -> int:
    """Bring back every issue that the journal knows and the register forgot, then unlock; how many."""
    missing = missing_issues(session, entries)
    _insert(session, missing)
    unlock(session)
    return len(missing)
