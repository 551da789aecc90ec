"""What the release desk reads of the record of requests."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.models import Release
from analysis.store import PUBLICATION
from stores import published


def refusals(session: Session, plan: str) -> list[Release]:
    """The refused requests of a plan since its last publication, newest first: what the objections were."""
    query = select(Release).where(Release.plan == plan).order_by(Release.requested_at.desc())
    found = []
    for row in session.scalars(query):
        if row.state == "released":
            break
        if row.state == "refused":
            found.append(row)
    return found


def public_day(session: Session, slug: str) -> date | None:
    """The day since which a publication stands at an address; None where there is none."""
    found = published(session, "results", PUBLICATION, slug)
    return None if found is None else date.fromisoformat(found["released_on"])
