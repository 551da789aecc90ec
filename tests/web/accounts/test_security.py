"""Flask-Security's view of the stores."""

import threading

import pytest
from passlib.exc import UsedTokenError
from werkzeug.exceptions import BadRequest, Forbidden

import stores
from web.accounts import account_or_none, current_account, store
from web.accounts.security import OnceOnlyTotp


@pytest.fixture
def datastore(app):
    return app.extensions["security"].datastore


@pytest.fixture
def phone_owner(app, person):
    someone = person("editor")
    with app.app_context(), stores.office.begin() as session:
        store.get(session, someone.number).mf_recovery_codes = ["a", "b"]
    return someone


def test_find(app, datastore, person):
    person("editor")
    with app.app_context():
        assert datastore.find_user(case_insensitive=True, email="PERSON-1@EXAMPLE.ORG").id == 1
        assert datastore.find_user(email="PERSON-1@EXAMPLE.ORG") is None
        assert datastore.find_role("editor").name == "editor"
        with pytest.raises(NotImplementedError):
            datastore.delete(datastore.find_user(id=1))


def test_a_recovery_code_used_twice_at_once_lets_one_in(app, datastore, phone_owner):
    with app.app_context():
        copies = [datastore.find_user(id=phone_owner.number) for _ in range(2)]
    results = []

    def use(account):
        with app.app_context():
            try:
                results.append(datastore.mf_delete_recovery_code(account, 0))
            except BadRequest:
                results.append(False)

    threads = [threading.Thread(target=use, args=(account,)) for account in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, True]


def test_a_time_step_used_by_a_faster_request_is_refused(app, datastore, phone_owner):
    class Match:
        counter = 77
        expire_time = 2_400

    totp = OnceOnlyTotp({"1": "x" * 32}, "House")
    with app.app_context():
        slow, fast = (datastore.find_user(id=phone_owner.number) for _ in range(2))
        totp.set_last_counter(fast, Match)
        assert totp.get_last_counter(fast) == 77
        with pytest.raises(UsedTokenError):
            totp.set_last_counter(slow, Match)


def test_the_last_sign_in_survives_a_second_factor(app, phone_owner):
    """What Flask-Security writes at the end of a request must not undo what was written in between."""
    phone_owner.sign_in()
    from tests.web.accounts.test_sign_in import set_up_phone

    set_up_phone(phone_owner.client)
    with app.app_context(), stores.office.read() as session:
        row = store.get(session, phone_owner.number)
        assert row.last_sign_in_on is not None
        assert row.tf_primary_method == "authenticator"


def test_outside_staff_rooms_nobody_is_signed_in(app):
    with app.test_request_context("/"):
        assert account_or_none() is None
        with pytest.raises(Forbidden):
            current_account()
