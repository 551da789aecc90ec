"""Waves side by side: what the register knows of each, and which of them residents meet."""

from datetime import UTC, datetime, timedelta

import pytest

from stores import published, published_all
from surveys.authoring import store as authoring
from surveys.collection import store
from surveys.collection.store import WaveFault, takes_address
from tests.surveys.collection.conftest import DOCUMENT

NOW = datetime.now(UTC)
TODAY = NOW.date()


def new_wave(session, title, **changes):
    wave = store.create_wave(session, "small", "open", title, ["en"])
    wave.population, wave.frame, wave.versions = "Adults", "Anybody", [1]
    wave.opens_on, wave.closes_on = TODAY, TODAY + timedelta(days=30)
    wave.checklist = list(store.TICKS)
    for name, value in changes.items():
        setattr(wave, name, value)
    session.flush()
    return wave


@pytest.fixture
def both(stores_on):
    """Sessions of office and collector, and a survey to field."""
    with stores_on.office.begin() as session, stores_on.collector.begin() as collector:
        authoring.save_draft(session, "small", DOCUMENT)
        yield session, collector


def at_address(collector):
    document = published(collector, "office", "wave", "small/open")
    return document["title"], document["state"]


def test_every_frozen_wave_has_a_document_of_its_own(both):
    session, collector = both
    waves = [new_wave(session, title) for title in ("First", "Second")]
    for wave in waves:
        store.freeze(session, collector, wave)
    store.open_wave(session, collector, waves[0], NOW, demo=True)
    found = published_all(collector, "office", "fielding")
    assert found == {store.access_key(wave.id): store.wave_document(wave) for wave in waves}
    assert {one["state"] for one in found.values()} == {"open", "frozen"}


def test_a_wave_that_is_over_stays_at_its_address_until_the_next_one_opens(both):
    session, collector = both
    first, second = (new_wave(session, title) for title in ("First", "Second"))
    seen = []
    for act in (
        lambda: store.freeze(session, collector, first),
        lambda: store.open_wave(session, collector, first, NOW, demo=True),
        lambda: store.close(session, collector, first, NOW),
        lambda: store.freeze(session, collector, second),
        lambda: store.open_wave(session, collector, second, NOW, demo=True),
    ):
        act()
        seen.append(at_address(collector))
    assert seen == [
        ("First", "frozen"),
        ("First", "open"),
        ("First", "closed"),
        ("First", "closed"),
        ("Second", "open"),
    ]


@pytest.mark.parametrize(
    ("current", "announced", "taken"),
    [
        (None, None, False),
        ("2026-05-01", "2026-04-01", True),
        ("2026-05-01", "2026-06-01", False),
        ("2026-05-01", None, False),
        (None, "2026-06-01", True),
    ],
)
def test_of_two_announced_waves_the_first_to_begin_is_shown(current, announced, taken):
    there = {"id": "a", "state": "frozen", "opens_on": current}
    assert takes_address(there, {"id": "b", "state": "frozen", "opens_on": announced}) is taken


def test_what_is_changed_after_the_freeze_is_published(both):
    session, collector = both
    wave = new_wave(session, "First", opens_on=None, closes_on=None)
    store.announce(session, collector, wave)
    assert published_all(collector, "office", "access") == {}
    store.freeze(session, collector, wave)
    wave.closes_on = TODAY
    store.announce(session, collector, wave)
    key = store.access_key(wave.id)
    assert published(collector, "office", "fielding", key)["closes_on"] == TODAY.isoformat()
    midnight = store.start_of(TODAY + timedelta(days=1))
    assert published(collector, "office", "access", key)["closes"] == midnight.isoformat()
    wave.opens_on = TODAY
    store.announce(session, collector, wave)
    store.open_wave(session, collector, wave, NOW, demo=True)
    with pytest.raises(WaveFault, match="running"):
        store.announce(session, collector, wave)
