"""What the demo asks of the register beyond what its pages need."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from participation.access.register.models import Person


def ids_by_reference(session: Session, admission: str) -> dict[str, bytes]:
    """The people of an admission by the number they have in the sample file."""
    query = select(Person.reference, Person.id).where(Person.admission == admission)
    return {row.reference: row.id for row in session.execute(query) if row.reference is not None}
