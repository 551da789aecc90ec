"""Plans begun here: a name belongs to one plan."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from analysis import store
from analysis.errors import AnalysisError


def add_plan(session: Session, name: str, source: str, who: str, now: datetime) -> None:
    """Store a new plan; raises :class:`AnalysisError` ``plan_exists`` where the name is taken."""
    if store.plan(session, name) is not None:
        raise AnalysisError("plan_exists", f"there is a plan {name} already", name, name=name)
    store.save_plan(session, name, source, who, now)
