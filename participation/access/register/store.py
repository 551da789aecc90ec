"""The register's core: admissions, keys, codes.  Issuing each code once is in `issuing`.

Every function takes the register's session first.  What pages and letters need of people stands in the
modules of the sample; here nothing is known of a person but an id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session

from participation.access import admission as admissions
from participation.access import blind, codes
from participation.access.admission import Access
from participation.access.codes import AccessCode
from participation.access.register.models import (
    Admission,
    CodeBatch,
    CodeDigest,
    Issue,
    Person,
    RegisterState,
    SigningKey,
    Stratum,
)
from participation.access.sealing import KeyFolder
from stores import Store, publish, random_id

#: Rows in one statement: below SQLite's limit of bound values.
_CHUNK = 500


class RegisterFault(Exception):
    """Something the register does not do; ``code`` says what, ``place`` where.

    Codes of issuing: ``unknown`` (no such code), ``used``, ``other_key``, ``withdrawn`` (the person refused,
    or is not eligible), ``locked``.  Codes of set-up: ``not_frozen``, ``no_strata``, ``too_small``,
    ``keys_made``.
    """

    def __init__(self, code: str, place: str = "") -> None:
        self.code = code
        self.place = place
        super().__init__(f"{code} {place}".strip())


# ---------------------------------------------------------------- admissions and strata


@dataclass(frozen=True)
class StratumSpec:
    """A stratum or group to be set up.  Equal ``shares_key_with`` means one mark and one key."""

    code: str
    label: str
    population: int | None = None
    invited: int = 0
    shares_key_with: str | None = None


def create_admission(
    session: Session, admission: str, kind: str, title: str, delete_on: date | None = None
) -> Admission:
    """Make room for a sample or for a conference's codes; harmless when it is there already."""
    row = session.get(Admission, admission)
    if row is None:
        row = Admission(id=admission, kind=kind, title=title, delete_on=delete_on)
        session.add(row)
        session.flush()
    return row


def admission_of(session: Session, admission: str) -> Admission | None:
    """The admission, or None."""
    return session.get(Admission, admission)


def admission_list(session: Session) -> list[Admission]:
    """All admissions by title."""
    return list(session.scalars(select(Admission).order_by(Admission.title, Admission.id)))


def set_strata(session: Session, admission: str, strata: Sequence[StratumSpec]) -> list[Stratum]:
    """Replace the strata; each gets a fresh mark, or that of the stratum whose key it shares.

    Raises:
        RegisterFault: ``keys_made`` once keys exist, because letters would no longer fit them.
    """
    if has_keys(session, admission):
        raise RegisterFault("keys_made", admission)
    kept = {stratum.code: stratum.mark for stratum in strata_of(session, admission)}
    session.execute(delete(Stratum).where(Stratum.admission == admission))
    taken = set(session.scalars(select(Stratum.mark)))
    marks: dict[str, str] = {}
    rows = []
    for spec in strata:
        owner = spec.shares_key_with or spec.code
        if owner not in marks:
            marks[owner] = kept.get(owner) or codes.new_mark(taken)
            taken.add(marks[owner])
        rows.append(
            Stratum(
                admission=admission,
                code=spec.code,
                label=spec.label,
                population=spec.population,
                invited=spec.invited,
                mark=marks[owner],
            )
        )
    session.add_all(rows)
    session.flush()
    return rows


def strata_of(session: Session, admission: str) -> list[Stratum]:
    """The strata or groups by code."""
    return list(session.scalars(select(Stratum).where(Stratum.admission == admission).order_by(Stratum.code)))


# ---------------------------------------------------------------- keys


def make_keys(
    session: Session,
    access: Access | None,
    folder: KeyFolder,
    today: date,
    expected: dict[str, int] | None = None,
) -> list[SigningKey]:
    """One key pair per mark for this wave or round; the private halves go into the folder first.

    ``access`` is what the office published: with it the levels are frozen.  ``expected`` counts the answers
    expected per mark, where it is known.  Repeating it makes what is missing and nothing else.

    Raises:
        RegisterFault: ``not_frozen`` (nothing published yet, or the level has no codes), ``no_strata``,
            ``too_small`` with the label of the stratum that expects too few answers.
    """
    if access is None or "open" in access.levels:
        raise RegisterFault("not_frozen")
    strata = strata_of(session, access.admission)
    if not strata:
        raise RegisterFault("no_strata", access.admission)
    by_mark = {stratum.mark: stratum for stratum in strata}
    smallest = admissions.SMALLEST[access.kind]
    for mark, stratum in by_mark.items():
        if expected is not None and expected.get(mark, smallest) < smallest:
            raise RegisterFault("too_small", stratum.label)
    present = {key.mark for key in keys_of(session, access.admission, access.round)}
    for mark in sorted(by_mark.keys() - present):
        private = blind.generate()
        folder.write(private.public.key_id, blind.private_bytes(private))
        session.add(
            SigningKey(
                id=private.public.key_id,
                admission=access.admission,
                round=access.round,
                mark=mark,
                n=f"{private.public.n:x}",
                e=private.public.e,
                made_on=today,
            )
        )
    session.flush()
    return keys_of(session, access.admission, access.round)


def keys_of(session: Session, admission: str, round_: str = "") -> list[SigningKey]:
    """The keys of a wave or round by mark."""
    query = select(SigningKey).where(SigningKey.admission == admission, SigningKey.round == round_)
    return list(session.scalars(query.order_by(SigningKey.mark)))


def keys_of_admission(session: Session, admission: str) -> list[SigningKey]:
    """The keys of all its rounds, by round and mark."""
    query = select(SigningKey).where(SigningKey.admission == admission)
    return list(session.scalars(query.order_by(SigningKey.round, SigningKey.mark)))


def has_keys(session: Session, admission: str) -> bool:
    """Whether any key was made for it, so that its strata stay as they are."""
    return session.scalar(select(SigningKey.id).where(SigningKey.admission == admission).limit(1)) is not None


def key_document(key: SigningKey) -> dict[str, Any]:
    """The public half as it is published: kind ``key`` under the key's id."""
    return {
        "id": key.id,
        "admission": key.admission,
        "round": key.round,
        "mark": key.mark,
        "n": key.n,
        "e": key.e,
        "fingerprint": blind.spaced(key.id),
    }


def publish_keys(collector: Session, keys: Iterable[SigningKey]) -> None:
    """Publish public halves into the collector (a session of that store)."""
    for key in keys:
        publish(collector, "register", "key", key.id, key_document(key))


# ---------------------------------------------------------------- codes


def make_batch(
    session: Session, admission: str, stratum: str, label: str, amount: int, today: date, digest_key: bytes
) -> list[AccessCode]:
    """Codes without people; the codes themselves are returned once and kept nowhere."""
    mark = session.scalars(
        select(Stratum.mark).where(Stratum.admission == admission, Stratum.code == stratum)
    ).one_or_none()
    if mark is None:
        raise RegisterFault("no_strata", stratum)
    batch = CodeBatch(
        id=random_id(), admission=admission, stratum=stratum, label=label, amount=amount, made_on=today
    )
    session.add(batch)
    session.flush()
    made = [codes.new_code(mark) for _ in range(amount)]
    rows = [
        {
            "digest": codes.digest(code, digest_key),
            "admission": admission,
            "mark": mark,
            "batch": batch.id,
            "letter": 0,
            "made_on": today,
        }
        for code in made
    ]
    _insert_digests(session, rows)
    return made


def make_person_codes(
    session: Session, people: Sequence[bytes], letter: int, today: date, digest_key: bytes
) -> dict[bytes, AccessCode]:
    """A fresh code per person for one mailing (0: invitation); earlier ones stay good until one is used."""
    made: dict[bytes, AccessCode] = {}
    for start in range(0, len(people), _CHUNK):
        rows = []
        query = (
            select(Person.id, Person.admission, Stratum.mark)
            .join(Stratum, (Stratum.admission == Person.admission) & (Stratum.code == Person.stratum))
            .where(Person.id.in_(people[start : start + _CHUNK]))
        )
        for person, admission, mark in session.execute(query).all():
            code = made[person] = codes.new_code(mark)
            rows.append(
                {
                    "digest": codes.digest(code, digest_key),
                    "admission": admission,
                    "mark": mark,
                    "person": person,
                    "letter": letter,
                    "made_on": today,
                }
            )
        _insert_digests(session, rows)
    return made


def _insert_digests(session: Session, rows: list[dict[str, Any]]) -> None:
    # Digests are sorted, so that the order of rows says nothing of the order of letters.
    rows.sort(key=lambda row: row["digest"])
    for start in range(0, len(rows), _CHUNK):
        session.execute(insert(CodeDigest), rows[start : start + _CHUNK])


# ---------------------------------------------------------------- counts of what was issued


def issued_counts(session: Session, admission: str, round_: str = "") -> dict[str, int]:
    """Issued codes per mark, exact: for calculations inside the register; pages show them in steps."""
    rows = session.execute(
        select(Issue.mark, func.count().label("amount"))
        .where(Issue.admission == admission, Issue.round == round_)
        .group_by(Issue.mark)
    )
    return {row.mark: row.amount for row in rows.all()}


def booked_slips(session: Session, admission: str, round_: str = "") -> dict[str, int]:
    """Booked return slips per mark: what a batch of paper sheets must add up to."""
    rows = session.execute(
        select(Issue.mark, func.count().label("amount"))
        .where(Issue.admission == admission, Issue.round == round_, Issue.request == b"")
        .group_by(Issue.mark)
    )
    return {row.mark: row.amount for row in rows.all()}


# ---------------------------------------------------------------- lock, deletion


def lock(session: Session, reason: str) -> None:
    """Nothing is issued until `issuing.replay` or an unlock; called after a restore."""
    row = session.get(RegisterState, "lock")
    if row is None:
        session.add(RegisterState(key="lock", value={"reason": reason}))
    else:
        row.value = {"reason": reason}


def lock_restored(store: Store) -> None:
    """After a restore: what was issued since the backup is forgotten until the journal is replayed."""
    with store.begin() as session:
        lock(session, "restored from a backup")


def lock_reason(session: Session) -> str | None:
    """Why nothing is issued now, or None."""
    row = session.get(RegisterState, "lock")
    return None if row is None else str(row.value.get("reason", ""))


def unlock(session: Session) -> None:
    """Issue again: only after the journal was replayed."""
    row = session.get(RegisterState, "lock")
    if row is not None:
        session.delete(row)
        session.flush()


def purge(session: Session, today: date) -> dict[str, int]:
    """Delete people, codes and issues of each admission whose deletion date came: {admission: people}."""
    due = select(Admission).where(Admission.delete_on <= today, Admission.purged_on.is_(None))
    purged: dict[str, int] = {}
    for row in session.scalars(due).all():
        people = select(func.count()).select_from(Person).where(Person.admission == row.id)
        purged[row.id] = session.scalar(people) or 0
        for table in (CodeDigest, Issue, Person, CodeBatch):
            session.execute(delete(table).where(table.admission == row.id))
        row.purged_on = today
    return purged


def clear_traces(store: Store) -> None:
    """After a purge: deleted rows leave SQLite's log, or PostgreSQL's tables, for good."""
    if store.engine.dialect.name != "postgresql":
        store.checkpoint()
        return
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("person", "code_digest", "issue", "code_batch"):
            connection.execute(text(f"VACUUM {table}"))
