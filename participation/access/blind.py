"""RSA blind signatures after RFC 9474, variant RSABSSA-SHA384-PSS-Randomized.

The register signs without seeing what it signs (`blind_sign`); the person's side prepares, blinds and
finalises (`start`, `finish`); the collector verifies an ordinary RSASSA-PSS signature (`verify`).
The browser's half of the same protocol is ``static/token.js``.

Section numbers in this module are those of RFC 9474; EMSA-PSS is RFC 8017, section 9.1.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import gmpy2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from participation.access import rawrsa

MODULUS_BITS = 3072
EXPONENT = 65537
SALT_BYTES = 48
PREFIX_BYTES = 32
TOKEN_BYTES = 32
_HASH_BYTES = 48

RandomBytes = Callable[[int], bytes]


class BlindError(ValueError):
    """A value that the protocol refuses; ``code`` names the step of RFC 9474 that refused it."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class PublicKey:
    """The public half: modulus and exponent."""

    n: int
    e: int = EXPONENT

    @property
    def size(self) -> int:
        """Length of the modulus in bytes."""
        return (self.n.bit_length() + 7) // 8

    def der(self) -> bytes:
        """SubjectPublicKeyInfo (RFC 5280), what the fingerprint is taken of."""
        return _loaded(self).public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @cached_property
    def key_id(self) -> str:
        """First 128 bits of SHA-256 of the key's DER form, as 32 hex digits; also its fingerprint."""
        return hashlib.sha256(self.der()).hexdigest()[:32]

    @property
    def fingerprint(self) -> str:
        """The key id as people compare it: eight groups of four."""
        return spaced(self.key_id)


@dataclass(frozen=True)
class PrivateKey:
    """The signing half, with the values of the Chinese remainder theorem worked out once."""

    public: PublicKey
    p: int
    q: int
    dp: int
    dq: int
    q_inverse: int

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.key_id})"

    @cached_property
    def raw(self) -> rawrsa.Operation | None:
        """The private operation from this machine's OpenSSL, where it has one."""
        return rawrsa.operation(private_bytes(self), self.public.n.bit_length())


@dataclass(frozen=True)
class Started:
    """What the person's side keeps between request and reply: all bytes, in the order of the protocol."""

    key_id: str
    prefix: bytes
    token: bytes
    blinded: bytes
    inverse: bytes


@dataclass(frozen=True)
class Token:
    """A right to respond once: verifiable by anyone, connected with nobody."""

    key_id: str
    prefix: bytes
    token: bytes
    signature: bytes


def spaced(key_id: str) -> str:
    """A key id in groups of four, as letters and pages print it."""
    return " ".join(key_id[start : start + 4] for start in range(0, len(key_id), 4))


# ---------------------------------------------------------------- keys


def generate() -> PrivateKey:
    """A fresh key pair of 3072 bits; to be used for this variant and for nothing else (section 6.1)."""
    numbers = rsa.generate_private_key(public_exponent=EXPONENT, key_size=MODULUS_BITS).private_numbers()
    return private_key(numbers.p, numbers.q, numbers.public_numbers.e)


def private_key(p: int, q: int, e: int = EXPONENT) -> PrivateKey:
    """The key with these primes.  Raises BlindError where e has no inverse."""
    try:
        dp, dq = pow(e, -1, p - 1), pow(e, -1, q - 1)
    except ValueError:
        raise BlindError("unusable_exponent") from None
    return PrivateKey(PublicKey(p * q, e), p, q, dp, dq, pow(q, -1, p))


def private_bytes(key: PrivateKey) -> bytes:
    """The private half as PKCS #8 DER, in clear: callers wrap it before it touches a disk."""
    d = pow(key.public.e, -1, (key.p - 1) * (key.q - 1))
    numbers = rsa.RSAPrivateNumbers(
        key.p, key.q, d, key.dp, key.dq, key.q_inverse, rsa.RSAPublicNumbers(key.public.e, key.public.n)
    )
    return numbers.private_key().private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def read_private(data: bytes) -> PrivateKey:
    """The key that `private_bytes` wrote."""
    loaded = serialization.load_der_private_key(data, None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise BlindError("not_an_rsa_key")
    numbers = loaded.private_numbers()
    return private_key(numbers.p, numbers.q, numbers.public_numbers.e)


@lru_cache(maxsize=512)
def _loaded(public: PublicKey) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(public.e, public.n).public_key()


# ---------------------------------------------------------------- encoding


def _mask(seed: bytes, length: int) -> bytes:
    """MGF1 with SHA-384 (RFC 8017, B.2.1)."""
    blocks = (
        hashlib.sha384(seed + counter.to_bytes(4, "big")).digest()
        for counter in range(-(-length // _HASH_BYTES))
    )
    return b"".join(blocks)[:length]


def encode(message: bytes, bits: int, salt: bytes) -> bytes:
    """EMSA-PSS-ENCODE with SHA-384 and the given salt; ``bits`` is the modulus' length minus one.

    Raises:
        BlindError: ``encoding_error`` where the modulus is too short.
    """
    length = (bits + 7) // 8
    if length < _HASH_BYTES + len(salt) + 2:
        raise BlindError("encoding_error")
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(length - len(salt) - _HASH_BYTES - 2) + b"\x01" + salt
    masked = bytearray(a ^ b for a, b in zip(block, _mask(digest, len(block)), strict=True))
    masked[0] &= 0xFF >> (8 * length - bits)
    return bytes(masked) + digest + b"\xbc"


def message_of(key_id: str, token: bytes) -> bytes:
    """What is signed: the key's id, a zero byte, 32 random bytes.  So a token names its key."""
    return key_id.encode("ascii") + b"\x00" + token


# ---------------------------------------------------------------- the person's side


def blind(public: PublicKey, input_message: bytes, salt: bytes, factor: int) -> tuple[bytes, bytes]:
    """Blinded message and inverse of the blinding factor (section 4.2).

    ``input_message`` is already prepared; ``factor`` is r, uniform in [1, n).

    Raises:
        BlindError: ``invalid_input`` where the encoded message shares a factor with n,
            ``blinding_error`` where r has no inverse.
    """
    n = gmpy2.mpz(public.n)
    encoded = int.from_bytes(encode(input_message, public.n.bit_length() - 1, salt), "big")
    if gmpy2.gcd(encoded, n) != 1:
        raise BlindError("invalid_input")
    try:
        inverse = gmpy2.invert(factor, n)
    except ZeroDivisionError:
        raise BlindError("blinding_error") from None
    blinded = encoded * gmpy2.powmod(factor, public.e, n) % n
    return int(blinded).to_bytes(public.size, "big"), int(inverse).to_bytes(public.size, "big")


def unblind(
    public: PublicKey,
    input_message: bytes,
    blind_signature: bytes,
    inverse: bytes,
    salt_bytes: int = SALT_BYTES,
) -> bytes:
    """The finished signature, verified (section 4.4).

    Raises:
        BlindError: ``unexpected_input_size`` or ``invalid_signature``.
    """
    if len(blind_signature) != public.size:
        raise BlindError("unexpected_input_size")
    z, inv = int.from_bytes(blind_signature, "big"), int.from_bytes(inverse, "big")
    signature = (z * inv % public.n).to_bytes(public.size, "big")
    if not verify_prepared(public, input_message, signature, salt_bytes):
        raise BlindError("invalid_signature")
    return signature


def start(public: PublicKey, random_bytes: RandomBytes = secrets.token_bytes) -> Started:
    """Draw a token, prepare its message with a random prefix and blind it (sections 4.1 and 4.2)."""
    key_id = public.key_id
    token, prefix, salt = (random_bytes(size) for size in (TOKEN_BYTES, PREFIX_BYTES, SALT_BYTES))
    factor = _uniform(public.n, random_bytes)
    blinded, inverse = blind(public, prefix + message_of(key_id, token), salt, factor)
    return Started(key_id, prefix, token, blinded, inverse)


def finish(public: PublicKey, started: Started, blind_signature: bytes) -> Token:
    """The token from the register's reply; raises BlindError where the reply is not a signature."""
    message = started.prefix + message_of(started.key_id, started.token)
    signature = unblind(public, message, blind_signature, started.inverse)
    return Token(started.key_id, started.prefix, started.token, signature)


def _uniform(n: int, random_bytes: RandomBytes) -> int:
    """Uniform in [1, n) by rejection."""
    length, excess = (n.bit_length() + 7) // 8, -n.bit_length() % 8
    while True:
        candidate = int.from_bytes(random_bytes(length), "big") >> excess
        if 0 < candidate < n:
            return candidate


# ---------------------------------------------------------------- the register's side


def read_blinded(public: PublicKey, blinded: bytes) -> int:
    """The number to sign; raises BlindError ``unexpected_input_size`` or ``message_out_of_range``."""
    if len(blinded) != public.size:
        raise BlindError("unexpected_input_size")
    message = int.from_bytes(blinded, "big")
    if not 0 < message < public.n:
        raise BlindError("message_out_of_range")
    return message


def blind_sign(key: PrivateKey, blinded: bytes) -> bytes:
    """The blind signature (section 4.3), in time that does not depend on key or message.

    The exponentiation is OpenSSL's where the machine has it (`rawrsa`), GMP's elsewhere (`power`). A result
    that does not verify never leaves: a single faulty half would give the factors away (Boneh, DeMillo and
    Lipton 1997).

    Raises:
        BlindError: ``unexpected_input_size``, ``message_out_of_range`` or ``signing_failure``.
    """
    message = read_blinded(key.public, blinded)
    signature = power(key, blinded) if key.raw is None else key.raw(blinded)
    if (
        signature is None
        or gmpy2.powmod(int.from_bytes(signature, "big"), key.public.e, key.public.n) != message
    ):
        raise BlindError("signing_failure")
    return signature


def power(key: PrivateKey, message: bytes, random_bytes: RandomBytes = secrets.token_bytes) -> bytes:
    """The message to the private exponent, by GMP: what `rawrsa` gives where there is no OpenSSL to ask.

    The base is blinded once more by the signer (section 7.1 asks for protection against timing), the
    exponentiation is GMP's side-channel-silent one over both primes.
    """
    public, n = key.public, gmpy2.mpz(key.public.n)
    factor = gmpy2.mpz(_uniform(public.n, random_bytes))
    base = int.from_bytes(message, "big") * gmpy2.powmod(factor, public.e, n) % n
    # Other threads go on meanwhile: in a busy process they are what a signature would wait for next.
    with gmpy2.context(allow_release_gil=True):
        half_p = gmpy2.powmod_sec(base % key.p, key.dp, key.p)
        half_q = gmpy2.powmod_sec(base % key.q, key.dq, key.q)
    signed = half_q + key.q * ((half_p - half_q) * key.q_inverse % key.p)
    signature = signed * gmpy2.invert(factor, n) % n
    return int(signature).to_bytes(public.size, "big")


# ---------------------------------------------------------------- the collector's side


def verify_prepared(
    public: PublicKey, input_message: bytes, signature: bytes, salt_bytes: int = SALT_BYTES
) -> bool:
    """Whether this is an RSASSA-PSS signature (SHA-384, MGF1-SHA-384) of the prepared message."""
    if len(signature) != public.size:
        return False
    scheme = padding.PSS(padding.MGF1(hashes.SHA384()), salt_bytes)
    try:
        _loaded(public).verify(signature, input_message, scheme, hashes.SHA384())
    except InvalidSignature:
        return False
    return True


def verify(public: PublicKey, token: Token) -> bool:
    """Whether the token was signed under this key, and for this key."""
    if token.key_id != public.key_id or len(token.token) != TOKEN_BYTES or len(token.prefix) != PREFIX_BYTES:
        return False
    return verify_prepared(public, token.prefix + message_of(token.key_id, token.token), token.signature)


def spent_digest(token: Token) -> bytes:
    """What the collector keeps of a spent token: SHA-256 over key id and random bytes.

    The prefix stays out: whoever finds a second valid signature for the same random bytes has no
    second token.
    """
    return hashlib.sha256(message_of(token.key_id, token.token)).digest()
