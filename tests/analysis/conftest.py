"""A closed wave in the stores: the model questionnaire, two keys, answers that passed the real check."""

import json
import secrets
from pathlib import Path

import numpy as np
import pytest
import yaml

import stores
from analysis import cli, store
from participation.access.collector.models import Batch
from stores import publish
from surveys.answers import check
from surveys.collection.models import Response
from surveys.questionnaire import read

MODEL = Path(__file__).resolve().parents[2] / "surveys" / "models" / "living-here.json"
WAVE, SURVEY, ACCESS = "0123456789abcdef", "living-here", "wave-0123456789abcdef"
KEYS = {"key-a": (9000, 400), "key-b": (5000, 400)}


def some_answers(questionnaire, rng):
    raw = {"_consent": "yes"}
    for field in questionnaire.fields:
        codes = [option.code for option in field.options]
        if field.kind == "single" and codes and rng.random() < 0.93:
            raw[field.address] = str(rng.choice(codes))
        elif field.kind == "multiple":
            raw[field.address] = [str(rng.choice([o.code for o in field.options if not o.exclusive]))]
    return check(questionnaire, raw).answers


def field_a_wave(session, responses=500, seed=5):
    """Publish, answer and close one wave of the model questionnaire; `session` writes to the collector."""
    document = json.loads(MODEL.read_text(encoding="utf-8"))
    questionnaire = read(document)
    rng = np.random.default_rng(seed)
    publish(session, "office", "questionnaire", f"{SURVEY}/1", document)
    wave = {
        "id": WAVE,
        "survey": SURVEY,
        "number": 1,
        "channel": "sample",
        "title": "Living here 2024",
        "languages": ["de", "en", "ar"],
        "levels": ["sealed"],
        "versions": [1],
        "population": "residents from 18 on",
        "frame": "register sample",
        "state": "closed",
        "opens_on": "2024-03-01",
        "closes_on": "2024-05-01",
        "access": ACCESS,
    }
    publish(session, "office", "fielding", ACCESS, wave)
    keys = {key: {"label": key, "N": n, "n": invited, "strata": [key]} for key, (n, invited) in KEYS.items()}
    publish(session, "register", "returns", ACCESS, {"final": True, "keys": keys})
    for key in KEYS:
        session.add(Batch(key_id=key, name=None, sealing=None, is_open=False, moved=0, retired=None))
    session.flush()
    session.add_all(
        Response(
            id=secrets.token_bytes(16),
            wave=WAVE,
            key_id=str(rng.choice(list(KEYS))),
            version=1,
            variant=1,
            mode="self",
            record_key=bytes(rng.integers(0, 256, 4, dtype=np.uint8)),
            answers=some_answers(questionnaire, rng),
        )
        for _ in range(responses)
    )


@pytest.fixture
def fielded(app):
    """The app with one closed wave of 500 responses."""
    with app.app_context(), stores.collector.begin() as session:
        field_a_wave(session)
    return app


@pytest.fixture
def small_plan(fielded):
    """Writes a plan of three items by two groups in the analyst's name; `small_plan(client)` returns its
    address.
    """

    def write(client, name="first"):
        address = f"/office/analysis/plans/{name}"
        client.get("/office/analysis/")
        client.submit("/office/analysis/plans/new", {"name": name, "title": "Living here", "wave": WAVE})
        with fielded.app_context(), stores.collector.begin() as session:
            plan = yaml.safe_load(store.plan(session, name).source)
            first = plan["tables"][0]
            plan["tables"] = [{"items": first["items"][-3:], "groups": first["groups"][:1]}]
            plan["languages"] = ["de", "en", "ar"]
            plan["findings"][0]["item"] = first["items"][-1]
            data, _ = store.load(session, WAVE)
            plan["findings"][0]["categories"] = list(data.items[first["items"][-1]].categories[:1])
            store.save_plan(session, name, yaml.safe_dump(plan), "analyst-1@example.org", cli.now())
        return address

    return write
