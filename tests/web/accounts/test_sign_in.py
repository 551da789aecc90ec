"""Signing in with password, second factor and recovery codes; throttling; signing out."""

import re
import time

import pytest
from passlib.totp import TOTP

from app import create_app
from stores import office
from tests.pages import PageClient
from tests.web.accounts.conftest import PASSWORD
from web.accounts import sign_in, store
from web.audit import store as log


def actions(app):
    with app.app_context(), office.read() as session:
        return [entry.action for entry in log.every(session, log.Filter())]


def account(app, number):
    with app.app_context(), office.read() as session:
        return store.get(session, number)


def set_up_phone(client, path="/office/tf-setup"):
    """Scan the QR code's key and confirm it; returns the phone."""
    page = client.submit(path, {"setup": "authenticator"})
    key = re.search(r"<code>([A-Z2-7-]+)</code>", page.text)[1]
    phone = TOTP(key=key.replace("-", ""), format="base32")
    form = re.search(
        r'action="([^"]+)">\s*<input type="hidden" name="csrf_token" value="([^"]+)">\s*<div', page.text
    )
    answer = client.post(form[1], data={"csrf_token": form[2], "code": phone.generate().token})
    assert answer.status_code == 302, answer.text
    return phone


def later(app, number):
    """As if the time steps of all codes used so far were long past."""
    with app.app_context(), office.begin() as session:
        store.get(session, number).totp_counter = None


def test_password_opens_the_office_and_is_logged(app, person):
    someone = person("editor")
    answer = someone.sign_in()
    assert (answer.status_code, answer.location) == (302, "/office")
    home = someone.client.get("/office")
    assert "Person 1" in home.text
    assert actions(app) == ["account.sign_in"]
    assert account(app, someone.number).last_sign_in_on is not None


def test_passwords_are_argon2(app, person):
    assert account(app, person("editor").number).password.startswith("$argon2id$")


@pytest.mark.parametrize("email", ["person-1@example.org", "nobody@example.org"])
def test_wrong_password_and_unknown_address_read_the_same(app, person, email):
    someone = person("editor")
    answer = someone.client.submit("/office/login", {"email": email, "password": "not the right words"})
    assert answer.status_code == 200
    alerts = re.findall(r'role="alert">([^<]+)<', answer.text)
    assert alerts == ["E-Mail-Adresse oder Passwort ist falsch."]
    expected = [("not signed in", "account.sign_in_failed")] if email.startswith("person") else []
    with app.app_context(), office.read() as session:
        found = [(entry.account, entry.action) for entry in log.every(session, log.Filter())]
    assert found == expected
    # What was typed into the address field may be a password: it stands nowhere in the log.
    assert someone.client.get("/office").status_code == 302


def test_the_next_page_is_ours(app, person):
    someone = person("administrator")
    page = someone.client.get("/office/login?next=/office/audit/").text
    token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[1]
    data = {"csrf_token": token, "email": someone.email, "password": PASSWORD}
    answer = someone.client.post("/office/login", data={**data, "next": "/office/audit/"})
    assert answer.location == "/office/audit/"
    other = person("administrator")
    page = other.client.get("/office/login").text
    token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[1]
    data = {"csrf_token": token, "email": other.email, "password": PASSWORD}
    answer = other.client.post("/office/login", data={**data, "next": "https://evil.example/"})
    assert "evil" not in (answer.location or "")


def test_a_deactivated_or_invited_account_cannot_sign_in(app, person):
    someone = person("editor")
    with app.app_context(), office.begin() as session:
        store.set_active(session, store.get(session, someone.number), False)
    assert someone.sign_in().status_code == 200
    with app.app_context(), office.begin() as session:
        row = store.get(session, someone.number)
        row.active, row.password = True, None
    assert someone.sign_in().status_code == 200
    assert someone.client.get("/office").status_code == 302


def test_there_is_no_registration_and_no_reset_by_mail(client):
    endpoints = set(client.application.view_functions)
    assert {"security.register", "security.forgot_password", "security.send_confirmation"}.isdisjoint(
        endpoints
    )
    for path in ("/office/reset", "/register", "/office/confirm"):
        assert client.get(path).status_code == 404


def test_second_factor_is_asked_for_and_a_code_works_once(app, person):
    someone = person("editor")
    someone.sign_in()
    phone = set_up_phone(someone.client)
    assert "account.second_factor_set" in actions(app)
    later(app, someone.number)
    again = person("translator").client
    answer = again.submit("/office/login", {"email": someone.email, "password": PASSWORD})
    assert (answer.status_code, answer.location.split("?")[0]) == (302, "/office/tf-validate")
    assert again.get("/office").status_code == 302
    code = phone.generate().token
    wrong = "000000" if code != "000000" else "000001"
    assert again.submit("/office/tf-validate", {"code": wrong}).status_code == 200
    assert again.submit("/office/tf-validate", {"code": code}).status_code == 302
    assert again.get("/office").status_code == 200
    assert actions(app)[-2:] == ["account.code_failed", "account.sign_in"]
    third = app.test_client()
    third.submit("/office/login", {"email": someone.email, "password": PASSWORD})
    assert third.submit("/office/tf-validate", {"code": code}).status_code == 200
    assert third.get("/office").status_code == 302


def test_seeds_and_recovery_codes_are_stored_encrypted(app, person):
    someone = person("editor")
    someone.sign_in()
    phone = set_up_phone(someone.client)
    page = someone.client.submit("/office/mf-recovery-codes", {"generate_new_codes": "y"})
    codes = re.findall(r"<li><code>([^<]+)</code></li>", page.text)
    assert len(codes) == 8
    row = account(app, someone.number)
    assert phone.base32_key not in row.tf_totp_secret
    assert not set(codes) & set(row.mf_recovery_codes)
    assert codes[0] not in str(row.mf_recovery_codes)


def test_a_recovery_code_replaces_the_phone_once(app, person):
    someone = person("editor")
    someone.sign_in()
    set_up_phone(someone.client)
    page = someone.client.submit("/office/mf-recovery-codes", {"generate_new_codes": "y"})
    code = re.findall(r"<li><code>([^<]+)</code></li>", page.text)[0]
    for expected in (302, 200):
        client = app.test_client()
        client.submit("/office/login", {"email": someone.email, "password": PASSWORD})
        assert client.submit("/office/mf-recovery", {"code": code}).status_code == expected
        assert client.get("/office").status_code == (200 if expected == 302 else 302)
    assert len(account(app, someone.number).mf_recovery_codes) == 7


def test_outside_the_demo_a_second_factor_is_required(strict_app, person):
    someone = person("editor", at=strict_app)
    answer = someone.sign_in()
    assert answer.location == "/office/tf-setup"
    assert someone.client.get("/office").status_code == 302
    set_up_phone(someone.client)
    assert someone.client.get("/office").status_code == 200


def test_guessing_is_slowed_for_the_account_but_not_for_its_network(app, person):
    victim, colleague = person("editor"), person("editor")
    for _ in range(10):
        assert victim.sign_in("wrong guess again").status_code == 200
    answer = victim.sign_in()
    assert answer.status_code == 429
    assert "Zu viele Versuche" in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    # The colleague sits in the same town hall, behind the same address.
    assert colleague.sign_in().status_code == 302
    # The owner, elsewhere, is not locked out by somebody else's guesses.
    assert victim.sign_in(environ_overrides={"REMOTE_ADDR": "198.51.100.7"}).status_code == 302


def test_guessing_from_many_networks_is_slowed_too(settings, person, monkeypatch):
    assert sign_in.WIDE == "60 per hour"
    monkeypatch.setattr(sign_in, "WIDE", "15 per hour")
    app = create_app(settings)
    app.test_client_class = PageClient
    victim = person("editor", at=app)
    for number in range(15):
        place = {"REMOTE_ADDR": f"198.51.100.{number}"}
        assert victim.sign_in("wrong guess again", environ_overrides=place).status_code == 200
    answer = victim.sign_in(environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
    assert answer.status_code == 429


def test_other_spellings_of_the_address_count_together(app, person):
    victim = person("editor")
    spellings = [
        "person-1@example.org",
        " Person-1@example.org",
        "PERSON-1@EXAMPLE.ORG",
        "ｐｅｒｓｏｎ-1@example.org",
    ]
    for number in range(10):
        data = {"email": spellings[number % 4], "password": "wrong guess again"}
        assert victim.client.submit("/office/login", data).status_code == 200
    assert victim.sign_in().status_code == 429


def test_in_a_storm_single_networks_are_slowed_and_nobody_else(settings, person, monkeypatch):
    monkeypatch.setattr(sign_in, "STORM", "20 per 15 minutes")
    monkeypatch.setattr(sign_in, "NETWORK_IN_A_STORM", "3 per 15 minutes")
    app = create_app(settings)
    app.test_client_class = PageClient
    town_hall = person("editor", at=app)
    attacker = {"REMOTE_ADDR": "203.0.113.9"}

    def guess(number):
        data = {"email": f"person-{number}@example.org", "password": "wrong guess again"}
        return app.test_client().submit("/office/login", data, environ_overrides=attacker).status_code

    # Every guess is at another account, so that no account's own limit is reached.
    assert [guess(number) for number in range(10, 30)] == [200] * 20
    assert [guess(number) for number in range(30, 35)] == [200, 200, 200, 429, 429]
    assert town_hall.sign_in().status_code == 302


def test_signing_in_rightly_costs_nothing(app, person):
    someone = person("editor")
    for _ in range(12):
        client = app.test_client()
        assert (
            client.submit("/office/login", {"email": someone.email, "password": PASSWORD}).status_code == 302
        )


def test_codes_of_the_second_factor_are_throttled(app, person):
    someone = person("editor")
    someone.sign_in()
    phone = set_up_phone(someone.client)
    later(app, someone.number)
    client = app.test_client()
    client.submit("/office/login", {"email": someone.email, "password": PASSWORD})
    right = phone.generate(time=time.time() + 3600).token
    answers = [client.submit("/office/tf-validate", {"code": right}).status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]


def test_signing_out_ends_every_session_of_the_account(app, person):
    someone = person("editor")
    other = app.test_client()
    for client in (someone.client, other):
        client.submit("/office/login", {"email": someone.email, "password": PASSWORD})
    answer = someone.client.submit("/office/logout", {}, at="/office")
    assert answer.location == "/office/login"
    assert someone.client.get("/office").status_code == 302
    assert other.get("/office").status_code == 302
    assert actions(app)[-1] == "account.sign_out"


def test_changing_the_password(app, person):
    someone = person("editor")
    someone.sign_in()
    other = app.test_client()
    other.submit("/office/login", {"email": someone.email, "password": PASSWORD})
    new = "some other quiet words"

    def change(old, first, second):
        data = {"password": old, "new_password": first, "new_password_confirm": second}
        return someone.client.submit("/office/change", data).status_code

    assert change("not it, sorry", new, new) == 200
    assert change(PASSWORD, "short", "short") == 200
    assert change(PASSWORD, new, new + "!") == 200
    assert change(PASSWORD, new, new) == 302
    assert someone.client.get("/office").status_code == 200
    assert other.get("/office").status_code == 302
    assert actions(app)[-1] == "account.password_changed"
    assert (
        app.test_client().submit("/office/login", {"email": someone.email, "password": new}).status_code
        == 302
    )


def test_no_remembering_beyond_the_session(client):
    page = client.get("/office/login").text
    assert "remember" not in page
