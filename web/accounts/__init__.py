"""Staff accounts: who is signed in, and what they may enter."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, abort
from flask_login import current_user

from config import STORES_OF_ROLE, Settings


@dataclass(frozen=True)
class SignedIn:
    """The account of the person making the request."""

    id: int
    email: str
    name: str
    roles: frozenset[str]

    def may(self, *roles: str) -> bool:
        """Whether the account holds one of the roles."""
        return not self.roles.isdisjoint(roles)


def account_or_none() -> SignedIn | None:
    """The signed-in account, or None for a stranger."""
    if not current_user or not current_user.is_authenticated:
        return None
    return SignedIn(
        id=current_user.id,
        email=current_user.email,
        name=current_user.name,
        roles=frozenset(current_user.role_names),
    )


def current_account() -> SignedIn:
    """The signed-in account; outside staff rooms, where nobody is signed in, the request ends with 403."""
    account = account_or_none()
    if account is None:
        abort(403)
    return account


def set_up(app: Flask, settings: Settings) -> None:
    """Sessions and access control, in processes that serve staff rooms; others know no session at all."""
    if "office" not in STORES_OF_ROLE[settings.role]:
        return
    from web.accounts import access, security

    security.set_up(app, settings)
    access.set_up(app)


def watch_sign_in(app: Flask, settings: Settings) -> None:
    """Throttle and log the sign-in, in the processes that offer it; called when all rooms are furnished."""
    if settings.role in ("all", "office"):
        from web.accounts import sign_in

        sign_in.set_up(app)
