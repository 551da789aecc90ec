"""Accounts on both engines."""

from datetime import date

import pytest

from web.accounts import store

TODAY = date(2026, 11, 2)


def create(session, email="a@example.org", roles=("editor",), password="hash"):
    return store.create(session, email=email, name="A Person", roles=roles, today=TODAY, password=password)


def test_create_and_find(stores_on):
    with stores_on.office.begin() as session:
        made = create(session, email="  Person@Example.org ", roles=("editor", "moderator"))
        assert made.role_names == ("editor", "moderator")
    with stores_on.office.read() as session:
        found = store.find_by_email(session, "PERSON@example.org")
        assert (found.id, found.email, found.created_on) == (made.id, "person@example.org", TODAY)
        assert len(found.fs_uniquifier) == 64
        assert store.find_by_email(session, "nobody@example.org") is None


def test_an_address_is_taken_once(stores_on):
    with stores_on.office.begin() as session:
        create(session)
        with pytest.raises(store.EmailTaken):
            create(session, email="A@EXAMPLE.ORG")


def test_forbidden_and_unknown_roles_are_named(stores_on):
    with stores_on.office.begin() as session:
        with pytest.raises(store.RolesConflict) as caught:
            create(session, roles=("register_clerk", "reviewer", "analyst"))
        assert caught.value.roles == ("analyst", "reviewer")
        with pytest.raises(ValueError, match="unknown roles \\['king'\\]"):
            create(session, roles=("king",))
        assert store.accounts(session) == []


def test_changing_roles_swaps_forbidden_halves_and_signs_out(stores_on):
    with stores_on.office.begin() as session:
        account = create(session, roles=("analyst", "editor"))
        before = account.fs_uniquifier
        store.set_roles(session, account, ("register_clerk", "editor"))
        assert account.role_names == ("editor", "register_clerk")
        assert account.fs_uniquifier != before
        store.set_roles(session, account, ())
        assert account.role_names == ()


def test_the_last_administrator_stays(stores_on):
    with stores_on.office.begin() as session:
        one = create(session, roles=("administrator",))
        create(session, email="invited@example.org", roles=("administrator",), password=None)
        off = create(session, email="off@example.org", roles=("administrator",))
        store.set_active(session, off, False)
        with pytest.raises(store.LastAdministrator):
            store.set_roles(session, one, ("editor",))
        with pytest.raises(store.LastAdministrator):
            store.set_active(session, one, False)
        store.set_active(session, off, True)
        store.set_active(session, one, False)
        assert (one.active, off.active) == (False, True)


def test_a_recovery_code_is_crossed_out_once(stores_on):
    with stores_on.office.begin() as session:
        account = create(session)
        account.mf_recovery_codes = ["x", "y", "z"]
    with stores_on.office.begin() as session:
        assert store.use_recovery_code(session, account.id, 1, "y") is True
    with stores_on.office.begin() as session:
        assert store.use_recovery_code(session, account.id, 1, "y") is False
        assert store.use_recovery_code(session, account.id, 9, "y") is False
        assert store.use_recovery_code(session, 999, 0, "x") is False
        assert store.get(session, account.id).mf_recovery_codes == ["x", "z"]


def test_a_time_step_counts_once(stores_on):
    with stores_on.office.begin() as session:
        account = create(session)
        assert store.use_totp_counter(session, account.id, 100) is True
        assert store.use_totp_counter(session, account.id, 100) is False
        assert store.use_totp_counter(session, account.id, 99) is False
        assert store.use_totp_counter(session, account.id, 101) is True
        assert store.use_totp_counter(session, 999, 1) is False


def test_reset_of_the_second_factor_forgets_everything(stores_on):
    with stores_on.office.begin() as session:
        account = create(session)
        account.tf_primary_method, account.tf_totp_secret, account.totp_counter = "authenticator", "s", 5
        account.mf_recovery_codes = ["x"]
        before = account.fs_uniquifier
        store.reset_second_factor(account)
        left = (
            account.tf_primary_method,
            account.tf_totp_secret,
            account.totp_counter,
            account.mf_recovery_codes,
        )
        assert left == (None, None, None, None)
        assert account.fs_uniquifier != before


def test_only_changed_columns_are_written_back(stores_on):
    with stores_on.office.begin() as session:
        number = create(session, roles=("editor",)).id
    with stores_on.office.read() as session:
        detached = store.get(session, number)
    with stores_on.office.begin() as session:
        row = store.get(session, number)
        row.last_sign_in_on = TODAY
        store.set_roles(session, row, ("moderator",))
        key = row.fs_uniquifier
    detached.tf_primary_method = "authenticator"
    with stores_on.office.begin() as session:
        store.write_changes(session, detached)
    with stores_on.office.read() as session:
        row = store.get(session, number)
        found = (row.tf_primary_method, row.last_sign_in_on, row.role_names, row.fs_uniquifier)
    assert found == ("authenticator", TODAY, ("moderator",), key)


def test_find_role(stores_on):
    with stores_on.office.begin() as session:
        store.ensure_roles(session)
        store.ensure_roles(session)
        assert store.find_role(session, "editor").name == "editor"
        assert store.find_role(session, "king") is None
