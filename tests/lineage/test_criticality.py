"""How much depends on each dataset: counted exactly, written, and used to rank."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.filters import Narrowing
from catalog.models import Dataset, Tier
from catalog.queries.search import search
from catalog.search_index import refresh_search
from lineage import reachability
from lineage.reachability import reach_counts
from lineage.tasks import measure_criticality
from tests import factories


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(-4, 14), st.integers(-4, 14)), max_size=40), st.sampled_from([1, 3, 2048]))
def test_the_count_is_that_of_all_descendants_whatever_the_blocks(edges, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reachability, "_AT_ONCE", at_once)
        counted = reach_counts(edges)
    graph = nx.DiGraph(edges)
    assert counted == {node: len(nx.descendants(graph, node)) for node in graph}


def test_a_chain_deeper_than_the_interpreters_stack_is_counted():
    counted = reach_counts((number, number + 1) for number in range(5_000))
    assert counted[0] == 5_000
    assert counted[5_000] == 0


@pytest.mark.django_db
def test_datasets_and_jobs_that_only_read_count_and_old_counts_are_forgotten(flow):
    flow("a > ab > b", "b > bc > c", "b > bd > d", "c,d > dashboard >")
    Dataset.objects.filter(qualified_name="d").update(criticality=77)
    lonely = factories.dataset("lonely")
    Dataset.objects.filter(pk=lonely.pk).update(criticality=5)
    measure_criticality()
    counts = dict(Dataset.objects.values_list("name", "criticality"))
    assert counts == {"a": 4, "b": 3, "c": 1, "d": 1, "lonely": 0}
    assert measure_criticality() == 0


@pytest.mark.django_db
def test_a_deleted_consumer_no_longer_counts(flow):
    from django.utils import timezone

    from lineage.models import Job

    flow("a > dashboard >")
    Job.objects.filter(name="dashboard").update(deleted_at=timezone.now())
    measure_criticality()
    assert Dataset.objects.get(name="a").criticality == 0


@pytest.mark.django_db
def test_of_equal_names_what_more_depends_on_is_found_first_and_an_exact_name_before_all():
    domain = factories.domain(open_tier=Tier.METADATA)
    made = [factories.dataset(name, domain=domain) for name in ("units", "units", "units_old")]
    Dataset.objects.filter(pk=made[1].pk).update(criticality=40)
    Dataset.objects.filter(pk=made[2].pk).update(criticality=90_000)
    refresh_search([one.pk for one in made])
    found = search(principal=factories.person(), text="units", narrowing=Narrowing({}))
    assert [row.pk for row in found.page.rows] == [made[1].pk, made[0].pk, made[2].pk]


@pytest.mark.django_db
def test_the_order_does_not_tell_of_lineage_that_may_not_be_read():
    domain = factories.domain(open_tier=Tier.DISCOVER)
    made = [factories.dataset("units", domain=domain) for _ in range(2)]
    Dataset.objects.filter(pk=made[1].pk).update(criticality=40)
    refresh_search([one.pk for one in made])
    found = search(principal=factories.person(), text="units", narrowing=Narrowing({}))
    assert [row.pk for row in found.page.rows] == [one.pk for one in made]
