"""docs/facets.md is true: every facet that openlineage-python can send is in it, and ends where it says."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from openlineage.client import OpenLineageClient, generated
from openlineage.client.facet_v2 import (
    BaseFacet,
    DatasetFacet,
    InputDatasetFacet,
    JobFacet,
    OutputDatasetFacet,
    RunFacet,
)
from openlineage.client.serde import Serde
from openlineage.client.transport.transport import Config, Transport

from accounts.models import ApiToken
from accounts.tokens import Scope, mint
from catalog.models import Dataset
from lineage import models
from lineage.draining import drain
from lineage.intake import accept
from lineage.models import ColumnEdge, DatasetEdge, JobEdge
from tests import factories
from tests.lineage import every_facet
from tests.lineage.every_facet import COPIES, FACETS, JOB, ORDERS, RAW, RUN

pytestmark = pytest.mark.django_db

REFERENCE = {
    "dataset": "schema dataSource documentation ownership symlinks datasetType version lifecycleStateChange storage catalog"
    " hierarchy tags dataQualityMetrics columnLineage lineage",
    "input": "dataQualityMetrics dataQualityAssertions inputStatistics subset icebergScanReport",
    "output": "outputStatistics subset icebergCommitReport",
    "job": "sql sourceCode sourceCodeLocation documentation ownership tags jobType lineage",
    "run": "parent nominalTime errorMessage externalQuery extractionError processing_engine environmentVariables"
    " executionParameters jobDependencies test tags",
}
"""The facets of OpenLineage 1.52, by what they are facets of."""


@dataclass(frozen=True, slots=True)
class Line:
    of: str
    facet: str
    class_name: str
    stored: str
    shown: str
    test: str


@cache
def table() -> tuple[Line, ...]:
    """The rows of the table in docs/facets.md."""
    text = (Path(settings.BASE_DIR) / "docs" / "facets.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return tuple(
        Line(of, facet.split("`")[1], class_name.strip("`"), stored, shown, test.strip("`"))
        for of, facet, class_name, stored, shown, test in rows[2:]
    )


def facet_classes() -> set[str]:
    """Every class of a facet in the installed openlineage-python."""
    bases = {BaseFacet, DatasetFacet, InputDatasetFacet, OutputDatasetFacet, JobFacet, RunFacet}
    found = set()
    for module in pkgutil.iter_modules(generated.__path__):
        for value in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, BaseFacet) and value not in bases:
                found.add(value.__name__)
    return found


def test_every_class_of_openlineage_python_is_in_the_table() -> None:
    assert len(facet_classes()) > 35
    assert facet_classes() <= {line.class_name for line in table()}
    assert {line.class_name for line in table()} - facet_classes() == {"–"}


def test_every_facet_of_the_reference_is_in_the_table() -> None:
    listed = {(line.of, line.facet) for line in table()}
    assert {(of, name) for of, names in REFERENCE.items() for name in names.split()} <= listed


def test_every_class_is_sent_under_the_name_that_the_table_gives() -> None:
    sent = {(of, name): type(facet).__name__ for of, facets in FACETS.items() for name, facet in facets.items()}
    assert sent.keys() == {(line.of, line.facet) for line in table()}
    assert {key: name for key, name in sent.items() if name in facet_classes()} == {
        (line.of, line.facet): line.class_name for line in table() if line.class_name != "–"
    }


@pytest.mark.parametrize("named", sorted({line.test for line in table()}))
def test_named_tests_exist(named: str) -> None:
    path, _, name = named.partition("::")
    tree = ast.parse((Path(settings.BASE_DIR) / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


class IntoIntake(Transport):
    """Hands what the client would send to the intake."""

    kind = "intake"
    config_class = Config

    def __init__(self, token: ApiToken) -> None:
        self.token = token

    def emit(self, event: Any) -> None:
        accept(Serde.to_json(event).encode(), token=self.token)


@pytest.fixture
def sent(db: None) -> dict[str, Any]:
    """One run with every facet, sent by openlineage-python and folded; the event as it was sent."""
    sender = factories.pipeline("nightly")
    token = mint(principal=sender, name="nightly", scopes=(Scope.LINEAGE_WRITE,), by=sender).token
    event = every_facet.event()
    OpenLineageClient(transport=IntoIntake(token)).emit(event)
    drain()
    found: dict[str, Any] = json.loads(Serde.to_json(event))
    return found


def _as_sent(event: dict[str, Any], line: Line) -> Any:
    raw, (orders, copies) = event["inputs"][0], event["outputs"]
    places = {
        "dataset": orders["facets"] | copies["facets"], "input": raw["inputFacets"], "output": orders["outputFacets"],
        "job": event["job"]["facets"], "run": event["run"]["facets"],
    }  # fmt: skip
    return places[line.of][line.facet]


_OWNERS = {
    "DatasetFacet": {"dataset__qualified_name__in": (ORDERS, COPIES)},
    "JobFacet": {"job__name": JOB},
    "RunFacet": {"run_id": RUN},
}


def test_every_facet_is_kept_whole_where_the_table_says(sent: dict[str, Any]) -> None:
    for line in table():
        register = line.stored.split("`")[1]
        owner = _OWNERS.get(register) or {
            "run_id": RUN, "dataset__qualified_name": RAW if line.of == "input" else ORDERS,
        }  # fmt: skip
        row = getattr(models, register).objects.select_related("content").get(name=line.facet, **owner)
        assert row.content.value == _as_sent(sent, line), line


SHOWN = {
    ("dataset", "dataSource"): "warehouse-source",
    ("dataset", "version"): "snapshot-2026-11",
    ("dataset", "storage"): "iceberg-layer",
    ("dataset", "catalog"): "shop-catalog",
    ("dataset", "hierarchy"): "schema sales-schema",
    ("dataset", "lifecycleStateChange"): "Overwritten",
    ("dataset", "datasetType"): "MATERIALIZED",
    ("dataset", "dataQualityMetrics"): "4711",
    ("dataset", "houseRules"): "viridian",
    ("dataset", "schema"): "order_total",
    ("dataset", "documentation"): "Orders, one a row.",
    ("dataset", "ownership"): "team:orders is owner of orders",
    ("dataset", "tags"): "golden",
    ("dataset", "symlinks"): "orders</code>",
    ("input", "dataQualityMetrics"): "815",
    ("input", "dataQualityAssertions"): "never-null-check",
    ("input", "inputStatistics"): 'data-value="123"',
    ("input", "subset"): "/day=2026-11-01",
    ("input", "icebergScanReport"): "71001",
    ("output", "outputStatistics"): 'data-value="987"',
    ("output", "subset"): "/written=2026-11-02",
    ("output", "icebergCommitReport"): "append-commit",
    ("job", "sql"): "sql_marker",
    ("job", "sourceCode"): "source_marker",
    ("job", "sourceCodeLocation"): "location_marker.py",
    ("job", "documentation"): "Loads every order.",
    ("job", "ownership"): "team:loaders",
    ("job", "tags"): "nightly-job",
    ("job", "jobType"): "HOMEGROWN",
    ("job", "lineage"): "export_orders",
    ("run", "parent"): "root-of-all",
    ("run", "nominalTime"): "2026-11-01T03:00:00Z",
    ("run", "errorMessage"): "at line 12 of loader",
    ("run", "externalQuery"): "query-4242",
    ("run", "extractionError"): "2 of 7 tasks",
    ("run", "processing_engine"): "Spark 3.5.1",
    ("run", "environmentVariables"): "sydney-2",
    ("run", "executionParameters"): "batch.size = 500",
    ("run", "test"): "no-orphans",
    ("run", "tags"): "backfill = november",
}
"""What the page of each facet says; those left out are proved by tests of their own in this module."""


def _page(of: str, facet: str) -> str:
    if of == "job":
        return reverse("lineage:job", args=[models.Job.objects.get(name=JOB).pk])
    if of == "run" or facet in ("subset", "icebergScanReport", "icebergCommitReport"):
        return reverse("lineage:run", args=[RUN])
    dataset = Dataset.objects.get(qualified_name=RAW if of == "input" else ORDERS)
    if facet in ("schema", "documentation", "ownership", "tags", "symlinks"):
        return reverse("portal:dataset", args=[dataset.pk])
    return reverse("portal:dataset_tab", args=[dataset.pk, "quality"])


def test_facet_is_shown(sent: dict[str, Any], client: Client) -> None:
    administrator = factories.person(administrator=True)
    assert administrator.user is not None
    client.force_login(administrator.user)
    pages: dict[str, str] = {}
    for (of, facet), words in SHOWN.items():
        url = _page(of, facet)
        if url not in pages:
            pages[url] = re.sub(r"<wbr\s*/?>", "", client.get(url).content.decode())
        assert words in pages[url], (of, facet, url)


def test_every_facet_has_a_test_of_where_it_is_shown() -> None:
    elsewhere = {("dataset", "columnLineage"), ("dataset", "lineage"), ("run", "jobDependencies")}
    assert SHOWN.keys() | elsewhere == {(line.of, line.facet) for line in table()}


def test_symlinks_are_names(sent: dict[str, Any], client: Client) -> None:
    other = Dataset.objects.get(namespace="s3://lake")
    orders = Dataset.objects.get(qualified_name=ORDERS)
    assert other.merged_into == orders
    administrator = factories.person(administrator=True)
    assert administrator.user is not None
    client.force_login(administrator.user)
    page = client.get(reverse("portal:dataset", args=[orders.pk])).content.decode()
    assert "Also called" in page
    assert "s3://" in page


@pytest.mark.parametrize(("name", "column"), [(ORDERS, "order_total"), (COPIES, "copied_total")])
def test_columns_are_explained(sent: dict[str, Any], name: str, column: str) -> None:
    written, read = Dataset.objects.get(qualified_name=name), Dataset.objects.get(qualified_name=RAW)
    assert DatasetEdge.objects.filter(upstream=read, downstream=written, current=True).exists()
    edge = ColumnEdge.objects.get(downstream__dataset=written, downstream__name=column)
    assert (edge.upstream.dataset, edge.upstream.name) == (read, "amount")


def test_jobs_wait_for_each_other(sent: dict[str, Any], client: Client) -> None:
    waits = JobEdge.objects.filter(downstream__name=JOB).values_list("upstream__name", flat=True)
    assert set(waits) == {"clean_orders", "export_orders"}
    administrator = factories.person(administrator=True)
    assert administrator.user is not None
    client.force_login(administrator.user)
    page = client.get(reverse("lineage:job", args=[models.Job.objects.get(name=JOB).pk])).content.decode()
    shown = page[page.index("Waits for") :]
    assert "clean_orders" in shown
    assert "export_orders" in shown
