"""What the release desk reads of the record of requests."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.models import Release


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
