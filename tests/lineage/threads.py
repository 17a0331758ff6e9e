"""Work at the same time, in threads with connections of their own."""

from __future__ import annotations

import threading

from django.db import connection


def in_threads(count: int, work) -> None:
    """Run `work(number)` in so many threads, each with a connection of its own; raises what any of them raised."""
    faults: list[BaseException] = []
    ready = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            ready.wait(timeout=30)
            work(number)
        except BaseException as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    if faults:
        raise faults[0]
