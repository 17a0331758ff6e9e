"""What an installation has keeps its meaning when it is upgraded."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from access.models import AccessRequest
from tests.factories import personas


def migrate(*targets: tuple[str, str]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_requests_that_wait_stand_at_the_step_that_was_meant() -> None:
    cast = personas()
    try:
        migrate(("access", "0001_initial"))
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO access_accessrequest
                    (requester_id, dataset_id, field_ids, purpose, days, state, created_at, submitted_at, decide_by,
                     decision_reason)
                VALUES (%s, %s, '{}', 'Look', 5, 'pending', now(), now(), now() + interval '30 days', '')
                """,
                [cast.analyst.pk, cast.dataset.pk],
            )
    finally:
        migrate()
    request = AccessRequest.objects.select_related("step").get()
    step = request.step
    assert step is not None and (step.audience, step.needed, step.opened_at) == ("answerable", 1, request.submitted_at)
