"""Paper sheets on their way into the waiting room; only the process `entry` reads them.

Nothing here is older than its batch: rows of `keying` are wiped in the transaction that admits it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Integer, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from stores import CollectorBase, Json, RandomId, random_id

_WITHOUT_ORDER = {"sqlite_with_rowid": False}

#: First keying, second keying by somebody else, and the settled sheet where the two differ.
PASSES = (1, 2, 3)


class KeyingBatch(CollectorBase):
    """A stack of shuffled inner envelopes of one key: how many sheets it has, and whether it is admitted."""

    __tablename__ = "keying_batch"
    __table_args__ = (
        CheckConstraint("sheets > 0", name="sheets"),
        CheckConstraint("state IN ('open', 'admitted')", name="state"),
        _WITHOUT_ORDER,
    )

    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True, default=random_id)
    wave: Mapped[str] = mapped_column(Text)
    survey: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    sheets: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text, default="open")


class Keying(CollectorBase):
    """One sheet as one clerk typed it.

    ``answers`` and ``texts`` are what `surveys.answers.check` made of it; a void sheet (blank, or without
    consent) has neither and is counted only.
    """

    __tablename__ = "keying"
    __table_args__ = (CheckConstraint("pass IN (1, 2, 3)", name="pass"), _WITHOUT_ORDER)

    batch: Mapped[bytes] = mapped_column(RandomId, primary_key=True)
    sheet: Mapped[int] = mapped_column(Integer, primary_key=True)
    turn: Mapped[int] = mapped_column("pass", SmallInteger, primary_key=True)
    #: Account of the clerk, so that the second keying is somebody else's.
    clerk: Mapped[int] = mapped_column(Integer)
    void: Mapped[bool] = mapped_column(default=False)
    variant: Mapped[int] = mapped_column(Integer, default=1)
    answers: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    texts: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
