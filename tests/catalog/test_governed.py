"""A dataset is governed when somebody gave it a domain, an owner or a level."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog.governed import governed
from catalog.models import Dataset, Ownership
from tests import factories

pytestmark = pytest.mark.django_db


def test_domain_owner_steward_or_level_governs(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    plain = factories.dataset()
    of_domain = factories.dataset(domain=factories.domain())
    owned = factories.dataset(owner=factories.person())
    stewarded = factories.dataset()
    factories.ownership(stewarded, factories.person(), Ownership.Kind.STEWARD)
    levelled = factories.dataset()
    Dataset.objects.filter(pk=levelled.pk).update(level=1)
    with django_assert_num_queries(1):
        found = governed([plain.pk, of_domain.pk, owned.pk, stewarded.pk, levelled.pk, 0])
    assert found == {of_domain.pk, owned.pk, stewarded.pk, levelled.pk}


def test_ended_ownership_governs_no_more() -> None:
    left = factories.dataset(owner=factories.person())
    Ownership.objects.filter(dataset=left).update(valid_to=timezone.now() - timedelta(days=1))
    assert governed([left.pk]) == set()


def test_merged_dataset_is_governed_by_what_was_decided_about_its_members() -> None:
    standing, member = factories.dataset(), factories.dataset(owner=factories.person())
    Dataset.objects.filter(pk=member.pk).update(merged_into=standing)
    assert governed([standing.pk]) == {standing.pk}


def test_nothing_asked_asks_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert governed([]) == set()
