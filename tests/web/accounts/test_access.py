"""Who may enter which staff room."""

import time

import pytest
from itsdangerous import TimestampSigner

from stores import office
from tests.web.test_headers import routes
from web.accounts import access
from web.audit import store as audit_store
from web.rooms import STAFF_ROLES, Room


def staff_routes(app):
    rooms = app.extensions["rooms"]
    for endpoint, method, path in routes(app):
        room = rooms.get(endpoint.rsplit(".", 1)[0])
        if room is not None and room.audience == "staff" and endpoint not in room.open_endpoints:
            yield room, endpoint, method, path


def test_strangers_are_sent_to_the_login_everywhere(app):
    asked = 0
    for _room, _endpoint, method, path in staff_routes(app):
        if method == "GET":
            response = app.test_client().get(path)
            assert (response.status_code, response.location.split("?")[0]) == (302, "/office/login"), path
            asked += 1
    assert asked >= 5


def test_strangers_cannot_write_even_with_a_valid_form_token(app):
    for _room, _endpoint, method, path in staff_routes(app):
        if method == "GET":
            continue
        client = app.test_client()
        page = client.get("/office/login").text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        response = client.open(path, method=method, data={"csrf_token": token})
        assert response.status_code == 401, f"{method} {path}"


def test_roles_without_access_get_403_everywhere(app, as_role):
    clients = {role: as_role(role) for role in STAFF_ROLES}
    for room, _endpoint, method, path in staff_routes(app):
        if method != "GET" or not room.roles:
            continue
        for role, client in clients.items():
            if role not in room.roles:
                assert client.get(path).status_code == 403, f"{role} at {path}"


def test_roles_without_access_cannot_write_even_with_a_valid_form_token(app, as_role):
    clients = {role: as_role(role) for role in STAFF_ROLES}
    tokens = {}
    for role, client in clients.items():
        page = client.get("/office").text
        tokens[role] = page.split('name="csrf_token" value="')[1].split('"')[0]
    asked = 0
    for room, _endpoint, method, path in staff_routes(app):
        if method == "GET" or not room.roles:
            continue
        role = next(role for role in STAFF_ROLES if role not in room.roles)
        answer = clients[role].open(path, method=method, data={"csrf_token": tokens[role]})
        assert answer.status_code == 403, f"{role} at {method} {path}"
        asked += 1
    assert asked >= 20


def test_an_account_without_roles_sees_its_home_and_nothing_else(as_role):
    client = as_role()
    assert client.get("/office").status_code == 200
    assert client.get("/office/accounts/").status_code == 403
    assert client.get("/office/audit/").status_code == 403


def test_the_login_returns_to_the_page_asked_for(client):
    response = client.get("/office/audit/?action=account")
    assert response.location == "/office/login?next=%2Foffice%2Faudit%2F%3Faction%3Daccount"


def test_a_deactivated_account_is_out_at_once(app, as_role):
    client = as_role("editor")
    assert client.get("/office").status_code == 200
    from web.accounts import store

    with app.app_context(), office.begin() as session:
        store.set_active(session, store.accounts(session)[0], False)
    assert client.get("/office").status_code == 302


def test_a_session_ends_after_the_longest_time_even_when_in_use(as_role):
    client = as_role("editor")
    with client.session_transaction(path="/office/") as session:
        session["fs_paa"] = time.time() - access.LONGEST_SESSION_SECONDS - 1
    assert client.get("/office").status_code == 302


def test_an_idle_session_ends(app, as_role, monkeypatch):
    client = as_role("editor")
    before = int(time.time())
    response = client.get("/office")
    assert response.status_code == 200
    cookie = client.get_cookie("office", path="/office")
    assert cookie.max_age is None
    length = app.config["SETTINGS"].session_minutes * 60
    assert before + length <= cookie.expires.timestamp() <= time.time() + length
    # Who keeps the cookie longer than the browser would gains nothing by it.
    for later, status in ((length - 60, 200), (2 * length + 60, 302)):
        at = before + later
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _signer, at=at: at)
        assert client.get("/office").status_code == status


def test_a_refusal_stands_in_the_audit_log(app, as_role):
    assert as_role("editor").get("/office/audit/").status_code == 403
    with app.app_context(), office.read() as session:
        entry = list(audit_store.every(session, audit_store.Filter()))[-1]
    found = (entry.account, entry.action, entry.target)
    assert found == ("editor-1@example.org", "access.refused", "page audit.log")


def test_staff_rooms_live_below_office():
    with pytest.raises(ValueError, match="below /office"):
        Room("elsewhere", __name__, audience="staff", url_prefix="/elsewhere")


def test_rooms_know_their_roles():
    with pytest.raises(ValueError, match="roles"):
        Room("odd", __name__, audience="staff", roles=("king",), url_prefix="/office/odd")
    with pytest.raises(ValueError, match="staff rooms only"):
        Room("odd", __name__, audience="public", roles=("editor",))


def test_the_help_desk_mail_is_closed(client):
    assert client.get("/office/tf-rescue").status_code == 404
