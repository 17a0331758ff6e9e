"""Graphs of other times, of one run, and of a version; what is current; paths."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
from django.http import QueryDict

from accounts.tokens import mint
from catalog.models import Dataset, Tier
from common.errors import Invalid
from lineage import graph as cores
from lineage.draining import drain
from lineage.filters import graph_query
from lineage.intake import accept_batch
from lineage.models import Job, Run
from lineage.queries import Slice, dataset_distances, dataset_lineage, paths_between
from tests import factories
from tests.lineage.events import BEGIN, dataset, job_event, run_event, run_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(db):
    """Fold these events; the administrator who looks afterwards."""
    sender = factories.pipeline()
    token = mint(principal=sender, name="told", scopes=["lineage:write"], by=sender).token

    def fold(*events) -> None:
        accept_batch(json.dumps(events).encode(), token=token)
        drain()

    return fold


@pytest.fixture
def admin(db):
    return factories.person(administrator=True)


def named(name: str) -> Dataset:
    return Dataset.objects.get(qualified_name=name)


def sources(found) -> set[str]:
    nodes = {node.id: node.title for node in found.nodes}
    return {nodes[up] for up, _, _ in found.edges}


def after(seconds: float) -> dt.datetime:
    return BEGIN + dt.timedelta(seconds=seconds)


def complete(job: str, inputs, outputs, seconds: float, run: str | None = None):
    return run_event("COMPLETE", job=job, inputs=inputs, outputs=outputs, seconds=seconds, run=run)


def test_only_what_the_latest_run_read_is_current_and_as_of_tells_what_was_before(told, admin):
    told(complete("load", ["old"], ["out"], 10), complete("load", ["new"], ["out"], 100))
    assert sources(dataset_lineage(admin, named("out"))) == {"new"}
    assert sources(dataset_lineage(admin, named("out"), slice_=Slice(as_of=after(50)))) == {"old"}
    assert sources(dataset_lineage(admin, named("out"), slice_=Slice(as_of=after(500)))) == {"new"}
    assert sources(dataset_lineage(admin, named("out"), slice_=Slice(as_of=after(5)))) == set()


def test_as_of_walks_down_too_and_several_steps(told, admin):
    told(
        complete("first", ["a"], ["b"], 10),
        complete("second", ["b"], ["c"], 20),
        complete("second", ["x"], ["c"], 200),
    )
    found = dataset_lineage(admin, named("a"), slice_=Slice(as_of=after(100)), direction="down")
    assert [(node.title, node.down) for node in found.nodes] == [("a", 0), ("b", 1), ("c", 2)]
    now = dataset_lineage(admin, named("a"), direction="down")
    assert [node.title for node in now.nodes] == ["a", "b"]


def test_a_failed_run_does_not_stand_for_the_time_after_it(told, admin):
    told(
        complete("load", ["good"], ["out"], 10),
        run_event("FAIL", job="load", inputs=["bad"], outputs=["out"], seconds=20),
    )
    assert sources(dataset_lineage(admin, named("out"), slice_=Slice(as_of=after(30)))) == {"good"}


def test_a_job_deleted_since_still_stood_then_and_has_no_current_edges(told, admin):
    told(complete("load", ["a"], ["out"], 10))
    told(job_event(job="load", seconds=50, job_facets={"catalog_deletion": {}}))
    assert Job.objects.get(name="load").deleted_at == after(50)
    assert sources(dataset_lineage(admin, named("out"), slice_=Slice(as_of=after(20)))) == {"a"}
    assert sources(dataset_lineage(admin, named("out"), slice_=Slice(as_of=after(60)))) == set()


def test_a_run_shows_only_what_it_did(told, admin):
    mine = run_id()
    told(
        complete("load", ["a"], ["out"], 10, run=mine),
        complete("load", ["b"], ["out"], 20),
        complete("other", ["out"], ["z"], 30),
    )
    found = dataset_lineage(admin, named("out"), slice_=Slice(run=uuid.UUID(mine)))
    assert {node.title for node in found.nodes} == {"a", "out"}


def test_a_version_of_a_dataset_shows_who_wrote_and_who_read_it(told, admin):
    first = dataset("t", version={"datasetVersion": "v1"})
    second = dataset("t", version={"datasetVersion": "v2"})
    told(
        complete("load", ["a"], [first], 10),
        complete("use", [first], ["early"], 15),
        complete("load", ["b"], [second], 20),
        complete("use2", [second], ["late"], 30),
    )
    found = dataset_lineage(admin, named("t"), slice_=Slice(version="v1"))
    assert {node.title for node in found.nodes} == {"t", "a", "early"}


def test_a_version_of_a_job_shows_what_it_read_then(told, admin):
    old = run_id()
    told(complete("load", ["a"], ["out"], 10, run=old), complete("load", ["b"], ["out"], 20))
    version = Run.objects.get(pk=old).version
    assert version is not None
    assert sources(dataset_lineage(admin, named("out"), slice_=Slice(job_version=version))) == {"a"}


def test_two_slices_at_once_are_refused():
    with pytest.raises(Invalid):
        graph_query(QueryDict(f"run={uuid.uuid4()}&as_of=2026-11-01T00:00:00Z"))


def test_ids_only_are_rings_by_distance_and_hidden_ones_are_counted(flow):
    flow("a > ab > b", "b > bc > c", "b > bd > d")
    secret = factories.domain(open_tier=Tier.NONE)
    Dataset.objects.filter(qualified_name="d").update(domain=secret)
    Dataset.objects.exclude(qualified_name="d").update(domain=factories.domain(open_tier=Tier.METADATA))
    found = dataset_distances(factories.person(), named("a"))
    assert (found.up, found.down, found.hidden) == ([], [[named("b").pk], [named("c").pk]], 1)


def test_each_node_says_how_many_neighbours_it_has_in_all(flow, admin):
    flow("a,b,c > join > d", "d > x > e", "d > y > f")
    found = dataset_lineage(admin, named("a"), direction="down", depth=1)
    (joined,) = [node for node in found.nodes if node.title == "d"]
    assert (joined.upstream, joined.downstream) == (3, 2)


def test_paths_are_the_shortest_first_and_go_along_the_flow(flow, admin):
    flow("a > ab > b", "b > bz > z", "a > az > z", "b > bc > c", "c > cz > z", "q > qz > z2")
    found = paths_between(admin, named("a"), named("z"), most=2)
    titles = {node.id: node.title for node in found.nodes}
    assert [[titles[pk] for pk in path] for path in found.paths] == [["a", "z"], ["a", "b", "z"]]
    assert paths_between(admin, named("z"), named("a")).paths == []
    assert paths_between(admin, named("a"), named("q")).paths == []


def test_a_path_goes_through_a_hidden_dataset_without_its_name_and_not_through_two(flow):
    flow("a > ab > b", "b > bc > c", "c > cd > d", "d > de > e")
    Dataset.objects.update(domain=factories.domain(open_tier=Tier.METADATA))
    secret = factories.domain(open_tier=Tier.NONE)
    Dataset.objects.filter(qualified_name="b").update(domain=secret)
    outsider = factories.person()
    found = paths_between(outsider, named("a"), named("c"))
    assert found.paths == [[named("a").pk, -1, named("c").pk]]
    assert [node.name for node in found.nodes if node.is_hidden] == [""]
    Dataset.objects.filter(qualified_name="c").update(domain=secret)
    assert paths_between(outsider, named("a"), named("d")).paths == []


def test_a_walk_expands_each_node_once():
    asked: list[int] = []
    step = cores.among([(1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (5, 1)])

    def counting(up, down):
        asked.extend(down)
        return step(up, down)

    walked = cores.walk(counting, down_from=[1], depth=50)
    assert sorted(asked) == [1, 2, 3, 4, 5]
    assert walked.down == {1: 0, 2: 1, 3: 1, 4: 2, 5: 3}
    assert sorted(walked.edges) == [(1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (5, 1)]
