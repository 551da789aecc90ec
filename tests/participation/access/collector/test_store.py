"""The waiting room and the mix on both engines."""

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from participation.access import admission, sealing
from participation.access.admission import Access
from participation.access.collector import store
from participation.access.collector.models import Batch, Spent, Waiting
from participation.access.collector.store import Refused, Submission
from stores import publish

KEY = "k" * 32


def submission(number, **changes):
    fields = {
        "key_id": KEY,
        "token": number.to_bytes(32, "big"),
        "submission": (10**6 + number).to_bytes(32, "big"),
        "document": {"answer": number},
    }
    return Submission(**fields | changes)


def refusal(stores_on, *arguments):
    with pytest.raises(Refused) as caught, stores_on.collector.begin() as session:
        store.receive(session, *arguments)
    return caught.value.code


def receive(stores_on, *numbers, **changes):
    with stores_on.collector.begin() as session:
        return [store.receive(session, submission(number, **changes)) for number in numbers]


@pytest.fixture
def opened(stores_on, folder):
    assert store.open_batch(stores_on.collector, folder, KEY)
    assert not store.open_batch(stores_on.collector, folder, KEY)
    return stores_on


class Moved:
    """A place where moved documents arrive, in the order in which they do."""

    def __init__(self):
        self.batches = []

    def __call__(self, session, key_id, documents, closing):
        self.batches.append([document["answer"] for document in documents])

    @property
    def all(self):
        return [answer for batch in self.batches for answer in batch]


def test_a_token_is_spent_once_and_a_repeated_submission_is_told_the_same(opened):
    assert receive(opened, 1) == ["received"]
    assert receive(opened, 1) == ["again"]
    assert refusal(opened, submission(1, submission=bytes(32))) == "spent"
    with opened.collector.read() as session:
        assert store.waiting_count(session, KEY) == 1


def test_many_at_once_are_told_what_each_would_be_told_alone(opened):
    receive(opened, 1)
    other = {"submission": bytes(32)}
    with opened.collector.begin() as session:
        told = store.receive_all(
            session,
            [
                submission(1),
                submission(1, **other),
                submission(2),
                submission(2),
                submission(2, **other),
                submission(3, key_id="x" * 32),
                submission(4, revisable=True, revision=1),
                submission(4, revisable=True, revision=1, **other),
                submission(4, revisable=True, revision=2, document={"answer": 44}, **other),
            ],
        )
    assert [one.code if isinstance(one, Refused) else one for one in told] == [
        "again",
        "spent",
        "received",
        "again",
        "spent",
        "not_open",
        "received",
        "older",
        "received",
    ]
    with opened.collector.read() as session:
        assert store.waiting_count(session, KEY) == 3


def test_before_and_after_a_keys_life_nothing_is_taken(stores_on, folder):
    assert refusal(stores_on, submission(1)) == "not_open"
    store.open_batch(stores_on.collector, folder, KEY)
    receive(stores_on, 1)
    store.run_mix(stores_on.collector, folder, KEY, Moved(), pool=50, closing=True)
    assert refusal(stores_on, submission(2)) == "closed"
    assert receive(stores_on, 1) == ["again"]
    with stores_on.collector.read() as session:
        assert store.is_closed(session, KEY)
        assert not store.is_closed(session, "other")


def test_waiting_rows_are_sealed_and_open_with_the_batch_key_only(opened, folder):
    receive(opened, 7)
    with opened.collector.read() as session:
        row = session.scalars(select(Waiting)).one()
        batch = session.scalars(select(Batch)).one()
    assert b"answer" not in row.sealed
    opened_row = sealing.unseal(folder.read(batch.name), row.sealed, KEY.encode() + b"\x00" + row.id)
    assert opened_row == b'{"answer":7}'


def test_the_pool_lets_go_of_half_when_twice_as_many_wait(opened, folder):
    moved = Moved()
    receive(opened, *range(19))
    assert store.run_mix(opened.collector, folder, KEY, moved, pool=10) is None
    receive(opened, 19)
    with opened.collector.read() as session:
        before = {row.id: row.sealed for row in session.scalars(select(Waiting))}
        first_key = session.get(Batch, KEY).name
    mixed = store.run_mix(opened.collector, folder, KEY, moved, pool=10, random=random.Random(5))
    assert (mixed.moved, mixed.stayed, mixed.closed) == (10, 10, False)
    with opened.collector.read() as session:
        after = {row.id: row.sealed for row in session.scalars(select(Waiting))}
        assert store.moved(session) == {KEY: 10}
    assert not before.keys() & after.keys()
    assert not set(before.values()) & set(after.values())
    assert first_key not in folder.names()
    assert len(folder.names()) == 1
    assert moved.all != sorted(moved.all)
    receive(opened, 20)
    store.run_mix(opened.collector, folder, KEY, moved, pool=10, closing=True)
    assert Counter(moved.all) == Counter(range(21))
    assert folder.names() == frozenset()
    with opened.collector.read() as session:
        assert (store.waiting_count(session, KEY), store.moved(session)) == (0, {KEY: 21})


def test_after_a_rush_whole_pools_leave_together_and_one_stays(opened, folder):
    moved = Moved()
    receive(opened, *range(47))
    mixed = store.run_mix(opened.collector, folder, KEY, moved, pool=10)
    assert (mixed.moved, mixed.stayed) == (30, 17)
    assert store.run_mix(opened.collector, folder, KEY, moved, pool=10) is None
    store.run_mix(opened.collector, folder, KEY, moved, pool=10, closing=True)
    assert Counter(moved.all) == Counter(range(47))


def test_a_closed_key_is_not_mixed_again(opened, folder):
    moved = Moved()
    receive(opened, 1)
    assert store.run_mix(opened.collector, folder, KEY, moved, pool=None) is None
    assert store.run_mix(opened.collector, folder, KEY, moved, pool=None, closing=True).moved == 1
    assert store.run_mix(opened.collector, folder, KEY, moved, pool=None, closing=True) is None
    assert store.run_mix(opened.collector, folder, "unknown", moved, pool=None, closing=True) is None
    assert moved.all == [1]


def test_a_failing_move_changes_nothing(opened, folder):
    def fail(session, key_id, documents, closing):
        raise RuntimeError("the disk is full")

    receive(opened, *range(20))
    with pytest.raises(RuntimeError):
        store.run_mix(opened.collector, folder, KEY, fail, pool=10)
    moved = Moved()
    store.run_mix(opened.collector, folder, KEY, moved, pool=10, closing=True)
    assert Counter(moved.all) == Counter(range(20))


def test_a_lost_key_is_named_and_nothing_is_lost(opened, folder):
    receive(opened, 1)
    with opened.collector.read() as session:
        name = session.get(Batch, KEY).name
    file = folder.path / f"{name}.key"
    kept = file.read_bytes()
    file.unlink()
    with pytest.raises(sealing.SealingError, match="missing"):
        store.run_mix(opened.collector, folder, KEY, Moved(), pool=None, closing=True)
    file.write_bytes(kept)
    assert store.run_mix(opened.collector, folder, KEY, Moved(), pool=None, closing=True).moved == 1


def test_sweep_destroys_a_key_that_a_crash_left_behind(opened, folder, monkeypatch):
    receive(opened, *range(20))
    with monkeypatch.context() as crash:
        crash.setattr(sealing.KeyFolder, "destroy", lambda self, name: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.run_mix(opened.collector, folder, KEY, Moved(), pool=10)
    assert len(folder.names()) == 2
    store.sweep(opened.collector, folder)
    with opened.collector.read() as session:
        assert folder.names() == {session.get(Batch, KEY).name}


def test_a_ballot_is_replaced_by_a_higher_revision_until_the_mix(opened, folder):
    assert receive(opened, 1, revision=1, revisable=True) == ["received"]
    second = {"revision": 2, "revisable": True, "submission": bytes(32), "document": {"answer": 99}}
    assert receive(opened, 1, **second) == ["received"]
    assert receive(opened, 1, **second) == ["again"]
    late = submission(1, revision=1, revisable=True, submission=b"x" * 32)
    assert refusal(opened, late) == "older"
    with opened.collector.read() as session:
        assert store.waiting_count(session, KEY) == 1
    moved = Moved()
    store.run_mix(opened.collector, folder, KEY, moved, pool=None, closing=True)
    assert moved.all == [99]
    with opened.collector.read() as session:
        assert session.scalars(select(Spent.waiting)).one() is None
    assert refusal(opened, submission(1, revision=3, revisable=True, submission=b"y" * 32)) == "closed"


def test_keyed_paper_is_admitted_without_tokens(opened, folder):
    with opened.collector.begin() as session:
        store.admit(session, KEY, [{"answer": number} for number in range(3)])
    moved = Moved()
    store.run_mix(opened.collector, folder, KEY, moved, pool=None, closing=True)
    assert sorted(moved.all) == [0, 1, 2]


def test_the_worker_speaks_to_the_office_through_the_collector(stores_on):
    with stores_on.collector.begin() as session:
        assert store.state(session, "keys") is None
        store.say(session, "keys", {"fault": "no_mirror"})
        store.say(session, "keys", {"fault": None})
    with stores_on.collector.read() as session:
        assert store.state(session, "keys") == {"fault": None}


def test_published_access_and_keys_are_read_back(stores_on, wave):
    with stores_on.collector.read() as session:
        assert store.access(session, wave.access.key) == wave.access
        assert store.access(session, "nothing") is None
        assert store.accesses(session) == [wave.access]
        assert list(store.key_documents(session, wave.access.key)) == [wave.key.id]
        assert list(store.key_documents(session)) == [wave.key.id]
        assert store.key_documents(session, "other") == {}


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("""UPDATE published_office SET document = '{"levels": ["open"]}' WHERE kind = 'access'""", "frozen"),
        ("""UPDATE published_office SET document = '{}' WHERE kind = 'access'""", "frozen"),
        ("""UPDATE published_office SET kind = 'other' WHERE kind = 'access'""", "frozen"),
        ("DELETE FROM published_office WHERE kind = 'access'", "withdrawn"),
    ],
)
def test_levels_cannot_be_changed_by_sql(stores_on, wave, statement, message):
    with pytest.raises(DBAPIError, match=message), stores_on.collector.begin() as session:
        session.execute(text(statement))


def test_a_spent_token_cannot_become_another(opened):
    receive(opened, 1)
    with pytest.raises(DBAPIError, match="stays spent"), opened.collector.begin() as session:
        session.execute(text("UPDATE spent SET key_id = 'other'"))


def test_only_one_worker_holds_the_database(stores_on):
    with store.worker_lock(stores_on.collector) as first, store.worker_lock(stores_on.collector) as second:
        assert (first, second) == (True, stores_on.dialect == "sqlite")
    with store.worker_lock(stores_on.collector) as again:
        assert again


def test_fifty_at_once_with_one_token_leave_one_answer(stores_on, opened):
    """Each in a transaction of its own, as from fifty web processes."""

    def send(number):
        try:
            with stores_on.collector.begin() as session:
                return store.receive(
                    session, Submission(KEY, b"t" * 32, bytes([number]) * 32, {"number": number})
                )
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(50) as pool:
        told = Counter(pool.map(send, range(50)))
    assert told == {"received": 1, "spent": 49}
    with stores_on.collector.read() as session:
        assert store.waiting_count(session, KEY) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE published_office SET document = :other WHERE kind = 'access'",
        "UPDATE published_office SET kind = 'gone' WHERE kind = 'access'",
        "UPDATE published_office SET key = 'gone' WHERE kind = 'access'",
        "DELETE FROM published_office WHERE kind = 'access'",
    ],
)
def test_levels_cannot_be_changed_in_sql(stores_on, statement):
    access = Access("wave-1", "survey", ("sealed",), "announced")
    with stores_on.collector.begin() as session:
        publish(session, "office", "access", access.key, admission.document(access))
    other = json.dumps(admission.document(replace(access, levels=("two_office",))))
    values = {"other": other} if ":other" in statement else {}
    if stores_on.dialect == "postgresql":
        statement = statement.replace(":other", "CAST(:other AS JSONB)")
    with pytest.raises(DBAPIError, match=r"frozen|withdrawn"), stores_on.collector.begin() as session:
        session.execute(text(statement), values)
