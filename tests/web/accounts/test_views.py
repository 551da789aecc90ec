"""Accounts as administrators see them, and invitations as invited people see them."""

import re

import pytest

from stores import office
from tests.web.accounts.conftest import PASSWORD
from web.accounts import store
from web.audit import store as log


def account(app, number):
    with app.app_context(), office.read() as session:
        return store.get(session, number)


def entries(app, beginning="account."):
    with app.app_context(), office.read() as session:
        return [(e.account, e.action, e.target) for e in log.every(session, log.Filter(action=beginning))]


@pytest.fixture
def admin(as_role):
    return as_role("administrator")


def invite(admin, email="new@example.org", roles=("editor",)):
    data = {"name": "New Person", "email": email, "roles": list(roles)}
    answer = admin.submit("/office/accounts/new", data)
    assert answer.status_code == 302, answer.text
    page = admin.get(answer.location).text
    link = re.search(r'value="http://localhost(/office/accounts/invitation/[^"]+)"', page)[1]
    return int(answer.location.split("?")[0].rsplit("/", 1)[1]), link


def test_an_invited_person_chooses_a_password_and_signs_in(app, admin, client):
    number, link = invite(admin)
    assert "new@example.org" in admin.get("/office/accounts/").text
    assert "New Person" in client.get(link).text
    new = "five words of my own"
    assert client.submit(link, {"password": "short", "again": "short"}).status_code == 422
    assert client.submit(link, {"password": new, "again": new + "!"}).status_code == 422
    assert client.submit(link, {"password": new, "again": new}).location == "/office/login"
    answer = client.submit("/office/login", {"email": "new@example.org", "password": new})
    assert answer.location == "/office"
    assert [(who, action) for who, action, _target in entries(app)] == [
        ("administrator-1@example.org", "account.create"),
        ("new@example.org", "account.invitation_accepted"),
        ("new@example.org", "account.sign_in"),
    ]
    assert account(app, number).role_names == ("editor",)


def test_an_invitation_works_once_and_only_the_newest(app, admin, client):
    number, link = invite(admin)
    answer = admin.submit(f"/office/accounts/{number}/invitation", {}, at=f"/office/accounts/{number}")
    page = admin.get(answer.location).text
    newer = re.search(r'value="http://localhost([^"]+invitation[^"]+)"', page)[1]
    assert client.get(link).status_code == 410
    new = "five words of my own"
    assert client.submit(newer, {"password": new, "again": new}).status_code == 302
    assert client.get(newer).status_code == 410


@pytest.mark.parametrize("token", ["x", "WzEsImEiXQ.aaaa.bbbb", "ü"])
def test_forged_invitations(client, token):
    answer = client.get(f"/office/accounts/invitation/{token}")
    assert answer.status_code == 410


def test_old_invitations(app, admin, client, monkeypatch):
    from web.accounts import invitations

    _number, link = invite(admin)
    monkeypatch.setattr(invitations, "DAYS", -1)
    assert client.get(link).status_code == 410


def test_forbidden_roles_are_explained_and_nothing_typed_is_lost(app, admin):
    data = {"name": "Two Hats", "email": "hats@example.org", "roles": ["register_clerk", "analyst"]}
    answer = admin.submit("/office/accounts/new", data)
    assert answer.status_code == 422
    assert "darf nie Antworten sehen" in answer.text
    assert 'value="hats@example.org"' in answer.text
    assert 'value="Two Hats"' in answer.text
    assert len(re.findall(r"checked", answer.text)) == 2
    taken = {"name": "Again", "email": "administrator-1@example.org", "roles": []}
    answer = admin.submit("/office/accounts/new", taken)
    assert "schon ein Konto" in answer.text
    assert entries(app) == []


def test_an_unknown_role_is_refused(admin):
    data = {"name": "King", "email": "king@example.org", "roles": ["king"]}
    assert admin.submit("/office/accounts/new", data).status_code == 422


def test_roles_are_changed_and_logged(app, admin, as_role):
    other = as_role("editor")
    page = "/office/accounts/2"
    answer = admin.submit(f"{page}/roles", {"roles": ["translator", "moderator"]}, at=page)
    assert answer.location == page
    assert account(app, 2).role_names == ("moderator", "translator")
    assert other.get("/office").status_code == 302
    with app.app_context(), office.read() as session:
        (entry,) = log.every(session, log.Filter(action="account.roles"))
    assert entry.details == {"before": ["editor"], "after": ["moderator", "translator"]}
    admin.submit(f"{page}/roles", {"roles": ["register_clerk", "reviewer"]}, at=page)
    assert "darf nie Antworten sehen" in admin.get(page).text
    assert account(app, 2).role_names == ("moderator", "translator")


def test_the_last_administrator_cannot_be_lost(app, admin):
    page = "/office/accounts/1"
    admin.submit(f"{page}/roles", {"roles": ["editor"]}, at=page)
    assert "letzte aktive Administrationskonto" in admin.get(page).text
    admin.submit(f"{page}/active", {"active": "no"}, at=page)
    assert "letzte aktive Administrationskonto" in admin.get(page).text
    assert (account(app, 1).active, account(app, 1).role_names) == (True, ("administrator",))


def test_switching_off_and_on(app, admin, person):
    someone = person("editor")
    someone.sign_in()
    page = f"/office/accounts/{someone.number}"
    admin.submit(f"{page}/active", {"active": "no"}, at=page)
    assert someone.client.get("/office").status_code == 302
    assert "abgeschaltet" in admin.get("/office/accounts/").text
    admin.submit(f"{page}/active", {"active": "yes"}, at=page)
    assert someone.sign_in(PASSWORD).status_code == 302
    actions = [action for _who, action, _target in entries(app)]
    assert actions == ["account.sign_in", "account.deactivate", "account.activate", "account.sign_in"]


def test_resetting_a_second_factor(app, admin, as_role):
    as_role("editor")
    with app.app_context(), office.begin() as session:
        row = store.get(session, 2)
        row.tf_primary_method, row.tf_totp_secret = "authenticator", "x"
    page = "/office/accounts/2"
    admin.submit(f"{page}/second-factor", {}, at=page)
    assert account(app, 2).tf_totp_secret is None
    assert entries(app)[-1][1:] == ("account.second_factor_reset", "account editor-2@example.org")


@pytest.mark.parametrize("path", ["", "/roles", "/active", "/invitation", "/second-factor"])
def test_accounts_that_do_not_exist(admin, path):
    if not path:
        assert admin.get("/office/accounts/99").status_code == 404
    else:
        assert admin.submit(f"/office/accounts/99{path}", {}, at="/office/accounts/1").status_code == 404


def test_the_list_needs_the_same_queries_for_one_and_for_many(app, admin, as_role):
    from sqlalchemy import event

    engine = app.extensions["stores"].get("office").engine
    seen = []

    def count(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    counts = []
    for more in (0, 5):
        for _ in range(more):
            as_role("editor", "translator")
        seen.clear()
        admin.get("/office/accounts/")
        counts.append(sum(statement.lstrip().startswith("SELECT") for statement in seen))
    assert counts[0] == counts[1]
