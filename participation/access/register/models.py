"""Tables of the register: who is invited, digests of codes, whether a code was used, and on which day.

The register never holds an answer.  Nothing here is finer than a day.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from stores import Json, RandomId, RegisterBase, random_id, refuse

#: What became of an invitation; AAPOR's outcome codes are derived of it (participation/access/returns.py).
PERSON_STATES = ("invited", "undeliverable", "refused", "ineligible", "deceased")


class Admission(RegisterBase):
    """What codes admit to: one wave of a survey, or one conference."""

    __tablename__ = "admission"
    __table_args__ = (CheckConstraint("kind IN ('survey', 'conference')", name="kind"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    delete_on: Mapped[date | None] = mapped_column(Date)
    purged_on: Mapped[date | None] = mapped_column(Date)
    #: Who writes the letters and how to reach them (participation/access/letterhead.py).
    letterhead: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Stratum(RegisterBase):
    """A stratum of the sample, or a group of a conference, with the mark that its codes begin with."""

    __tablename__ = "stratum"
    __table_args__ = (
        CheckConstraint("population >= 0", name="population"),
        CheckConstraint("invited >= 0", name="invited"),
    )

    admission: Mapped[str] = mapped_column(ForeignKey("admission.id"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    label: Mapped[str] = mapped_column(Text)
    population: Mapped[int | None] = mapped_column(Integer)
    invited: Mapped[int] = mapped_column(Integer, default=0)
    #: Strata sampled at equal fractions may share one mark, and so one key.
    mark: Mapped[str] = mapped_column(Text, index=True)


class SigningKey(RegisterBase):
    """Public half of a key pair; the private half lies wrapped in the key folder under the key's id."""

    __tablename__ = "signing_key"
    __table_args__ = (UniqueConstraint("admission", "round", "mark"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    admission: Mapped[str] = mapped_column(ForeignKey("admission.id"))
    round: Mapped[str] = mapped_column(Text, default="")
    mark: Mapped[str] = mapped_column(Text)
    n: Mapped[str] = mapped_column(Text)
    e: Mapped[int] = mapped_column(Integer)
    made_on: Mapped[date] = mapped_column(Date)


class Person(RegisterBase):
    """An invited person: what a letter needs, and the register's bands for nonresponse; nothing else."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint(f"state IN {PERSON_STATES}", name="state"),
        Index("ix_person_admission_stratum", "admission", "stratum"),
    )

    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True, default=random_id)
    admission: Mapped[str] = mapped_column(ForeignKey("admission.id"))
    stratum: Mapped[str] = mapped_column(Text)
    #: The register's own number of the person, so that an import can be repeated without doubles.
    reference: Mapped[str | None] = mapped_column(Text)
    #: Name and address as the letter prints them: {"name", "street", "postcode", "place", ...}.
    address: Mapped[dict[str, Any]] = mapped_column(Json)
    #: Letter languages, BCP 47, in order.
    languages: Mapped[list[str]] = mapped_column(Json)
    citizenship: Mapped[str | None] = mapped_column(Text)
    #: Bands for nonresponse, also asked in the survey: {"age": "30-44", "sex": "f", ...}.
    bands: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(Text, default="invited")
    #: Day of the change of state, never a time.
    state_on: Mapped[date | None] = mapped_column(Date)


class CodeBatch(RegisterBase):
    """Codes without people: for a group, a channel, a table."""

    __tablename__ = "code_batch"

    id: Mapped[bytes] = mapped_column(RandomId, primary_key=True, default=random_id)
    admission: Mapped[str] = mapped_column(ForeignKey("admission.id"))
    stratum: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(Integer)
    made_on: Mapped[date] = mapped_column(Date)


class CodeDigest(RegisterBase):
    """Keyed digest of one access code; the code itself stands on paper only."""

    __tablename__ = "code_digest"
    __table_args__ = (
        CheckConstraint("(person IS NULL) <> (batch IS NULL)", name="owner"),
        Index("ix_code_digest_admission_mark", "admission", "mark"),
        # A row number would keep the order in which letters were made, whatever the key.
        {"sqlite_with_rowid": False},
    )

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    admission: Mapped[str] = mapped_column(ForeignKey("admission.id"))
    mark: Mapped[str] = mapped_column(Text)
    person: Mapped[bytes | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    batch: Mapped[bytes | None] = mapped_column(ForeignKey("code_batch.id", ondelete="CASCADE"), index=True)
    #: 0 is the invitation, 1 the first reminder, and so on; 0 for batches.
    letter: Mapped[int] = mapped_column(Integer, default=0)
    made_on: Mapped[date] = mapped_column(Date)


class Issue(RegisterBase):
    """A code was used: at most once per person (or batch code) and round.

    ``holder`` is the person's id, or the digest of a batch code.  ``request`` is the digest of the blinded
    message that was signed, so that the same one can be signed again after a lost reply; it is empty where a
    slip was booked.
    """

    __tablename__ = "issue"
    __table_args__ = (
        Index("ix_issue_admission_round_mark", "admission", "round", "mark"),
        # A row number would keep the order in which codes were used, finer than the day.
        {"sqlite_with_rowid": False},
    )

    holder: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    round: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    admission: Mapped[str] = mapped_column(Text)
    mark: Mapped[str] = mapped_column(Text)
    issued_on: Mapped[date] = mapped_column(Date)
    request: Mapped[bytes] = mapped_column(LargeBinary(32))


class LanguageRule(RegisterBase):
    """Letter languages of a citizenship, where the office departs from the default table.

    ``citizenship`` is written as `participation.access.citizenship.plain` writes it; no languages mean
    German only.
    """

    __tablename__ = "language_rule"

    citizenship: Mapped[str] = mapped_column(Text, primary_key=True)
    languages: Mapped[list[str]] = mapped_column(Json)


class RegisterState(RegisterBase):
    """What the register knows of itself: key ``lock`` holds the reason why nothing is issued now."""

    __tablename__ = "register_state"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(Json)


refuse("register", "issue_is_final", "issue", ("UPDATE",), "an issued code stays issued")
refuse("register", "signing_key_is_final", "signing_key", ("UPDATE",), "a signing key cannot be changed")
