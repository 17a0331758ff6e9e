"""The Celery application, and the schedules that belong to the product itself (a person's schedules live in the database)."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("catalog")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "sweep runs": {"task": "ingestion.tasks.sweep_runs", "schedule": 10.0, "options": {"expires": 10.0}},
    "end access that is over": {
        "task": "access.tasks.expire",
        "schedule": 20.0,
        "options": {"expires": 20.0},
    },
    # django-celery-beat reads expire_seconds, other schedulers expires.
    "fold events": {
        "task": "lineage.tasks.fold",
        "schedule": 1.0,
        "options": {"expires": 1.0, "expire_seconds": 1},
    },
    "make the event log's months": {"task": "lineage.tasks.make_partitions", "schedule": 43_200.0},
    "deliver records": {"task": "audit.tasks.deliver", "schedule": 10.0, "options": {"expires": 10.0}},
}


@app.on_after_configure.connect
def add_heartbeat(sender: Celery, **_: object) -> None:
    from config.heartbeats import Heartbeat

    sender.steps["consumer"].add(Heartbeat)
