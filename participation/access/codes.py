"""Access codes: made, printed, read back from what people type, and kept only as keyed digests.

A code is five groups of five characters.  The first group, the *mark*, names the key (its stratum or
group) and is the same on many letters; the other four carry 80 random bits.  Every group ends in a check
character of its own, so a slip of the pen is found and the group that holds it is named.

The alphabet is that of Crockford's base 32: no I, L, O, U.  The check is a linear code over GF(32)
(Koblitz, *Algebraic aspects of cryptography*, 1998, on check digits over fields): with distinct non-zero
weights it finds every single wrong character and every swap of two, and the constant that differs by
position finds two groups exchanged.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS = 5
GROUP_LENGTH = 5
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}

#: Distinct, non-zero weights of the four carrying characters, and a constant per position of the group.
_WEIGHTS = (2, 4, 8, 16)
_OFFSETS = (7, 11, 13, 19, 29)
#: x^5 + x^2 + 1, primitive over GF(2).
_POLYNOMIAL = 0b100101

#: What people write instead: look-alikes within Latin, then letters of other scripts that look the same.
_LOOK_ALIKES = {
    **dict(zip("ILOU", "110V", strict=True)),
    **dict(zip("АВЕЗКМНОРСТУХЅІЈ", "ABE3KMH0PCTYXS1J", strict=True)),  # Cyrillic
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZH1KMN0PTYX", strict=True)),  # Greek
}


class CodeError(ValueError):
    """A code that cannot be right.

    ``fault`` is ``empty``, ``length`` (``found`` characters), ``character`` or ``check``; ``group`` counts
    from 1 and is 0 where the fault lies in no single group.
    """

    def __init__(self, fault: str, group: int = 0, found: int = 0) -> None:
        self.fault = fault
        self.group = group
        self.found = found
        super().__init__(f"{fault} (group {group}, {found} characters)")


@dataclass(frozen=True)
class AccessCode:
    """A code read and checked: 25 characters without separators."""

    text: str

    @property
    def mark(self) -> str:
        """The first group: names the key."""
        return self.text[:GROUP_LENGTH]

    def __str__(self) -> str:
        return grouped(self.text)

    def __repr__(self) -> str:
        # Codes are secrets: a traceback or a log line must not carry one.
        return f"AccessCode({self.mark}-…)"


def grouped(text: str) -> str:
    """Groups of five with hyphens, as letters print them."""
    return "-".join(text[start : start + GROUP_LENGTH] for start in range(0, len(text), GROUP_LENGTH))


def _times(a: int, b: int) -> int:
    """Product in GF(32)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 32:
            a ^= _POLYNOMIAL
        b >>= 1
    return product


def check_character(carrying: str, position: int) -> str:
    """The fifth character of the group at this position (0 is the mark)."""
    value = _OFFSETS[position]
    for weight, letter in zip(_WEIGHTS, carrying, strict=True):
        value ^= _times(weight, _VALUE[letter])
    return ALPHABET[value]


def _group(random_below: Callable[[int], int], position: int) -> str:
    carrying = "".join(ALPHABET[random_below(32)] for _ in range(GROUP_LENGTH - 1))
    return carrying + check_character(carrying, position)


def new_mark(
    taken: set[str] | frozenset[str] = frozenset(), random_below: Callable[[int], int] = secrets.randbelow
) -> str:
    """A fresh first group, none of those taken."""
    while True:
        mark = _group(random_below, 0)
        if mark not in taken:
            return mark


def new_code(mark: str, random_below: Callable[[int], int] = secrets.randbelow) -> AccessCode:
    """A fresh code under a mark: 80 random bits in four groups."""
    return AccessCode(mark + "".join(_group(random_below, position) for position in range(1, GROUPS)))


def _plain(letter: str) -> str:
    """One character as it counts: upper case, Western digits, look-alikes resolved; separators are spaces."""
    category = unicodedata.category(letter)
    if category == "Nd":
        return str(unicodedata.digit(letter))
    return _LOOK_ALIKES.get(letter, letter) if category[0] in "LNS" else " "


def read_code(typed: str) -> AccessCode:
    """The code a person typed or scanned; spaces, hyphens, case and look-alikes are forgiven.

    Where five groups can be told apart each is judged for itself, so that a character left out in the
    second does not blame the third.

    Raises:
        CodeError: naming the first group that is wrong.
    """
    pieces = _pieces(typed)
    text = "".join(pieces)
    if not text:
        raise CodeError("empty")
    if len(pieces) != GROUPS:
        pieces = [text[start : start + GROUP_LENGTH] for start in range(0, len(text), GROUP_LENGTH)]
    for index, piece in enumerate(pieces[:GROUPS]):
        _check_group(piece, index, len(text))
    if len(pieces) != GROUPS:
        raise CodeError("length", min(len(pieces) + 1, GROUPS), len(text))
    return AccessCode(text)


def _pieces(typed: str) -> list[str]:
    return "".join(map(_plain, unicodedata.normalize("NFKC", typed[:200]).upper())).split()


def looks_like_code(typed: str) -> bool:
    """Whether somebody meant a code, right or wrong, and not a name, a street or a number.

    A code is nearly as long as it should be, holds a digit (one of twelve thousand has none), and is written
    in one piece or in short ones.
    """
    pieces = _pieces(typed)
    text = "".join(pieces)
    near = abs(len(text) - GROUPS * GROUP_LENGTH) <= 3 and any(map(str.isdigit, text))
    return near and (len(pieces) == 1 or max(map(len, pieces)) <= GROUP_LENGTH + 2)


def _check_group(group: str, index: int, found: int) -> None:
    if len(group) != GROUP_LENGTH:
        raise CodeError("length", index + 1, found)
    if any(letter not in _VALUE for letter in group):
        raise CodeError("character", index + 1)
    if check_character(group[:-1], index) != group[-1]:
        raise CodeError("check", index + 1)


def digest(code: AccessCode, key: bytes) -> bytes:
    """What the register keeps of a code: HMAC-SHA256 under a key that is not in its database."""
    return hmac.new(key, code.text.encode("ascii"), hashlib.sha256).digest()


def digest_key(secret: str) -> bytes:
    """The digest key of a deployment, derived from its secret."""
    return hashlib.sha256(b"vielstimmig access code digest\x00" + secret.encode()).digest()
