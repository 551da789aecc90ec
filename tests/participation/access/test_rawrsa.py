"""The bare RSA operation, and that its absence is no fault."""

import ctypes
import sys

import pytest

from participation.access import blind, rawrsa


@pytest.fixture
def unread(monkeypatch):
    """The library as if it had not been looked for yet, now and for whoever comes next."""
    rawrsa._library.cache_clear()
    yield monkeypatch
    rawrsa._library.cache_clear()


def test_keys_that_openssl_cannot_use_give_no_operation():
    assert rawrsa.operation(b"no key", 3072) is None
    assert rawrsa.operation(b"", 1024) is None


def test_other_systems_are_not_asked(unread):
    unread.setattr(sys, "platform", "darwin")
    assert rawrsa.operation(b"", 3072) is None


def test_a_machine_without_the_library_or_with_another_one_goes_on(unread):
    def missing(name):
        raise OSError(name)

    unread.setattr(ctypes, "CDLL", missing)
    assert rawrsa._library() is None
    rawrsa._library.cache_clear()
    # Something that loads and lacks the functions.
    unread.setattr(ctypes, "CDLL", lambda _name: object())
    assert rawrsa._library() is None


def test_a_key_signs_on_where_there_is_no_library(unread):
    unread.setattr(rawrsa, "_NAME", "libnothing.so.0")
    key = blind.generate()
    assert key.raw is None
    started = blind.start(key.public)
    assert blind.verify(key.public, blind.finish(key.public, started, blind.blind_sign(key, started.blinded)))
