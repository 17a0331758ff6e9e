"""Who hears of rights in a source that nobody approved, and of sources that cannot be compared."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from access.enforcement.events import DriftFound, EnforcementFailed, EnforcementRecovered, PlanWaits
from accounts.models import Principal
from alerts.models import Notification
from alerts.reading import lines_of
from audit.delivery import deliver_pending
from audit.events import Event
from audit.recording import record
from tests.alerts.told import told
from tests.factories import Cast, source

pytestmark = pytest.mark.django_db


def recorded(event: Event) -> None:
    with transaction.atomic():
        record(event, by=Principal.objects.system())


def test_stewards_of_the_domain_and_administrators_hear_of_drift_and_nobody_else(cast: Cast) -> None:
    recorded(
        DriftFound(source_id=cast.source.pk, source="ontrack", count=3, first="PUBLIC may read users", finding_ids=[])
    )
    for person in (cast.steward, cast.administrator):
        (sentence,) = told(person)
        assert sentence == (
            "In ontrack rights were found that nobody approved: 3 then. For each that is still open see the statements"
            " that end it, adopt it as a grant, or accept it."
        )
    for other in (cast.analyst, cast.owner, cast.outsider):
        assert told(other) == []


def test_an_alert_of_a_source_leads_to_its_enforcement_which_its_readers_may_open(client: Client, cast: Cast) -> None:
    recorded(DriftFound(source_id=cast.source.pk, source="ontrack", count=1, first="It reads", finding_ids=[]))
    deliver_pending()
    for person in (cast.steward, cast.administrator):
        (line,) = lines_of(person, Notification.objects.of(person).select_related("record__actor"))
        assert line.href == reverse("access:enforcement", args=[cast.source.pk])
        client.force_login(person.user)
        assert client.get(line.href).status_code == 200


def test_a_plan_that_waits_is_told_once_until_it_is_read(cast: Cast) -> None:
    waits = {"source_id": cast.source.pk, "source": "ontrack", "reconciliation_id": 1, "steps": 4, "why": "Many."}
    recorded(PlanWaits(**waits, plan_hash="a"))
    recorded(PlanWaits(**waits, plan_hash="b"))
    assert told(cast.steward) == ["4 changes of rights in ontrack wait for somebody to confirm them."]


def test_a_source_that_cannot_be_compared_is_told_without_what_it_said_and_its_return_too(cast: Cast) -> None:
    lonely = source("lonely")
    recorded(EnforcementFailed(source_id=lonely.pk, source="lonely", problem="password s3cret refused"))
    recorded(EnforcementRecovered(source_id=lonely.pk, source="lonely"))
    first, second = told(cast.administrator)
    assert "could not be compared" in first and "s3cret" not in first
    assert second == "Rights in lonely are compared and carried out again."
    assert told(cast.steward) == []
