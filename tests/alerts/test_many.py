"""Many are told at once: in batches of a fixed number of statements, and by one message a person."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.actions.words import told_of_grant
from access.enforcement.events import GrantVerified, PlanWaits
from access.models import Grant
from access.states import GrantState
from accounts.models import Principal
from alerts.mailing import send_due
from alerts.models import Notification
from audit.delivery import deliver_pending
from audit.models import Delivery
from audit.recording import record_many
from tests.alerts.postbox import Server
from tests.alerts.told import told
from tests.factories import Cast, dataset, person

pytestmark = pytest.mark.django_db


def verified(cast: Cast, count: int, *, holder: Principal | None = None) -> list[Principal]:
    """So many grants that were found to hold in their source, each somebody else's unless told."""
    holders = [holder or person() for _ in range(count)]
    now = timezone.now()
    grants = [
        Grant.objects.create(
            principal=who,
            dataset=dataset(f"d_{who.pk}_{n}", domain=cast.domain, source=cast.source),
            state=GrantState.ACTIVE,
            valid_from=now,
            valid_to=now + dt.timedelta(days=3),
            granted_by=cast.owner,
        )
        for n, who in enumerate(holders)
    ]
    with transaction.atomic():
        record_many(
            [
                GrantVerified(**told_of_grant(grant, {}), source_id=cast.source.pk, source=cast.source.name)
                for grant in grants
            ],
            by=Principal.objects.system(),
        )
    return holders


def test_telling_many_takes_as_many_statements_as_telling_few(cast: Cast) -> None:
    def statements(count: int) -> int:
        holders = verified(cast, count)
        with CaptureQueriesContext(connection) as captured:
            assert deliver_pending() == count
        assert Notification.objects.filter(receiver__in=holders).count() == count
        return len(captured)

    assert (statements(2), statements(40)) == (13, 13)


def test_a_record_that_cannot_be_told_of_is_tried_again_and_the_others_are_told(cast: Cast) -> None:
    first, second, third = verified(cast, 3)
    bad = Delivery.objects.order_by("pk")[1]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_record SET payload = '{}' WHERE id = %s", [bad.record_id])
    assert deliver_pending() == 2
    assert [Notification.objects.filter(receiver=one).count() for one in (first, second, third)] == [1, 0, 1]
    bad.refresh_from_db()
    assert (bad.state, bad.attempts) == (Delivery.State.PENDING, 1)
    assert "KeyError" in bad.last_error
    assert not Delivery.objects.exclude(pk=bad.pk).exclude(state=Delivery.State.DONE).exists()


def test_of_what_is_told_once_until_it_is_read_a_batch_tells_the_first(cast: Cast) -> None:
    waits = {"source_id": cast.source.pk, "source": "ontrack", "reconciliation_id": 1, "why": "Many."}
    with transaction.atomic():
        record_many([PlanWaits(**waits, steps=n, plan_hash=str(n)) for n in (4, 5)], by=Principal.objects.system())
    assert told(cast.steward) == ["4 changes of rights in ontrack wait for somebody to confirm them."]


def test_who_is_told_of_very_many_gets_one_message_with_the_first_few_and_where_the_rest_is(
    cast: Cast, server: Server
) -> None:
    verified(cast, 25, holder=cast.analyst)
    deliver_pending()
    assert send_due() == 1
    (message,) = server.box.taken
    text = message.get_content()
    assert message["Subject"] == "25 notifications from the catalog"
    assert text.count("You can read all columns of") == 5
    assert "And 20 more: https://catalog.example.org/notifications/" in text
    assert Notification.objects.filter(receiver=cast.analyst, mail_sent_at__isnull=False).count() == 25


def test_as_many_as_are_read_with_ease_are_all_in_the_message(cast: Cast, server: Server) -> None:
    verified(cast, 20, holder=cast.analyst)
    deliver_pending()
    assert send_due() == 1
    assert server.box.taken[0].get_content().count("You can read all columns of") == 20


def test_mail_waits_while_more_is_told_of_but_not_for_long_nor_where_it_must_not(cast: Cast, server: Server) -> None:
    first, second, third = verified(cast, 3)
    assert deliver_pending(limit=1) == 1
    assert send_due() == 0
    Notification.objects.update(mail_due_at=timezone.now() - dt.timedelta(seconds=31))
    assert send_due() == 1
    assert deliver_pending(limit=1) == 1
    assert (send_due(), send_due(gathers=False)) == (0, 1)
    assert deliver_pending() == 1
    assert send_due() == 1
    assert [len(server.box.to(one.user.email)) for one in (first, second, third)] == [1, 1, 1]


def test_mail_to_many_people_takes_few_statements_each_over_one_connection(cast: Cast, server: Server) -> None:
    def statements(count: int) -> int:
        verified(cast, count)
        deliver_pending()
        with CaptureQueriesContext(connection) as captured:
            assert send_due() == count
        return len(captured)

    one, eleven = statements(1), statements(11)
    assert (one, (eleven - one) / 10) == (12, 8)
    assert server.box.connections == 2
