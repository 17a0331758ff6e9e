"""Statements that are composed once and executed for whoever reads."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.composed import Hole, composed, values_of
from catalog.models import Dataset, Ownership
from common import prepared
from tests import factories

pytestmark = pytest.mark.django_db


def test_what_is_no_hole_is_written_into_the_statement() -> None:
    names = ["100%", "it's", "%(principal)s", "back\\slash"]
    for name in [*names, "other"]:
        factories.dataset(name)
    cast = factories.personas()
    statement = composed(Dataset.objects.filter(name__in=names).order_by("pk").values_list("name", flat=True))
    assert [name for (name,) in prepared.rows(statement, values_of(cast.analyst))] == names
    begins = composed(Dataset.objects.filter(name__startswith="100%").values_list("name", flat=True))
    assert prepared.rows(begins, values_of(cast.analyst)) == [("100%",)]


def test_a_hole_is_filled_with_who_reads_and_a_moment_with_now() -> None:
    cast = factories.personas()
    owned = factories.dataset("owned")
    factories.ownership(owned, cast.analyst)
    past = timezone.now() - dt.timedelta(days=300)
    held = Ownership.objects.filter(principal=Hole("principal"), valid_from__lte=past)
    statement = composed(held.order_by("pk").values_list("dataset_id", flat=True))
    assert "%(now)s" in statement and "%(principal)s" in statement
    assert (owned.pk,) in prepared.rows(statement, values_of(cast.analyst))
    assert (owned.pk,) not in prepared.rows(statement, values_of(cast.outsider))


def test_a_prepared_statement_is_counted_as_others_are() -> None:
    with CaptureQueriesContext(connection) as captured:
        prepared.rows("SELECT %(number)s::int", {"number": 1})
    assert [one["sql"] for one in captured] == ["SELECT %(number)s::int"]
