"""The Celery application, and the schedules that belong to the product itself (a person's schedules live in the database)."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals
from click import Option

from common import collector

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("catalog")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.user_options["worker"].add(
    Option(("--with-beat",), is_flag=True, help="Also send what is due. One worker of an installation does.")
)


def every(seconds: float, task: str) -> dict[str, Any]:
    """A schedule whose message is worthless once the next is due: a worker that was down finds one, not a heap.

    django-celery-beat reads `expire_seconds`, other schedulers `expires`.
    """
    return {"task": task, "schedule": seconds, "options": {"expires": seconds, "expire_seconds": int(seconds)}}


app.conf.beat_schedule = {
    "sweep runs": every(10.0, "ingestion.tasks.sweep_runs"),
    "end access that is over": every(20.0, "access.tasks.expire"),
    "hold grants to new policies": every(5.0, "access.tasks.compare_with_policies"),
    "look for what needs somebody": every(20.0, "alerts.tasks.look"),
    "send mail": every(20.0, "alerts.tasks.send_mail"),
    "forget old notifications": every(43_200.0, "alerts.tasks.forget_old"),
    "carry out grants in their sources": every(2.0, "access.tasks.enforce"),
    "learn which sources answer again": every(15.0, "access.tasks.knock_at_hanging"),
    "fold events": every(1.0, "lineage.tasks.fold"),
    "read jobs' SQL": every(30.0, "lineage.tasks.read_sql"),
    "make the event log's months": every(43_200.0, "lineage.tasks.make_partitions"),
    "forget old profiles": every(43_200.0, "catalog.tasks.forget_profiles"),
    "forget old events": every(3_600.0, "lineage.tasks.forget_old"),
    "count what depends on each dataset": every(10.0, "lineage.tasks.measure_criticality"),
    "let labels follow lineage": every(2.0, "classification.tasks.follow_lineage"),
    "count what waits and what is covered": every(2.0, "classification.tasks.count_columns"),
    "carry all labels anew": every(86_400.0, "classification.tasks.carry_labels"),
    "go on with classifying": every(60.0, "classification.tasks.resume_passes"),
    "keep the day's coverage": every(3_600.0, "classification.tasks.keep_coverage"),
    "deliver records": every(10.0, "audit.tasks.deliver"),
}


@signals.celeryd_after_setup.connect
def settle(**_: object) -> None:
    """Before the worker's processes fork."""
    collector.settle()


@app.on_after_configure.connect
def add_steps(sender: Celery, **_: object) -> None:
    import config.sweeps  # noqa: F401 -- notes what is swept
    from config.beat import Beat
    from config.heartbeats import Heartbeat
    from config.recycling import Recycling

    sender.steps["worker"].add(Beat)
    sender.steps["consumer"].update({Heartbeat, Recycling})
