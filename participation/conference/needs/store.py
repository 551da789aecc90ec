"""Needs in the office store: where each one went, with its own words for the protocol."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from participation.conference.models import Conference, NeedSource


def sources(session: Session, row: Conference) -> dict[str, NeedSource]:
    """Needs that were dealt with, by their id."""
    found = session.scalars(select(NeedSource).where(NeedSource.conference == row.id))
    return {source.need: source for source in found}


def assign(session: Session, row: Conference, needs: Iterable[Mapping[str, str]], option: str) -> None:
    """Merge needs (``id``, ``text``, ``language``, ``origin``) into an option; an empty option sets them
    aside."""
    for need in needs:
        source = session.get(NeedSource, (row.id, need["id"]))
        if source is None:
            source = NeedSource(
                conference=row.id,
                need=need["id"],
                option=option,
                text=need["text"],
                language=need["language"],
                origin=need["origin"],
            )
            session.add(source)
        source.option = option


def typed_id() -> str:
    """Id of a need that was typed at the desk, not sent by a phone."""
    return secrets.token_hex(16)


def unassign(session: Session, row: Conference, need: str) -> None:
    """Undo: the need waits again."""
    source = session.get(NeedSource, (row.id, need))
    if source is not None:
        session.delete(source)
