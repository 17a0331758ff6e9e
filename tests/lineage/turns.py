"""Workers on real connections that take turns: which of them executes its next statement is said by the test.

So an interleaving is a value that can be drawn, repeated and shrunk. Locks are PostgreSQL's own: a worker that waits for
another's lock is passed over until it has it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection

_LONGEST = 60.0
"""Seconds that a single statement may take."""


class Killed(BaseException):
    """Like the signal that ends a worker: nothing catches it on the way."""


class Worker:
    """A thread that does `work`, a statement at a turn.

    It dies in place of a statement, once for each number in `dies_after`: after so many statements since it began or last
    died. Its transaction is rolled back and its connection closed, and it begins its work anew.
    """

    def __init__(self, work: Callable[[], object], dies_after: Iterable[int] = ()) -> None:
        self._work = work
        self._dies_after = [*dies_after, None]
        self._left: int | None = None
        self._turn = threading.Semaphore(0)
        self._still = threading.Event()
        self._alone = False
        self._pid = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.ended = False
        self.deaths = 0
        self.turns = 0
        self.fault: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether it waits for its turn."""
        return self._still.is_set() and not self.ended

    def take_turn(self) -> None:
        """Execute one statement, and go on to the next one: or until it waits for a lock."""
        self.turns += 1
        self._still.clear()
        self._turn.release()
        self.settle()

    def settle(self) -> None:
        """Return when it has ended, or waits for its turn or for a lock."""
        until = time.monotonic() + _LONGEST
        while not self._still.wait(timeout=0.002):
            if self._pid and _is_blocked(self._pid):
                return
            if time.monotonic() > until:
                raise TimeoutError("A worker neither goes on nor waits for a lock.")

    def let_go(self) -> None:
        """Need no turns any more, and wait for its end."""
        self._alone = True
        self._turn.release()
        self._thread.join(timeout=_LONGEST)

    def _run(self) -> None:
        try:
            for left in self._dies_after:
                self._left = left
                connection.ensure_connection()
                self._pid = connection.connection.info.backend_pid
                try:
                    with connection.execute_wrapper(self._gate):
                        self._work()
                    return
                except Killed:
                    self.deaths += 1
                    connection.close()
        except BaseException as fault:
            self.fault = fault
        finally:
            connection.close()
            self.ended = True
            self._still.set()

    def _gate(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not self._alone:
            self._still.set()
            self._turn.acquire()
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Killed
        return execute(sql, params, many, context)


def _is_blocked(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [pid])
        return bool(cursor.fetchone()[0])


def play(workers: Sequence[Worker], turns: Iterable[tuple[int, int]]) -> None:
    """Have the workers work until all have ended; raises what any of them raised.

    `turns` are (which worker, how many statements). One that has ended or waits for a lock leaves its turn to the next; when
    all turns are taken, the first goes on for as long as it can, and so on.
    """
    for worker in workers:
        worker.start()
    try:
        for which, count in turns:
            for _ in range(count):
                _next(workers, which)
        while _next(workers, 0):
            pass
    finally:
        for worker in workers:
            worker.let_go()
    for worker in workers:
        if worker.fault is not None:
            raise worker.fault


def _next(workers: Sequence[Worker], which: int) -> bool:
    """Give one turn, to this worker or the first after it that can take it; False when all have ended."""
    until = time.monotonic() + _LONGEST
    while not all(worker.ended for worker in workers):
        for worker in workers:
            worker.settle()
        for number in range(len(workers)):
            worker = workers[(which + number) % len(workers)]
            if worker.ready:
                worker.take_turn()
                return True
        # All wait for locks: one of them is about to be told of a deadlock.
        if time.monotonic() > until:
            raise TimeoutError("All workers wait for each other's locks.")
    return False
