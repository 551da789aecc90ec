"""One transaction for many: who is told what, and when."""

import os
import threading
import time
from contextlib import contextmanager
from functools import partial

import pytest

from participation.access.groupcommit import Busy, GroupWriter


class Disk:
    """Transactions that only count."""

    def __init__(self, fail=None, ready=None):
        self.begun = self.committed = 0
        self.fail, self.ready = fail, ready
        self.written = []
        self.sizes = []

    @contextmanager
    def begin(self):
        self.begun += 1
        drafts = []
        yield drafts
        if self.ready is not None:
            self.ready.wait()
        if self.fail is not None:
            raise self.fail
        self.written += drafts
        self.committed += 1

    @contextmanager
    def savepoint(self, drafts):
        kept = len(drafts)
        try:
            yield
        except Exception:
            del drafts[kept:]
            raise

    def writer(self, **options):
        return GroupWriter(self.begin, self.savepoint, self.write, **options)

    def write(self, drafts, pieces):
        """Keep every piece; a negative one is refused, and a text breaks the whole group."""
        self.sizes.append(len(pieces))
        told = []
        for piece in pieces:
            if isinstance(piece, int) and piece < 0:
                told.append(ValueError("refused"))
                continue
            drafts.append(piece)
            if piece == POISON:
                raise LookupError(piece)
            told.append(piece)
        return told


POISON = "poison"
REFUSED = -1


def test_a_result_comes_after_the_commit():
    disk = Disk()
    assert disk.writer().submit(1) == 1
    assert (disk.written, disk.committed) == ([1], 1)


def together(disk, writer, submits):
    """Run all submits in threads of their own while one piece before them still waits for the disk."""
    begun = threading.Thread(target=writer.submit, args=("first",))
    begun.start()
    until(lambda: disk.begun == 1)
    threads = [threading.Thread(target=submit) for submit in submits]
    for thread in threads:
        thread.start()
    until(lambda: writer._queue.qsize() == len(threads))
    disk.ready.set()
    for thread in (begun, *threads):
        thread.join()


def told(disk, writer, pieces, fault):
    """What each of the pieces is told when all are submitted together; a fault by its words."""
    results = {}

    def one(name, piece):
        try:
            results[name] = writer.submit(piece)
        except fault as error:
            results[name] = str(error)

    together(disk, writer, [partial(one, *each) for each in pieces.items()])
    return results


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.001)


def test_many_share_a_transaction_and_a_refusal_touches_nobody_else():
    disk = Disk(ready=threading.Event())
    writer = disk.writer()
    pieces = {value: REFUSED if value == 7 else value for value in range(40)}
    assert told(disk, writer, pieces, ValueError) == {value: value for value in range(40)} | {7: "refused"}
    assert disk.written[0] == "first"
    assert sorted(disk.written[1:]) == [value for value in range(40) if value != 7]
    assert disk.begun == 2


def test_a_piece_that_breaks_touches_nobody_else():
    disk = Disk(ready=threading.Event())
    writer = disk.writer()
    pieces = {value: POISON if value == 3 else value for value in range(6)}
    assert told(disk, writer, pieces, LookupError) == {value: value for value in range(6)} | {3: POISON}
    assert sorted(disk.written[1:]) == [0, 1, 2, 4, 5]
    # All together first, then each by itself in the same transaction.
    assert disk.sizes == [1, 6, 1, 1, 1, 1, 1, 1]
    assert disk.begun == 2


def test_a_commit_that_fails_is_told_to_all_of_its_group():
    disk = Disk(fail=OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        disk.writer().submit(1)
    with pytest.raises(OSError, match="disk full"):
        disk.writer().submit(REFUSED)
    assert disk.written == []


def test_what_must_be_durable_too_is_done_before_the_answer():
    disk, journal = Disk(), []
    writer = disk.writer(durable=journal.extend)
    assert writer.submit("a") == "a"
    assert journal == ["a"]
    with pytest.raises(ValueError, match="refused"):
        writer.submit(REFUSED)
    assert journal == ["a"]


def test_a_journal_that_fails_is_told():
    def fail(_results):
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        Disk().writer(durable=fail).submit(1)


def test_a_full_queue_says_busy_and_a_slow_disk_times_out():
    disk = Disk(ready=threading.Event())
    with pytest.raises(Busy):
        disk.writer(longest_queue=0).submit(1)
    with pytest.raises(TimeoutError):
        disk.writer().submit(1, timeout=0.01)
    disk.ready.set()


def test_a_process_begun_later_starts_its_own_thread(monkeypatch):
    disk = Disk()
    writer = disk.writer()
    writer.submit(1)
    first = writer._thread
    monkeypatch.setattr(os, "getpid", lambda: 1)
    writer.submit(2)
    assert writer._thread is not first
    assert disk.written == [1, 2]


def test_a_group_has_an_upper_limit(monkeypatch):
    monkeypatch.setattr("participation.access.groupcommit.LARGEST_GROUP", 2)
    disk = Disk(ready=threading.Event())
    writer = disk.writer()
    together(disk, writer, [partial(writer.submit, value) for value in range(8)])
    assert disk.written[0] == "first"
    assert sorted(disk.written[1:]) == list(range(8))
    assert disk.begun == 5
