"""What the sealed office keeps in the collector: waves it knows, margins, plans, jobs, books, releases.

Nothing here belongs to a resident, so these tables may hold names of staff and times.  All begin with
``analysis_``: that is the schema which the analysis process owns.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Float, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from stores import CollectorBase, Json, RandomId, random_id, refuse

JOB_STATES = ("queued", "running", "done", "failed", "cancelled")
RELEASE_STATES = ("requested", "released", "refused", "withdrawn")
WAVE_KINDS = ("own", "imported")


class KnownWave(CollectorBase):
    """A wave that can be analysed: one fielded here, or one that ran elsewhere and was imported with its
    data.
    """

    __tablename__ = "analysis_wave"
    __table_args__ = (CheckConstraint(f"kind IN {WAVE_KINDS}", name="kind"),)

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    survey: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    #: Label, time, mode, frame, population, questionnaire version.
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    #: The uploaded file of an imported wave.
    data: Mapped[bytes | None] = mapped_column(LargeBinary)


class StoredMargin(CollectorBase):
    """Population counts with source, date and definition."""

    __tablename__ = "analysis_margin"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    changed_by: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class StoredPlan(CollectorBase):
    """An analysis plan as its author wrote it."""

    __tablename__ = "analysis_plan"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    changed_by: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Job(CollectorBase):
    """A batch: queued, claimed by one process, told about by its progress, stopped by its owner.

    ``heartbeat`` tells a running job from one whose process died; such a job is claimed again.
    """

    __tablename__ = "analysis_job"
    __table_args__ = (
        CheckConstraint(f"state IN {JOB_STATES}", name="state"),
        # One batch per plan at a time, whoever asks for it how often.
        Index(
            "uq_analysis_job_waiting",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("state IN ('queued', 'running')"),
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True, default=random_id)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="queued")
    stop: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[float] = mapped_column(Float, default=0.0)
    problem: Mapped[dict[str, Any] | None] = mapped_column(Json)
    asked_by: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    heartbeat: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(default=0)


class StoredBook(CollectorBase):
    """The last finished book of a plan: its public form, what a reader would learn, what the auditor
    found.
    """

    __tablename__ = "analysis_book"

    plan: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text)
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    statements: Mapped[dict[str, Any]] = mapped_column(Json)
    audit: Mapped[dict[str, Any]] = mapped_column(Json)
    #: Ids of the responses counted, per wave: what a later release is compared with.
    members: Mapped[dict[str, Any]] = mapped_column(Json)
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Release(CollectorBase):
    """A request to publish and its decision: two people, never one."""

    __tablename__ = "analysis_release"
    __table_args__ = (
        CheckConstraint(f"state IN {RELEASE_STATES}", name="state"),
        CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name="two_people"),
        CheckConstraint("(state = 'requested') = (decided_by IS NULL)", name="decided"),
        # What was refused may be asked for again, with an answer to the objection.
        Index(
            "uq_analysis_release_slug",
            "slug",
            "digest",
            unique=True,
            sqlite_where=text("state <> 'refused'"),
            postgresql_where=text("state <> 'refused'"),
        ),
    )

    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True, default=random_id)
    plan: Mapped[str] = mapped_column(Text)
    slug: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    statements: Mapped[dict[str, Any]] = mapped_column(Json)
    members: Mapped[dict[str, Any]] = mapped_column(Json)
    audit: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(Text, default="requested")
    requested_by: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    note: Mapped[str] = mapped_column(Text, default="")
    #: What the analyst says to the objection of an earlier refusal.
    answer: Mapped[str] = mapped_column(Text, default="")


refuse(
    "collector",
    "analysis_release_is_a_record",
    "analysis_release",
    ("UPDATE",),
    "what was requested and decided stays as it is",
    when="NEW.digest <> OLD.digest OR NEW.slug <> OLD.slug OR NEW.requested_by <> OLD.requested_by "
    "OR NEW.answer <> OLD.answer "
    "OR (OLD.state = 'refused' AND NEW.state <> 'refused') "
    "OR (OLD.state = 'released' AND NEW.state NOT IN ('released', 'withdrawn')) "
    "OR (OLD.state = 'withdrawn' AND NEW.state <> 'withdrawn')",
)
refuse(
    "collector",
    "analysis_release_stays",
    "analysis_release",
    ("DELETE",),
    "the auditor needs everything that was ever released",
)
