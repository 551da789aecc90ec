"""Groups, keys and slips of a conference, on the register's side.

The moderator learns counts only: codes exist on the printed slips and, as keyed digests, in the register.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from participation.access.admission import SMALLEST, Access
from participation.access.codes import AccessCode
from participation.access.register import store as register_store
from participation.access.register.models import Admission, CodeBatch, SigningKey
from participation.access.register.store import StratumSpec
from participation.access.sealing import KeyFolder
from participation.conference.groups import merge_small
from stores import publish

#: More slips than this in one print job are a mistake of typing.
MOST_SLIPS = 2_000


def set_up(
    session: Session, slug: str, title: str, groups: Sequence[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Make room for the conference's codes, once; which groups share a mark: mark -> codes of the groups.

    A group with fewer than ten expected ballots shares a key with the next smallest, so that no key is so
    small that its ballots are easily told apart.
    """
    register_store.create_admission(session, slug, "conference", title)
    session.flush()
    _lock(session, slug)
    if not register_store.has_keys(session, slug):
        together = merge_small({g["code"]: int(g["seats"]) for g in groups}, SMALLEST["conference"])
        specs = [
            StratumSpec(
                code=g["code"],
                label=next(iter(g["label"].values()), g["code"]),
                invited=int(g["seats"]),
                shares_key_with=together[g["code"]][0],
            )
            for g in groups
        ]
        # Setting strata draws new marks; whoever prepares at the same time may have read the present ones.
        if not _stand(session, slug, specs):
            register_store.set_strata(session, slug, specs)
    return marks(session, slug)


def _lock(session: Session, slug: str) -> None:
    """Page and worker prepare a conference one after the other (SQLite has one writer anyway)."""
    session.get(Admission, slug, with_for_update=True, populate_existing=True)


def _stand(session: Session, slug: str, specs: Sequence[StratumSpec]) -> bool:
    """Whether the groups are set up like this already."""
    present = {(one.code, one.label, one.invited) for one in register_store.strata_of(session, slug)}
    shared: dict[str, list[str]] = {}
    for spec in specs:
        shared.setdefault(spec.shares_key_with or spec.code, []).append(spec.code)
    together = sorted(sorted(codes) for codes in shared.values())
    return present == {(spec.code, spec.label, spec.invited) for spec in specs} and together == sorted(
        marks(session, slug).values()
    )


def marks(session: Session, slug: str) -> dict[str, list[str]]:
    """Which groups carry which mark."""
    found: dict[str, list[str]] = {}
    for stratum in register_store.strata_of(session, slug):
        found.setdefault(stratum.mark, []).append(stratum.code)
    return {mark: sorted(codes) for mark, codes in found.items()}


def make_keys(session: Session, access: Access, folder: KeyFolder, today: date) -> list[SigningKey]:
    """Keys for one round, where they are missing."""
    _lock(session, access.admission)
    return register_store.make_keys(session, access, folder, today)


def publish_keys(
    collector: Session, slug: str, keys: Sequence[SigningKey], shared: Mapping[str, Sequence[str]]
) -> None:
    """Publish the public halves, and which groups share them."""
    register_store.publish_keys(collector, keys)
    publish(
        collector, "register", "conference_groups", slug, {"marks": {m: list(c) for m, c in shared.items()}}
    )


def make_slips(
    session: Session, slug: str, group: str, amount: int, today: date, digest_key: bytes
) -> list[AccessCode]:
    """Fresh codes of a group, returned once and kept nowhere.

    Raises:
        RegisterFault: ``no_strata`` for an unknown group.
    """
    return register_store.make_batch(session, slug, group, "slips", amount, today, digest_key)


def printed(session: Session, slug: str) -> dict[str, int]:
    """Slips printed so far per group."""
    query = (
        select(CodeBatch.stratum, func.sum(CodeBatch.amount).label("amount"))
        .where(CodeBatch.admission == slug)
        .group_by(CodeBatch.stratum)
    )
    return {row.stratum: int(row.amount) for row in session.execute(query).all()}
