"""The table of the audit log (office store)."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import DateTime, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from stores import Json, OfficeBase, refuse


class AuditEntry(OfficeBase):
    """One thing that somebody of the staff did.

    ``at`` is UTC; ``account_id`` and ``account`` are number and address at that time (no foreign key: the log
    outlives every change); ``process`` is the ROLE of the process that wrote the entry.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_at", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True))
    process: Mapped[str] = mapped_column(Text)
    account_id: Mapped[int | None] = mapped_column(Integer)
    account: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(Json)


refuse("office", "audit_entry_kept", "audit_entry", ("UPDATE", "DELETE"), "the audit log is append-only")
