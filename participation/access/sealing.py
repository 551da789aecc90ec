"""Waiting answers at rest: sealed to a batch key whose private half can be destroyed.

Rows are sealed with HPKE (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305) and padded to whole blocks
before, so that their length says nothing.  Private halves lie in a `KeyFolder`, wrapped with a secret that is
not on that disk, written twice where there is a mirror, and overwritten before they are removed.
"""

from __future__ import annotations

import os
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: Sealed texts are padded to whole blocks of this size: a questionnaire of 54 items fits one.
BLOCK = 2048
_NONCE = 12
_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


class SealingError(RuntimeError):
    """A key or a sealed text that cannot be used; ``code`` says why, ``place`` names it."""

    def __init__(self, code: str, place: str) -> None:
        self.code = code
        self.place = place
        super().__init__(f"{code}: {place}")


# ---------------------------------------------------------------- rows


def new_pair() -> tuple[bytes, bytes]:
    """A fresh (private, public) pair of a batch, 32 bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def pad(plain: bytes) -> bytes:
    """Compressed, with its length in front, filled with zeros to whole blocks."""
    packed = zlib.compress(plain, 6)
    framed = len(packed).to_bytes(4, "big") + packed
    return framed + bytes(-len(framed) % BLOCK)


def unpad(padded: bytes) -> bytes:
    """What `pad` was given."""
    length = int.from_bytes(padded[:4], "big")
    return zlib.decompress(padded[4 : 4 + length])


def seal(public: bytes, plain: bytes, context: bytes) -> bytes:
    """Sealed to a batch's public key; ``context`` (key id and row id) must be given again to open."""
    return _SUITE.encrypt(pad(plain), X25519PublicKey.from_public_bytes(public), info=context)


def unseal(private: bytes, sealed: bytes, context: bytes) -> bytes:
    """What was sealed.

    Raises:
        SealingError: ``unreadable`` where key, context or bytes are not those of the sealing.
    """
    try:
        padded = _SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(private), info=context)
    except (InvalidTag, ValueError):
        raise SealingError("unreadable", context.hex()) from None
    return unpad(padded)


# ---------------------------------------------------------------- keys on disk


def _wrapping(secret: str, purpose: str) -> ChaCha20Poly1305:
    derived = HKDF(hashes.SHA256(), 32, None, b"vielstimmig key folder\x00" + purpose.encode())
    return ChaCha20Poly1305(derived.derive(secret.encode()))


@dataclass(frozen=True)
class KeyFolder:
    """Private keys at rest: one wrapped file per name, in a folder and, where there is one, its mirror."""

    path: Path
    secret: str
    purpose: str
    mirror: Path | None = None

    def __repr__(self) -> str:
        return f"KeyFolder({self.path}, purpose={self.purpose!r}, mirrored={self.mirror is not None})"

    @property
    def _places(self) -> tuple[Path, ...]:
        return (self.path,) if self.mirror is None else (self.path, self.mirror)

    def write(self, name: str, private: bytes) -> None:
        """Wrap, write to every place, sync to disk and read back.

        Raises:
            SealingError: ``not_durable`` with the place that did not give back what was written.
        """
        nonce = secrets.token_bytes(_NONCE)
        wrapped = nonce + _wrapping(self.secret, self.purpose).encrypt(nonce, private, name.encode())
        for place in self._places:
            try:
                _write_durably(place, _file_name(name), wrapped)
            except OSError as error:
                raise SealingError("not_durable", f"{place} ({error.strerror})") from None

    def read(self, name: str) -> bytes:
        """The private key, from the first place that still gives it.

        Raises:
            SealingError: ``missing`` (no place has it) or ``wrong_secret``.
        """
        for place in self._places:
            file = place / _file_name(name)
            if not file.exists():
                continue
            wrapped = file.read_bytes()
            try:
                return _wrapping(self.secret, self.purpose).decrypt(
                    wrapped[:_NONCE], wrapped[_NONCE:], name.encode()
                )
            except (InvalidTag, ValueError):
                continue
        found = any((place / _file_name(name)).exists() for place in self._places)
        raise SealingError("wrong_secret" if found else "missing", f"{self.path}/{_file_name(name)}")

    def destroy(self, name: str) -> None:
        """Overwrite and remove the key in every place; silent where it is gone already."""
        for place in self._places:
            file = place / _file_name(name)
            if not file.exists():
                continue
            with file.open("r+b") as handle:
                handle.write(secrets.token_bytes(file.stat().st_size))
                handle.flush()
                os.fsync(handle.fileno())
            file.unlink(missing_ok=True)
            _sync_folder(place)

    def names(self) -> frozenset[str]:
        """Names of all keys in any place."""
        return frozenset(
            file.name.removesuffix(".key")
            for place in self._places
            if place.exists()
            for file in place.glob("*.key")
        )

    def mirror_fault(self) -> str | None:
        """Why a lost disk would lose keys: ``no_mirror``, ``not_written``, ``same_disk``, or None.

        A probe is written to both places and read back; nothing is taken on trust.
        """
        if self.mirror is None:
            return "no_mirror"
        probe, private = f"probe-{secrets.token_hex(8)}", secrets.token_bytes(32)
        try:
            self.write(probe, private)
            self.destroy(probe)
        except (SealingError, OSError):
            return "not_written"
        return "same_disk" if self.path.stat().st_dev == self.mirror.stat().st_dev else None

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Hold the folder alone; yields False at once where another process holds it."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.path / ".lock").open("a") as handle:
            try:
                flock(handle, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                yield False
                return
            try:
                yield True
            finally:
                flock(handle, LOCK_UN)


def _file_name(name: str) -> str:
    if not name or not all(letter.isalnum() or letter == "-" for letter in name):
        raise SealingError("bad_name", name)
    return f"{name}.key"


def _write_durably(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{name}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(folder / name)
    _sync_folder(folder)
    if (folder / name).read_bytes() != content:
        raise SealingError("not_durable", str(folder / name))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
