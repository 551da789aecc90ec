"""Paper ballots while they are keyed: entered by one clerk, confirmed by another, admitted as a batch, then
wiped.

Sheets bear no number, so nobody can say which entry belongs to which sheet. What counts is that two people
typed the same ballots: the second entry confirms any one of the group's that reads the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from participation.access.collector import store as collector_store
from participation.conference.models import Sheet
from stores import published, random_id


class PaperFault(ValueError):
    """Something that cannot be done with paper now; ``code`` says what."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code = code
        self.params = params
        super().__init__(code)


@dataclass(frozen=True)
class Batch:
    """Sheets of one key: how many are keyed, how many a second person confirmed, how many slips are
    booked."""

    key_id: str
    keyed: int
    confirmed: int
    booked: int | None


def add(session: Session, round_key: str, key_id: str, ballot: Mapping[str, Any], clerk: str) -> None:
    """Key one sheet."""
    session.execute(
        insert(Sheet).values(
            round=round_key,
            id=random_id(),
            key_id=key_id,
            ballot=dict(ballot),
            entered_by=clerk,
            confirmed_by="",
        )
    )


def sheets(session: Session, round_key: str) -> list[Sheet]:
    """All keyed sheets of a round in the order of their random ids."""
    return list(session.scalars(select(Sheet).where(Sheet.round == round_key).order_by(Sheet.id)))


def confirm(session: Session, round_key: str, key_id: str, ballot: Mapping[str, Any], clerk: str) -> None:
    """Confirm one entry of the key that somebody else made and that reads the same.

    Raises:
        PaperFault: ``differs`` if there is none; ``same_person`` if only the clerk's own reads like it.
    """
    same = [
        sheet
        for sheet in sheets(session, round_key)
        if sheet.key_id == key_id and not sheet.confirmed_by and sheet.ballot == dict(ballot)
    ]
    others = [sheet for sheet in same if sheet.entered_by != clerk]
    if not others:
        raise PaperFault("same_person" if same else "differs")
    others[0].confirmed_by = clerk


def remove(session: Session, round_key: str, sheet_id: bytes) -> None:
    """Take back one entry that nobody has confirmed.

    Raises:
        PaperFault: ``gone`` if it is not there, or confirmed by now.
    """
    sheet = session.get(Sheet, (round_key, sheet_id))
    if sheet is None or sheet.confirmed_by:
        raise PaperFault("gone")
    session.delete(sheet)


def batches(session: Session, round_key: str) -> list[Batch]:
    """The sheets per key, beside the slips that the register booked."""
    found: dict[str, list[Sheet]] = {}
    for sheet in sheets(session, round_key):
        found.setdefault(sheet.key_id, []).append(sheet)
    return [
        Batch(
            key_id,
            len(rows),
            sum(1 for sheet in rows if sheet.confirmed_by),
            booked(session, key_id),
        )
        for key_id, rows in found.items()
    ]


def booked(session: Session, key_id: str) -> int | None:
    """Slips that the register booked for this key, as it published them; None where it published nothing."""
    document = published(session, "register", "slips", key_id)
    return None if document is None else int(document["booked"])


def admit(session: Session, round_key: str, key_id: str, *, total: int | None = None) -> int:
    """Put a confirmed batch into the waiting room and wipe the sheets; how many.

    ``total`` is the number of booked slips, typed by the person in charge where the register did not publish
    it.

    Raises:
        PaperFault: ``unconfirmed``, ``total`` with both numbers, ``empty``.
    """
    rows = [sheet for sheet in sheets(session, round_key) if sheet.key_id == key_id]
    if not rows:
        raise PaperFault("empty")
    if any(not sheet.confirmed_by for sheet in rows):
        raise PaperFault("unconfirmed", num=sum(1 for sheet in rows if not sheet.confirmed_by))
    known = booked(session, key_id)
    expected = total if known is None else known
    if expected != len(rows):
        raise PaperFault("total", keyed=len(rows), booked="–" if expected is None else expected)
    documents = [{**sheet.ballot, "mode": "paper"} for sheet in rows]
    collector_store.admit(session, key_id, documents)
    wipe(session, round_key, key_id)
    return len(rows)


def wipe(session: Session, round_key: str, key_id: str) -> None:
    """Forget the keyed sheets of a key."""
    session.execute(delete(Sheet).where(Sheet.round == round_key, Sheet.key_id == key_id))
