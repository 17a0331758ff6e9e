"""The catalog's own processes under the supervisor: web and workers, one of which has the clock."""

import os
import sys
from collections.abc import Mapping

from stack import chosen
from stack.layout import Layout
from stack.programs import Program

WEB = "web"
# Each queue group has a worker of its own, so that a long crawl never delays what a person waits for.
QUEUES = {
    "worker-prompt": ("interactive", "expiry", "audit", "fold"),
    "worker-long": ("crawl", "analytics"),
}
# `lineage.tasks.fold` takes two threads at most: of the prompt ones one is always there for what a person waits for.
THREADS = {"worker-prompt": 3, "worker-long": 2}
WITH_BEAT = "worker-prompt"


def programs(layout: Layout, environment: Mapping[str, str], port: int) -> list[Program]:
    """Web and workers, in the order in which they start."""
    python = (sys.executable, "-m")
    host = os.environ.get("HOST", "127.0.0.1")
    directory = str(layout.root)
    web: tuple[str, ...] = ("config.serving", "--interface", "wsgi", "--host", host, "--port", str(port), "--no-ws")
    web += ("--workers", str(chosen.number("WEB_WORKERS", 2, most=256)), "--blocking-threads", "4")
    web += ("--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "5")
    celery = ("celery", "-A", "config")
    # Django's checks have run with the migrations; here they would load every page's code into each worker.
    celery_environment = {**environment, "CELERY_SKIP_CHECKS": "1"}
    wanted = [
        Program(
            name=WEB,
            argv=(*python, *web, "config.wsgi:application"),
            directory=directory,
            environment=environment,
            priority=50,
        )
    ]
    for name, queues in QUEUES.items():
        # Threads, not processes: a second process for each worker would cost its memory and win nothing on
        # work that waits for PostgreSQL.
        worker: tuple[str, ...] = (
            "worker",
            "--pool",
            "threads",
            "--concurrency",
            str(THREADS[name]),
            "--queues",
            ",".join(queues),
        )
        worker += ("--hostname", f"{name}@%h", "--without-gossip", "--without-mingle", "--loglevel", "INFO")
        worker += ("--with-beat",) if name == WITH_BEAT else ()
        wanted.append(
            Program(
                name=name,
                argv=(*python, *celery, *worker),
                directory=directory,
                environment=celery_environment,
                priority=60,
                stop_seconds=15,
            )
        )
    return wanted
