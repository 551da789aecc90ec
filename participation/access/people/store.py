"""The people of a sample in the register: import, search, states, who is to be written to, counts by class.

Every function takes the register's session first, except where a session of the collector is named.  Nothing
here knows an answer; whether somebody answered is only counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, exists, func, insert, or_, select
from sqlalchemy.orm import Session

from localtext import usual
from participation.access import sample
from participation.access.register import store as register_store
from participation.access.register.models import (
    PERSON_STATES,
    Admission,
    CodeBatch,
    CodeDigest,
    Issue,
    LanguageRule,
    Person,
    Stratum,
)
from participation.access.register.store import RegisterFault
from participation.access.returns import STEP, Outcomes, in_steps
from stores import publish, random_id

#: Rows in one statement of an import.
_CHUNK = 2_000

#: Fewest invited people of a class whose figures are shown or published.
SMALLEST_CELL = 50

#: Rows that a search shows at most.
FOUND_AT_MOST = 50


# ---------------------------------------------------------------- import


def known_references(session: Session, admission: str) -> frozenset[str]:
    """References that earlier imports brought."""
    query = select(Person.reference).where(Person.admission == admission, Person.reference.is_not(None))
    return frozenset(reference for reference in session.scalars(query) if reference is not None)


def known_addresses(session: Session, admission: str) -> frozenset[tuple[str, str, str]]:
    """Name, street and postcode of people whom earlier imports brought without a reference."""
    fields = [Person.address[field].as_string() for field in ("name", "street", "postcode")]
    query = select(*fields).where(Person.admission == admission, Person.reference.is_(None))
    return frozenset((name or "", street or "", code or "") for name, street, code in session.execute(query))


def import_people(
    session: Session,
    admission: str,
    people: Sequence[sample.Person],
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Add all people in the caller's one transaction, so that an interruption imports nobody; how many.

    They are stored in the order of their random ids: the file's order is kept nowhere.  ``progress`` is told
    how many are written and may raise to stop.
    """
    keyed = sorted(((random_id(), person) for person in people), key=lambda pair: pair[0])
    for start in range(0, len(keyed), _CHUNK):
        session.execute(
            insert(Person), [_row(admission, key, person) for key, person in keyed[start : start + _CHUNK]]
        )
        progress(min(start + _CHUNK, len(keyed)))
    count_invited(session, admission)
    return len(keyed)


def _row(admission: str, key: bytes, person: sample.Person) -> dict[str, Any]:
    return {
        "id": key,
        "admission": admission,
        "stratum": person.stratum,
        "reference": person.reference,
        "address": person.address,
        "languages": list(person.languages),
        "citizenship": person.citizenship,
        "bands": person.bands,
        "state": "invited",
    }


def count_invited(session: Session, admission: str) -> None:
    """Write into each stratum how many are invited: its people and the codes of its batches."""
    counts = people_by_stratum(session, admission)
    batches = select(CodeBatch.stratum, func.sum(CodeBatch.amount)).where(CodeBatch.admission == admission)
    for stratum, amount in session.execute(batches.group_by(CodeBatch.stratum)):
        counts[stratum] = counts.get(stratum, 0) + int(amount)
    for one in register_store.strata_of(session, admission):
        one.invited = counts.get(one.code, 0)
    session.flush()


def batches(session: Session, admission: str) -> list[CodeBatch]:
    """Code batches made so far, by stratum and label."""
    query = select(CodeBatch).where(CodeBatch.admission == admission)
    return list(session.scalars(query.order_by(CodeBatch.stratum, CodeBatch.label)))


def people_by_stratum(session: Session, admission: str) -> dict[str, int]:
    """How many people each stratum holds."""
    query = select(Person.stratum, func.count().label("amount")).where(Person.admission == admission)
    return {row.stratum: row.amount for row in session.execute(query.group_by(Person.stratum))}


def remove_people(session: Session, admission: str) -> int:
    """Take an import back, as long as nobody was written to; how many people.

    Raises:
        RegisterFault: ``codes_made`` once a letter holds a code of theirs.
    """
    written = select(CodeDigest.digest).where(
        CodeDigest.admission == admission, CodeDigest.person.is_not(None)
    )
    if session.scalar(written.limit(1)) is not None:
        raise RegisterFault("codes_made", admission)
    amount = sum(people_by_stratum(session, admission).values())
    session.execute(delete(Person).where(Person.admission == admission))
    count_invited(session, admission)
    return amount


# ---------------------------------------------------------------- languages


def rules(session: Session) -> dict[str, list[str]]:
    """The office's own rules: citizenship -> letter languages."""
    query = select(LanguageRule).order_by(LanguageRule.citizenship)
    return {rule.citizenship: rule.languages for rule in session.scalars(query)}


def set_rule(session: Session, citizenship: str, languages: Sequence[str]) -> None:
    """Depart from the default table; no languages mean German only."""
    row = session.get(LanguageRule, citizenship)
    if row is None:
        session.add(LanguageRule(citizenship=citizenship, languages=list(languages)))
    else:
        row.languages = list(languages)
    session.flush()


def remove_rule(session: Session, citizenship: str) -> None:
    """Go back to the default table; harmless where there is no rule."""
    session.execute(delete(LanguageRule).where(LanguageRule.citizenship == citizenship))


# ---------------------------------------------------------------- one person


def person(session: Session, admission: str, key: bytes) -> Person | None:
    """The person of this admission, or None."""
    found = session.get(Person, key)
    return found if found is not None and found.admission == admission else None


def by_reference(session: Session, admission: str, reference: str) -> Person | None:
    """The person with the register's own number."""
    query = select(Person).where(Person.admission == admission, Person.reference == reference)
    return session.scalars(query).first()


def by_code(session: Session, admission: str, digest: bytes) -> Person | None:
    """The person whose letter holds the code with this digest."""
    code = session.get(CodeDigest, digest)
    if code is None or code.person is None or code.admission != admission:
        return None
    return session.get(Person, code.person)


def by_name(session: Session, admission: str, words: str) -> list[Person]:
    """People whose name or street holds the words, for a caller without a letter; fifty at most."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    wanted = [
        Person.address[field].as_string().ilike(f"%{escaped}%", escape="\\") for field in ("name", "street")
    ]
    query = select(Person).where(Person.admission == admission, or_(*wanted)).limit(FOUND_AT_MOST)
    return sorted(session.scalars(query), key=lambda one: str(one.address.get("name", "")))


def set_state(session: Session, one: Person, state: str, today: date) -> None:
    """What became of an invitation: ``undeliverable``, ``refused``, ...; the same again changes nothing."""
    if state not in PERSON_STATES:
        raise RegisterFault("state", state)
    if one.state != state:
        one.state, one.state_on = state, today
        session.flush()


# ---------------------------------------------------------------- letters


@dataclass(frozen=True)
class Mailing:
    """What was printed on one day: number of the letter (0: invitation), day, people."""

    letter: int
    made_on: date
    people: int


def mailings(session: Session, admission: str) -> list[Mailing]:
    """Letters with codes made so far."""
    query = (
        select(
            CodeDigest.letter, CodeDigest.made_on, func.count(CodeDigest.person.distinct()).label("people")
        )
        .where(CodeDigest.admission == admission, CodeDigest.person.is_not(None))
        .group_by(CodeDigest.letter, CodeDigest.made_on)
        .order_by(CodeDigest.letter, CodeDigest.made_on)
    )
    return [Mailing(row.letter, row.made_on, row.people) for row in session.execute(query)]


def recipients(
    session: Session, admission: str, letter: int, *, again: bool = False, round_: str = ""
) -> list[bytes]:
    """Ids of the people to send this letter to, by postcode and street.

    The invitation (0) goes to all who are invited; a reminder to those of them who were written to and none
    of whose codes is issued.  Who has this letter already gets it only ``again``.
    """
    query = select(Person.id, Person.address).where(Person.admission == admission, Person.state == "invited")
    issued = exists().where(Issue.holder == Person.id, Issue.round == round_)
    has_code = exists().where(CodeDigest.person == Person.id)
    query = query.where(~issued)
    if letter:
        query = query.where(has_code)
    if not again:
        query = query.where(~exists().where(CodeDigest.person == Person.id, CodeDigest.letter == letter))
    rows = session.execute(query).all()
    places = ("postcode", "street", "name")
    return [row.id for row in sorted(rows, key=lambda row: [str(row.address.get(p, "")) for p in places])]


def people_of(session: Session, ids: Sequence[bytes]) -> list[Person]:
    """These people in this order."""
    found = {one.id: one for one in session.scalars(select(Person).where(Person.id.in_(ids)))}
    return [found[key] for key in ids if key in found]


def languages_of_people(session: Session, admission: str) -> dict[str, int]:
    """How many people each letter language was meant for."""
    counts: dict[str, int] = {}
    for languages in session.scalars(select(Person.languages).where(Person.admission == admission)):
        for tag in map(usual, languages):
            counts[tag] = counts.get(tag, 0) + 1
    return dict(sorted(counts.items()))


# ---------------------------------------------------------------- counts


@dataclass(frozen=True)
class Class:
    """A nonresponse class: people invited, codes of theirs that were used, and what came back."""

    values: tuple[str, ...]
    invited: int
    issued: int
    undeliverable: int
    refused: int
    ineligible: int

    @property
    def outcomes(self) -> Outcomes:
        """For response rates (participation/access/returns.py)."""
        return Outcomes(self.invited, self.issued, self.undeliverable, self.refused, self.ineligible)


def variables(session: Session, admission: str) -> list[str]:
    """Names of the bands that the import brought."""
    names: set[str] = set()
    for bands in session.scalars(select(Person.bands).where(Person.admission == admission)):
        names.update(bands)
    return sorted(names)


def classes(session: Session, admission: str, by: Sequence[str] = (), round_: str = "") -> list[Class]:
    """Exact counts by stratum (``""``) or bands: for calculations inside the register.

    ``by`` names bands; the name ``stratum`` stands for the stratum.  A missing band counts as ``""``.
    """
    issued = exists().where(Issue.holder == Person.id, Issue.round == round_).label("issued")
    query = select(Person.stratum, Person.bands, Person.state, issued).where(Person.admission == admission)
    counts: dict[tuple[str, ...], list[int]] = {}
    for stratum, bands, state, is_issued in session.execute(query):
        values = tuple(stratum if name == "stratum" else str(bands.get(name, "")) for name in by)
        row = counts.setdefault(values, [0, 0, 0, 0, 0])
        row[0] += 1
        row[1] += bool(is_issued)
        # Who answered has answered, whatever the post or the hotline said in the meantime.
        if not is_issued:
            row[2] += state == "undeliverable"
            row[3] += state == "refused"
            row[4] += state in ("ineligible", "deceased")
    return [Class(values, *row) for values, row in sorted(counts.items())]


def large_classes(found: Iterable[Class]) -> list[Class]:
    """The classes with at least fifty people, those below joined into one; where the rest is still too
    small, the smallest other class joins it, so that no cell says much about few."""
    large = sorted((one for one in found if one.invited >= SMALLEST_CELL), key=lambda one: one.invited)
    rest = [one for one in found if one.invited < SMALLEST_CELL]
    while rest and sum(one.invited for one in rest) < SMALLEST_CELL and large:
        rest.append(large.pop(0))
    if not rest or sum(one.invited for one in rest) < SMALLEST_CELL:
        return sorted(large, key=lambda one: one.values)
    joined = Class(
        ("*",) * len(rest[0].values),
        *(sum(getattr(one, name) for one in rest) for name in _COUNTS),
    )
    return [*sorted(large, key=lambda one: one.values), joined]


_COUNTS = ("invited", "issued", "undeliverable", "refused", "ineligible")


# ---------------------------------------------------------------- publication


def returns_document(session: Session, admission: str, *, final: bool, round_: str = "") -> dict[str, Any]:
    """What the register publishes of an admission: N and n per key, and what came back, in steps.

    While the wave runs, counts are whole steps; when it is closed (``final``) they are exact.  Nonresponse by
    class stands only in cells of at least fifty invited people.
    """
    row = session.get_one(Admission, admission)
    step = 1 if final else STEP[row.kind]
    strata = register_store.strata_of(session, admission)
    marks = {key.mark: key.id for key in register_store.keys_of(session, admission, round_)}
    issued = register_store.issued_counts(session, admission, round_)
    keys = {
        marks[mark]: _key_figures([one for one in strata if one.mark == mark], issued.get(mark, 0), step)
        for mark in sorted({one.mark for one in strata} & marks.keys())
    }
    return {
        "admission": admission,
        "kind": row.kind,
        "final": final,
        "step": step,
        "issued": in_steps(sum(issued.values()), step),
        "keys": keys,
        "strata": {
            one.code: {"label": one.label, "N": one.population, "n": one.invited, "key": marks.get(one.mark)}
            for one in strata
        },
        "classes": _published_classes(session, admission, strata, step, round_),
    }


def _key_figures(strata: Sequence[Stratum], issued: int, step: int) -> dict[str, Any]:
    known = [one.population for one in strata if one.population is not None]
    return {
        "strata": [one.code for one in strata],
        "label": ", ".join(one.label for one in strata),
        "N": sum(known) if len(known) == len(strata) else None,
        "n": sum(one.invited for one in strata),
        "issued": in_steps(issued, step),
    }


def _published_classes(
    session: Session, admission: str, strata: Sequence[Stratum], step: int, round_: str
) -> dict[str, list[dict[str, Any]]]:
    names = ("stratum", *variables(session, admission))
    published: dict[str, list[dict[str, Any]]] = {}
    labels = {one.code: one.label for one in strata}
    for name in names:
        published[name] = [
            {
                "class": labels.get(one.values[0], one.values[0]) if name == "stratum" else one.values[0],
                "invited": one.invited,
                "issued": in_steps(one.issued, step),
                "undeliverable": in_steps(one.undeliverable, step),
                "refused": in_steps(one.refused, step),
                "ineligible": in_steps(one.ineligible, step),
            }
            for one in large_classes(classes(session, admission, (name,), round_))
        ]
    return published


def publish_returns(
    session: Session, collector: Session, admission: str, *, final: bool, round_: str = ""
) -> dict[str, Any]:
    """Publish `returns_document` and how to reach the office, with a session of the collector."""
    row = session.get_one(Admission, admission)
    document = returns_document(session, admission, final=final, round_=round_)
    key = f"{admission}/{round_}" if round_ else admission
    publish(collector, "register", "returns", key, document)
    head: Mapping[str, Any] = row.letterhead or {}
    told = {name: head.get(name, "") for name in ("name", "phone", "website")}
    told["delete_on"] = row.delete_on.isoformat() if row.delete_on else ""
    publish(collector, "register", "letterhead", admission, told)
    return document
