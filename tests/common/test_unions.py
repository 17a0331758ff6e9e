"""A union in place of OR."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from catalog.models import Domain
from common.unions import ids_where_any, where_any
from tests.factories import domain

pytestmark = pytest.mark.django_db


def test_a_row_comes_once_whichever_conditions_it_meets():
    for name in ("Learning", "Product", "Insight"):
        domain(name)
    found = where_any(
        Domain.objects.order_by("name"), [Q(name="Learning"), Q(slug="learning"), Q(name__startswith="P")]
    )
    assert list(found.values_list("name", flat=True)) == ["Learning", "Product"]
    assert list(found.filter(name="Product")[:5]) == [Domain.objects.get(name="Product")]


def test_one_condition_and_one_that_nothing_can_meet():
    domain("Learning")
    assert where_any(Domain.objects.all(), [Q(name="Learning")]).count() == 1
    assert where_any(Domain.objects.all(), [Q(pk__in=[]), Q(name="Learning")]).count() == 1
    assert where_any(Domain.objects.all(), [Q(pk__in=[]), Q(pk__in=[])]).count() == 0


def test_it_is_one_statement_also_inside_another():
    one = domain("Learning")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        inside = ids_where_any(Domain.objects.all(), [Q(name="Learning"), Q(name="Product")])
        assert list(Domain.objects.filter(pk__in=inside)) == [one]
    assert len(queries) == 1
    assert "UNION ALL" in queries[0]["sql"] and " OR " not in queries[0]["sql"]
