"""Batches of paper sheets: keyed twice, compared, admitted as a whole into the waiting room, wiped.

Every function takes the collector's session first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from participation.access.collector import store as collector_store
from participation.access.collector.store import Refused
from stores import published, published_all, random_id
from surveys.entry.models import Keying, KeyingBatch
from surveys.entry.typed import Difference, Keyed, differences, missing_sheets
from surveys.questionnaire import Questionnaire


class EntryFault(Exception):
    """Something that is not done with a batch; ``code`` says what, ``params`` hold the numbers.

    Codes: ``admitted`` (it is in the waiting room already), ``sheet`` (no such number), ``same_clerk``,
    ``unkeyed``, ``differences``, ``no_slips`` (the register published none), ``total``, ``closed``.
    """

    def __init__(self, code: str, **params: Any) -> None:
        self.code = code
        self.params = params
        super().__init__(code, params)


@dataclass(frozen=True)
class Progress:
    """How far a batch is: numbers of sheets not keyed yet in each turn, and where the turns differ."""

    first: list[int]
    second: list[int]
    differences: list[Difference]

    @property
    def ready(self) -> bool:
        """Whether every sheet is keyed twice and settled."""
        return not (self.first or self.second or self.differences)


def paper_waves(session: Session) -> list[dict[str, Any]]:
    """Open waves with codes: the documents of kind ``wave``."""
    documents = published_all(session, "office", "wave").values()
    return [one for one in documents if one["state"] == "open" and "open" not in one["levels"]]


def wave_of(session: Session, wave: str) -> dict[str, Any] | None:
    """The open wave with this id, or None."""
    return next((one for one in paper_waves(session) if one["id"] == wave), None)


def new_batch(
    session: Session, wave: Mapping[str, Any], key_id: str, label: str, sheets: int, version: int
) -> KeyingBatch:
    """A stack of ``sheets`` envelopes under one key."""
    batch = KeyingBatch(
        id=random_id(),
        wave=wave["id"],
        survey=wave["survey"],
        key_id=key_id,
        label=label,
        version=version,
        sheets=sheets,
        state="open",
    )
    session.add(batch)
    session.flush()
    return batch


def batch(session: Session, key: bytes) -> KeyingBatch | None:
    """The batch, or None."""
    return session.get(KeyingBatch, key)


def batches(session: Session) -> list[KeyingBatch]:
    """All batches, open ones first."""
    query = select(KeyingBatch).order_by(KeyingBatch.state.desc(), KeyingBatch.label, KeyingBatch.id)
    return list(session.scalars(query))


def remove_batch(session: Session, one: KeyingBatch) -> None:
    """Take a batch back that was set up by mistake.  Raises EntryFault: ``admitted``."""
    if one.state != "open":
        raise EntryFault("admitted")
    session.execute(delete(Keying).where(Keying.batch == one.id))
    session.delete(one)
    session.flush()


def key_sheet(session: Session, one: KeyingBatch, keyed: Keyed, turn: int, clerk: int) -> None:
    """Keep one sheet of a turn; keyed again by the same clerk it replaces the earlier keying.

    Raises:
        EntryFault: ``admitted``, ``sheet`` or ``same_clerk``.
    """
    if one.state != "open":
        raise EntryFault("admitted")
    if not 1 <= keyed.sheet <= one.sheets:
        raise EntryFault("sheet", sheets=one.sheets)
    other = session.get(Keying, (one.id, keyed.sheet, 3 - turn)) if turn in (1, 2) else None
    if other is not None and other.clerk == clerk:
        raise EntryFault("same_clerk")
    row = session.get(Keying, (one.id, keyed.sheet, turn))
    if row is None:
        row = Keying(batch=one.id, sheet=keyed.sheet, turn=turn)
        session.add(row)
    row.clerk, row.void, row.variant = clerk, keyed.void, keyed.variant
    row.answers, row.texts = dict(keyed.answers), dict(keyed.texts)
    if turn in (1, 2):
        # What was settled before no longer stands once a keying was changed.
        session.execute(
            delete(Keying).where(Keying.batch == one.id, Keying.sheet == keyed.sheet, Keying.turn == 3)
        )
    session.flush()


def _keyed(session: Session, one: KeyingBatch) -> dict[int, dict[int, Keyed]]:
    """Turn -> sheet -> as keyed."""
    found: dict[int, dict[int, Keyed]] = {1: {}, 2: {}, 3: {}}
    for row in session.scalars(select(Keying).where(Keying.batch == one.id)):
        found[row.turn][row.sheet] = Keyed(row.sheet, row.void, row.variant, row.answers, row.texts)
    return found


def keyed_sheet(session: Session, one: KeyingBatch, sheet: int, turn: int) -> Keyed | None:
    """One keying of a sheet, for settling differences."""
    return _keyed(session, one)[turn].get(sheet)


def next_sheet(session: Session, one: KeyingBatch, turn: int) -> int | None:
    """The first sheet that this turn has not keyed, or None."""
    query = select(Keying.sheet).where(Keying.batch == one.id, Keying.turn == turn)
    missing = missing_sheets(one.sheets, list(session.scalars(query)))
    return missing[0] if missing else None


def progress(session: Session, one: KeyingBatch, questionnaire: Questionnaire) -> Progress:
    """What is still to key, and the discrepancy list."""
    keyed = _keyed(session, one)
    found = [
        difference
        for sheet in sorted(keyed[1].keys() & keyed[2].keys() - keyed[3].keys())
        for difference in differences(questionnaire, keyed[1][sheet], keyed[2][sheet])
    ]
    return Progress(
        missing_sheets(one.sheets, list(keyed[1])), missing_sheets(one.sheets, list(keyed[2])), found
    )


def booked(session: Session, key_id: str) -> int | None:
    """Slips that the register booked for the key, as it published them; None before it did."""
    document = published(session, "register", "slips", key_id)
    return None if document is None else int(document["booked"])


def admitted_sheets(session: Session, key_id: str) -> int:
    """Sheets of this key admitted so far."""
    query = select(func.sum(KeyingBatch.sheets)).where(
        KeyingBatch.key_id == key_id, KeyingBatch.state == "admitted"
    )
    return int(session.scalar(query) or 0)


def admit(session: Session, one: KeyingBatch, questionnaire: Questionnaire) -> int:
    """Put the batch into the waiting room, without tokens, and wipe its keyings; how many answers.

    All in the caller's one transaction.  Sheets admitted so far and this batch must be exactly as many as
    the slips that the register booked, or somebody could slip in a sheet.

    Raises:
        EntryFault: ``admitted``, ``unkeyed``, ``differences``, ``no_slips``, ``total`` or ``closed``.
    """
    if one.state != "open":
        raise EntryFault("admitted")
    done = progress(session, one, questionnaire)
    if done.first or done.second:
        raise EntryFault("unkeyed", sheets=len(done.first) + len(done.second))
    if done.differences:
        raise EntryFault("differences", places=len(done.differences))
    slips = booked(session, one.key_id)
    if slips is None:
        raise EntryFault("no_slips")
    total = admitted_sheets(session, one.key_id) + one.sheets
    if total != slips:
        raise EntryFault("total", sheets=total, slips=slips)
    keyed = _keyed(session, one)
    settled = {**keyed[1], **keyed[3]}
    documents = [_document(one, sheet) for sheet in settled.values() if not sheet.void]
    try:
        collector_store.admit(session, one.key_id, documents)
    except Refused as refusal:
        raise EntryFault("closed", reason=refusal.code) from None
    session.execute(delete(Keying).where(Keying.batch == one.id))
    one.state = "admitted"
    session.flush()
    return len(documents)


def _document(one: KeyingBatch, sheet: Keyed) -> dict[str, Any]:
    """What a response will have (surveys/collection): its way was paper."""
    return {
        "wave": one.wave,
        "version": one.version,
        "variant": sheet.variant,
        "mode": "paper",
        "answers": dict(sheet.answers),
        "texts": dict(sheet.texts),
    }


def key_names(session: Session, wave: Mapping[str, Any]) -> dict[str, str]:
    """What the register calls the people of each key; empty where it has not published its figures."""
    returns = published(session, "register", "returns", wave["access"]) or {"keys": {}}
    return {key_id: one["label"] for key_id, one in returns["keys"].items()}


def keys_of_wave(session: Session, wave: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """The wave's keys: (key id, mark as it stands on the sheets)."""
    documents = collector_store.key_documents(session, wave["access"])
    return sorted(((key_id, one["mark"]) for key_id, one in documents.items()), key=lambda pair: pair[1])
