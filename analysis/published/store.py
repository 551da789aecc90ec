"""What the public pages read: released publications, as the analysis process published them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from analysis.store import PUBLICATION
from stores import published, published_all


def publications(session: Session) -> dict[str, dict[str, Any]]:
    """Everything that the public may read, by address."""
    return published_all(session, "results", PUBLICATION)


def publication(session: Session, slug: str) -> dict[str, Any] | None:
    """One publication."""
    return published(session, "results", PUBLICATION, slug)
