"""Queries and writes of staff accounts (office store)."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, func, insert, inspect, select
from sqlalchemy.orm import Session

from web.accounts.models import REGISTER_ROLE, SEALED_ROLES, Account, AccountRole, Role
from web.rooms import STAFF_ROLES


class RolesConflict(ValueError):
    """Roles that no single account may hold; ``roles`` names those of the sealed side."""

    def __init__(self, roles: tuple[str, ...]) -> None:
        self.roles = roles
        super().__init__(f"{REGISTER_ROLE} excludes {', '.join(roles)} on one account")


class EmailTaken(ValueError):
    """Another account has this address."""


class LastAdministrator(ValueError):
    """The change would leave the house without an active administrator."""


def check_roles(roles: Iterable[str]) -> frozenset[str]:
    """The roles as a set.

    Raises:
        ValueError: an unknown role.
        RolesConflict: register clerk together with a role that sees answers.
    """
    wanted = frozenset(roles)
    if unknown := wanted - set(STAFF_ROLES):
        raise ValueError(f"unknown roles {sorted(unknown)}; known are {', '.join(STAFF_ROLES)}")
    sealed = tuple(role for role in SEALED_ROLES if role in wanted)
    if REGISTER_ROLE in wanted and sealed:
        raise RolesConflict(sealed)
    return wanted


def find(session: Session, **values: Any) -> Account | None:
    """The account with these attribute values, or None."""
    return session.scalars(select(Account).filter_by(**values)).one_or_none()


def find_by_email(session: Session, email: str) -> Account | None:
    """The account with this address, in any case of letters."""
    return find(session, email=email.strip().lower())


def get(session: Session, account_id: int) -> Account | None:
    """The account with this number."""
    return session.get(Account, account_id)


def accounts(session: Session) -> list[Account]:
    """All accounts by name."""
    return list(session.scalars(select(Account).order_by(func.lower(Account.name), Account.id)))


def find_role(session: Session, name: str) -> Role | None:
    """The role with this name."""
    return session.get(Role, name)


def ensure_roles(session: Session) -> None:
    """Write the rows of all staff roles that are not there yet."""
    known = set(session.scalars(select(Role.name)))
    missing = [{"name": name} for name in STAFF_ROLES if name not in known]
    if missing:
        session.execute(insert(Role), missing)


def create(
    session: Session,
    *,
    email: str,
    name: str,
    roles: Iterable[str],
    today: datetime.date,
    password: str | None = None,
) -> Account:
    """A new account; ``password`` is a finished hash, None for an invited person.

    Raises:
        EmailTaken, RolesConflict, ValueError: see `check_roles`.
    """
    wanted = check_roles(roles)
    address = email.strip().lower()
    if find(session, email=address) is not None:
        raise EmailTaken(address)
    ensure_roles(session)
    account = Account(
        email=address,
        name=name.strip(),
        password=password,
        active=True,
        fs_uniquifier=secrets.token_hex(32),
        created_on=today,
    )
    session.add(account)
    session.flush()
    _write_roles(session, account, wanted)
    return account


def _write_roles(session: Session, account: Account, wanted: frozenset[str]) -> None:
    session.execute(delete(AccountRole).where(AccountRole.account_id == account.id))
    if wanted:
        session.execute(
            insert(AccountRole), [{"account_id": account.id, "role": role} for role in sorted(wanted)]
        )
    session.refresh(account, ["roles"])


def set_roles(session: Session, account: Account, roles: Iterable[str]) -> None:
    """Give the account exactly these roles and end its sessions.

    Raises:
        RolesConflict, LastAdministrator, ValueError.
    """
    wanted = check_roles(roles)
    if "administrator" in account.role_names and "administrator" not in wanted:
        _keep_an_administrator(session, account)
    ensure_roles(session)
    _write_roles(session, account, wanted)
    sign_out_everywhere(account)


def set_active(session: Session, account: Account, active: bool) -> None:
    """Let the account in or keep it out; keeping out ends its sessions at once.

    Raises:
        LastAdministrator.
    """
    if not active and "administrator" in account.role_names:
        _keep_an_administrator(session, account)
    account.active = active
    sign_out_everywhere(account)


def _keep_an_administrator(session: Session, leaving: Account) -> None:
    others = session.scalar(
        select(func.count())
        .select_from(Account)
        .join(AccountRole, AccountRole.account_id == Account.id)
        .where(
            AccountRole.role == "administrator",
            Account.active.is_(True),
            Account.password.is_not(None),
            Account.id != leaving.id,
        )
    )
    if not others:
        raise LastAdministrator(leaving.email)


def sign_out_everywhere(account: Account) -> None:
    """End all sessions of the account, and make its open invitations worthless."""
    account.fs_uniquifier = secrets.token_hex(32)


def set_password(account: Account, password_hash: str) -> None:
    """Write the hash of a new password and end all sessions."""
    account.password = password_hash
    sign_out_everywhere(account)


def reset_second_factor(account: Account) -> None:
    """Forget authenticator and recovery codes; the person sets up a new one at the next sign-in."""
    account.tf_primary_method = None
    account.tf_totp_secret = None
    account.totp_counter = None
    account.mf_recovery_codes = None
    sign_out_everywhere(account)


def write_changes(session: Session, detached: Account) -> None:
    """Write those columns of an account, read in an earlier transaction, that have been changed since."""
    state = inspect(detached)
    row = session.get(Account, detached.id, with_for_update=True)
    if row is None:
        return
    for column in state.mapper.column_attrs:
        if state.attrs[column.key].history.has_changes():
            setattr(row, column.key, getattr(detached, column.key))


def use_recovery_code(session: Session, account_id: int, index: int, code: str) -> bool:
    """Cross out one recovery code; False when somebody else has just used it."""
    account = session.get(Account, account_id, with_for_update=True)
    codes = list(account.mf_recovery_codes or []) if account else []
    if account is None or index >= len(codes) or codes[index] != code:
        return False
    del codes[index]
    account.mf_recovery_codes = codes
    return True


def use_totp_counter(session: Session, account_id: int, counter: int) -> bool:
    """Remember the time step of a used code; False when it, or a later one, was used before."""
    account = session.get(Account, account_id, with_for_update=True)
    if account is None or (account.totp_counter is not None and account.totp_counter >= counter):
        return False
    account.totp_counter = counter
    return True
