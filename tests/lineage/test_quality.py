"""What runs find in a dataset, on its Quality tab, for whom it is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Principal
from accounts.tokens import Scope, mint
from catalog.models import Dataset
from lineage.draining import drain
from lineage.intake import accept_batch
from lineage.reading import dataset_facets, quality_of
from tests import factories
from tests.lineage import events as say

pytestmark = pytest.mark.django_db

Send = Callable[..., None]
_seconds = itertools.count(1)


@pytest.fixture
def send(sender: Principal) -> Send:
    """Complete a run that reads or writes a dataset, with facets of its use."""
    token = mint(principal=sender, name="nightly", scopes=(Scope.LINEAGE_WRITE,), by=sender).token

    def run(name: str, *, namespace: str = "postgres://db:5432", written: bool = False, **facets: Any) -> None:
        told = say.dataset(name, namespace=namespace) | {"outputFacets" if written else "inputFacets": facets}
        uses = {"outputs" if written else "inputs": [told]}
        event = say.run_event("COMPLETE", seconds=next(_seconds), **uses)
        accept_batch(json.dumps([event]).encode(), token=token)
        drain()

    return run


def found(**results: bool) -> dict[str, Any]:
    """Results of tests of the column "id", by the test's name."""
    tests = [
        {"assertion": name, "column": "id", "success": passed, "expected": "expected-0", "actual": "actual-7"}
        for name, passed in results.items()
    ]
    return {"dataQualityAssertions": {"assertions": tests}}


def counted(rows: int) -> dict[str, Any]:
    return {"outputStatistics": {"rowCount": rows, "size": rows * 10}}


def quality_page(client: Client, principal: Principal, dataset: Dataset) -> str:
    assert principal.user is not None
    client.force_login(principal.user)
    response = client.get(reverse("portal:dataset_tab", args=[dataset.pk, "quality"]))
    assert response.status_code == 200
    text: str = response.content.decode()
    return text


def test_each_test_has_its_own_history(send: Send) -> None:
    send("orders", **found(unique=True, not_null=True))
    send("orders", **found(unique=False))
    send("orders", **found(not_null=True))
    quality = quality_of(Dataset.objects.get(qualified_name="orders"))
    assert [(one.name, [result.passed for result in one.results]) for one in quality.assertions] == [
        ("unique", [False, True]),
        ("not_null", [True, True]),
    ]
    assert quality.failing == 1


def test_volumes_of_all_names_come_in_order(send: Send) -> None:
    send("orders", written=True, **counted(10))
    send("other", written=True, **counted(20))
    send("orders", written=True, **counted(30))
    send("orders", inputStatistics={"rowCount": 7})
    orders = Dataset.objects.get(qualified_name="orders")
    Dataset.objects.filter(qualified_name="other").update(merged_into=orders)
    quality = quality_of(orders)
    assert [(one.rows, one.size) for one in quality.written] == [(10, 100), (20, 200), (30, 300)]
    assert [(one.rows, one.size) for one in quality.read] == [(7, None)]


def test_profile_is_for_the_third_tier(send: Send, client: Client) -> None:
    cast = factories.personas()
    metrics = {"rowCount": 50, "columnMetrics": {"id": {"min": 1, "max": 48_151_623, "quantiles": {"0.5": 25}}}}
    users = cast.dataset
    send(users.qualified_name, namespace=users.namespace, dataQualityMetrics=metrics, **found(unique=False))
    seen = quality_page(client, cast.steward, users)
    assert "48151623" in seen
    assert "actual-7" in seen
    hidden = quality_page(client, cast.analyst, users)
    assert "48151623" not in hidden
    assert "actual-7" not in hidden
    assert "unique" in hidden
    assert cast.outsider.user is not None
    client.force_login(cast.outsider.user)
    assert client.get(reverse("portal:dataset_tab", args=[users.pk, "quality"])).status_code == 403


def test_latest_profile_counts_from_wherever_it_was_told(send: Send) -> None:
    send("orders", dataQualityMetrics={"rowCount": 1, "columnMetrics": {}})
    send("orders", dataQualityMetrics={"rowCount": 2, "columnMetrics": {}})
    profile = quality_of(Dataset.objects.get(qualified_name="orders")).profile
    assert profile is not None
    assert profile.rows == 2


@pytest.mark.parametrize(
    "facet",
    [
        {"dataQualityAssertions": {"assertions": [{"assertion": 7}, "no", {"assertion": "x", "success": "yes"}]}},
        {"dataQualityAssertions": {"assertions": "none"}},
        {"dataQualityMetrics": {"columnMetrics": ["id"], "rowCount": "many"}},
        {"dataQualityMetrics": {"columnMetrics": {"id": None}, "rowCount": -1}},
        {"inputStatistics": {"rowCount": None, "size": True}},
    ],
    ids=["results", "no list", "columns", "nulls", "counts"],
)
def test_facets_of_another_shape_break_no_page(send: Send, client: Client, facet: dict[str, Any]) -> None:
    send("orders", **facet)
    quality_page(client, factories.person(administrator=True), Dataset.objects.get(qualified_name="orders"))


def test_reading_takes_as_many_statements_however_much_was_told(send: Send) -> None:
    for rows in range(4):
        send("orders", written=True, **counted(rows))
        send("orders", **found(unique=True))
    orders = Dataset.objects.get(qualified_name="orders")
    with CaptureQueriesContext(connection) as captured:
        quality_of(orders)
    assert len(captured) == 2
    with CaptureQueriesContext(connection) as captured:
        dataset_facets(orders)
    assert len(captured) == 2


def test_deleted_facet_is_no_longer_shown(sender: Principal) -> None:
    token = mint(principal=sender, name="nightly", scopes=(Scope.LINEAGE_WRITE,), by=sender).token
    for value, seconds in (({"storageLayer": "lake"}, 1), ({"_deleted": True}, 2)):
        event = say.dataset_event(say.dataset("orders", storage=value), seconds=seconds)
        accept_batch(json.dumps([event]).encode(), token=token)
        drain()
        names = [facet.name for facet in dataset_facets(Dataset.objects.get(qualified_name="orders"))]
        assert names == (["storage"] if seconds == 1 else [])
