"""Sealed rows and the folder of their keys."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from participation.access import sealing
from participation.access.sealing import KeyFolder, SealingError


@pytest.fixture
def folder(tmp_path):
    return KeyFolder(tmp_path / "keys", "a secret that is long enough", "batch", tmp_path / "mirror")


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=6000), st.binary(max_size=32))
def test_what_is_sealed_opens_with_its_key_and_context_only(plain, context):
    private, public = sealing.new_pair()
    sealed = sealing.seal(public, plain, context)
    assert sealing.unseal(private, sealed, context) == plain
    other, _ = sealing.new_pair()
    for key, text, place in (
        (other, sealed, context),
        (private, sealed, context + b"!"),
        (private, sealed[:-1], context),
    ):
        with pytest.raises(SealingError, match="unreadable"):
            sealing.unseal(key, text, place)


def test_sealed_rows_of_different_answers_have_one_length():
    _, public = sealing.new_pair()
    lengths = {len(sealing.seal(public, b'{"a": "%s"}' % (b"x" * size), b"")) for size in (0, 10, 700, 1500)}
    assert len(lengths) == 1
    assert len(sealing.pad(os.urandom(3000))) == 2 * sealing.BLOCK


def test_too_short_a_text_is_unreadable():
    private, _ = sealing.new_pair()
    with pytest.raises(SealingError, match="unreadable"):
        sealing.unseal(private, b"", b"")


def test_a_key_lies_wrapped_in_both_places(folder, tmp_path):
    folder.write("one", b"p" * 32)
    files = [tmp_path / "keys/one.key", tmp_path / "mirror/one.key"]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert b"pppp" not in files[0].read_bytes()
    assert files[0].stat().st_mode & 0o777 == 0o600
    assert folder.read("one") == b"p" * 32
    assert folder.names() == {"one"}


def test_one_lost_or_broken_place_is_survived(folder, tmp_path):
    folder.write("one", b"p" * 32)
    (tmp_path / "keys/one.key").unlink()
    assert folder.read("one") == b"p" * 32
    (tmp_path / "keys/one.key").write_bytes(b"scrambled")
    assert folder.read("one") == b"p" * 32


def test_a_wrong_secret_and_a_missing_key_are_told_apart(folder, tmp_path):
    folder.write("one", b"p" * 32)
    stranger = KeyFolder(tmp_path / "keys", "another secret", "batch")
    with pytest.raises(SealingError, match="wrong_secret"):
        stranger.read("one")
    with pytest.raises(SealingError, match="missing"):
        folder.read("two")


def test_keys_of_another_purpose_do_not_open(folder, tmp_path):
    folder.write("one", b"p" * 32)
    with pytest.raises(SealingError, match="wrong_secret"):
        KeyFolder(tmp_path / "keys", "a secret that is long enough", "signing").read("one")


def test_destroying_overwrites_every_place(folder, tmp_path):
    folder.write("one", b"p" * 32)
    os.link(tmp_path / "keys/one.key", tmp_path / "held")
    before = (tmp_path / "held").read_bytes()
    folder.destroy("one")
    assert (tmp_path / "held").read_bytes() != before
    assert folder.names() == frozenset()
    folder.destroy("one")


def test_names_cannot_leave_the_folder(folder):
    for name in ("", "../one", "a/b", "a.b"):
        with pytest.raises(SealingError, match="bad_name"):
            folder.write(name, b"")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SealingError, match=r"not_durable.*file"):
        KeyFolder(tmp_path / "file", "secret", "batch").write("one", b"")


def test_a_disk_that_gives_back_something_else_is_named(folder, monkeypatch):
    monkeypatch.setattr(os, "write", lambda descriptor, content: None)
    with pytest.raises(SealingError, match="not_durable"):
        folder.write("one", b"private")


def test_the_mirror_is_tried_and_not_believed(folder, tmp_path, monkeypatch):
    assert folder.mirror_fault() == "same_disk"
    assert folder.names() == frozenset()
    assert KeyFolder(tmp_path / "keys", "secret", "batch").mirror_fault() == "no_mirror"
    (tmp_path / "in-the-way").write_text("")
    broken = KeyFolder(tmp_path / "keys", "secret", "batch", tmp_path / "in-the-way")
    assert broken.mirror_fault() == "not_written"
    assert "secret" not in repr(broken)


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="no second file system here")  # noqa: PTH112
def test_a_mirror_on_another_disk_is_good(tmp_path):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        if Path(other).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("no second file system here")
        assert KeyFolder(tmp_path / "keys", "secret", "batch", Path(other)).mirror_fault() is None


def test_only_one_holds_the_folder(folder):
    with folder.locked() as first, folder.locked() as second:
        assert (first, second) == (True, False)
    with folder.locked() as again:
        assert again
