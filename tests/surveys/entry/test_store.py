"""Batches of paper on both engines: keyed twice, equal to the slips, admitted as a whole, wiped."""

import pytest
from sqlalchemy import func, select

from participation.access.collector.models import Batch, Waiting
from participation.access.collector.store import open_batch
from participation.access.sealing import KeyFolder
from stores import publish
from surveys.entry import store
from surveys.entry.models import Keying
from surveys.entry.store import EntryFault
from surveys.entry.typed import Difference, Keyed
from surveys.questionnaire import read
from tests.surveys.collection.conftest import DOCUMENT

QUESTIONNAIRE = read(DOCUMENT)
WAVE = {"id": "w1", "survey": "small", "access": "wave-w1", "levels": ["sealed"], "state": "open"}


def sheet(number, happy="1", void=False):
    return Keyed(number, void, 1, {} if void else {"happy": happy}, {} if void else {"words": "hello"})


def fault(call, *arguments):
    with pytest.raises(EntryFault) as caught:
        call(*arguments)
    return caught.value.code


@pytest.fixture
def batch(stores_on, tmp_path):
    open_batch(stores_on.collector, KeyFolder(tmp_path / "keys", "secret", "batch"), "k1")
    with stores_on.collector.begin() as session:
        publish(session, "office", "wave", "small", {**WAVE, "title": "t"})
        return store.new_batch(session, WAVE, "k1", "stack", 2, 1)


def key_all(session, batch, second="1"):
    for number in (1, 2):
        store.key_sheet(session, batch, sheet(number), 1, 7)
        store.key_sheet(session, batch, sheet(number, second if number == 2 else "1"), 2, 8)


def test_only_a_settled_batch_with_as_many_slips_is_admitted(stores_on, batch):
    with stores_on.collector.begin() as session:
        one = store.batch(session, batch.id)
        assert store.next_sheet(session, one, 1) == 1
        assert fault(store.admit, session, one, QUESTIONNAIRE) == "unkeyed"
        key_all(session, one, second="2")
        assert store.next_sheet(session, one, 1) is None
        assert fault(store.admit, session, one, QUESTIONNAIRE) == "differences"
        (difference,) = store.progress(session, one, QUESTIONNAIRE).differences
        assert difference == Difference(2, "happy", "1", "2", 1)
        store.key_sheet(session, one, sheet(2, "2"), 3, 7)
        assert store.progress(session, one, QUESTIONNAIRE).ready
        assert fault(store.admit, session, one, QUESTIONNAIRE) == "no_slips"
        publish(session, "register", "slips", "k1", {"booked": 3})
        assert fault(store.admit, session, one, QUESTIONNAIRE) == "total"
        publish(session, "register", "slips", "k1", {"booked": 2})
        session.flush()
        assert store.admit(session, one, QUESTIONNAIRE) == 2
    with stores_on.collector.read() as session:
        assert session.scalar(select(func.count()).select_from(Keying)) == 0
        assert session.scalar(select(func.count()).select_from(Waiting)) == 2
        assert store.admitted_sheets(session, "k1") == 2
        one = store.batch(session, batch.id)
        assert fault(store.admit, session, one, QUESTIONNAIRE) == "admitted"
        assert fault(store.key_sheet, session, one, sheet(1), 1, 7) == "admitted"
        assert fault(store.remove_batch, session, one) == "admitted"


def test_the_second_keying_is_somebody_elses(stores_on, batch):
    with stores_on.collector.begin() as session:
        one = store.batch(session, batch.id)
        store.key_sheet(session, one, sheet(1), 1, 7)
        assert fault(store.key_sheet, session, one, sheet(1), 2, 7) == "same_clerk"
        assert fault(store.key_sheet, session, one, sheet(3), 1, 7) == "sheet"
        store.key_sheet(session, one, sheet(1, "2"), 1, 7)
        assert store.keyed_sheet(session, one, 1, 1).answers == {"happy": "2"}


def test_a_changed_keying_unsettles_the_sheet(stores_on, batch):
    with stores_on.collector.begin() as session:
        one = store.batch(session, batch.id)
        key_all(session, one, second="2")
        store.key_sheet(session, one, sheet(2, "2"), 3, 7)
        store.key_sheet(session, one, sheet(2, "1"), 1, 7)
        assert not store.progress(session, one, QUESTIONNAIRE).ready


def test_void_sheets_count_and_say_nothing(stores_on, batch):
    with stores_on.collector.begin() as session:
        one = store.batch(session, batch.id)
        for turn, clerk in ((1, 7), (2, 8)):
            store.key_sheet(session, one, sheet(1), turn, clerk)
            store.key_sheet(session, one, sheet(2, void=True), turn, clerk)
        publish(session, "register", "slips", "k1", {"booked": 2})
        session.flush()
        assert store.admit(session, one, QUESTIONNAIRE) == 1


def test_a_closed_key_takes_no_paper(stores_on, batch):
    with stores_on.collector.begin() as session:
        one = store.batch(session, batch.id)
        key_all(session, one)
        publish(session, "register", "slips", "k1", {"booked": 2})
        waiting = session.get_one(Batch, "k1")
        waiting.is_open, waiting.sealing, waiting.name = False, None, None
        session.flush()
        assert fault(store.admit, session, one, QUESTIONNAIRE) == "closed"
        assert store.progress(session, one, QUESTIONNAIRE).ready
        store.remove_batch(session, one)
        assert store.batches(session) == []


def test_only_open_waves_with_codes_take_paper(stores_on, batch):
    with stores_on.collector.begin() as session:
        assert [one["id"] for one in store.paper_waves(session)] == ["w1"]
        assert store.wave_of(session, "w2") is None
        publish(session, "office", "wave", "small/open", {**WAVE, "id": "w2", "levels": ["open"]})
        session.flush()
        assert [one["id"] for one in store.paper_waves(session)] == ["w1"]
