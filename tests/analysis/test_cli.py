import json

import pytest
import yaml

import stores
from analysis import cli, store
from analysis.models import Job
from tests.analysis.conftest import WAVE

PLAN = {
    "plan": 1,
    "name": "cli",
    "title": {"en": "From the command line"},
    "languages": ["en", "ar"],
    "waves": [WAVE],
    "tables": [{"items": ["gender"], "groups": []}],
}


def plan_of(app, **changes):
    with app.app_context(), stores.collector.begin() as session:
        store.note_waves(session)
    with app.app_context(), stores.collector.read() as session:
        data, _ = store.load(session, WAVE)
    single = [name for name, item in data.items.items() if not item.multiple]
    sensitive = [name for name, item in data.items.items() if item.sensitive >= 2]
    plain = next(name for name in single if name not in sensitive)
    return {
        **PLAN,
        "tables": [{"items": [plain], "groups": [single[0] if single[0] != plain else single[1]]}],
        "disclosure": {"sensitive": sensitive},
        **changes,
    }


def test_flask_analyse_writes_every_file_twice_alike(fielded, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump(plan_of(fielded)), encoding="utf-8")
    runner = fielded.test_cli_runner()
    outs = []
    for name in ("one", "two"):
        result = runner.invoke(args=["analyse", str(plan), "--out", str(tmp_path / name)])
        assert result.exit_code == 0, result.output
        outs.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert outs[0] == outs[1]
    assert set(outs[0]) == {
        "publication.json",
        "audit.json",
        "book.xlsx",
        "book.en.html",
        "book.en.pdf",
        "book.ar.html",
        "book.ar.pdf",
    }
    assert json.loads(outs[0]["audit.json"])["waves"].keys() == {WAVE}


def test_faults_are_listed_with_their_places(fielded, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("plan: 1\nname: x\nwaves: [none]\ncolour: red\n", encoding="utf-8")
    result = fielded.test_cli_runner().invoke(args=["analyse", str(plan)])
    assert result.exit_code == 2
    assert "colour: unknown-key" in result.output
    assert "tables: missing" in result.output


def test_unknown_wave_is_named(fielded, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump({**PLAN, "waves": ["none"]}), encoding="utf-8")
    result = fielded.test_cli_runner().invoke(args=["analyse", str(plan)])
    assert result.exit_code == 1
    assert "none" in result.output


def test_a_full_disk_leaves_no_half_file(fielded, tmp_path, monkeypatch):
    from pathlib import Path

    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump(plan_of(fielded)), encoding="utf-8")
    whole = Path.write_bytes

    def full(self, data):
        if self.name.startswith(".book"):
            whole(self, data[:10])
            raise OSError(28, "No space left on device")
        return whole(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    result = fielded.test_cli_runner().invoke(args=["analyse", str(plan), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "No space left" in result.output
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith((".", "book"))] == []


def queue(app, source=None):
    text = yaml.safe_dump(source or plan_of(app))
    with app.app_context(), stores.collector.begin() as session:
        store.save_plan(session, "p", text, "a@example.org", cli.now())
        return store.ask(session, "book", "p", "a@example.org", cli.now()).id


def state(app, job_id):
    with app.app_context(), stores.collector.read() as session:
        return store.job(session, job_id)


def test_asking_twice_gives_one_batch(fielded):
    assert queue(fielded) == queue(fielded)


def test_a_batch_whose_process_died_is_run_again(fielded):
    job_id = queue(fielded)
    with fielded.app_context():
        with stores.collector.begin() as session:
            job = store.claim(session, cli.now() - 2 * store.STALE)
            assert job.id == job_id
        assert cli.run_next() == "done"
    assert state(fielded, job_id).attempts == 2


def test_a_batch_that_kills_its_process_is_given_up(fielded):
    job_id = queue(fielded)
    with fielded.app_context():
        for attempt in range(store.ATTEMPTS):
            with stores.collector.begin() as session:
                earlier = 2 * (store.ATTEMPTS - attempt) * store.STALE
                assert store.claim(session, cli.now() - earlier) is not None
        assert cli.run_next() is None
    found = state(fielded, job_id)
    assert (found.state, found.problem["code"]) == ("failed", "given_up")


def test_a_running_batch_is_stopped_by_its_owner(fielded, monkeypatch):
    job_id = queue(fielded)
    beat = store.beat

    def stopped(session, job, part, now):
        store.stop(session, job)
        return beat(session, job, part, now)

    monkeypatch.setattr(store, "beat", stopped)
    with fielded.app_context():
        assert cli.run_next() == "cancelled"
        with stores.collector.read() as session:
            assert store.book(session, "p") is None
    assert state(fielded, job_id).state == "cancelled"


def test_faults_of_the_plan_end_the_batch(fielded):
    job_id = queue(fielded, plan_of(fielded, tables=[{"items": ["nothing"], "groups": []}]))
    with fielded.app_context():
        assert cli.run_next() == "failed"
    assert state(fielded, job_id).problem["faults"][0]["kind"] == "unknown-item"


def test_an_unexpected_error_is_told(fielded, monkeypatch, caplog):
    job_id = queue(fielded)

    def crash(*_):
        raise RuntimeError("surprise")

    monkeypatch.setattr(cli, "make_book", crash)
    with fielded.app_context():
        assert cli.run_next() == "failed"
    assert state(fielded, job_id).problem == {"code": "crash", "message": "RuntimeError"}


def test_the_database_keeps_two_people_apart(stores_on):
    from sqlalchemy.exc import DBAPIError, IntegrityError

    from analysis.models import Release

    row = {
        "plan": "p",
        "slug": "s",
        "digest": "d",
        "document": {},
        "statements": {},
        "members": {},
        "audit": {},
        "requested_by": "a@example.org",
        "requested_at": cli.now(),
        "decided_at": cli.now(),
        "state": "released",
    }
    with pytest.raises(IntegrityError), stores_on.collector.begin() as session:
        session.add(Release(**row, decided_by="a@example.org"))
    with stores_on.collector.begin() as session:
        session.add(Release(**row, decided_by="b@example.org"))
    with pytest.raises(DBAPIError), stores_on.collector.begin() as session:
        session.delete(store.releases(session)[0])
    with stores_on.collector.begin() as session:
        session.add(Job(kind="book", subject="x", asked_by="a", asked_at=cli.now()))
    with stores_on.collector.begin() as session:
        assert store.claim(session, cli.now()).subject == "x"
