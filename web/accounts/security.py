"""Flask-Security-Too over the house's stores: hashing, second factor, sessions."""

from __future__ import annotations

import base64
import datetime
import hashlib
from typing import Any

from flask import Flask, abort, current_app, g
from flask_babel import lazy_gettext
from flask_security import Security
from flask_security.datastore import UserDatastore
from flask_security.totp import Totp
from passlib.exc import UsedTokenError
from werkzeug.local import LocalProxy

import stores
from config import Settings
from web.accounts import store
from web.accounts.demo import DOMAIN as DEMO_DOMAIN
from web.accounts.forms import NoRescueForm, SecondFactorForm, SignInForm
from web.accounts.models import Account, Role
from web.accounts.passwords import SHORTEST, HousePasswords
from web.sessions import STAFF_PATH, StaffSessions


class StoreDatastore(UserDatastore):
    """What Flask-Security reads and writes, each time in a short transaction of its own.

    Accounts are handed out detached; a changed one is written back by `commit`, which Flask-Security calls
    after the request.
    """

    def __init__(self) -> None:
        super().__init__(Account, Role)

    def find_user(self, case_insensitive: bool = False, **values: Any) -> Account | None:
        """The account with these values."""
        if case_insensitive and "email" in values:
            values["email"] = values["email"].lower()
        with stores.office.read() as session:
            found = store.find(session, **values)
        # A store that once belonged to a demo must not let its printed password in.
        outside_demo = not current_app.config["SETTINGS"].demo
        return None if found and outside_demo and found.email.endswith(f"@{DEMO_DOMAIN}") else found

    def find_role(self, role: str) -> Role | None:
        """The role of that name."""
        with stores.office.read() as session:
            return store.find_role(session, role)

    def put(self, model: Any) -> Any:
        """Remember a changed account until `commit`."""
        if isinstance(model, LocalProxy):
            model = model._get_current_object()
        waiting: list[Any] = g.setdefault("changed_accounts", [])
        if model not in waiting:
            waiting.append(model)
        return model

    def delete(self, model: Any) -> None:
        """Accounts are deactivated, never deleted: the audit log names them."""
        raise NotImplementedError("accounts are deactivated, never deleted")

    def commit(self) -> None:
        """Write what changed on the accounts, and nothing else: the rest may be newer in the store."""
        waiting = g.pop("changed_accounts", [])
        if waiting:
            with stores.office.begin() as session:
                for model in waiting:
                    store.write_changes(session, model)

    def mf_delete_recovery_code(self, user: Any, idx: int) -> bool:
        """Cross out a recovery code at once and only once."""
        codes = list(user.mf_recovery_codes or [])
        with stores.office.begin() as session:
            used = idx < len(codes) and store.use_recovery_code(session, user.id, idx, codes[idx])
        if not used:
            # Flask-Security would let the slower of two simultaneous requests in.
            abort(400)
        user.mf_recovery_codes = codes[:idx] + codes[idx + 1 :]
        return True


class OnceOnlyTotp(Totp):
    """One-time passwords that really work once (RFC 6238, section 5.2)."""

    def get_last_counter(self, user: Any) -> int | None:
        """The time step of the code used last."""
        counter: int | None = user.totp_counter
        return counter

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        """Remember this code's time step; raises when another request was faster."""
        with stores.office.begin() as session:
            if not store.use_totp_counter(session, user.id, tmatch.counter):
                raise UsedTokenError(expire_time=tmatch.expire_time)
        user.totp_counter = tmatch.counter


def fernet_key(secret: str) -> bytes:
    """A Fernet key derived from a secret of the settings."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"recovery codes:" + secret.encode()).digest())


def configure(app: Flask, settings: Settings) -> None:
    """The settings of Flask-Security, Flask-Login and Flask-WTF for this process."""
    minutes = datetime.timedelta(minutes=settings.session_minutes)
    app.config.update(
        PERMANENT_SESSION_LIFETIME=minutes,
        SESSION_REFRESH_EACH_REQUEST=True,
        SESSION_COOKIE_PATH=STAFF_PATH,
        SESSION_COOKIE_NAME="__Secure-office" if settings.tls else "office",
        # A form stays valid as long as its session; pages send no referrer, so that cannot be asked for.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        SECURITY_URL_PREFIX=STAFF_PATH,
        SECURITY_PASSWORD_SALT=settings.secret("PASSWORD_SALT"),
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of a method
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        # argon2-cffi's defaults (64 MiB, three passes) are above OWASP's; tests need not wait for them.
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=(
            {"argon2__memory_cost": 64, "argon2__rounds": 1} if settings.testing else {}
        ),
        SECURITY_PASSWORD_LENGTH_MIN=SHORTEST,
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        SECURITY_REGISTERABLE=False,
        SECURITY_RECOVERABLE=False,
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False, "test_environment": True},
        SECURITY_POST_LOGIN_VIEW=STAFF_PATH,
        SECURITY_POST_LOGOUT_VIEW=f"{STAFF_PATH}/login",
        SECURITY_POST_CHANGE_VIEW=STAFF_PATH,
        SECURITY_STATIC_FOLDER=None,
        SECURITY_CLI_USERS_NAME=None,
        SECURITY_CLI_ROLES_NAME=None,
        # One sentence for an unknown address and a wrong password.
        SECURITY_MSG_GENERIC_AUTHN_FAILED=(lazy_gettext("E-mail address or password is wrong."), "error"),
        SECURITY_FRESHNESS=datetime.timedelta(minutes=30),
    )
    if "TOTP_KEY" in settings.secrets:
        key = settings.secret("TOTP_KEY")
        app.config.update(
            SECURITY_TWO_FACTOR=True,
            SECURITY_TWO_FACTOR_REQUIRED=not settings.demo and not settings.testing,
            SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
            SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=True,
            SECURITY_TWO_FACTOR_RESCUE_EMAIL=False,
            SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY=30,
            SECURITY_TWO_FACTOR_POST_SETUP_VIEW=f"{STAFF_PATH}/mf-recovery-codes",
            SECURITY_MULTI_FACTOR_RECOVERY_CODES=True,
            SECURITY_MULTI_FACTOR_RECOVERY_CODES_N=8,
            SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS=[fernet_key(key)],
            SECURITY_TOTP_SECRETS={"1": key},
            SECURITY_TOTP_ISSUER="Vielstimmig",
        )


def set_up(app: Flask, settings: Settings) -> None:
    """Sign-in pages in the processes that offer them; elsewhere the session is only read."""
    configure(app, settings)
    app.session_interface = StaffSessions()
    security = Security()
    security._totp_cls = OnceOnlyTotp
    security._password_util_cls = HousePasswords
    security.init_app(
        app,
        StoreDatastore(),
        register_blueprint=settings.role in ("all", "office"),
        login_form=SignInForm,
        two_factor_setup_form=SecondFactorForm,
        two_factor_rescue_form=NoRescueForm,
    )
    # Sessions only: no tokens in addresses, headers or bodies.
    app.login_manager._request_callback = None  # type: ignore[attr-defined]
