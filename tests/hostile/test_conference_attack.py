"""The same attacker in a hall: ballots of a round against the slips that were used."""

import json
import random
from collections.abc import Callable

import pytest
from flask import Flask
from scipy.stats import binom

from participation.access import codes, journal
from participation.access.signing.views import digest_key, signing_folder
from surveys.rehearsal import store as rehearsal
from surveys.rehearsal.attacker import Evidence, PersonTrace, ResponseTrace, attack, positions
from surveys.rehearsal.seizure import Seizure
from tests.pages import PageClient
from tests.participation.conference.conftest import Hall

GROUPS, SEATS = 4, 20


@pytest.fixture
def hall(app: Flask, client: PageClient, as_role: Callable[..., PageClient]) -> Hall:
    return Hall(app, client, as_role("moderator"))


def vote(hall, chance):
    """Everybody votes, in random order, a third of them twice; the receipt is what only the voter knows."""
    slips = [(group, slip) for group, made in hall.codes.items() for slip in made]
    chance.shuffle(slips)
    order, truth = [], {}
    for number, (group, slip) in enumerate(slips):
        receipt = [number // 100, number % 100]
        phone = hall.phone("r2", slip)
        for _ in range(2 if chance.random() < 0.3 else 1):
            ranking = [[f"o{topic}"] for topic in chance.sample(range(1, 9), 3)]
            answer = phone.send(ranking=ranking, receipt=receipt)
            assert answer.json == {"state": "received"}, answer.json
        order.append((group, slip))
        truth[tuple(receipt)] = number
    return order, truth


def seize(settings):
    sides = {}
    for side, keys in (("register", settings.signing_keys), ("collector", settings.batch_keys)):
        seizure = Seizure()
        files = [settings.instance / f"{side}.sqlite{end}" for end in ("", "-wal", "-shm")]
        seizure.add([*files, keys])
        sides[side] = seizure.whole()
    return sides


def evidence(hall, order, truth, settings, created=None):
    stores = hall.app.extensions["stores"]
    with stores.get("collector").read() as session:
        rows = rehearsal.every_row(session, "conference_ballot")
    with stores.get("register").read() as session:
        keys = {
            row["mark"]: row["id"]
            for row in rehearsal.every_row(session, "signing_key")
            if row["round"] == "r2"
        }
    sides = seize(settings)
    found = positions([bytes(row["id"]) for row in rows], sides["collector"])
    places = {
        entry.holder: place
        for place, entry in enumerate(journal.entries(signing_folder(settings).path / "issued.journal"))
    }
    batches = {key: number for number, key in enumerate(sorted(keys.values()))}
    responses, owners = [], {}
    for place, row in enumerate(rows):
        ballot = json.loads(row["ballot"]) if isinstance(row["ballot"], str) else row["ballot"]
        identity = bytes(row["id"])
        owners[identity] = truth[tuple(ballot["receipt"])]
        orders = {"id": identity, "select": place, "bytes": found.get(identity)}
        if created is not None:
            orders["created_at"] = created[owners[identity]]
        numbers = (*map(float, identity), float(place))
        responses.append(ResponseTrace(identity, row["key_id"], batches[row["key_id"]], orders, numbers))
    people = []
    for number, (group, slip) in enumerate(order):
        digest = codes.digest(codes.read_code(slip), digest_key(settings))
        values = (digest, slip.encode(), codes.grouped(slip).encode())
        numbers = (float(places[digest]), *map(float, digest[:16]))
        people.append(PersonTrace(number, keys[slip[:5]], places[digest], group, values, numbers))
    return Evidence(people, responses, owners, sides["collector"], sides["register"])


@pytest.mark.slow
def test_no_ballot_is_linked_better_than_by_chance(hall, settings, monkeypatch):
    chance = random.Random(4)
    hall.make(**{f"group-{number}-seats": str(SEATS) for number in range(GROUPS)})
    hall.open_round("r2")
    hall.print_slips(monkeypatch, **{f"g{number + 1}": SEATS for number in range(GROUPS)})
    hall.tick()
    order, truth = vote(hall, chance)
    hall.step("r2", "closed")
    hall.tick()
    found = evidence(hall, order, truth, settings)
    verdict = attack(found, chance)
    assert verdict.people == GROUPS * SEATS
    # One mix per group at the close: a guess is right once in the ballots of the group.
    assert verdict.chance == pytest.approx(1 / SEATS)
    # Slips are random: one honest run in a thousand exceeds the verdict's own bound by chance.
    assert verdict.linked <= binom.ppf(1 - 1e-7, verdict.people, verdict.chance), verdict
    assert verdict.channels["join"] == 0
    leaking = evidence(hall, order, truth, settings, created=list(range(len(order))))
    assert not attack(leaking, chance).held
