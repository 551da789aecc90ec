"""A round of a conference, played with simulated people for `flask anonymity attack --kind conference`."""

from __future__ import annotations

import json
import random as pseudo
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import click

import config
from participation.access import blind, codes
from participation.access.collector import store as collector_store
from participation.access.collector.views import batch_folder
from participation.access.signing.views import digest_key, signing_folder
from participation.access.worker.cli import tend
from participation.conference import receipts
from participation.conference.hall import store as hall_store
from participation.conference.presets import FIELDS
from surveys.rehearsal import people as simulated
from surveys.rehearsal import store as rehearsal
from surveys.rehearsal import traces
from surveys.rehearsal.attacker import Evidence, positions
from surveys.rehearsal.hall import store
from surveys.rehearsal.hall.store import Session
from surveys.rehearsal.people import Vote
from surveys.rehearsal.stage.cli import Stage, seized_people, sign, waiting_linked
from surveys.rehearsal.store import Invited

#: Votes between two looks of the worker: nothing is due before the close, so it may look seldom.
_EVERY = 50

_OPTIONS = tuple(f"o{number}" for number in range(1, len(FIELDS) + 1))


@dataclass
class Played:
    """A round played to its count."""

    held: Session
    languages: list[str] = field(default_factory=list)
    tokens: dict[int, blind.Token] = field(default_factory=dict)
    receipts: dict[int, list[int]] = field(default_factory=dict)
    truth: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)


def play(stage: Stage, amount: int, random: pseudo.Random) -> Played:
    """Everybody votes within minutes, many change their minds; then the round is closed, mixed, counted."""
    settings: config.Settings = stage.app.config["SETTINGS"]
    with stage.app.app_context():
        held = store.announce_round(
            stage.stores,
            signing_folder(settings),
            digest_key(settings),
            simulated.groups(amount),
            stage.now,
        )
    played = Played(held)
    played.languages = random.choices(
        list(simulated.LANGUAGES), list(simulated.LANGUAGES.values()), k=len(held.slips)
    )
    store.advance(stage.stores, held, "open", stage.now)
    _tend(stage)
    stage.seize()
    _vote(stage, played, random)
    stage.seize()
    holders = [_digest(stage, code) for _group, code in held.slips]
    played.waiting = waiting_linked(stage, holders, lambda ballot: played.truth.get(_canonical(ballot)))
    store.advance(stage.stores, held, "closed", stage.now)
    stage.now += timedelta(minutes=5)
    _tend(stage)
    stage.seize()
    return played


def _vote(stage: Stage, played: Played, random: pseudo.Random) -> None:
    """All votes in the order of their times; a backup runs in the middle of it."""
    votes = simulated.votes(len(played.held.slips), stage.now, random)
    played.receipts = {person: receipts.draw(random.randrange) for person in range(len(played.held.slips))}
    with stage.stores["collector"].read() as session:
        documents = collector_store.key_documents(session, played.held.access)
    keys = {one["mark"]: blind.PublicKey(int(one["n"], 16), one["e"]) for one in documents.values()}
    for number, vote in enumerate(votes):
        stage.now = vote.at
        ranking = random.sample(_OPTIONS, random.randint(1, 3))
        if vote.without_script:
            _send_form(stage, played, vote, ranking)
        else:
            _send(stage, played, vote, ranking, keys)
        if number % _EVERY == 0:
            _tend(stage)
        if number == len(votes) // 2:
            stage.seize()


def _send(
    stage: Stage, played: Played, vote: Vote, ranking: list[str], keys: Mapping[str, blind.PublicKey]
) -> None:
    _group, code = played.held.slips[vote.person]
    if vote.person not in played.tokens:
        played.tokens[vote.person] = sign(stage, code, keys[code.mark], played.held.code)
    token = played.tokens[vote.person]
    ballot = {"ranking": [[option] for option in ranking], "receipt": played.receipts[vote.person]}
    body = ballot | {
        "key": token.key_id,
        "prefix": token.prefix.hex(),
        "token": token.token.hex(),
        "signature": token.signature.hex(),
        "submission": secrets.token_hex(16),
        "revision": vote.revision,
    }
    reply = stage.app.test_client().post(_address(played, vote), json=body)
    if reply.status_code != 200:
        raise click.ClickException(f"the collector refused a good ballot: {reply.get_json()}")
    played.truth[_canonical(ballot)] = vote.person


def _send_form(stage: Stage, played: Played, vote: Vote, ranking: list[str]) -> None:
    _group, code = played.held.slips[vote.person]
    receipt = played.receipts[vote.person]
    form = {"code": str(code), "submission": secrets.token_hex(16), "receipt": "-".join(map(str, receipt))}
    form |= {f"o-{option}": str(place) for place, option in enumerate(ranking, 1)}
    headers = {"User-Agent": "simulated", "X-Forwarded-For": "203.0.113.7"}
    reply = stage.app.test_client().post(_address(played, vote), data=form, headers=headers)
    if reply.status_code != 303:
        said = " ".join(reply.text.split("alert")[1:2])[:200]
        raise click.ClickException(f"the collector refused a good form ({reply.status_code}): {said}")
    ballot = {"ranking": [[option] for option in ranking], "receipt": receipt}
    played.truth[_canonical(ballot)] = vote.person


def _address(played: Played, vote: Vote) -> str:
    return f"/c/{played.held.slug}/{played.held.code}/ballot?lang={played.languages[vote.person]}"


def _canonical(ballot: Mapping[str, Any]) -> str:
    """Ranking and receipt of a ballot: by both together it is known again."""
    return json.dumps({name: ballot[name] for name in ("ranking", "receipt")}, sort_keys=True)


def _tend(stage: Stage) -> None:
    """One look of the worker: it opens, mixes at the close, and counts."""
    folder = batch_folder(stage.app.config["SETTINGS"])
    with stage.app.app_context():
        tend(stage.stores["collector"], folder, stage.app.extensions["moves"], stage.now, demo=True)
        hall_store.count_due(stage.stores["collector"], stage.now)


# ---------------------------------------------------------------- the seizure


def _digest(stage: Stage, code: codes.AccessCode) -> bytes:
    return codes.digest(code, digest_key(stage.app.config["SETTINGS"]))


def evidence(stage: Stage, played: Played) -> Evidence:
    """Everything at rest, the register's signing keys opened, arranged for the attacker; the truth apart."""
    with stage.stores["collector"].read() as session:
        rows = rehearsal.every_row(session, "conference_ballot")
    seized = {side: seizure.whole() for side, seizure in stage.seized.items()}
    found = positions([bytes(row["id"]) for row in rows], seized["collector"])
    published = {
        receipt: n for n, receipt in enumerate(store.listed(stage.stores["collector"], played.held.access))
    }
    batches = {key_id: number for number, key_id in enumerate(sorted(played.held.keys.values()))}
    responses, truth = [], {}
    for place, row in enumerate(rows):
        ballot = json.loads(row["ballot"]) if isinstance(row["ballot"], str) else row["ballot"]
        receipt = "-".join(map(str, ballot["receipt"]))
        known = {"select": place, "bytes": found.get(bytes(row["id"])), "list": published.get(receipt)}
        responses.append(traces.ballot_trace(row, ballot, known, batches[row["key_id"]], _OPTIONS))
        truth[bytes(row["id"])] = played.truth[_canonical(ballot)]
    invited = [
        Invited(_digest(stage, code), "", group, language, code)
        for (group, code), language in zip(played.held.slips, played.languages, strict=True)
    ]
    people = seized_people(stage, invited, played.held.keys)
    return Evidence(people, responses, truth, seized["collector"], seized["register"], pool=len(rows))
