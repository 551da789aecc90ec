"""Many requests, one durable transaction: each is answered after its own part is on the disk.

A synced commit costs the same for one row as for a hundred.  Request threads hand their work to a single
writer thread and wait; the writer takes all that wait, runs each piece inside one transaction and answers
after the commit (group commit: Gawlick and Kinkade 1985, Helland et al. 1987).  One piece that is refused
does not touch the others.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

S = TypeVar("S")

#: Pieces in one transaction: a bound on how long the first of them waits for the last.
LARGEST_GROUP = 128


class Busy(RuntimeError):
    """Too much work waits already; the caller may try again in a moment."""


class GroupWriter(Generic[S]):
    """One writer thread of this process for one store.

    ``begin`` opens a write transaction, ``savepoint`` a nested one inside it.  ``durable`` is called with the
    results of a group after its commit and before anyone is answered (the register's journal).
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[S]],
        savepoint: Callable[[S], AbstractContextManager[Any]],
        durable: Callable[[Sequence[Any]], None] | None = None,
        longest_queue: int = 20_000,
    ) -> None:
        self._begin = begin
        self._savepoint = savepoint
        self._durable = durable
        self._longest_queue = longest_queue
        self._lock = threading.Lock()
        self._start_over()

    def _start_over(self) -> None:
        self._queue: SimpleQueue[tuple[Callable[[S], Any], Future[Any]]] = SimpleQueue()
        self._process = os.getpid()
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[S], Any], timeout: float = 30.0) -> Any:
        """Run the work in a transaction shared with others; returns its result after the commit.

        Raises whatever the work raises, then with nothing of it stored; Busy where the queue is full;
        TimeoutError where no commit came in time: the work may have been stored, so a caller must be able to
        repeat it.
        """
        if self._queue.qsize() >= self._longest_queue:
            raise Busy
        future: Future[Any] = Future()
        with self._lock:
            # Threads do not survive a fork: a process begun after this object starts its own writer.
            if self._process != os.getpid():
                self._start_over()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="group-writer", daemon=True)
                self._thread.start()
            self._queue.put((work, future))
        return future.result(timeout)

    def _run(self) -> None:
        queue = self._queue
        while True:
            group = [queue.get()]
            while len(group) < LARGEST_GROUP:
                try:
                    group.append(queue.get_nowait())
                except Empty:
                    break
            self._write(group)

    def _write(self, group: list[tuple[Callable[[S], Any], Future[Any]]]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        refused: list[tuple[Future[Any], BaseException]] = []
        try:
            with self._begin() as session:
                for work, future in group:
                    try:
                        with self._savepoint(session):
                            result = work(session)
                    except Exception as error:
                        refused.append((future, error))
                    else:
                        done.append((future, result))
            if self._durable is not None and done:
                self._durable([result for _, result in done])
        except BaseException as error:
            # Nobody may believe in a commit that did not come; all of this group are told.
            _answer_all((future for _, future in group), error)
            return
        for future, refusal in refused:
            future.set_exception(refusal)
        for future, result in done:
            future.set_result(result)


def _answer_all(futures: Iterable[Future[Any]], error: BaseException) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
