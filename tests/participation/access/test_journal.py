"""The journal of issued codes: what is written comes back, what is torn is passed over."""

from datetime import date

import pytest

from participation.access import journal
from participation.access.journal import Entry


def entry(number):
    return Entry(
        bytes([number]) * 16, "round", bytes([number]) * 32, "wave-1", "CQPHN", date(2026, 3, 2), bytes(32)
    )


def test_entries_come_back_in_their_order(tmp_path):
    path = tmp_path / "folder/issued.journal"
    assert list(journal.entries(path)) == []
    journal.append(path, [entry(1), entry(2)])
    journal.append(path, [entry(3)])
    assert list(journal.entries(path)) == [entry(1), entry(2), entry(3)]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_swallows_nothing(tmp_path):
    path = tmp_path / "issued.journal"
    journal.append(path, [entry(1)])
    with path.open("a") as handle:
        handle.write(journal.line(entry(2))[:50])
    journal.append(path, [entry(3)])
    assert list(journal.entries(path)) == [entry(1), entry(3)]


def test_a_fresh_empty_file_is_no_torn_line(tmp_path):
    path = tmp_path / "issued.journal"
    path.touch()
    journal.append(path, [entry(1)])
    assert path.read_text().count("\n") == 1


def test_a_line_that_is_whole_but_no_entry_is_named(tmp_path):
    path = tmp_path / "issued.journal"
    path.write_text(f"nonsense\t{journal._check('nonsense')}\n")
    with pytest.raises(journal.JournalError, match="line 1"):
        list(journal.entries(path))


def test_what_is_deleted_is_forgotten_and_the_rest_stays(tmp_path):
    from dataclasses import replace

    path = tmp_path / "issued.journal"
    assert journal.forget(path, ["wave-1"]) == 0
    other = replace(entry(2), admission="wave-2")
    journal.append(path, [entry(1), other, entry(3)])
    assert journal.forget(path, ["wave-1"]) == 2
    assert list(journal.entries(path)) == [other]
    assert b"wave-1" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    journal.append(path, [entry(4)])
    assert list(journal.entries(path)) == [other, entry(4)]
    assert journal.forget(path, ["wave-1", "wave-2"]) == 2
    assert list(journal.entries(path)) == []


def test_appending_waits_for_a_journal_that_is_written_anew(tmp_path):
    import threading

    path = tmp_path / "issued.journal"
    journal.append(path, [entry(1)])
    appended = threading.Thread(target=journal.append, args=(path, [entry(2)]))
    with journal._held(path):
        appended.start()
        appended.join(0.1)
        assert appended.is_alive()
    appended.join()
    assert list(journal.entries(path)) == [entry(1), entry(2)]
