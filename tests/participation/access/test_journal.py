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
