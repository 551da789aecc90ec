"""Invitations: signed links that let a person choose a password, once and for a week."""

from __future__ import annotations

import hashlib
import hmac

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from web.accounts.models import Account

DAYS = 7


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        current_app.config["SECRET_KEY"], salt="invitation", signer_kwargs={"digest_method": hashlib.sha256}
    )


def _state(account: Account) -> str:
    """A digest that changes with every password and whenever the account is signed out everywhere."""
    return hashlib.sha256(f"invitation:{account.fs_uniquifier}".encode()).hexdigest()[:32]


def token(account: Account) -> str:
    """The token of the account's invitation link."""
    return str(_signer().dumps([account.id, _state(account)]))


def _content(text: str) -> tuple[int, str] | None:
    try:
        number, state = _signer().loads(text, max_age=DAYS * 86400)
    except (BadSignature, ValueError, TypeError):
        return None
    return int(number), str(state)


def read(text: str) -> int | None:
    """The account's number in a token; None when it is forged, damaged or too old."""
    content = _content(text)
    return content[0] if content else None


def fits(text: str, account: Account) -> bool:
    """Whether the token still works: unused, not replaced, the account active."""
    content = _content(text)
    return content is not None and account.active and hmac.compare_digest(content[1], _state(account))
