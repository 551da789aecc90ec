"""What the database itself refuses about accounts, asked in plain SQL on both engines."""

import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from web.accounts.models import SEALED_ROLES
from web.rooms import STAFF_ROLES

ADD_ROLE = "INSERT INTO account_role (account_id, role) VALUES (:account, :role)"


def add_account(store, number=1, email=None):
    with store.begin() as session:
        for role in STAFF_ROLES:
            session.execute(
                text("INSERT INTO role (name) VALUES (:name) ON CONFLICT DO NOTHING"),
                {"name": role},
            )
        session.execute(
            text(
                "INSERT INTO account (id, email, name, active, fs_uniquifier, created_on) "
                "VALUES (:id, :email, 'n', :active, :key, '2026-11-02')"
            ),
            {
                "id": number,
                "email": email or f"a{number}@example.org",
                "active": True,
                "key": f"key-{number}",
            },
        )


def give(store, *roles, account=1):
    with store.begin() as session:
        for role in roles:
            session.execute(text(ADD_ROLE), {"account": account, "role": role})


def roles_of(store, account=1):
    with store.read() as session:
        query = text("SELECT role FROM account_role WHERE account_id = :account ORDER BY role")
        return list(session.scalars(query, {"account": account}))


@pytest.mark.parametrize("sealed", SEALED_ROLES)
def test_register_clerk_excludes_roles_that_see_answers(stores_on, sealed):
    add_account(stores_on.office)
    give(stores_on.office, "register_clerk")
    with pytest.raises(DBAPIError, match="register_clerk excludes"):
        give(stores_on.office, sealed)
    assert roles_of(stores_on.office) == ["register_clerk"]


@pytest.mark.parametrize("sealed", SEALED_ROLES)
def test_the_other_way_round(stores_on, sealed):
    add_account(stores_on.office)
    give(stores_on.office, sealed)
    with pytest.raises(DBAPIError, match="register_clerk excludes"):
        give(stores_on.office, "register_clerk")
    assert roles_of(stores_on.office) == [sealed]


def test_one_statement_with_both_halves(stores_on):
    add_account(stores_on.office)
    both = text("INSERT INTO account_role (account_id, role) VALUES (1, 'analyst'), (1, 'register_clerk')")
    with pytest.raises(DBAPIError, match="register_clerk excludes"), stores_on.office.begin() as session:
        session.execute(both)
    assert roles_of(stores_on.office) == []


def test_a_role_cannot_be_rewritten(stores_on):
    add_account(stores_on.office)
    give(stores_on.office, "register_clerk", "editor")
    with pytest.raises(DBAPIError, match="inserted and deleted only"), stores_on.office.begin() as session:
        session.execute(text("UPDATE account_role SET role = 'analyst' WHERE role = 'editor'"))
    assert roles_of(stores_on.office) == ["editor", "register_clerk"]


def test_the_same_roles_on_two_accounts_are_fine(stores_on):
    add_account(stores_on.office, 1)
    add_account(stores_on.office, 2)
    give(stores_on.office, "register_clerk", "administrator", account=1)
    give(stores_on.office, *SEALED_ROLES, account=2)
    assert roles_of(stores_on.office, 2) == sorted(SEALED_ROLES)


def test_two_transactions_at_once_cannot_make_the_pair(stores_on):
    """Each adds one half; without the lock on the account's row both would be let in on PostgreSQL."""
    add_account(stores_on.office)
    begun = threading.Event()
    refused = []

    def first():
        with stores_on.office.begin() as session:
            session.execute(text(ADD_ROLE), {"account": 1, "role": "register_clerk"})
            begun.set()
            time.sleep(0.3)

    def second():
        begun.wait()
        try:
            give(stores_on.office, "analyst")
        except DBAPIError as error:
            refused.append(str(error.orig))

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [("register_clerk excludes" in reason) for reason in refused] == [True]
    assert roles_of(stores_on.office) == ["register_clerk"]


def test_addresses_are_kept_in_small_letters(stores_on):
    with pytest.raises(DBAPIError, match="email_lower"):
        add_account(stores_on.office, email="Clerk@example.org")
