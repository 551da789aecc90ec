"""What happens around signing in: throttling, the audit log, signing out everywhere."""

from __future__ import annotations

import datetime
import hashlib
import unicodedata
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, Response, make_response, request, session
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_security.signals import (
    password_changed,
    tf_disabled,
    tf_profile_changed,
    user_authenticated,
    user_failed_authn,
)
from limits import parse

import stores
from web.accounts import SignedIn, account_or_none, store
from web.accounts.models import Account
from web.audit import audit

#: Failed attempts.  The narrow limit is per account and network, so that a guesser hardly disturbs the owner;
#: the wide one is per account, so that many networks together get nowhere.  A network alone counts only in a
#: storm, when there are very many failures altogether: a town hall is one network, and nobody from outside
#: may be able to lock it out, nor everybody at once.
NARROW = "10 per 15 minutes"
WIDE = "60 per hour"
STORM = "900 per 15 minutes"
NETWORK_IN_A_STORM = "20 per 15 minutes"

THROTTLED = (
    "security.login",
    "security.two_factor_token_validation",
    "security.mf_recovery",
    "security.verify",
    "security.change_password",
    "accounts.accept",
)


def _digest(text: str) -> str:
    # However the address is written: Unicode has several spellings of the same letters.
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    return hashlib.sha256(plain.encode()).hexdigest()


def _account_key() -> str:
    """Whose password or code is being tried: never the text itself, which may be a mistyped password."""
    halfway = session.get("tf_user_id")
    account = account_or_none()
    if account is not None:
        return f"id:{account.id}"
    if halfway:
        return f"half:{_digest(str(halfway))}"
    return f"mail:{_digest(request.form.get('email', ''))}"


def _account_and_network() -> str:
    return f"{_account_key()}@{request.remote_addr}"


def _has_failed(response: Response) -> bool:
    return response.status_code not in (301, 302, 303)


def throttle(app: Flask) -> None:
    """Limit failed attempts on every page that checks a password or a code."""
    limiter = Limiter(_account_key, app=app, storage_uri="memory://", default_limits=[])
    storm = parse(STORM)

    def is_calm() -> bool:
        return limiter.limiter.test(storm, "everybody")

    def count(view: Any) -> Any:
        # The view's own name, by which Flask-Limiter tells views apart.
        @wraps(view)
        def counted(*arguments: Any, **named: Any) -> Response:
            response = make_response(view(*arguments, **named))
            if request.method == "POST" and _has_failed(response):
                limiter.limiter.hit(storm, "everybody")
            return response

        return counted

    for endpoint in THROTTLED:
        view: Any = count(app.view_functions[endpoint])
        for limit, key in ((NARROW, _account_and_network), (WIDE, _account_key)):
            view = limiter.limit(limit, key_func=key, methods=["POST"], deduct_when=_has_failed)(view)
        app.view_functions[endpoint] = limiter.limit(
            NETWORK_IN_A_STORM,
            key_func=lambda: f"network:{request.remote_addr}",
            methods=["POST"],
            deduct_when=_has_failed,
            exempt_when=is_calm,
        )(view)


def as_signed_in(account: Any) -> SignedIn:
    """The account as the audit log wants it."""
    return SignedIn(account.id, account.email, account.name, frozenset(account.role_names))


def _on_failed(_app: Flask, user: Account, tfa: bool = False, **_: Any) -> None:
    """A wrong password or code for an existing account; nobody is signed in, so nobody is named as doer."""
    what = "account.code_failed" if tfa else "account.sign_in_failed"
    audit(stores.office, None, what, f"account {user.email}")


def _on_authenticated(_app: Flask, user: Account, authn_via: list[str] | None = None, **_: Any) -> None:
    with stores.office.begin() as opened:
        account = store.get(opened, user.id)
        if account is not None:
            account.last_sign_in_on = datetime.datetime.now(datetime.UTC).date()
        audit(
            opened,
            as_signed_in(user),
            "account.sign_in",
            details={"by": sorted(authn_via or ["second_factor"])},
        )


def _note(action: str) -> Callable[..., None]:
    def on_signal(_app: Flask, user: Account, **_: Any) -> None:
        audit(stores.office, as_signed_in(user), action)

    return on_signal


_ON_CHANGED_PASSWORD = _note("account.password_changed")
_ON_FACTOR = _note("account.second_factor_set")
_ON_NO_FACTOR = _note("account.second_factor_off")


def _signing_out(view: Any) -> Callable[..., ResponseReturnValue]:
    """Sign out here and in every other browser: a signed cookie cannot be taken back, its key can."""

    @wraps(view)
    def sign_out(*arguments: Any, **named: Any) -> ResponseReturnValue:
        account = account_or_none()
        answer: ResponseReturnValue = view(*arguments, **named)
        if account is not None:
            with stores.office.begin() as opened:
                row = store.get(opened, account.id)
                if row is not None:
                    store.sign_out_everywhere(row)
                audit(opened, account, "account.sign_out")
        return answer

    return sign_out


def set_up(app: Flask) -> None:
    """Throttling, audit entries and signing out; only where this process offers the sign-in."""
    throttle(app)
    app.view_functions["security.logout"] = _signing_out(app.view_functions["security.logout"])
    user_authenticated.connect(_on_authenticated, app)
    user_failed_authn.connect(_on_failed, app)
    password_changed.connect(_ON_CHANGED_PASSWORD, app)
    tf_profile_changed.connect(_ON_FACTOR, app)
    tf_disabled.connect(_ON_NO_FACTOR, app)
