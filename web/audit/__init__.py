"""The audit log: who did what, when, on the staff side.  Append-only; residents never appear in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from stores import Store
from web.accounts import SignedIn
from web.audit import store


def audit(
    place: Session | Store,
    account: SignedIn | None,
    action: str,
    target: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Append one entry to the audit log of the office store.

    Args:
        place: a running write session on the office store (the entry then stands or falls with it), or
            ``stores.office`` itself, for processes that write elsewhere: the entry is then durable on return.
        account: who did it; None for the command line and for strangers.
        action: a fixed word with dots, e.g. ``"survey.wave.open"``; see `web.audit.store.ACTION`.
        target: what it was done to, e.g. ``"survey mobility-2026"``; no personal data of residents.
        details: a few more facts, JSON.

    Raises:
        ValueError: the action is no such word.
    """
    if isinstance(place, Session):
        store.append(place, account, action, target, details)
        return
    with place.begin() as session:
        store.append(session, account, action, target, details)
