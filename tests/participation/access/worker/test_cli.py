"""The worker: opens, mixes, closes, and survives its chores."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from participation.access import admission
from participation.access.admission import Access
from participation.access.collector import store
from participation.access.collector.store import Submission
from participation.access.register import store as register_store
from participation.access.register.models import SigningKey
from participation.access.worker import cli
from participation.access.worker.cli import tend
from stores import publish

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WAVE = Access("wave-1", "survey", ("sealed",), "open", closes=NOW + timedelta(days=1))
KEY = "a" * 32


class Arrived:
    """Where mixed documents go."""

    def __init__(self):
        self.documents = []

    def __call__(self, session, key_id, documents, closing):
        self.documents += documents


@pytest.fixture
def published(stores_on):
    key = SigningKey(id=KEY, admission="wave-1", round="", mark="CQPHN", n="1", e=3)
    with stores_on.collector.begin() as session:
        publish(session, "office", "access", WAVE.key, admission.document(WAVE))
        register_store.publish_keys(session, [key])
    return stores_on


def change(stores_on, **changes):
    with stores_on.collector.begin() as session:
        publish(session, "office", "access", WAVE.key, admission.document(replace(WAVE, **changes)))


def send(stores_on, number):
    sent = Submission(KEY, number.to_bytes(32, "big"), bytes(32), {"n": number})
    with stores_on.collector.begin() as session:
        return store.receive(session, sent)


def test_a_key_lives_from_opening_to_close(published, folder):
    arrived = Arrived()
    moves = {"survey": arrived}
    assert tend(published.collector, folder, moves, NOW, True) == []
    assert send(published, 1) == "received"
    assert tend(published.collector, folder, moves, NOW, True) == []
    (mixed,) = tend(published.collector, folder, moves, NOW + timedelta(days=1), True)
    assert (mixed.moved, mixed.closed) == (1, True)
    assert arrived.documents == [{"n": 1}]
    assert tend(published.collector, folder, moves, NOW + timedelta(days=1), True) == []
    with pytest.raises(store.Refused, match="closed"):
        send(published, 2)


def test_what_is_announced_has_no_waiting_room(published, folder):
    change(published, state="announced")
    tend(published.collector, folder, {"survey": Arrived()}, NOW, True)
    with pytest.raises(store.Refused, match="not_open"):
        send(published, 1)


def test_outside_the_demo_a_room_opens_only_with_keys_on_two_disks(published, folder):
    tend(published.collector, folder, {"survey": Arrived()}, NOW, False)
    with pytest.raises(store.Refused, match="not_open"):
        send(published, 1)
    cli.tell_about_keys(published.collector, folder)
    with published.collector.read() as session:
        assert store.state(session, "keys") == {"fault": "no_mirror"}


def test_a_wave_of_level_open_waits_under_a_name_of_its_own(stores_on, folder):
    anybody = replace(WAVE, admission="wave-2", levels=("open",))
    with stores_on.collector.begin() as session:
        publish(session, "office", "access", anybody.key, admission.document(anybody))
    tend(stores_on.collector, folder, {"survey": Arrived()}, NOW, True)
    with stores_on.collector.read() as session:
        assert store.is_known(session, "open-wave-2")


def test_the_worker_does_its_chores_and_outlives_their_errors(app, caplog):
    done, stop = [], threading.Event()

    def fail(_now):
        raise RuntimeError(" ".join(("a secret", "of a respondent")))

    def finish(now):
        done.append(now)
        stop.set()

    app.extensions["chores"] = [(("office",), fail), (("office",), finish)]
    with app.app_context():
        cli.work(stop, pause=0.01)
    assert len(done) == 1
    assert "RuntimeError" in caplog.text
    assert "secret of a respondent" not in caplog.text


def test_a_second_worker_leaves_the_mixing_to_the_first(app):
    from participation.access.collector.views import batch_folder

    with app.app_context():
        folder = batch_folder(app.config["SETTINGS"])
        folder.write("f" * 32, b"private")
        with folder.locked() as mine:
            assert mine
            result = app.test_cli_runner().invoke(args=["worker", "--once"])
            assert result.exit_code == 0, result.output
            with app.extensions["stores"].get("collector").read() as session:
                assert store.state(session, "keys") is None
        result = app.test_cli_runner().invoke(args=["worker", "--once"])
        assert result.exit_code == 0, result.output
        with app.extensions["stores"].get("collector").read() as session:
            assert store.state(session, "keys") == {"fault": "no_mirror"}


def test_unreadable_keys_are_said_and_lose_nothing(app, caplog):
    from participation.access.sealing import SealingError

    def fail(_now):
        raise SealingError("missing", "keys/x.key")

    stop = threading.Event()
    app.extensions["chores"] = [(("office",), fail), (("office",), lambda now: stop.set())]
    with app.app_context():
        cli.work(stop, pause=0.01)
    assert "missing: keys/x.key" in caplog.text


def test_the_same_error_is_said_once_a_minute(app, caplog):
    stop = threading.Event()
    rounds = []

    def fail(_now):
        rounds.append(1)
        if len(rounds) == 5:
            stop.set()
        raise ValueError

    app.extensions["chores"] = [(("office",), fail)]
    with app.app_context():
        cli.work(stop, pause=0.001)
    assert len(rounds) == 5
    assert caplog.text.count("failed: ValueError") == 1


def test_a_room_whose_key_is_lost_is_named_and_opened_again(published, folder):
    arrived = Arrived()
    moves = {"survey": arrived}
    tend(published.collector, folder, moves, NOW, True)
    send(published, 1)
    assert store.without_key(published.collector, folder) == {}
    with pytest.raises(cli.SealingError, match="in_use"):
        store.reopen(published.collector, folder, KEY)
    for name in folder.names():
        folder.destroy(name)
    assert store.without_key(published.collector, folder) == {KEY: 1}
    assert store.reopen(published.collector, folder, KEY) == 1
    assert send(published, 2) == "received"
    with pytest.raises(store.Refused, match="spent"), published.collector.begin() as session:
        store.receive(session, Submission(KEY, (1).to_bytes(32, "big"), b"x" * 32, {"n": 1}))
    (mixed,) = tend(published.collector, folder, moves, NOW + timedelta(days=1), True)
    assert (mixed.moved, arrived.documents) == (1, [{"n": 2}])


def test_the_command_names_lost_rooms_and_reopens(app):
    from participation.access.collector.views import batch_folder

    runner = app.test_cli_runner()
    with app.app_context():
        folder = batch_folder(app.config["SETTINGS"])
        store.open_batch(app.extensions["stores"].get("collector"), folder, KEY)
    assert runner.invoke(args=["waiting-room"]).exit_code == 0
    assert runner.invoke(args=["waiting-room", "--give-up", KEY]).exit_code == 1
    for name in folder.names():
        folder.destroy(name)
    told = runner.invoke(args=["waiting-room"])
    assert (told.exit_code, KEY in told.output) == (1, True)
    assert runner.invoke(args=["waiting-room", "--give-up", KEY]).exit_code == 0
    assert runner.invoke(args=["waiting-room"]).exit_code == 0
