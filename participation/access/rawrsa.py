"""RSA's bare private operation from the OpenSSL of this machine.

Blind signatures need the exponentiation alone, without padding, which `cryptography` does not offer. Where
Python's own OpenSSL lies on the machine as a library, it is asked directly: its assembly takes half the time
of GMP's constant-time power, and it blinds the base, works in constant time and checks its own result by the
public exponent. Elsewhere there is no `Operation`, and `blind.blind_sign` takes GMP.

The functions are those of OpenSSL 3 (EVP_PKEY_decrypt(3), RSA_private_decrypt(3)).
"""

from __future__ import annotations

import ctypes
import sys
import weakref
from functools import cache

#: Only where a program may load the library by its bare name (macOS ends a process that does).
_NAME = "libcrypto.so.3"
_NO_PADDING = 3
#: Moduli under this are for trying things out, and refused by some builds of OpenSSL.
_LEAST_BITS = 2048


@cache
def _library() -> ctypes.CDLL | None:
    """OpenSSL with the argument types of what is used; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL(_NAME)
        pointer, size, text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
        signatures = {
            "d2i_AutoPrivateKey": (pointer, [pointer, ctypes.POINTER(text), ctypes.c_long]),
            "EVP_PKEY_free": (None, [pointer]),
            "EVP_PKEY_CTX_new": (pointer, [pointer, pointer]),
            "EVP_PKEY_CTX_free": (None, [pointer]),
            "EVP_PKEY_decrypt_init": (ctypes.c_int, [pointer]),
            "EVP_PKEY_CTX_set_rsa_padding": (ctypes.c_int, [pointer, ctypes.c_int]),
            "EVP_PKEY_decrypt": (ctypes.c_int, [pointer, text, ctypes.POINTER(size), text, size]),
            "ERR_clear_error": (None, []),
        }
        for name, (result, arguments) in signatures.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    return library


class Operation:
    """x -> x^d mod n for one private key. Threads may share it: each call has a context of its own."""

    def __init__(self, library: ctypes.CDLL, key: int, size: int) -> None:
        self._library, self._key, self._size = library, key, size
        weakref.finalize(self, library.EVP_PKEY_free, key)

    def __call__(self, message: bytes) -> bytes | None:
        """The result, of the modulus' length like the message; None where OpenSSL gives none."""
        library, size = self._library, self._size
        if len(message) != size:
            return None
        context = library.EVP_PKEY_CTX_new(self._key, None)
        try:
            result, length = ctypes.create_string_buffer(size), ctypes.c_size_t(size)
            done = (
                library.EVP_PKEY_decrypt_init(context) == 1
                and library.EVP_PKEY_CTX_set_rsa_padding(context, _NO_PADDING) == 1
                and library.EVP_PKEY_decrypt(context, result, ctypes.byref(length), message, size) == 1
                and length.value == size
            )
            if not done:
                library.ERR_clear_error()
            return result.raw if done else None
        finally:
            library.EVP_PKEY_CTX_free(context)


def operation(pkcs8: bytes, bits: int) -> Operation | None:
    """The operation of the key in this DER form; None where this machine's OpenSSL cannot be asked."""
    library = _library() if bits >= _LEAST_BITS else None
    if library is None:
        return None
    start = ctypes.c_char_p(pkcs8)
    key = library.d2i_AutoPrivateKey(None, ctypes.byref(start), len(pkcs8))
    if not key:
        library.ERR_clear_error()
        return None
    return Operation(library, key, (bits + 7) // 8)
