"""Questionnaire versions, who read a language as a native, and sound files, in the office's store."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKeyConstraint, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from stores import Json, OfficeBase, refuse

STATES = ("draft", "published")


class QuestionnaireVersion(OfficeBase):
    """One version of a survey's questionnaire; published, it never changes again."""

    __tablename__ = "questionnaire_version"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'published')", name="state"),
        CheckConstraint("version >= 1", name="version"),
    )

    survey: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    state: Mapped[str] = mapped_column(Text, default="draft")
    #: The document as docs/questionnaire-format.md describes it; its id is the survey, its version this one.
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    #: SHA-256 of the expanded document, written at publication.
    digest: Mapped[str | None] = mapped_column(Text)


class NativeReading(OfficeBase):
    """A native reader has read the promise, the consent and the sensitive items of a language."""

    __tablename__ = "native_reading"
    __table_args__ = (
        ForeignKeyConstraint(
            ["survey", "version"],
            ["questionnaire_version.survey", "questionnaire_version.version"],
            ondelete="CASCADE",
        ),
    )

    survey: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    language: Mapped[str] = mapped_column(Text, primary_key=True)
    reader: Mapped[str] = mapped_column(Text)
    read_on: Mapped[date] = mapped_column(Date)
    #: SHA-256 of exactly the texts that were read; another digest means that they have changed since.
    digest: Mapped[str] = mapped_column(Text)


class Sound(OfficeBase):
    """A sound file, under the SHA-256 of its bytes; items name it with its ending (``<digest>.mp3``)."""

    __tablename__ = "sound"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    media_type: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    #: Spoken by a machine: for the demo only.
    synthetic: Mapped[bool] = mapped_column(Boolean, default=False)


refuse(
    "office",
    "published_version_is_final",
    "questionnaire_version",
    ("UPDATE",),
    "a published questionnaire version cannot be changed",
    when="OLD.state = 'published'",
)
refuse(
    "office",
    "published_version_stays",
    "questionnaire_version",
    ("DELETE",),
    "a published questionnaire version stays",
    when="OLD.state = 'published'",
)
