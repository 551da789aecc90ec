"""Tables of the collector that surveys and conferences share: spent tokens, batches, the waiting room.

No time, no sequence, no language, no row order: every key is random or a digest, and SQLite's tables
have no rowid.  What a row means for a survey or a conference is sealed inside it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Integer, LargeBinary, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from stores import CollectorBase, Json, RandomId, refuse

_WITHOUT_ORDER = {"sqlite_with_rowid": False}


class Batch(CollectorBase):
    """The waiting room of one key: open while it has a public key to seal to.

    ``moved`` is how many left it so far.  It changes only in a mix, so it moves in steps of the pool.
    """

    __tablename__ = "batch"
    __table_args__ = (
        CheckConstraint("is_open = (sealing IS NOT NULL)", name="open"),
        _WITHOUT_ORDER,
    )

    key_id: Mapped[str] = mapped_column(Text, primary_key=True)
    #: Name of the private half in the batch key folder: random, 32 hex digits.
    name: Mapped[str | None] = mapped_column(Text)
    sealing: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    is_open: Mapped[bool] = mapped_column(Boolean)
    moved: Mapped[int] = mapped_column(Integer, default=0)
    #: Name of the private half that the last mix retired; destroyed again whenever the worker starts.
    retired: Mapped[str | None] = mapped_column(Text)


class Waiting(CollectorBase):
    """One sealed submission waiting for the mix."""

    __tablename__ = "waiting"
    __table_args__ = (_WITHOUT_ORDER,)

    key_id: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Spent(CollectorBase):
    """Digest of a token that was used, and of the submission that used it.

    ``waiting`` names the waiting row only in a conference round, where a higher revision replaces it until
    the close; the mix forgets it.
    """

    __tablename__ = "spent"
    __table_args__ = (_WITHOUT_ORDER,)

    key_id: Mapped[str] = mapped_column(Text, primary_key=True)
    token: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    submission: Mapped[bytes] = mapped_column(LargeBinary(32))
    revision: Mapped[int] = mapped_column(SmallInteger, default=0)
    waiting: Mapped[bytes | None] = mapped_column(RandomId)


refuse(
    "collector",
    "spent_is_final",
    "spent",
    ("UPDATE",),
    "a spent token stays spent",
    when="NEW.key_id <> OLD.key_id OR NEW.token <> OLD.token OR NEW.revision < OLD.revision",
)

# A process publishes as kind "access" what its codes admit to.  Its levels are frozen with the first such
# document, because keys are made only after it; so nobody can turn a sealed wave into another one later.
_LEVELS_CHANGED = (
    "OLD.kind = 'access' AND (NEW.kind <> OLD.kind OR NEW.key <> OLD.key OR "
    "NEW.document -> 'levels' <> OLD.document -> 'levels' OR NEW.document -> 'levels' IS NULL)"
)
refuse(
    "collector",
    "levels_are_frozen",
    "published_office",
    ("UPDATE",),
    "the levels of anonymity are frozen",
    when=_LEVELS_CHANGED,
)
refuse(
    "collector",
    "access_stays",
    "published_office",
    ("DELETE",),
    "what codes admit to cannot be withdrawn",
    when="OLD.kind = 'access'",
)


class CollectorState(CollectorBase):
    """What the worker tells the office: ``keys`` says whether the batch keys are mirrored."""

    __tablename__ = "collector_state"
    __table_args__ = (_WITHOUT_ORDER,)

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(Json)
