"""Each address costs so many statements, however much it shows."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Dataset, Tier
from tests import factories
from tests.lineage.events import NAMESPACE, run_event, run_id
from tests.lineage.marquez import world
from tests.lineage.marquez.conftest import Api
from tests.lineage.marquez.world import FAILED, JOB, SECOND, UNITS

pytestmark = pytest.mark.django_db

UNITS_NODE = f"dataset:{NAMESPACE}:{UNITS}"
# The administrator's, and whoever else asks: the token is one, and whose scope it is another.
PINNED: dict[str, tuple[int, int]] = {
    "namespaces": (4, 5), "sources": (3, 4), "datasets": (15, 17), "dataset": (12, 14), "dataset versions": (27, 30),
    "jobs": (15, 18), "job": (15, 18), "runs": (12, 15), "job versions": (14, 16), "run": (9, 11), "events": (3, 7),
    "search": (5, 6), "growth": (2, 3), "event counts": (2, 3), "tags": (3, 3), "lineage": (13, 15),
    "column lineage": (11, 13), "upstream": (13, 16),
}  # fmt: skip


def _more(count: int) -> list[dict]:
    """More of everything around the same dataset and job."""
    found = []
    parent = world.facets(parent={"run": {"runId": world.PARENT}, "job": {"namespace": "airflow", "name": "nightly"}})
    for number in range(count):
        found += [
            run_event(
                "COMPLETE", job=f"m_{number}", run=run_id(), seconds=500, inputs=[UNITS], outputs=[f"m_{number}"]
            ),
            run_event(
                "COMPLETE",
                job=JOB,
                run=run_id(),
                seconds=900 + number,
                inputs=["lake.raw"],
                outputs=[UNITS],
                run_facets=parent,
            ),
            run_event("COMPLETE", job="x", namespace=f"n_{number}", run=run_id(), seconds=600, inputs=[f"x_{number}"]),
        ]
    return found


def _counts(reader: Api, addresses: dict[str, tuple[list[str], dict]]) -> dict[str, int]:
    found = {}
    for name, (parts, query) in addresses.items():
        reader.get(*parts, **query)
        with CaptureQueriesContext(connection) as captured:
            reader.get(*parts, **query)
        found[name] = len(captured)
    return found


ADDRESSES: dict[str, tuple[list[str], dict]] = {
    "namespaces": (["namespaces"], {}),
    "sources": (["sources"], {}),
    "datasets": (["namespaces", NAMESPACE, "datasets"], {}),
    "dataset": (["namespaces", NAMESPACE, "datasets", UNITS], {}),
    "dataset versions": (["namespaces", NAMESPACE, "datasets", UNITS, "versions"], {}),
    "jobs": (["jobs"], {}),
    "job": (["namespaces", "airflow", "jobs", JOB], {}),
    "runs": (["namespaces", "airflow", "jobs", JOB, "runs"], {}),
    "job versions": (["namespaces", "airflow", "jobs", JOB, "versions"], {}),
    "run": (["jobs", "runs", SECOND], {}),
    "events": (["events", "lineage"], {}),
    "search": (["search"], {"q": "a"}),
    "growth": (["stats", "sources"], {}),
    "event counts": (["stats", "lineage-events"], {}),
    "tags": (["tags"], {}),
    "lineage": (["lineage"], {"nodeId": UNITS_NODE, "depth": 2}),
    "upstream": (["runlineage", "upstream"], {"runId": FAILED, "depth": 2}),
    "column lineage": (["column-lineage"], {"nodeId": UNITS_NODE, "depth": 2}),
}


def test_an_administrator_costs_so_many_statements(api: Api) -> None:
    api.sends(*world.events())
    few = _counts(api, ADDRESSES)
    api.sends(*_more(15))
    assert _counts(api, ADDRESSES) == few
    assert few == {name: counts[0] for name, counts in PINNED.items()}


def test_anybody_else_costs_so_many_whatever_there_is(api: Api) -> None:
    api.sends(*world.events())
    teaching = factories.domain("Teaching", open_tier=Tier.METADATA)
    Dataset.objects.update(domain=teaching)
    reader = Api(factories.person("ana"))
    few = _counts(reader, ADDRESSES)
    api.sends(*_more(15))
    Dataset.objects.update(domain=teaching)
    assert _counts(reader, ADDRESSES) == few
    assert few == {name: counts[1] for name, counts in PINNED.items()}
