"""Which passwords are too easy to guess (OWASP ASVS 5.0, 6.2.4 and 6.2.11)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from flask_security import PasswordUtil

SHORTEST = 12
LONGEST = 256

#: Digests of the commonest passwords of twelve and more characters.
LIST = Path(__file__).with_name("common_passwords.txt")

#: What many others of them are made of.
_COMMON = (
    "password",
    "passwort",
    "kennwort",
    "geheim",
    "hallo",
    "willkommen",
    "welcome",
    "letmein",
    "admin",
    "iloveyou",
    "schatz",
    "sommer",
    "winter",
    "fussball",
    "dragon",
    "monkey",
    "master",
    "qwertyuiop",
    "qwertzuiop",
    "asdfghjkl",
    "yxcvbnm",
    "zxcvbnm",
    "1q2w3e4r5t",
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "98765432109876543210",
    "vielstimmig",
)


@cache
def _listed() -> frozenset[str]:
    lines = LIST.read_text("ascii").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def is_common(password: str) -> bool:
    """Whether it is one of the commonest, also in capitals or with figures and signs at its end."""
    whole = password.lower()
    word = re.sub(r"[\d\W_]+$", "", whole)
    return any(hashlib.sha256(text.encode()).hexdigest()[:24] in _listed() for text in (whole, word))


def is_easy(password: str, known: Iterable[str] = ()) -> bool:
    """Whether it is a common one, or little is left without common words, rows of keys and what is ``known``.

    ``known`` are words that a guesser tries first: name and address of the account.
    """
    rest = password.lower()
    if len(set(rest)) < 5 or is_common(password):
        return True
    long, short = _pieces(known)
    for word in sorted((*long, *_COMMON), key=len, reverse=True):
        rest = rest.replace(word, "")
    # Short ones only where they stand alone: "de" is also in "Regenschirm und Deckel".
    rest = re.sub(r"\w+", lambda found: "" if found[0] in short else found[0], rest)
    for row in _COMMON:
        rest = _without_runs(rest, row)
    return len(set(re.sub(r"[\d\W_]+", "", rest))) < 4 and len(set(rest)) < 7


def _pieces(known: Iterable[str]) -> tuple[set[str], set[str]]:
    """What is known: whole, in one word and word by word, each side of an address too; then short words."""
    wholes = {part for text in known for part in (text.lower(), *text.lower().split("@")) if part}
    words = {word for text in wholes for word in re.split(r"\W+", text) if word}
    pieces = wholes | words | {re.sub(r"\W+", "", text) for text in wholes}
    return {piece for piece in pieces if len(piece) >= 4}, {word for word in words if len(word) < 4}


def _without_runs(text: str, row: str) -> str:
    """The text without stretches of four and more characters that stand in the row."""
    begin = 0
    while begin + 4 <= len(text):
        end = begin + 4
        if text[begin:end] not in row:
            begin += 1
            continue
        while end < len(text) and text[begin : end + 1] in row:
            end += 1
        text = text[:begin] + text[end:]
    return text


def faults(password: str, known: Iterable[str] = ()) -> list[str]:
    """What is wrong with a new password, in the reader's language."""
    if not SHORTEST <= len(password) <= LONGEST:
        return [
            _("A password has %(least)s to %(most)s characters.", least=SHORTEST, most=LONGEST),
        ]
    if is_easy(password, known):
        return [_("This password is easy to guess. A few words that do not belong together are good.")]
    return []


class HousePasswords(PasswordUtil):
    """Our rules in Flask-Security's place for them."""

    def validate(self, password: str, is_register: bool, **values: Any) -> tuple[list[str] | None, str]:
        """The faults, or None, and the normalised password."""
        normal = self.normalize(password)
        user = values.get("user")
        known = (user.email, user.name) if user is not None and hasattr(user, "email") else ()
        return faults(normal, known) or None, normal
