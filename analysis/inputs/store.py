"""What the results room reads of conferences and of its own record, for a new book."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.models import Release
from participation.conference.hall import store as hall
from stores import published_all


def priorities(session: Session) -> dict[str, dict[str, Any]]:
    """What every conference with a revealed round put first, in its newest such round: what is public."""
    found: dict[str, dict[str, Any]] = {}
    for slug in published_all(session, "office", "conference"):
        for round_ in hall.round_documents(session, slug):
            outcome = hall.outcome(session, round_)
            rule = outcome["report"]["rules"].get(outcome["headline"], {}) if outcome else {}
            if rule.get("classes"):
                labels = {option["id"]: option["label"] for option in round_["options"]}
                found[slug] = {"title": round_["title"], "classes": rule["classes"], "labels": labels}
    return found


def ever_grouped(session: Session, keys: Iterable[str]) -> frozenset[str]:
    """The variables by which anything that was ever released of these waves is grouped."""
    wanted = set(keys)
    found: set[str] = set()
    for row in session.scalars(select(Release).where(Release.state.in_(("released", "withdrawn")))):
        if wanted & set(row.statements):
            found |= set(row.document["groups"])
    return frozenset(found)
