"""The runs that made what a run read, and so on."""

from __future__ import annotations

import pytest

from catalog.models import Dataset, Tier
from tests import factories
from tests.lineage.events import NAMESPACE, dataset, run_event, run_id
from tests.lineage.marquez import shapes, world
from tests.lineage.marquez.conftest import Api
from tests.lineage.marquez.world import FAILED, JOB, RAW, SECOND, UNITS, facets

pytestmark = pytest.mark.django_db

EARLY, LATE, SIDE, LAST = (run_id() for _ in range(4))


def upstream(api: Api, run: str, **query: object) -> dict[str, list[tuple[str, str | None]]]:
    """By run, in order: the names of what it read and the run that made it."""
    found = api.get("runlineage", "upstream", runId=run, **query)
    shapes.check(found, shapes.UPSTREAM)
    return {
        one["run"]["id"]: [(read["name"], read.get("producedByRunId")) for read in one["inputs"]]
        for one in found["runs"]
    }


def chain() -> list[dict]:
    """`a` is written twice; what was read of it in between is of the first time."""
    return [
        run_event("COMPLETE", job="a", run=EARLY, seconds=10, outputs=["a"]),
        run_event("COMPLETE", job="b", run=SIDE, seconds=20, inputs=["a"], outputs=["b"]),
        run_event("COMPLETE", job="a", run=LATE, seconds=30, outputs=["a"]),
        run_event("COMPLETE", job="c", run=LAST, seconds=40, inputs=["a", "b"], outputs=["c"]),
    ]


def test_each_run_stands_before_those_that_made_what_it_read(api: Api) -> None:
    api.sends(*chain())
    found = upstream(api, LAST)
    assert found == {
        LAST: [("a", LATE), ("b", SIDE)], LATE: [], SIDE: [("a", EARLY)], EARLY: [],
    }  # fmt: skip
    order = list(found)
    assert order[0] == LAST and order.index(SIDE) < order.index(EARLY)


def test_depth_counts_runs(api: Api) -> None:
    api.sends(*chain())
    assert list(upstream(api, LAST, depth=0)) == [LAST]
    assert set(upstream(api, LAST, depth=1)) == {LAST, LATE, SIDE}
    assert upstream(api, LAST, depth=1)[SIDE] == [("a", EARLY)]


def test_a_version_that_is_told_is_the_one_that_was_read(api: Api) -> None:
    def versioned(name: str) -> dict:
        return dataset("a", **facets(version={"datasetVersion": name}))

    api.sends(
        run_event("COMPLETE", job="a", run=EARLY, seconds=10, outputs=[versioned("one")]),
        run_event("COMPLETE", job="a", run=LATE, seconds=30, outputs=[versioned("two")]),
        run_event("COMPLETE", job="c", run=LAST, seconds=40, inputs=[versioned("one")]),
    )
    assert upstream(api, LAST) == {LAST: [("a", EARLY)], EARLY: []}


def test_runs_that_made_what_each_other_read_end_the_walk(api: Api) -> None:
    def versioned(name: str) -> dict:
        return dataset(name, **facets(version={"datasetVersion": "one"}))

    api.sends(
        run_event("COMPLETE", job="a", run=EARLY, seconds=1, inputs=[versioned("b")], outputs=[versioned("a")]),
        run_event("COMPLETE", job="b", run=LATE, seconds=2, inputs=[versioned("a")], outputs=[versioned("b")]),
    )
    assert upstream(api, LATE) == {LATE: [("a", EARLY)], EARLY: [("b", LATE)]}


def test_the_world_is_told_as_marquez_tells_it(api: Api) -> None:
    api.sends(*world.events())
    found = api.get("runlineage", "upstream", id=FAILED)["runs"]
    assert [(one["job"]["name"], one["run"]["status"]) for one in found] == [("report", "FAILED"), (JOB, "COMPLETED")]
    (read,) = found[0]["inputs"]
    version = api.get("namespaces", NAMESPACE, "datasets", UNITS)["currentVersion"]
    assert read == {"namespace": NAMESPACE, "name": UNITS, "version": version, "producedByRunId": SECOND}
    assert [one["name"] for one in found[1]["inputs"]] == [RAW]
    assert found[1]["run"]["start"] < found[1]["run"]["end"]


def test_what_a_reader_may_not_see_is_not_there(api: Api) -> None:
    api.sends(*chain())
    Dataset.objects.update(domain=factories.domain("Teaching", open_tier=Tier.METADATA))
    Dataset.objects.filter(qualified_name="b").update(domain=factories.domain("Closed", open_tier=Tier.NONE))
    reader = Api(factories.person("ana"))
    seen = upstream(reader, LAST)
    assert "b" not in [name for of in seen.values() for name, _ in of]
    assert reader.send("GET", "runlineage", "upstream", runId=run_id()).status_code == 404


@pytest.mark.parametrize(
    ("query", "status"), [({}, 422), ({"runId": "seven"}, 404), ({"runId": LAST, "depth": "x"}, 422)]
)
def test_a_run_that_is_none(api: Api, query: dict, status: int) -> None:
    assert api.send("GET", "runlineage", "upstream", **query).status_code == status
