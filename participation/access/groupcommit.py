"""Many requests, one durable transaction: each is answered after its own part is on the disk.

A synced commit costs the same for one row as for a hundred, and a statement little more.  Request threads
hand their piece to a single writer thread and wait; the writer takes all that wait, writes them in one
transaction and answers after the commit (group commit: Gawlick and Kinkade 1985, Helland et al. 1987).  One
piece that is refused, or breaks, does not touch the others.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

S = TypeVar("S")
P = TypeVar("P")

#: Pieces in one transaction: a bound on how long the first of them waits for the last.
LARGEST_GROUP = 128


class Busy(RuntimeError):
    """Too much work waits already; the caller may try again in a moment."""


class GroupWriter(Generic[S, P]):
    """One writer thread of this process for one store.

    ``begin`` opens a write transaction, ``savepoint`` a nested one inside it.  ``write`` stores several
    pieces and returns, in their order, what each is told: a result, or an exception where it is refused,
    then with nothing of it stored.  ``durable`` is called with the results of a group after its commit and
    before anyone is answered (the register's journal).
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[S]],
        savepoint: Callable[[S], AbstractContextManager[Any]],
        write: Callable[[S, Sequence[P]], Sequence[Any]],
        durable: Callable[[Sequence[Any]], None] | None = None,
        longest_queue: int = 20_000,
    ) -> None:
        self._begin = begin
        self._savepoint = savepoint
        self._write_pieces = write
        self._durable = durable
        self._longest_queue = longest_queue
        self._lock = threading.Lock()
        self._start_over()

    def _start_over(self) -> None:
        self._queue: SimpleQueue[tuple[P, Future[Any]]] = SimpleQueue()
        self._process = os.getpid()
        self._thread: threading.Thread | None = None

    def submit(self, piece: P, timeout: float = 30.0) -> Any:
        """Write the piece in a transaction shared with others; returns its result after the commit.

        Raises its refusal; Busy where the queue is full; TimeoutError where no commit came in time: the piece
        may have been stored, so a caller must be able to repeat it.
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
            self._queue.put((piece, future))
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
            self._write([piece for piece, _ in group], [future for _, future in group])

    def _write(self, pieces: Sequence[P], futures: Sequence[Future[Any]]) -> None:
        try:
            with self._begin() as session:
                told = self._outcomes(session, pieces)
            done = [outcome for outcome in told if not isinstance(outcome, BaseException)]
            if self._durable is not None and done:
                self._durable(done)
        except BaseException as error:
            # Nobody may believe in a commit that did not come; all of this group are told.
            told = [error] * len(pieces)
        for future, outcome in zip(futures, told, strict=True):
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    def _outcomes(self, session: S, pieces: Sequence[P]) -> Sequence[Any]:
        """What each piece is told; where writing them together breaks, each is written by itself."""
        try:
            with self._savepoint(session):
                return self._write_pieces(session, pieces)
        except Exception as error:
            if len(pieces) == 1:
                return [error]
        return [outcome for piece in pieces for outcome in self._outcomes(session, [piece])]
