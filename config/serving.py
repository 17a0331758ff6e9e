"""The web server as `bin/run` starts it: its parent loads the application once, and forks the processes that serve.

They share that memory and need not load it again, which would take each 100 MB and two seconds of a core; one that dies is
replaced at once. Where processes are not forked (macOS), each loads the application by itself.
"""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import signal
import sys

import django
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from granian.cli import entrypoint

from common import collector

_BESIDE_DJANGO = ("access.decision_point.http", "lineage.intake_http", "config.watching")
_PR_SET_PDEATHSIG = 1
"""Of linux/prctl.h."""


def load() -> None:
    """Load what a page may need. No connection is made and no thread started: neither outlives a fork."""
    django.setup()
    get_wsgi_application()
    for name in _BESIDE_DJANGO:
        importlib.import_module(name)
    # The table of addresses is made of every view.
    get_resolver()._populate()
    collector.settle()


def end_children_with(parent: int) -> None:
    """Have each forked process end when the parent has: killed, it would leave them, which go on answering on its port."""
    library = ctypes.CDLL(None)

    def ask() -> None:
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    os.register_at_fork(after_in_child=ask)


def main() -> None:
    if sys.platform == "linux":
        # What granian falls back to elsewhere, and Python's default before 3.14.
        multiprocessing.set_start_method("fork")
        load()
        end_children_with(os.getpid())
    entrypoint()


if __name__ == "__main__":
    main()
