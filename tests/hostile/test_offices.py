"""Register and collector as processes of their own: what each may, and what a restore brings back."""

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from werkzeug.serving import make_server

import config
from app import create_app
from participation.access import blind
from participation.access.signing.store import Unsigned
from participation.access.signing.views import digest_key, signing_folder, token_for_code
from stores import StoreNotAllowed
from surveys.rehearsal.store import field_wave
from tests.surveys.collection.conftest import DOCUMENT, Phone, tend_now
from web import backup


def office_of(settings, role, **changes):
    """The same stores seen by a process that may open only some of them."""
    return create_app(
        replace(
            settings,
            role=role,
            urls={name: url for name, url in settings.urls.items() if name in config.STORES_OF_ROLE[role]},
            secrets={
                name: value
                for name, value in settings.secrets.items()
                if name in config.SECRETS_OF_ROLE[role]
            },
            signing_keys=settings.signing_keys if role == "register" else None,
            batch_keys=settings.batch_keys if role == "public" else None,
            **changes,
        )
    )


@contextmanager
def serving(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fielding(app, settings):
    with app.app_context():
        made = field_wave(
            app.extensions["stores"].available,
            signing_folder(settings),
            digest_key(settings),
            DOCUMENT,
            [("a", "en")] * 4,
            datetime.now(UTC),
        )
        tend_now(app)
    return made


@pytest.fixture
def register(settings):
    app = office_of(settings, "register")
    yield app
    app.extensions["stores"].dispose()


def test_each_process_serves_its_own_rooms_and_opens_its_own_stores(settings, register, fielding):
    public = office_of(settings, "public", register_url="http://127.0.0.1:9")
    assert public.test_client().post("/token", json={}).status_code == 404
    assert public.test_client().get("/s/small/keys.json").status_code == 200
    assert register.test_client().get("/s/small/keys.json").status_code == 404
    assert register.test_client().post("/token", json={}).status_code == 400
    for store in ("register", "office"):
        with pytest.raises(StoreNotAllowed):
            public.extensions["stores"].get(store)
    with pytest.raises(config.SettingsError):
        public.config["SETTINGS"].secret("SIGNING_WRAP")
    with pytest.raises(config.SettingsError):
        register.config["SETTINGS"].secret("BATCH_WRAP")
    assert public.config["SETTINGS"].signing_keys is None
    assert register.config["SETTINGS"].batch_keys is None
    public.extensions["stores"].dispose()


def test_without_script_the_public_process_asks_the_register_server_to_server(settings, register, fielding):
    with serving(register) as address:
        public = office_of(settings, "public", register_url=address)
        form = {"_code": str(fielding.people[0].code), "_version": "1", "_language": "en", "_consent": "yes"}
        client = public.test_client()
        assert client.get("/s/small/keys.json").get_json()["token"] == f"{address}/token"
        reply = client.post("/s/small/answers", data=form | {"happy": "1"})
        assert reply.status_code == 303
        again = client.post("/s/small/answers", data=form | {"happy": "1"})
        assert "used already" in again.text
        wrong = client.post("/s/small/answers", data=form | {"happy": "1", "_code": "AAAAA"})
        assert "group 1" in wrong.text
        public.extensions["stores"].dispose()


def test_a_register_that_cannot_be_reached_costs_no_code(settings, app, fielding):
    public = office_of(settings, "public", register_url="http://127.0.0.1:9")
    form = {"_code": str(fielding.people[0].code), "_version": "1", "_consent": "yes", "happy": "1"}
    reply = public.test_client().post("/s/small/answers", data=form | {"_language": "en"})
    assert "not sent yet" in reply.text
    code = {"code": str(fielding.people[0].code)}
    assert app.test_client().post("/token/ask", json=code).get_json() == {"state": "good"}
    public.extensions["stores"].dispose()


def test_plain_http_off_this_machine_refuses_the_sealed_level(settings, fielding):
    plain = create_app(replace(settings, base_url="http://survey.example"))
    assert plain.test_client().get("/s/small/keys.json").get_json()["levels"] == ["two_office"]
    reply = plain.test_client().post("/token", json={"code": "x", "key": "y", "blinded": "00"})
    assert (reply.status_code, reply.get_json()) == (403, {"code": "insecure"})
    plain.extensions["stores"].dispose()


def test_a_restored_register_is_locked_until_its_journal_is_replayed(app, settings, fielding, tmp_path):
    from participation.access import journal
    from participation.access.issuing import store as issuing

    phone = Phone(app, fielding)
    first, second = fielding.people[:2]
    phone.token(first.code)
    store = app.extensions["stores"].get("register")
    backup.backup(store, tmp_path / "register.backup")
    phone.token(second.code)
    # The disk is lost; the backup knows nothing of the second code.
    backup.restore(store, tmp_path / "register.backup")
    restarted = create_app(settings)
    try:
        with restarted.app_context():
            started = blind.start(phone.public(second.code))
            reply = Phone(restarted, fielding).ask_token(second.code, started)
            assert (reply.status_code, reply.get_json()) == (503, {"code": "locked"})
            path = signing_folder(settings).path / "issued.journal"
            with restarted.extensions["stores"].get("register").begin() as session:
                assert issuing.replay(session, journal.entries(path)) == 1
            reply = Phone(restarted, fielding).ask_token(second.code, started)
            assert reply.get_json() == {"code": "used"}
            assert Phone(restarted, fielding).token(fielding.people[2].code)
    finally:
        restarted.extensions["stores"].dispose()


def test_a_register_without_its_hook_still_notices_that_it_forgot(app, settings, fielding, tmp_path):
    """A file copied back by hand runs no hook: the journal tells the difference at the first request."""
    import shutil

    phone = Phone(app, fielding)
    backup.backup(app.extensions["stores"].get("register"), tmp_path / "copy")
    phone.token(fielding.people[0].code)
    app.extensions["stores"].dispose()
    database = settings.instance / "register.sqlite"
    shutil.copyfile(tmp_path / "copy", database)
    for end in ("-wal", "-shm"):
        database.with_name(f"register.sqlite{end}").unlink(missing_ok=True)
    restarted = create_app(settings)
    code = fielding.people[0].code
    reply = Phone(restarted, fielding).ask_token(code, blind.start(Phone(restarted, fielding).public(code)))
    assert reply.get_json() == {"code": "locked"}
    restarted.extensions["stores"].dispose()


def test_codes_of_no_wave_are_refused_before_any_call(app, fielding):
    with app.app_context(), pytest.raises(Unsigned, match="other_key"):
        token_for_code("CQPHN-614P4-Y2P2R-SZHQS-GB8FG", "", {})
