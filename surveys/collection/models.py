"""Waves in the office's store; responses in the collector's.

A response has exactly the columns below.  None of them tells who, when, in which language or in which order.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from stores import CollectorBase, Json, OfficeBase, RandomId, random_id, refuse, trigger

WAVE_STATES = ("draft", "frozen", "open", "closed")
CHANNELS = ("sample", "open")
MODES = ("self", "assisted", "paper", "other")

#: Fewest responses of a key that must share a mode for it to be kept.
MODE_FLOOR = 50

_WITHOUT_ORDER = {"sqlite_with_rowid": False}


class Wave(OfficeBase):
    """One fielding of a survey.  ``channel`` is ``sample`` (access codes) or ``open`` (none)."""

    __tablename__ = "wave"
    __table_args__ = (
        CheckConstraint(f"state IN {WAVE_STATES}", name="state"),
        CheckConstraint(f"channel IN {CHANNELS}", name="channel"),
        UniqueConstraint("survey", "number", "channel"),
        # At most one open wave of each channel per survey, whatever a page or a script tries.
        Index(
            "uq_wave_open",
            "survey",
            "channel",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    survey: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)
    channel: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    population: Mapped[str] = mapped_column(Text)
    frame: Mapped[str] = mapped_column(Text)
    #: Languages offered, BCP 47, in order.
    languages: Mapped[list[str]] = mapped_column(Json)
    #: Levels of anonymity; frozen by a trigger when the wave leaves the state `draft`.
    levels: Mapped[list[str]] = mapped_column(Json)
    #: Questionnaire versions that answers may come in; the last one is shown.
    versions: Mapped[list[int]] = mapped_column(Json)
    opens_on: Mapped[date | None] = mapped_column(Date)
    closes_on: Mapped[date | None] = mapped_column(Date)
    #: Points of the checklist that a person has ticked.
    checklist: Mapped[list[str]] = mapped_column(Json, default=list)
    state: Mapped[str] = mapped_column(Text, default="draft")
    opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Response(CollectorBase):
    """One person's finished set of answers."""

    __tablename__ = "response"
    __table_args__ = (
        CheckConstraint(f"mode IN {MODES}", name="mode"),
        Index("ix_response_wave", "wave"),
        _WITHOUT_ORDER,
    )

    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True, default=random_id)
    wave: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    variant: Mapped[int] = mapped_column(Integer)
    #: How it came; `other` where fewer than 50 responses of the key came that way (decided at the close).
    mode: Mapped[str] = mapped_column(Text)
    #: Four random bytes for perturbation (analysis/cellkey.py).
    record_key: Mapped[bytes] = mapped_column(LargeBinary(4))
    #: {address: code, list of codes, number or missing code}.
    answers: Mapped[dict[str, Any]] = mapped_column(Json)


class ResponseText(CollectorBase):
    """Words that somebody wrote: kept apart from the response, without a way back to it."""

    __tablename__ = "response_text"
    __table_args__ = (Index("ix_response_text_wave", "wave", "address"), _WITHOUT_ORDER)

    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True, default=random_id)
    wave: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)


refuse(
    "office",
    "wave_levels_are_frozen",
    "wave",
    ("UPDATE",),
    "the levels of anonymity are frozen",
    when="OLD.state <> 'draft' AND (NEW.levels <> OLD.levels OR NEW.channel <> OLD.channel "
    "OR NEW.id <> OLD.id OR NEW.survey <> OLD.survey)",
)
refuse(
    "office",
    "wave_goes_forward",
    "wave",
    ("UPDATE",),
    "a wave goes from draft to frozen, open and closed, never back",
    when="(OLD.state = 'draft' AND NEW.state IN ('open', 'closed')) "
    "OR (OLD.state = 'frozen' AND NEW.state = 'draft') "
    "OR (OLD.state = 'open' AND NEW.state IN ('draft', 'frozen')) "
    "OR (OLD.state = 'closed' AND NEW.state <> 'closed')",
)
refuse(
    "office",
    "wave_stays",
    "wave",
    ("DELETE",),
    "a wave whose levels are frozen stays",
    when="OLD.state <> 'draft'",
)
refuse(
    "collector",
    "response_is_final",
    "response",
    ("UPDATE",),
    "a response cannot be changed",
    when="NEW.id <> OLD.id OR NEW.wave <> OLD.wave OR NEW.key_id <> OLD.key_id OR NEW.version <> OLD.version "
    "OR NEW.variant <> OLD.variant OR NEW.record_key <> OLD.record_key OR NEW.answers <> OLD.answers "
    "OR NEW.mode <> 'other'",
)

# The database itself coarsens the modes when a key closes: so the process that mixes needs no right to read
# responses, and nobody can forget it.
_RARE_MODES = (
    "UPDATE response SET mode = 'other' WHERE key_id = NEW.key_id AND mode <> 'other' AND mode IN "
    "(SELECT mode FROM response WHERE key_id = NEW.key_id GROUP BY mode "
    "HAVING count(*) < FLOOR);"
).replace("FLOOR", str(MODE_FLOOR))
trigger(
    "collector",
    "modes_are_coarsened",
    "batch",
    sqlite=(
        "CREATE TRIGGER modes_are_coarsened AFTER UPDATE ON batch FOR EACH ROW "
        f"WHEN (OLD.is_open AND NOT NEW.is_open) BEGIN {_RARE_MODES} END"
    ),
    postgresql=(
        "CREATE OR REPLACE FUNCTION modes_are_coarsened() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
        f"SET search_path = public AS $$ BEGIN {_RARE_MODES} RETURN NULL; END $$",
        "CREATE TRIGGER modes_are_coarsened AFTER UPDATE ON batch FOR EACH ROW "
        "WHEN (OLD.is_open AND NOT NEW.is_open) EXECUTE FUNCTION modes_are_coarsened()",
    ),
)
