"""`flask anonymity attack`: the product is played with simulated people, then everything is seized."""

from __future__ import annotations

import json
import random as pseudo
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

import config
from participation.access import blind
from participation.access.collector.store import Move
from participation.access.collector.views import batch_folder
from participation.access.signing.views import digest_key, signing_folder
from participation.access.worker.cli import tend
from surveys.answers import check
from surveys.collection import store as collection
from surveys.questionnaire import Questionnaire, loads, read
from surveys.rehearsal import people as simulated
from surveys.rehearsal import store as rehearsal
from surveys.rehearsal import traces
from surveys.rehearsal.attacker import Evidence, Verdict, attack, positions
from surveys.rehearsal.hall import cli as hall
from surveys.rehearsal.people import Visit
from surveys.rehearsal.stage.cli import Stage, seized_people, sign, stage, waiting_linked
from surveys.rehearsal.store import Fielding

QUESTIONNAIRE = Path(__file__).resolve().parents[1] / "models/living-here.json"
WEEKS = 4

#: Submissions between two looks of the worker.
_EVERY = 5


# ---------------------------------------------------------------- the play


@dataclass
class Played:
    """A wave played to its end."""

    fielding: Fielding
    questionnaire: Questionnaire
    visits: list[Visit]
    truth_by_answers: dict[str, int]
    batch_of: dict[bytes, int]
    waiting: dict[str, int]


def play(stage: Stage, amount: int, random: pseudo.Random) -> Played:
    """Everybody comes in simulated weeks; the worker mixes; at the end the wave is closed."""
    document = loads(QUESTIONNAIRE.read_bytes())
    invited = simulated.invited(amount, max(1, amount // 300), random)
    settings: config.Settings = stage.app.config["SETTINGS"]
    with stage.app.app_context():
        fielding = rehearsal.field_wave(
            stage.stores,
            signing_folder(settings),
            digest_key(settings),
            document,
            invited,
            stage.now,
            languages=tuple(document["languages"]),
            days=7 * WEEKS + 7,
        )
    played = Played(fielding, read(document), [], {}, {}, {})
    _tend(stage, played)
    played.visits = simulated.visits(amount, stage.now, WEEKS, random)
    _come(stage, played, random)
    stage.seize()
    played.waiting = waiting_linked(
        stage,
        [person.id for person in fielding.people],
        lambda document: played.truth_by_answers.get(_canonical(document["answers"])),
    )
    _close(stage, fielding)
    _tend(stage, played)
    stage.seize()
    return played


def _come(stage: Stage, played: Played, random: pseudo.Random) -> None:
    """All visits, codes and answers in the order of their times."""
    events = [(visit.signs, 0, visit) for visit in played.visits]
    events += [(visit.sends, 1, visit) for visit in played.visits if not visit.without_script]
    tokens: dict[int, blind.Token] = {}
    backup = stage.now + timedelta(weeks=1)
    for number, (moment, kind, visit) in enumerate(sorted(events, key=lambda event: event[:2])):
        stage.now = moment
        if moment >= backup:
            stage.seize()
            backup += timedelta(weeks=1)
        given = simulated.answers(played.questionnaire, random)
        if visit.without_script:
            _send_form(stage, played, visit, given)
        elif kind == 0:
            tokens[visit.person] = _sign(stage, played, visit)
        else:
            _send(stage, played, visit, given, tokens.pop(visit.person))
        if number % _EVERY == 0:
            _tend(stage, played)


def _sign(stage: Stage, played: Played, visit: Visit) -> blind.Token:
    code = played.fielding.people[visit.person].code
    keys = stage.app.test_client().get(f"/s/{played.fielding.survey}/keys.json").get_json()["keys"]
    key = next(one for one in keys if one["mark"] == code.mark)
    return sign(stage, code, blind.PublicKey(int(key["n"], 16), key["e"]))


def _send(
    stage: Stage,
    played: Played,
    visit: Visit,
    given: dict[str, Any],
    token: blind.Token,
) -> None:
    body = {
        "key": token.key_id,
        "prefix": token.prefix.hex(),
        "token": token.token.hex(),
        "signature": token.signature.hex(),
        "submission": secrets.token_hex(16),
        "version": played.fielding.wave.versions[0],
        "variant": 1,
        "answers": given,
    }
    reply = stage.app.test_client().post(f"/s/{played.fielding.survey}/answers", json=body)
    if reply.status_code != 200:
        raise click.ClickException(f"the collector refused good answers: {reply.get_json()}")
    _remember(played, visit, given)


def _send_form(stage: Stage, played: Played, visit: Visit, given: dict[str, Any]) -> None:
    person = played.fielding.people[visit.person]
    envelope = {
        "_code": str(person.code),
        "_version": str(played.fielding.wave.versions[0]),
        "_language": person.language,
    }
    headers = {"User-Agent": "simulated", "X-Forwarded-For": "203.0.113.7"}
    address = f"/s/{played.fielding.survey}/answers"
    reply = stage.app.test_client().post(address, data=given | envelope, headers=headers)
    if reply.status_code != 303:
        said = " ".join(reply.text.split("alert")[1:2])[:200]
        raise click.ClickException(f"the collector refused a good form ({reply.status_code}): {said}")
    _remember(played, visit, {name: value for name, value in given.items() if not name.startswith("_")})


def _remember(played: Played, visit: Visit, given: dict[str, Any]) -> None:
    checked = check(played.questionnaire, {**given, "_consent": "yes"})
    played.truth_by_answers[_canonical(checked.answers)] = visit.person


def _canonical(answers: Any) -> str:
    document = json.loads(answers) if isinstance(answers, str) else answers
    return json.dumps(document, sort_keys=True)


def _tend(stage: Stage, played: Played) -> None:
    """One look of the worker; responses that appear are one batch each."""
    moves: Mapping[str, Move] = stage.app.extensions["moves"]
    folder = batch_folder(stage.app.config["SETTINGS"])
    with stage.app.app_context():
        mixed = tend(stage.stores["collector"], folder, moves, stage.now, demo=True)
    if mixed:
        with stage.stores["collector"].read() as session:
            rows = rehearsal.every_row(session, "response")
        number = len(set(played.batch_of.values()))
        for row in rows:
            played.batch_of.setdefault(bytes(row["id"]), number)


def _close(stage: Stage, fielding: Fielding) -> None:
    with stage.stores["office"].begin() as session, stage.stores["collector"].begin() as published:
        wave = collection.wave(session, fielding.wave.id)
        assert wave is not None
        collection.close(session, published, wave, stage.now)


# ---------------------------------------------------------------- the seizure


def evidence(stage: Stage, played: Played) -> Evidence:
    """Everything at rest, the register's signing keys opened, arranged for the attacker; the truth apart."""
    with stage.stores["collector"].read() as session:
        rows = rehearsal.every_row(session, "response")
    seized = {side: seizure.whole() for side, seizure in stage.seized.items()}
    found = positions([bytes(row["id"]) for row in rows], seized["collector"])
    answers = {bytes(row["id"]): _canonical(row["answers"]) for row in rows}
    responses = [
        traces.response_trace(
            place,
            row,
            json.loads(answers[bytes(row["id"])]),
            found,
            played.batch_of[bytes(row["id"])],
        )
        for place, row in enumerate(rows)
    ]
    truth = {identity: played.truth_by_answers[given] for identity, given in answers.items()}
    people = seized_people(stage, played.fielding.people, played.fielding.keys)
    return Evidence(people, responses, truth, seized["collector"], seized["register"])


# ---------------------------------------------------------------- the command


def _survey(set_up: Stage, amount: int, random: pseudo.Random) -> tuple[Evidence, dict[str, int], int]:
    """Play a wave: what was seized, what the waiting room gave away, how many answers are the only ones."""
    played = play(set_up, amount, random)
    with set_up.stores["collector"].read() as session:
        rows = rehearsal.every_row(session, "response")
    contents = [json.loads(_canonical(row["answers"])) for row in rows]
    linked = simulated.content_linked(played.questionnaire, contents)
    return evidence(set_up, played), played.waiting, linked


def _conference(set_up: Stage, amount: int, random: pseudo.Random) -> tuple[Evidence, dict[str, int], int]:
    """Play a round; a ballot holds nothing that outsiders could know of a person but the group."""
    played = hall.play(set_up, amount, random)
    return hall.evidence(set_up, played), played.waiting, 0


PLAYS = {"survey": _survey, "conference": _conference}


def rehearse(
    engine: str, amount: int, plant_leak: bool, seed: int, kind: str = "survey"
) -> tuple[Verdict, dict[str, Any]]:
    """Play, seize, attack; the verdict and the line that the command prints."""
    random = pseudo.Random(seed)  # noqa: S311 - people and attacker, never a key
    with stage(engine, plant_leak, kind) as set_up:
        seized, waiting, content_linked = PLAYS[kind](set_up, amount, random)
        verdict = attack(seized, random)
    line = {
        "linked": verdict.linked,
        "people": verdict.people,
        "chance": round(verdict.chance, 5),
        "bound": verdict.bound,
        "channels": verdict.channels,
        "waiting_linked": waiting,
        "content_linked": content_linked,
    }
    return verdict, line


@click.group("anonymity")
def anonymity() -> None:
    """Attack the promise of anonymity, and report on it."""


@anonymity.command("attack")
@click.option("--kind", type=click.Choice(sorted(PLAYS, reverse=True)), default="survey", show_default=True)
@click.option("--people", type=click.IntRange(100, 20_000), default=300, show_default=True)
@click.option("--engine", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--plant-leak", is_flag=True, help="store the time of arrival; the attack must then succeed")
@click.option("--seed", type=int, default=1, show_default=True, help="of people and attacker, not of the mix")
@with_appcontext
def attack_command(kind: str, people: int, engine: str, plant_leak: bool, seed: int) -> None:
    """Play a wave or a conference's round on fresh stores, seize everything at rest, and try to link people
    with answers.

    Prints one line of JSON; ends with 1 when more was linked than chance allows.
    """
    verdict, line = rehearse(engine, people, plant_leak, seed, kind)
    click.echo(json.dumps(line))
    if not verdict.held:
        raise SystemExit(1)
