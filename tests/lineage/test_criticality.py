"""How much depends on each dataset: counted exactly, written, and used to rank."""

from __future__ import annotations

import datetime as dt

import networkx as nx
import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.filters import Narrowing
from catalog.models import Dataset, Tier
from catalog.queries.search import search
from catalog.search_index import refresh_search
from lineage import reachability
from lineage.criticality import LONGEST_WAIT, SHORTEST_WAIT, count_criticality
from lineage.models import CriticalityLook, DatasetEdge
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
    count_criticality()
    counts = dict(Dataset.objects.values_list("name", "criticality"))
    assert counts == {"a": 4, "b": 3, "c": 1, "d": 1, "lonely": 0}
    assert count_criticality() == 0


@pytest.mark.django_db
def test_a_deleted_consumer_no_longer_counts(flow):
    from lineage.models import Job

    flow("a > dashboard >")
    Job.objects.filter(name="dashboard").update(deleted_at=timezone.now())
    count_criticality()
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


def _after(seconds: float) -> None:
    CriticalityLook.objects.update(began_at=timezone.now() - dt.timedelta(seconds=seconds))


def _counts() -> dict[str, int]:
    return dict(Dataset.objects.values_list("name", "criticality"))


@pytest.mark.django_db
def test_what_the_first_events_tell_is_counted_at_the_next_look_and_what_follows_after_a_short_wait(flow):
    flow("a > ab > b")
    assert measure_criticality() == 1
    assert _counts() == {"a": 1, "b": 0}
    flow("b > bc > c", "c > dashboard >")
    assert measure_criticality() is None
    assert _counts()["a"] == 1
    _after(SHORTEST_WAIT + 1)
    assert measure_criticality() == 3
    assert _counts() == {"a": 3, "b": 2, "c": 1}


@pytest.mark.django_db
def test_where_no_edge_changed_nothing_is_counted(flow):
    flow("a > ab > b")
    measure_criticality()
    Dataset.objects.filter(name="a").update(criticality=77)
    flow("a > ab > b")
    _after(SHORTEST_WAIT + 1)
    assert measure_criticality() is None
    assert _counts()["a"] == 77


@pytest.mark.django_db
def test_an_edge_that_is_past_is_a_change(flow):
    flow("a > ab > b")
    measure_criticality()
    DatasetEdge.objects.update(current=False)
    _after(SHORTEST_WAIT + 1)
    assert measure_criticality() == 1
    assert _counts()["a"] == 0


@pytest.mark.django_db
def test_a_look_that_took_long_is_followed_by_a_longer_wait_and_one_that_died_by_another(flow):
    flow("a > ab > b")
    CriticalityLook.objects.create(id=1, began_at=timezone.now() - dt.timedelta(seconds=100), seconds=10.0, edges="")
    assert measure_criticality() is None
    _after(501)
    assert measure_criticality() == 1
    CriticalityLook.objects.update(seconds=1_000.0, edges="of one that never came to its end")
    _after(LONGEST_WAIT + 1)
    assert measure_criticality() == 0
