"""Queries and writes of conferences in the office store, and what the office publishes of them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from participation.access import admission
from participation.access.admission import Access
from participation.conference.models import (
    Conference,
    ConferenceOption,
    Group,
    OptionVersion,
    Round,
)
from stores import publish

#: Which state may follow which; everything else is a fault that names both.
STEPS: dict[str, tuple[str, ...]] = {
    "draft": ("announced",),
    "announced": ("open", "withdrawn"),
    "open": ("paper", "closed", "withdrawn"),
    "paper": ("closed",),
    "closed": ("revealed",),
    "revealed": (),
    "withdrawn": (),
}
#: State of a round without a grace -> state of what its codes admit to. While paper is keyed, phones are shut
#: out, but nothing is mixed yet.
ACCESS_STATE = {
    "draft": "announced",
    "announced": "announced",
    "open": "open",
    "paper": "announced",
    "closed": "closed",
    "revealed": "closed",
    "withdrawn": "closed",
}


class ConferenceFault(ValueError):
    """Something that cannot be done now; ``code`` says what, ``params`` what the sentence needs."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code = code
        self.params = params
        super().__init__(f"{code} {params}")


@dataclass(frozen=True)
class OptionText:
    """What an option says in one version."""

    label: Mapping[str, str]
    explanation: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cost: int | None = None


@dataclass(frozen=True)
class Listed:
    """An option with its newest version."""

    code: str
    position: int
    dropped: bool
    version: int
    label: dict[str, str]
    explanation: dict[str, str]
    evidence: dict[str, Any]
    cost: int | None


# ---------------------------------------------------------------- conferences


def conferences(session: Session) -> list[Conference]:
    """All conferences, newest first."""
    return list(session.scalars(select(Conference).order_by(Conference.id.desc())))


def conference(session: Session, slug: str) -> Conference | None:
    """The conference, or None."""
    return session.scalar(select(Conference).where(Conference.slug == slug))


def free_slug(session: Session, wanted: str) -> str:
    """A short address from a title: lower-case letters, digits, hyphens; numbered where it is taken."""
    words = wanted.lower()
    for letter, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        words = words.replace(letter, plain)
    base = "-".join(re.findall(r"[a-z0-9]+", words))[:40].strip("-") or "conference"
    slug, number = base, 1
    while conference(session, slug) is not None:
        number += 1
        slug = f"{base}-{number}"
    return slug


def create(
    session: Session, title: Mapping[str, str], languages: Sequence[str], held_on: date | None, choose: int
) -> Conference:
    """A new conference."""
    slug = free_slug(session, next(iter(title.values())))
    row = Conference(
        slug=slug,
        title=dict(title),
        languages=list(languages),
        held_on=held_on,
        choose=choose,
        note={},
        mapping={},
    )
    session.add(row)
    session.flush()
    return row


# ---------------------------------------------------------------- groups


def groups(session: Session, row: Conference) -> list[Group]:
    """The groups in order."""
    return list(session.scalars(select(Group).where(Group.conference == row.id).order_by(Group.position)))


def set_groups(
    session: Session, row: Conference, wanted: Iterable[tuple[str, Mapping[str, str], int, str]]
) -> None:
    """Replace the groups: (code or "", label, seats, share). Codes are kept, new ones are made.

    Raises:
        ConferenceFault: ``groups_fixed`` once a round was announced: slips are printed per group.
    """
    if any(r.state != "draft" and r.settings["level"] == "codes" for r in rounds(session, row)):
        raise ConferenceFault("groups_fixed")
    for old in groups(session, row):
        session.delete(old)
    session.flush()
    taken: set[str] = set()
    for position, (code, label, seats, share) in enumerate(wanted):
        code = code if code and code not in taken else _new_code("g", taken)
        taken.add(code)
        session.add(
            Group(
                conference=row.id, code=code, label=dict(label), seats=seats, share=share, position=position
            )
        )
    session.flush()


def _new_code(letter: str, taken: Iterable[str]) -> str:
    numbers = [int(code[1:]) for code in taken if re.fullmatch(rf"{letter}\d+", code)]
    return f"{letter}{max(numbers, default=0) + 1}"


# ---------------------------------------------------------------- options


def options(session: Session, row: Conference, *, dropped: bool = False) -> list[Listed]:
    """Options in order, each with its newest version."""
    newest = (
        select(OptionVersion.code, func.max(OptionVersion.version).label("version"))
        .where(OptionVersion.conference == row.id)
        .group_by(OptionVersion.code)
        .subquery()
    )
    query = (
        select(ConferenceOption, OptionVersion)
        .join(
            OptionVersion,
            (OptionVersion.conference == ConferenceOption.conference)
            & (OptionVersion.code == ConferenceOption.code),
        )
        .join(newest, (newest.c.code == OptionVersion.code) & (newest.c.version == OptionVersion.version))
        .where(ConferenceOption.conference == row.id)
        .order_by(ConferenceOption.position)
    )
    if not dropped:
        query = query.where(ConferenceOption.dropped.is_(False))
    return [_listed(option, version) for option, version in session.execute(query).all()]


def _listed(option: ConferenceOption, version: OptionVersion) -> Listed:
    return Listed(
        option.code,
        option.position,
        option.dropped,
        version.version,
        dict(version.label),
        dict(version.explanation),
        dict(version.evidence),
        version.cost,
    )


def versions(session: Session, row: Conference) -> dict[tuple[str, int], OptionVersion]:
    """Every version of every option."""
    query = select(OptionVersion).where(OptionVersion.conference == row.id)
    return {(one.code, one.version): one for one in session.scalars(query)}


def add_option(session: Session, row: Conference, text: OptionText, code: str = "") -> str:
    """Add an option at the end; its code."""
    present = {option.code for option in options(session, row, dropped=True)}
    code = code if code and code not in present else _new_code("o", present)
    session.add(ConferenceOption(conference=row.id, code=code, position=len(present) + 1))
    session.flush()
    _add_version(session, row, code, 1, text)
    return code


def reword(session: Session, row: Conference, code: str, text: OptionText) -> int:
    """A new version of an option, if it says something new; the version that is valid now."""
    present = next(o for o in options(session, row, dropped=True) if o.code == code)
    now = OptionText(present.label, present.explanation, present.evidence, present.cost)
    if now == OptionText(dict(text.label), dict(text.explanation), dict(text.evidence), text.cost):
        return present.version
    _add_version(session, row, code, present.version + 1, text)
    return present.version + 1


def _add_version(session: Session, row: Conference, code: str, version: int, text: OptionText) -> None:
    session.add(
        OptionVersion(
            conference=row.id,
            code=code,
            version=version,
            label=dict(text.label),
            explanation=dict(text.explanation),
            evidence=dict(text.evidence),
            cost=text.cost,
        )
    )
    session.flush()


def drop_option(session: Session, row: Conference, code: str, dropped: bool = True) -> None:
    """Take an option off the list for coming rounds, or put it back."""
    option = session.get(ConferenceOption, (row.id, code))
    if option is not None:
        option.dropped = dropped


def move_option(session: Session, row: Conference, code: str, by: int) -> None:
    """Move an option up (-1) or down (1)."""
    listed = options(session, row)
    codes = [o.code for o in listed]
    if code not in codes:
        return
    old = codes.index(code)
    new = min(max(old + by, 0), len(codes) - 1)
    codes.insert(new, codes.pop(old))
    for position, name in enumerate(codes, 1):
        option = session.get(ConferenceOption, (row.id, name))
        assert option is not None
        option.position = position


# ---------------------------------------------------------------- rounds


def rounds(session: Session, row: Conference) -> list[Round]:
    """The rounds in order."""
    return list(session.scalars(select(Round).where(Round.conference == row.id).order_by(Round.position)))


def round_of(session: Session, row: Conference, code: str) -> Round | None:
    """A round, or None."""
    return session.get(Round, (row.id, code))


def add_round(
    session: Session,
    row: Conference,
    title: Mapping[str, str],
    settings: Mapping[str, Any],
    *,
    practice: bool = False,
) -> Round:
    """Plan a round; the seed of its lot is drawn now and shown on the stage."""
    present = rounds(session, row)
    made = Round(
        conference=row.id,
        code=_new_code("r", [r.code for r in present]),
        position=len(present) + 1,
        title=dict(title),
        settings={"seed": secrets.token_hex(4), **settings},
        state="draft",
        practice=practice,
        options=[],
        wall={},
    )
    session.add(made)
    session.flush()
    return made


def advance(
    session: Session, row: Conference, code: str, state: str, *, now: datetime, closes: datetime | None = None
) -> Round:
    """Bring a round to its next state; asking for the state it has is harmless, so two devices may both
    close.

    Raises:
        ConferenceFault: ``wrong_step``, ``too_few_options``, ``another_open``, ``no_cost``, ``unlabelled``.
    """
    found = session.scalar(
        select(Round).where(Round.conference == row.id, Round.code == code).with_for_update()
    )
    if found is None:
        raise ConferenceFault("no_round", round=code)
    if found.state == state:
        return found
    if state not in STEPS[found.state]:
        raise ConferenceFault("wrong_step", now=found.state, wanted=state)
    if state == "announced":
        _fix_options(session, row, found)
    if state == "open":
        if any(r.state in ("open", "paper") for r in rounds(session, row) if r.code != code):
            raise ConferenceFault("another_open")
        found.closes = closes
    due = aware(found.closes)
    if state in ("paper", "closed") and (due is None or due > now):
        found.closes = now
    found.state = state
    session.flush()
    return found


def _fix_options(session: Session, row: Conference, found: Round) -> None:
    listed = options(session, row)
    if len(listed) < 2:
        raise ConferenceFault("too_few_options")
    if found.settings["method"] == "budget" and any(o.cost is None for o in listed):
        raise ConferenceFault("no_cost")
    first = row.languages[0]
    missing = [o.code for o in listed if not o.label.get(first)]
    if missing:
        raise ConferenceFault("unlabelled", option=missing[0])
    found.options = [[o.code, o.version] for o in listed]


def extend(session: Session, row: Conference, code: str, closes: datetime | None, *, now: datetime) -> Round:
    """Set another closing time of an open round.

    Raises:
        ConferenceFault: ``wrong_step`` if it is not open, ``over`` if its time and grace have passed: the
            ballots are mixed by then.
    """
    found = session.scalar(
        select(Round).where(Round.conference == row.id, Round.code == code).with_for_update()
    )
    if found is None or found.state != "open":
        raise ConferenceFault("wrong_step", now=found.state if found else "draft", wanted="open")
    if access_of(row, found).over(now):
        raise ConferenceFault("over")
    found.closes = closes
    session.flush()
    return found


# ---------------------------------------------------------------- what is published


def aware(moment: datetime | None) -> datetime | None:
    """A time as UTC: SQLite hands times back without their zone."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def admission_of(row: Conference, round_: Round) -> tuple[str, str]:
    """Under which name the register knows the codes of a round: (admission, round)."""
    if round_.settings["level"] == "open":
        return f"{row.slug}.{round_.code}", ""
    return row.slug, round_.code


def access_of(row: Conference, round_: Round) -> Access:
    """What codes admit to in this round. It mixes once, at its close.

    With a grace the access stays open after the button, and is over by its time; while paper may come it is
    not over before the state says so.
    """
    name, code = admission_of(row, round_)
    coded = round_.settings["level"] == "codes"
    graced = round_.state in ("paper", "closed") and round_.settings.get("grace")
    return Access(
        admission=name,
        kind="conference",
        levels=("sealed", "two_office") if coded else ("open",),
        state="open" if graced else ACCESS_STATE[round_.state],
        round=code,
        closes=aware(round_.closes),
        grace=int(round_.settings.get("grace", 60)),
        pool=None,
        revisable=coded,
        held=bool(round_.settings.get("paper")) and round_.state != "closed",
    )


def conference_document(session: Session, row: Conference) -> dict[str, Any]:
    """What everybody may know of a conference."""
    return {
        "slug": row.slug,
        "title": row.title,
        "languages": row.languages,
        "held_on": row.held_on.isoformat() if row.held_on else None,
        "collecting": row.collecting,
        "choose": row.choose,
        "publish_as": row.publish_as,
        "note": row.note,
        "groups": [
            {"code": g.code, "label": g.label, "seats": g.seats, "share": g.share}
            for g in groups(session, row)
        ],
        "rounds": [r.code for r in rounds(session, row) if r.state != "draft"],
    }


def round_document(session: Session, row: Conference, round_: Round) -> dict[str, Any]:
    """What phones, stage and count need of a round."""
    texts = versions(session, row)
    access = access_of(row, round_)
    listed = []
    for code, version in round_.options:
        text = texts[code, version]
        listed.append(
            {
                "id": code,
                "version": version,
                "label": text.label,
                "explanation": text.explanation,
                "evidence": text.evidence,
                "cost": text.cost,
            }
        )
    return {
        **round_.settings,
        "conference": row.slug,
        "round": round_.code,
        "access": access.key,
        "title": row.title,
        "round_title": round_.title,
        "languages": row.languages,
        "state": round_.state,
        "practice": round_.practice,
        "listed": not round_.practice,
        "version": max((v for _, v in round_.options), default=0) * 100 + len(round_.options),
        "options": listed,
        "closes": _text(aware(round_.closes)),
        "groups": [
            {"code": g.code, "label": g.label, "share": g.share, "seats": g.seats}
            for g in groups(session, row)
        ],
        "seats": row.choose,
        "wall": round_.wall if round_.wall.get("confirmed_by") else {},
    }


def publish_all(office: Session, collector: Session, row: Conference) -> None:
    """Publish a conference and its announced rounds; repeating it changes nothing."""
    publish(collector, "office", "conference", row.slug, conference_document(office, row))
    for round_ in rounds(office, row):
        if round_.state == "draft":
            continue
        access = access_of(row, round_)
        publish(collector, "office", "access", access.key, admission.document(access))
        publish(collector, "office", "round", access.key, round_document(office, row, round_))
