"""Tables of conferences: what moderators set up (office), and what participants send (collector).

On the collector's side no row tells who, when, or in which order.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Date, DateTime, ForeignKey, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from stores import CollectorBase, Json, OfficeBase, RandomId, refuse

ROUND_STATES = ("draft", "announced", "open", "paper", "closed", "revealed", "withdrawn")
METHODS = ("ranking", "dots", "approval", "score", "consensing", "pairwise", "budget")
_WITHOUT_ORDER = {"sqlite_with_rowid": False}


class Conference(OfficeBase):
    """One conference. ``publish_as`` is empty until something is published: ``ranking`` or ``focus``."""

    __tablename__ = "conference"
    __table_args__ = (CheckConstraint("publish_as IN ('', 'ranking', 'focus')", name="publish_as"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[dict[str, str]] = mapped_column(Json)
    #: Languages offered, BCP 47, in order.
    languages: Mapped[list[str]] = mapped_column(Json)
    held_on: Mapped[date | None] = mapped_column(Date)
    #: Whether needs can be sent in now.
    collecting: Mapped[bool] = mapped_column(Boolean, default=False)
    publish_as: Mapped[str] = mapped_column(Text, default="")
    #: How many topics are chosen.
    choose: Mapped[int] = mapped_column(Integer, default=3)
    note: Mapped[dict[str, str]] = mapped_column(Json)
    #: Mapping from an earlier conference: {"earlier": slug, "links": [{earlier, later, change}]}.
    mapping: Mapped[dict[str, Any]] = mapped_column(Json)


class Group(OfficeBase):
    """A group of participants: seats (how many are expected) and its agreed share, e.g. ``1/3``."""

    __tablename__ = "conference_group"

    conference: Mapped[int] = mapped_column(ForeignKey("conference.id"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    label: Mapped[dict[str, str]] = mapped_column(Json)
    seats: Mapped[int] = mapped_column(Integer)
    share: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(Integer)


class ConferenceOption(OfficeBase):
    """An option keeps its id for good; what it says stands in its versions."""

    __tablename__ = "conference_option"

    conference: Mapped[int] = mapped_column(ForeignKey("conference.id"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    dropped: Mapped[bool] = mapped_column(Boolean, default=False)


class OptionVersion(OfficeBase):
    """Label and explanation in every language, what residents said about it, and a cost where there is
    one."""

    __tablename__ = "conference_option_version"

    conference: Mapped[int] = mapped_column(Integer, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    label: Mapped[dict[str, str]] = mapped_column(Json)
    explanation: Mapped[dict[str, str]] = mapped_column(Json)
    #: A released figure: {"text", "estimate", "low", "high", "base", "source"}; empty where there is none.
    evidence: Mapped[dict[str, Any]] = mapped_column(Json)
    cost: Mapped[int | None] = mapped_column(Integer)


refuse(
    "office",
    "option_versions_stay",
    "conference_option_version",
    ("UPDATE", "DELETE"),
    "a version of an option is never changed; add a new one",
)


class NeedSource(OfficeBase):
    """Where a need went: merged into an option, or set aside; its words are kept for the protocol."""

    __tablename__ = "conference_need_source"

    conference: Mapped[int] = mapped_column(ForeignKey("conference.id"), primary_key=True)
    need: Mapped[str] = mapped_column(Text, primary_key=True)
    #: Code of the option; empty where the need was set aside.
    option: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)


class Round(OfficeBase):
    """One round of voting. ``settings``: method, places, dots, policy, seed, grace ... (see
    desk/forms.py)."""

    __tablename__ = "conference_round"
    __table_args__ = (
        CheckConstraint(f"state IN {ROUND_STATES}", name="state"),
        UniqueConstraint("conference", "position"),
    )

    conference: Mapped[int] = mapped_column(ForeignKey("conference.id"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    title: Mapped[dict[str, str]] = mapped_column(Json)
    settings: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(Text, default="draft")
    practice: Mapped[bool] = mapped_column(Boolean, default=False)
    #: Options as they stand on the ballot, fixed when the round is announced: [[code, version], ...].
    options: Mapped[list[list[Any]]] = mapped_column(Json)
    closes: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    #: Totals of a wall of sticker dots, {option: dots}, with who entered and who confirmed it.
    wall: Mapped[dict[str, Any]] = mapped_column(Json)


class Need(CollectorBase):
    """A need or proposal that somebody sent in, in their own words."""

    __tablename__ = "conference_need"
    __table_args__ = (_WITHOUT_ORDER,)

    conference: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    #: Group or table, as chosen by the sender; may be empty.
    origin: Mapped[str] = mapped_column(Text)


class BallotRow(CollectorBase):
    """One ballot after the mix: round, key (which names the group), mode, and what it says."""

    __tablename__ = "conference_ballot"
    __table_args__ = (_WITHOUT_ORDER,)

    round: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True)
    key_id: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    ballot: Mapped[dict[str, Any]] = mapped_column(Json)


refuse(
    "collector",
    "ballots_are_final",
    "conference_ballot",
    ("UPDATE",),
    "a ballot is never changed",
)


class OutcomeRow(CollectorBase):
    """What a round's ballots say, computed once after the mix."""

    __tablename__ = "conference_outcome"
    __table_args__ = (_WITHOUT_ORDER,)

    round: Mapped[str] = mapped_column(Text, primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(Json)


class Sheet(CollectorBase):
    """A paper ballot while it is being keyed; wiped when its batch is admitted."""

    __tablename__ = "conference_sheet"
    __table_args__ = (_WITHOUT_ORDER,)

    round: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True)
    key_id: Mapped[str] = mapped_column(Text)
    ballot: Mapped[dict[str, Any]] = mapped_column(Json)
    entered_by: Mapped[str] = mapped_column(Text)
    confirmed_by: Mapped[str] = mapped_column(Text, default="")
