"""Staff logins of the demo: one per role.  They exist and work only where Settings.demo is set."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from flask import current_app
from flask_security.utils import hash_password

from config import SettingsError
from stores import office
from web.accounts import store
from web.rooms import STAFF_ROLES

#: Accounts of this domain are refused by every process outside the demo.
DOMAIN = "demo.example.org"
#: Invented people, one per role: names read alike in every language of the staff.
NAMES = {
    "administrator": "Kim Vorlage",
    "register_clerk": "Ada Muster",
    "entry_clerk": "Bela Probe",
    "editor": "Hana Beispiel",
    "translator": "Ilo Schablone",
    "moderator": "Cem Exempel",
    "analyst": "Fina Muster",
    "reviewer": "Eli Probe",
}
PASSWORD = "many-voices-one-city"  # noqa: S105 - printed by `make run`, refused outside the demo


@dataclass(frozen=True)
class Login:
    """One demo login."""

    role: str
    email: str
    password: str


def demo_accounts() -> list[Login]:
    """Create the demo's logins where they are missing, and return all of them.

    Raises:
        SettingsError: this is not the demo.
    """
    if not current_app.config["SETTINGS"].demo:
        raise SettingsError(["demo logins exist only in the demo; use `flask create-admin`"])
    logins = [Login(role, f"{role.replace('_', '-')}@{DOMAIN}", PASSWORD) for role in STAFF_ROLES]
    with office.read() as session:
        missing = [login for login in logins if store.find_by_email(session, login.email) is None]
    if missing:
        hashed = hash_password(PASSWORD)
        today = datetime.datetime.now(datetime.UTC).date()
        with office.begin() as session:
            for login in missing:
                store.create(
                    session,
                    email=login.email,
                    name=NAMES[login.role],
                    roles=(login.role,),
                    today=today,
                    password=hashed,
                )
    return logins
