"""What the results room reads of conferences."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

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
