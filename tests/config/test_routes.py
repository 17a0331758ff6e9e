"""Every task of the product has a queue of its own choosing, and a worker reads that queue."""

from __future__ import annotations

from django.conf import settings

from config.celery import app
from stack.applications import QUEUES


def own_tasks() -> set[str]:
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith("celery.")}


def test_each_task_has_a_route_and_each_route_a_task() -> None:
    assert set(settings.CELERY_TASK_ROUTES) == own_tasks()


def test_each_route_leads_to_a_queue_that_a_worker_reads() -> None:
    queues = {queue.name for queue in settings.CELERY_TASK_QUEUES}
    assert {name for group in QUEUES.values() for name in group} == queues
    for name, route in settings.CELERY_TASK_ROUTES.items():
        assert route["queue"] in queues, name
        assert app.amqp.router.route({}, name)["queue"].name == route["queue"]
