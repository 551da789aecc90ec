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
        return GroupWriter(self.begin, self.savepoint, **options)


def add(value):
    def work(drafts):
        drafts.append(value)
        return value

    return work


def refuse(drafts):
    drafts.append("never")
    raise ValueError("refused")


def test_a_result_comes_after_the_commit():
    disk = Disk()
    assert disk.writer().submit(add(1)) == 1
    assert (disk.written, disk.committed) == ([1], 1)


def together(disk, writer, submits):
    """Run all submits in threads of their own while one piece before them still waits for the disk."""
    begun = threading.Thread(target=writer.submit, args=(add("first"),))
    begun.start()
    until(lambda: disk.begun == 1)
    threads = [threading.Thread(target=submit) for submit in submits]
    for thread in threads:
        thread.start()
    until(lambda: writer._queue.qsize() == len(threads))
    disk.ready.set()
    for thread in (begun, *threads):
        thread.join()


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.001)


def test_many_share_a_transaction_and_a_refusal_touches_nobody_else():
    disk = Disk(ready=threading.Event())
    writer = disk.writer()
    results = {}

    def one(value):
        try:
            results[value] = writer.submit(refuse if value == 7 else add(value))
        except ValueError as error:
            results[value] = str(error)

    together(disk, writer, [partial(one, value) for value in range(40)])
    assert results == {value: value for value in range(40)} | {7: "refused"}
    assert disk.written[0] == "first"
    assert sorted(disk.written[1:]) == [value for value in range(40) if value != 7]
    assert disk.begun == 2


def test_a_commit_that_fails_is_told_to_all_of_its_group():
    disk = Disk(fail=OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        disk.writer().submit(add(1))
    with pytest.raises(OSError, match="disk full"):
        disk.writer().submit(refuse)
    assert disk.written == []


def test_what_must_be_durable_too_is_done_before_the_answer():
    disk, journal = Disk(), []
    writer = disk.writer(durable=journal.extend)
    assert writer.submit(add("a")) == "a"
    assert journal == ["a"]
    with pytest.raises(ValueError, match="refused"):
        writer.submit(refuse)
    assert journal == ["a"]


def test_a_journal_that_fails_is_told():
    def fail(_results):
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        Disk().writer(durable=fail).submit(add(1))


def test_a_full_queue_says_busy_and_a_slow_disk_times_out():
    disk = Disk(ready=threading.Event())
    with pytest.raises(Busy):
        disk.writer(longest_queue=0).submit(add(1))
    with pytest.raises(TimeoutError):
        disk.writer().submit(add(1), timeout=0.01)
    disk.ready.set()


def test_a_process_begun_later_starts_its_own_thread(monkeypatch):
    disk = Disk()
    writer = disk.writer()
    writer.submit(add(1))
    first = writer._thread
    monkeypatch.setattr(os, "getpid", lambda: 1)
    writer.submit(add(2))
    assert writer._thread is not first
    assert disk.written == [1, 2]


def test_a_group_has_an_upper_limit(monkeypatch):
    monkeypatch.setattr("participation.access.groupcommit.LARGEST_GROUP", 2)
    disk = Disk(ready=threading.Event())
    writer = disk.writer()
    together(disk, writer, [partial(writer.submit, add(value)) for value in range(8)])
    assert disk.written[0] == "first"
    assert sorted(disk.written[1:]) == list(range(8))
    assert disk.begun == 5
