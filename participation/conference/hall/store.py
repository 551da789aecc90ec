"""Conferences in the collector: needs, ballots after the mix, the count, and what may be seen of it.

`outcome` is the one place through which an outcome leaves this store: nothing is shown before the round was
revealed by a moderator, and nothing exists before the mix.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from participation.access.collector import store as collector_store
from participation.conference import ballotform, compare, receipts, report, tiebreak
from participation.conference.ballots import Option, Policy, Profile, classes_by_score
from participation.conference.groups import SMALLEST, merge_small
from participation.conference.models import BallotRow, Need, OutcomeRow, Sheet
from participation.conference.panel import RULES
from participation.conference.recount import digest
from stores import Store, published, published_all, random_id

#: Turnout is shown in steps of this size.
STEP = 5
#: Needs that one conference takes.
MOST_NEEDS = 2_000
LONGEST_NEED = 1_000
#: How the waiting room of a round without codes is named: this and its admission.
OPEN = "open-"
#: Key of a round's list of ballots, after the round's own.
LIST = "#list"


# ---------------------------------------------------------------- what the office published


def conference_document(session: Session, slug: str) -> dict[str, Any] | None:
    """The published conference, or None."""
    return published(session, "office", "conference", slug)


def round_document(session: Session, access_key: str) -> dict[str, Any] | None:
    """The published round, or None."""
    return published(session, "office", "round", access_key)


def round_documents(session: Session, slug: str) -> list[dict[str, Any]]:
    """All published rounds of a conference, in order."""
    found = [d for d in published_all(session, "office", "round").values() if d["conference"] == slug]
    return sorted(found, key=lambda d: int(d["round"][1:]))


def current_round(session: Session, slug: str) -> dict[str, Any] | None:
    """The round people should look at: the open one, else the newest that was not withdrawn."""
    rounds = [d for d in round_documents(session, slug) if d["state"] != "withdrawn"]
    for wanted in ("open", "paper"):
        for document in rounds:
            if document["state"] == wanted:
                return document
    return rounds[-1] if rounds else None


def round_keys(session: Session, round_: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Published public keys of a round by id; a round without codes has one name and no key."""
    if round_["level"] == "open":
        access = collector_store.access(session, round_["access"])
        return {} if access is None else {f"{OPEN}{access.admission}": {}}
    return collector_store.key_documents(session, round_["access"])


def groups_by_mark(session: Session, slug: str) -> dict[str, list[str]]:
    """Which groups share a key: mark of the codes -> codes of the groups."""
    document = published(session, "register", "conference_groups", slug)
    return {} if document is None else dict(document["marks"])


# ---------------------------------------------------------------- needs


def add_need(session: Session, slug: str, text: str, language: str, origin: str) -> bool:
    """Keep a need; False once the conference has as many as it can read."""
    count = session.scalar(select(func.count()).select_from(Need).where(Need.conference == slug)) or 0
    if count >= MOST_NEEDS:
        return False
    session.execute(
        insert(Need).values(
            conference=slug, id=random_id(), text=text[:LONGEST_NEED], language=language, origin=origin
        )
    )
    return True


def needs(session: Session, slug: str) -> list[Need]:
    """All needs of a conference, in the order of their random ids."""
    return list(session.scalars(select(Need).where(Need.conference == slug).order_by(Need.id)))


# ---------------------------------------------------------------- after the mix


def move_ballots(
    session: Session, key_id: str, documents: Sequence[Mapping[str, Any]], closing: bool
) -> None:
    """Take ballots out of the waiting room (the mix calls it in its transaction); practice is not kept.

    A ballot without a receipt, as those of paper are, gets one that nobody knows: else the list would show
    which few people voted on paper.
    """
    if not documents:
        return
    round_key = _round_of_key(session, key_id)
    round_ = round_document(session, round_key) if round_key else None
    if round_ is None or round_["practice"]:
        return
    for document in documents:
        ballot = {name: value for name, value in document.items() if name != "mode"}
        ballot["receipt"] = ballot["receipt"] or receipts.draw(secrets.randbelow)
        session.execute(
            insert(BallotRow).values(
                round=round_key,
                id=random_id(),
                key_id=key_id,
                mode=document.get("mode", "phone"),
                ballot=ballot,
            )
        )


def _round_of_key(session: Session, key_id: str) -> str | None:
    key = published(session, "register", "key", key_id)
    if key is not None:
        return f"{key['admission']}/{key['round']}" if key["round"] else str(key["admission"])
    return key_id.removeprefix(OPEN) if key_id.startswith(OPEN) else None


def ballots(session: Session, round_: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The ballots of a round in the order of their random ids, each with its group and mode."""
    by_mark = groups_by_mark(session, round_["conference"])
    marks = {key: document.get("mark", "") for key, document in round_keys(session, round_).items()}
    rows = session.scalars(
        select(BallotRow).where(BallotRow.round == round_["access"]).order_by(BallotRow.id)
    )
    return [
        {**row.ballot, "group": "+".join(by_mark.get(marks.get(row.key_id, ""), [])), "mode": row.mode}
        for row in rows
    ]


def count_due(collector: Store, now: datetime) -> None:
    """Count every round whose last mix is done and that has no outcome yet: a chore of the worker."""
    with collector.read() as session:
        done = set(session.scalars(select(OutcomeRow.round)))
        due = [
            document
            for document in published_all(session, "office", "round").values()
            if document["access"] not in done
            and document["state"] in ("closed", "revealed")
            and not document["practice"]
            and _mixed(session, document, now)
        ]
    for document in due:
        with collector.begin() as session:
            if session.get(OutcomeRow, document["access"]) is None:
                cast = ballots(session, document)
                kept = {"salt": secrets.token_hex(16), "ballots": listed(cast)}
                found = count(document, cast) | {"digest": digest(kept)}
                session.add(OutcomeRow(round=document["access"], document=found))
                # The list stands beside the outcome: whoever may see the one may see the other, and no more.
                session.add(OutcomeRow(round=document["access"] + LIST, document=kept))


def _mixed(session: Session, round_: Mapping[str, Any], now: datetime) -> bool:
    keys = round_keys(session, round_)
    access = collector_store.access(session, round_["access"])
    if access is None or not access.over(now):
        return False
    # A key that never had a waiting room (nobody could vote with it) is as good as mixed.
    return all(
        collector_store.is_closed(session, key) or not collector_store.is_known(session, key) for key in keys
    )


def count(round_: Mapping[str, Any], cast: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Everything one round's ballots say, as plain data; see `report.tally`."""
    profile = ballotform.profile(round_, cast)
    policy: Policy = "no_opinion" if round_.get("policy") == "no_opinion" else "last"
    shares = _shares(round_, profile)
    column = "group" if any(ballot["group"] for ballot in cast) else None
    result = report.tally(profile, policy=policy, seats=round_["seats"], column=column, shares=shares)
    other: Policy = "no_opinion" if policy == "last" else "last"
    if profile.kind == "ranking":
        result["other_policy"] = {"policy": other, "rules": report.rules(profile, other, round_["seats"])}
        result["fair_choice"] = report.fair_choice(profile, round_["seats"])
    ordering = [rule for rule in RULES[profile.kind] if result["rules"].get(rule, {}).get("classes")]
    headline = ordering[0] if ordering else RULES[profile.kind][0]
    classes = result["rules"][headline]["classes"] if ordering else []
    # Without ballots the lot alone would make an order, and people would take it for somebody's will.
    places = tiebreak.resolve(classes, profile, policy, round_["seed"]) if classes and cast else []
    return {
        "report": result,
        "headline": headline,
        "cast": len(cast),
        "order": [{"option": place.option, "step": place.step} for place in places],
        "modes": _by_mode(round_, cast, policy, headline),
    }


def _shares(round_: Mapping[str, Any], profile: Profile) -> dict[str, Fraction] | None:
    """Agreed shares per group as the ballots name it (groups that share a key are joined)."""
    agreed = {g["code"]: Fraction(g["share"]) for g in round_["groups"] if g.get("share")}
    if len(agreed) < len(round_["groups"]):
        return None
    names = {ballot.attribute("group") or "" for ballot in profile.ballots}
    return {name: sum((agreed.get(c, Fraction(0)) for c in name.split("+")), Fraction(0)) for name in names}


def _by_mode(
    round_: Mapping[str, Any], cast: Sequence[Mapping[str, Any]], policy: Policy, headline: str
) -> dict[str, Any]:
    """Phone beside paper, where every shown part has at least five ballots."""
    parts = {mode: [b for b in cast if b["mode"] == mode] for mode in ("phone", "paper")}
    if any(len(part) < STEP for part in parts.values()):
        return {}
    found = {}
    for mode, part in parts.items():
        rules = report.rules(
            ballotform.profile(round_, part), "no_opinion" if policy == "no_opinion" else "last"
        )
        found[mode] = {"ballots": len(part), "classes": rules[headline]["classes"]}
    return found


def listed(cast: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The ballots as they are listed for recounting: groups under five are merged, as on every page, and no
    ballot says that it came on paper."""
    sizes = Counter(ballot["group"] for ballot in cast)
    shown = merge_small(sizes)
    few = len(cast) < SMALLEST
    return [
        {name: value for name, value in ballot.items() if name != "mode"}
        | {"group": "" if few else " + ".join(shown[ballot["group"]])}
        for ballot in cast
    ]


# ---------------------------------------------------------------- what may be seen


def is_counted(session: Session, access_key: str) -> bool:
    """Whether there is an outcome, without a look at it."""
    return session.scalar(select(OutcomeRow.round).where(OutcomeRow.round == access_key)) is not None


def outcome(session: Session, round_: Mapping[str, Any]) -> dict[str, Any] | None:
    """The outcome of a revealed round; None before. There is no other way to an outcome."""
    published_now = round_document(session, round_["access"])
    if published_now is None or published_now["state"] != "revealed" or published_now["practice"]:
        return None
    row = session.get(OutcomeRow, round_["access"])
    return None if row is None else _with_wall(dict(row.document), published_now)


def _with_wall(found: dict[str, Any], round_: Mapping[str, Any]) -> dict[str, Any]:
    """Dots of a confirmed wall added to the sums that order the topics; everything else leaves them out."""
    totals = (round_.get("wall") or {}).get("totals")
    if not totals or round_["method"] != "dots":
        return found
    scores = found["report"]["rules"]["dots"]["scores"]
    ids = tuple(scores)
    sums = [Fraction(scores[name]) + int(totals.get(name, 0)) for name in ids]
    profile = Profile("dots", tuple(Option(name) for name in ids), ())
    places = tiebreak.resolve(classes_by_score(ids, sums), profile, "last", round_["seed"])
    return found | {
        "order": [{"option": place.option, "step": place.step} for place in places],
        "walled": True,
    }


def recount_document(session: Session, round_: Mapping[str, Any]) -> dict[str, Any]:
    """Salt and ballots of a revealed round for recounting, shuffled by random id; no ballots before."""
    row = session.get(OutcomeRow, round_["access"] + LIST) if outcome(session, round_) is not None else None
    return {"salt": "", "ballots": []} if row is None else dict(row.document)


def ballot_list(session: Session, round_: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Receipts and ballots of a revealed round; empty before."""
    return list(recount_document(session, round_)["ballots"])


def tell_turnout(collector: Store) -> None:
    """Say, in steps of five, how many ballots every open round has: the office knows turnout from nowhere
    else."""
    with collector.read() as session:
        rounds = [
            d
            for d in published_all(session, "office", "round").values()
            if d["state"] in ("open", "paper", "closed")
        ]
        now = {d["access"]: turnout(session, d) for d in rounds}
        said = {key: collector_store.state(session, f"turnout/{key}") for key in now}
    changed = {key: ballots for key, ballots in now.items() if said[key] != {"ballots": ballots}}
    if changed:
        with collector.begin() as session:
            for key, ballots_now in changed.items():
                collector_store.say(session, f"turnout/{key}", {"ballots": ballots_now})


def desk_facts(session: Session, access_key: str) -> dict[str, Any]:
    """What a moderator sees of a round before it is revealed: turnout in steps, whether it is counted."""
    said = collector_store.state(session, f"turnout/{access_key}") or {"ballots": 0}
    return {"turnout": said["ballots"], "counted": is_counted(session, access_key)}


def has_sheets(session: Session, access_key: str) -> bool:
    """Whether paper ballots of the round are keyed and not yet admitted."""
    return session.scalar(select(Sheet.round).where(Sheet.round == access_key).limit(1)) is not None


def turnout(session: Session, round_: Mapping[str, Any]) -> int:
    """Ballots so far, rounded down to steps of five, in every state of the round."""
    keys = round_keys(session, round_)
    waiting = sum(collector_store.waiting_count(session, key) for key in keys)
    kept = session.scalar(
        select(func.count()).select_from(BallotRow).where(BallotRow.round == round_["access"])
    )
    return (waiting + (kept or 0)) // STEP * STEP


def shifts(
    session: Session, earlier: Mapping[str, Any], later: Mapping[str, Any], links: Any, rng: Any
) -> Any:
    """Change of ranks between two revealed ranking rounds; empty where one is not revealed or no ranking."""
    if outcome(session, earlier) is None or outcome(session, later) is None:
        return []
    if earlier["method"] != "ranking" or later["method"] != "ranking":
        return []
    before = ballotform.profile(earlier, ballot_list(session, earlier))
    after = ballotform.profile(later, ballot_list(session, later))
    chosen = links or compare.same_ids(before.ids, after.ids)
    return compare.compare(before, after, chosen, later.get("policy", "last"), rng=rng)
