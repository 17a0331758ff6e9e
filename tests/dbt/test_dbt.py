"""A real dbt project on the demo's warehouse, sent by `dbt-ol` to a running catalog."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Principal
from accounts.tokens import Scope, mint
from catalog.models import Dataset, DatasetName, Source
from ingestion.actions import request_crawl
from ingestion.crawling import run_crawl
from ingestion.models import RunState
from lineage.draining import drain
from lineage.models import DatasetEdge, Event, Job, Run
from portal.demo.databases import Places
from portal.demo.loading import Loading
from tests.dbt.environment import CannotInstall, programs
from tests.servers import plugin

pytestmark = [
    pytest.mark.long,
    pytest.mark.django_db(transaction=True),
]

PROJECT = Path(__file__).parent / "project"
MODELS = {"dbt_lateness.late_tasks", "dbt_lateness.lateness_by_unit"}
FLOWS = {
    ("staging.tasks", "dbt_lateness.late_tasks"),
    ("dbt_lateness.late_tasks", "dbt_lateness.lateness_by_unit"),
    ("staging.units", "dbt_lateness.lateness_by_unit"),
}


@pytest.fixture(scope="module")
def dbt() -> Path:
    """The folder of dbt's programs."""
    try:
        return programs()
    except CannotInstall as error:
        plugin.lacking("dbt", f"Its packages could not be installed: {error}.")
        raise


@pytest.fixture
def warehouse(tmp_path: Path, settings: Any, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Source:
    """The demo's warehouse, loaded and crawled."""
    settings.VAR_DIR = tmp_path
    settings.CONNECTION_ALLOWED_PATHS = [str(tmp_path / "files")]
    Loading(Places(tmp_path / "files"), live_server.url, only_here=True, note=lambda *step: None).run()
    return Source.objects.get(slug="warehouse")


def run_dbt(dbt: Path, project: Path, warehouse: Source, url: str) -> subprocess.CompletedProcess[str]:
    """`dbt-ol build` with a token of a pipeline, and nothing sent to anybody else."""
    pipeline = Principal.objects.create(kind=Principal.Kind.PIPELINE, name="dbt")
    issued = mint(
        principal=pipeline,
        name="dbt-ol",
        scopes=[Scope.LINEAGE_WRITE],
        namespaces=["dbt", warehouse.namespace],
        by=Principal.objects.system(),
    )
    environment = {
        "PATH": f"{dbt}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(project),
        "WAREHOUSE": warehouse.namespace.removeprefix("duckdb://"),
        "OPENLINEAGE_URL": url,
        "OPENLINEAGE_API_KEY": issued.text,
        "OPENLINEAGE_NAMESPACE": "dbt",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [str(dbt / "dbt-ol"), "build", "--profiles-dir", ".", "--no-use-colors"]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def flows() -> set[tuple[str, str]]:
    """The edges that dbt's models have, by the names that the crawl gave."""
    edges = DatasetEdge.objects.filter(job__namespace="dbt").select_related("upstream", "downstream")
    return {(".".join(edge.upstream.path[1:]), ".".join(edge.downstream.path[1:])) for edge in edges}


def test_dbt_models_stand_in_the_graph_joined_to_the_crawled_tables(
    dbt: Path, warehouse: Source, live_server: Any, tmp_path: Path, subtests: pytest.Subtests
):
    project = Path(shutil.copytree(PROJECT, tmp_path / "project"))
    before = Event.objects.count()
    done = run_dbt(dbt, project, warehouse, live_server.url)
    assert done.returncode == 0, done.stdout + done.stderr
    drain()

    with subtests.test("every event was taken: START and COMPLETE of the command and of both models"):
        assert Event.objects.count() - before >= 6
        runs = Run.objects.filter(job__namespace="dbt")
        assert {run.state for run in runs} == {"completed"}
        models = Job.objects.filter(namespace="dbt", links__dataset__qualified_name__contains="late")
        assert models.filter(runs__parent__in=runs.values("id")).exists()

    crawl = request_crawl(source=warehouse, by=Principal.objects.system())
    run_crawl(crawl.pk)
    crawl.refresh_from_db()

    with subtests.test("the next crawl finds the models where dbt said they are"):
        assert crawl.state == RunState.SUCCEEDED
        assert crawl.plan["added"] == len(MODELS)
        found = Dataset.objects.filter(source=warehouse, path__contains=["dbt_lateness"])
        assert {".".join(dataset.path[1:]) for dataset in found} == MODELS

    with subtests.test("crawl and dbt speak of one dataset, not of two with like names"):
        assert not Dataset.objects.filter(source=None).exists()
        for name in MODELS:
            both = DatasetName.objects.filter(
                namespace=warehouse.namespace, name__in=[name, f"warehouse.{name}"], valid_to=None
            )
            assert both.values("dataset_id").distinct().count() == 1
            assert both.count() == 2

    with subtests.test("the graph goes on from OnTrack's tables through staging to the models"):
        assert flows() == FLOWS
        staging = DatasetEdge.objects.filter(
            upstream__source__slug="ontrack", downstream__path=["warehouse", "staging", "tasks"]
        )
        assert staging.count() == 3
        assert set(staging.values_list("downstream_id", flat=True)) == set(
            DatasetEdge.objects.filter(job__namespace="dbt", downstream__path__contains=["late_tasks"]).values_list(
                "upstream_id", flat=True
            )
        )
