"""What is drawn around a dataset, for whom."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Dataset, Tier
from lineage import graph as cores
from lineage.graph import Edge
from lineage.queries import dataset_lineage
from tests import factories

pytestmark = pytest.mark.django_db


def named(name: str) -> Dataset:
    return Dataset.objects.get(qualified_name=name)


def in_domain(domain, *names: str) -> None:
    Dataset.objects.filter(qualified_name__in=names).update(domain=domain)


def drawn(found) -> set[tuple[str, str]]:
    """Each edge as two arrows, through its job; a hidden dataset has no title."""
    titles = {node.id: node.title or "Hidden dataset" for node in found.nodes}
    jobs = {job.id: job.name for job in found.jobs}
    into = {(titles[up], jobs[job]) for up, _, job in found.edges}
    return into | {(jobs[job], titles[down]) for _, down, job in found.edges}


CHAIN = ("a > ab > b", "b > bc > c", "c > cd > d")


@pytest.mark.parametrize(
    ("direction", "depth", "expected"),
    [
        ("up", 1, {("a", "ab"), ("ab", "b")}),
        ("down", 1, {("b", "bc"), ("bc", "c")}),
        ("down", 5, {("b", "bc"), ("bc", "c"), ("c", "cd"), ("cd", "d")}),
        ("both", 1, {("a", "ab"), ("ab", "b"), ("b", "bc"), ("bc", "c")}),
    ],
)
def test_the_graph_goes_as_far_as_asked_in_the_direction_asked(flow, direction, depth, expected):
    flow(*CHAIN)
    admin = factories.person(administrator=True)
    assert drawn(dataset_lineage(admin, named("b"), direction=direction, depth=depth)) == expected


def test_siblings_are_not_lineage(flow):
    flow("a > x > b", "a > y > c")
    admin = factories.person(administrator=True)
    assert drawn(dataset_lineage(admin, named("b"))) == {("a", "x"), ("x", "b")}


def test_the_limit_keeps_the_nearest_and_says_how_many_are_left_out(flow):
    flow(*CHAIN)
    found = dataset_lineage(factories.person(administrator=True), named("a"), limit=1)
    assert drawn(found) == {("a", "ab"), ("ab", "b")}
    assert found.more == 2


def test_a_cycle_is_drawn_once_and_named(flow):
    flow("a > x > b", "b > y > a")
    found = dataset_lineage(factories.person(administrator=True), named("a"), depth=9)
    assert cores.cycles(found.edges) == [sorted([named("a").pk, named("b").pk])]
    assert (found.upstream, found.downstream) == (1, 1)


def test_a_templated_job_does_not_join_what_it_moved_apart(flow):
    flow("a > copy > b", "c > copy > d", "b,d > merge > z")
    found = dataset_lineage(factories.person(administrator=True), named("z"))
    titles = {node.id: node.title for node in found.nodes}
    assert {(titles[up], titles[down]) for up, down, _ in found.edges} == {
        ("a", "b"),
        ("c", "d"),
        ("b", "z"),
        ("d", "z"),
    }


def test_a_hidden_dataset_is_an_anonymous_box_between_what_may_be_seen(flow):
    flow(*CHAIN)
    in_domain(factories.domain(open_tier=Tier.NONE), "b")
    in_domain(factories.domain(open_tier=Tier.METADATA), "a", "c", "d")
    found = dataset_lineage(factories.person(), named("a"))
    assert drawn(found) == {
        ("a", "ab"), ("ab", "Hidden dataset"), ("Hidden dataset", "bc"), ("bc", "c"), ("c", "cd"), ("cd", "d")
    }  # fmt: skip
    (hidden,) = [node for node in found.nodes if node.is_hidden]
    assert (hidden.id, hidden.namespace, hidden.name, hidden.place) == (-1, "", "", "")
    assert named("b").pk not in {node.id for node in found.nodes}
    assert (found.downstream, found.hidden) == (2, 1)


def test_what_lies_behind_two_hidden_datasets_is_not_shown(flow):
    flow(*CHAIN)
    in_domain(factories.domain(open_tier=Tier.NONE), "b", "c")
    in_domain(factories.domain(open_tier=Tier.METADATA), "a", "d")
    found = dataset_lineage(factories.person(), named("a"))
    assert drawn(found) == {("a", "ab"), ("ab", "Hidden dataset")}


def test_a_dataset_that_may_only_be_discovered_shows_its_name_but_not_its_own_lineage(flow):
    flow(*CHAIN)
    in_domain(factories.domain(open_tier=Tier.DISCOVER), "b", "c", "d")
    in_domain(factories.domain(open_tier=Tier.METADATA), "a")
    found = dataset_lineage(factories.person(), named("a"))
    assert drawn(found) == {("a", "ab"), ("ab", "b")}


def test_the_number_of_statements_does_not_grow_with_the_graph(flow):
    reader = factories.person()
    in_domain(factories.domain(open_tier=Tier.METADATA), "a")
    flow(*CHAIN)

    def statements() -> int:
        principal = type(reader).objects.get(pk=reader.pk)
        with CaptureQueriesContext(connection) as captured:
            dataset_lineage(principal, named("a"), depth=20, limit=2000)
        return len(captured)

    few = statements()
    flow(*(f"d,a > job{number} > x{number}" for number in range(60)))
    assert statements() == few <= 12


def test_layers_follow_the_flow_and_keep_cycles_together():
    edges = [Edge(1, 2, 0), Edge(2, 3, 0), Edge(3, 2, 0), Edge(3, 4, 0), Edge(1, 4, 0)]
    assert cores.layers([1, 2, 3, 4, 9], edges) == [[1, 9], [2, 3], [4]]
    assert cores.cycles(edges) == [[2, 3]]
    assert cores.cycles([Edge(5, 5, 0)]) == [[5]]
