"""Whatever is posted gets a clear answer: never a 500, nothing half-stored."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stores import collector
from surveys.collection.store import open_wave
from surveys.rehearsal.store import prepare_wave
from tests.surveys.collection.conftest import tend_now
from tests.surveys.documents import load
from tests.surveys.test_answers import BODIES

CLEAR = {200, 303, 400, 403, 409, 410, 413, 415, 422, 503}
FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from([1, "1", 2, 0, -1, None, "x", 1.5, [1], 10**30]),
        "variant": st.sampled_from([1, 2, 3, "1", None, {}, -7, 10**20]),
        "submission": st.sampled_from(["0" * 32, "short", None, 5, "x" * 300]) | st.text(max_size=40),
        "answers": BODIES | ANYTHING,
        "revision": st.sampled_from([0, 1, -1, "a", 10**9]),
        "key": ANYTHING,
        "token": ANYTHING,
    },
)
RAW = st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))


@pytest.fixture
def address(app):
    """An open wave of level `open`; its questionnaire is the small example."""
    stores = app.extensions["stores"].available
    today = datetime.now(UTC).date()
    wave = prepare_wave(stores, load("small"), ("open",), ("de", "en", "fa-AF"), today, 30)
    with stores["office"].begin() as session, stores["collector"].begin() as published:
        open_wave(session, published, session.merge(wave), datetime.now(UTC), demo=True)
    tend_now(app)
    return "/s/small/open/answers"


def stored(app):
    """How many submissions wait to be mixed."""
    from participation.access.collector.models import Waiting

    with app.app_context(), collector.read() as session:
        return session.query(Waiting).count()


def post_json(app, address, body):
    text = json.dumps(body, allow_nan=True)
    return app.test_client().post(address, data=text, content_type="application/json")


def hold(app, address, body, raw, form):
    replies = [
        post_json(app, address, body),
        app.test_client().post(address, data=raw, content_type="application/json"),
        app.test_client().post(address, data=json.dumps(body)[:-1], content_type="application/json"),
        app.test_client().post(address, data=form, content_type="application/x-www-form-urlencoded"),
        app.test_client().post(address, data=form, content_type="multipart/form-data; boundary=x"),
    ]
    for reply in replies:
        assert reply.status_code in CLEAR, (reply.status_code, reply.text[:300])
    return sum(reply.status_code in (200, 303) for reply in replies)


def test_what_is_acknowledged_is_stored_and_nothing_else(app, address):
    good = {
        "version": 1,
        "variant": 1,
        "submission": "a" * 32,
        "answers": {"_consent": "yes", "district": "north"},
    }
    assert post_json(app, address, good).get_json() == {"state": "received"}
    assert post_json(app, address, good).get_json() == {"state": "again"}
    assert stored(app) == 1
    for change, code in (
        ({"version": 2}, "malformed"),
        ({"answers": {"_consent": "yes", "district": "west"}}, "answers"),
        ({"answers": {"district": "north"}}, "answers"),
        ({"variant": 3}, "answers"),
        ({"submission": None}, "malformed"),
        ({"answers": {"_consent": "yes", "obstacles": ["language", "children", "papers"], "hours": "none",
                      "born.mother": "no"}}, "answers"),
    ):  # fmt: skip
        reply = post_json(app, address, good | {"submission": "b" * 32} | change)
        assert (reply.status_code >= 400, reply.get_json()["code"]) == (True, code), change
    assert stored(app) == 1


@given(ENVELOPES, RAW, RAW)
@settings(max_examples=60, suppress_health_check=FIXTURES)
def test_bodies(app, address, body, raw, form):
    before = stored(app)
    accepted = hold(app, address, body, raw, form)
    assert before <= stored(app) <= before + accepted


@pytest.mark.slow
@pytest.mark.timeout(1200)
@given(ENVELOPES, RAW, RAW)
@settings(max_examples=2_000, suppress_health_check=FIXTURES)
def test_ten_thousand_bodies(app, address, body, raw, form):
    """Two thousand envelopes, each posted in five ways."""
    before = stored(app)
    accepted = hold(app, address, body, raw, form)
    assert before <= stored(app) <= before + accepted
