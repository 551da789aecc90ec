"""flask create-admin and the demo's logins."""

from dataclasses import replace

import pytest

import config
from app import create_app
from stores import office
from web.accounts import demo, store
from web.rooms import STAFF_ROLES

GOOD = "a password of five words"


def create(app, email="first@example.org", password=GOOD):
    arguments = ["create-admin", "--email", email, "--name", "First", "--password", password]
    return app.test_cli_runner().invoke(args=arguments)


def test_the_first_administrator_can_sign_in(app, client):
    result = create(app)
    assert result.exit_code == 0, result.output
    answer = client.submit("/office/login", {"email": "first@example.org", "password": GOOD})
    assert answer.location == "/office"
    assert client.get("/office/accounts/").status_code == 200


def test_the_password_is_asked_for_twice(app):
    answers = f"asked@example.org\nAsked\n{GOOD}\n{GOOD}\n"
    result = app.test_cli_runner().invoke(args=["create-admin"], input=answers)
    assert result.exit_code == 0, result.output
    assert GOOD not in result.output


@pytest.mark.parametrize(
    ("email", "password", "reason"),
    [
        ("first@example.org", "short", "at least 12 characters"),
        ("nobody", GOOD, "is not an e-mail address"),
        ("taken@example.org", GOOD, "there is an account"),
    ],
)
def test_refusals_say_why(app, email, password, reason):
    create(app, "taken@example.org")
    result = create(app, email, password)
    assert result.exit_code == 1
    assert reason in result.output


def test_demo_logins_one_per_role_and_only_once(app, client):
    first = app.test_cli_runner().invoke(args=["demo-accounts"])
    second = app.test_cli_runner().invoke(args=["demo-accounts"])
    assert first.output == second.output
    with app.app_context(), office.read() as session:
        roles = [account.role_names for account in store.accounts(session)]
    assert sorted(roles) == sorted((role,) for role in STAFF_ROLES)
    login = {"email": f"entry-clerk@{demo.DOMAIN}", "password": demo.PASSWORD}
    assert client.submit("/office/login", login).location == "/office"


def test_outside_the_demo_there_are_no_demo_logins_and_old_ones_do_not_work(app, settings):
    app.test_cli_runner().invoke(args=["demo-accounts"])
    strict = create_app(replace(settings, demo=False))
    with strict.app_context(), pytest.raises(config.SettingsError, match="only in the demo"):
        demo.demo_accounts()
    client = strict.test_client()
    page = client.get("/office/login").text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    login = {"email": f"administrator@{demo.DOMAIN}", "password": demo.PASSWORD, "csrf_token": token}
    assert client.post("/office/login", data=login).status_code == 200
