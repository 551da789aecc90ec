"""Writing and reading the audit log."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app, has_request_context
from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session

from web.accounts import SignedIn
from web.audit.models import AuditEntry

ACTION = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+")

#: Who is written where no account is known: a command, or a visitor who is not signed in.
COMMAND_LINE = "command line"
NOT_SIGNED_IN = "not signed in"

PAGE = 100


@dataclass(frozen=True)
class Filter:
    """Which entries to show; empty means all.  Days are UTC, both inclusive."""

    account: str = ""
    action: str = ""
    first: datetime.date | None = None
    last: datetime.date | None = None


def append(
    session: Session,
    account: SignedIn | None,
    action: str,
    target: str,
    details: Mapping[str, Any] | None,
    now: datetime.datetime | None = None,
) -> None:
    """Append one entry; `now` (UTC) only for tests."""
    if not ACTION.fullmatch(action):
        raise ValueError(f"audit action {action!r}: lower-case words joined by dots, e.g. wave.open")
    # A plain INSERT without RETURNING: processes that may only append have no right to read the table.
    session.execute(
        insert(AuditEntry)
        .inline()
        .values(
            at=now or datetime.datetime.now(datetime.UTC),
            process=current_app.config["SETTINGS"].role,
            account_id=account.id if account else None,
            account=account.email if account else NOT_SIGNED_IN if has_request_context() else COMMAND_LINE,
            action=action,
            target=target,
            details=dict(details or {}),
        )
    )


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.account:
        conditions.append(AuditEntry.account == wanted.account)
    if wanted.action:
        conditions.append(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.first:
        conditions.append(AuditEntry.at >= _midnight(wanted.first))
    if wanted.last:
        conditions.append(AuditEntry.at < _midnight(wanted.last + datetime.timedelta(days=1)))
    return conditions


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time.min, datetime.UTC)


def page(session: Session, wanted: Filter, number: int) -> tuple[list[AuditEntry], int]:
    """Page ``number`` (from 1) of the entries, newest first, and how many entries there are in all."""
    conditions = _conditions(wanted)
    total = session.scalar(select(func.count()).select_from(AuditEntry).where(*conditions)) or 0
    query = select(AuditEntry).where(*conditions).order_by(AuditEntry.id.desc())
    return list(session.scalars(query.offset((number - 1) * PAGE).limit(PAGE))), total


def every(session: Session, wanted: Filter) -> Iterator[AuditEntry]:
    """All entries, oldest first, without holding them in memory."""
    query = select(AuditEntry).where(*_conditions(wanted)).order_by(AuditEntry.id)
    yield from session.scalars(query.execution_options(yield_per=500))


def actors(session: Session) -> list[str]:
    """Everybody who stands in the log, sorted."""
    return list(session.scalars(select(AuditEntry.account).distinct().order_by(AuditEntry.account)))
