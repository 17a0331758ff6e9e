"""What a change reaches, as a page, as REST and as a file."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.models import Grant
from access.states import GrantState
from catalog.models import Dataset, Tier
from lineage.models import Column, ColumnEdge, DatasetEdge, Explanation, Job
from tests import factories
from tests.factories import Cast, bearer

pytestmark = pytest.mark.django_db


def flow(upstream: Dataset, downstream: Dataset, *columns: tuple[str, str], masking: bool = False) -> Job:
    """A job that reads one and writes the other, and fills columns so."""
    now = timezone.now()
    job = Job.objects.create(namespace="airflow", name=f"job {downstream.pk}", first_seen=now, last_seen=now)
    DatasetEdge.objects.create(upstream=upstream, downstream=downstream, job=job, first_seen=now, last_seen=now)
    if columns:
        told = Explanation.objects.create(job=job, dataset=downstream, content=f"{job.pk:032x}", current=True)
        for source, target in columns:
            up, _ = Column.objects.get_or_create(dataset=upstream, name=source)
            down, _ = Column.objects.get_or_create(dataset=downstream, name=target)
            ColumnEdge.objects.create(
                explanation=told, upstream=up, downstream=down, type=1, masking=masking, current=True
            )
    return job


def grant(dataset: Dataset) -> None:
    Grant.objects.create(
        principal=factories.person(),
        dataset=dataset,
        state=GrantState.RECORDED.value,
        valid_from=timezone.now(),
        valid_to=timezone.now() + dt.timedelta(days=9),
        granted_by=factories.person(),
    )


@dataclass(frozen=True)
class World:
    cast: Cast
    users: Dataset
    clean: Dataset


@pytest.fixture
def world(db) -> World:
    """users.email flows to =clean.email, from there masked to hashed; `secret` reads users and is hidden."""
    cast = factories.personas()
    users = factories.dataset("users", domain=cast.domain)
    clean = factories.dataset("=clean", domain=cast.domain, owner=cast.steward)
    hashed = factories.dataset("hashed", domain=cast.domain)
    secret = factories.dataset("secret", domain=factories.domain(open_tier=Tier.NONE))
    Dataset.objects.filter(pk=clean.pk).update(owner_names=["Ada"])
    flow(users, clean, ("email", "email"))
    flow(clean, hashed, ("email", "hash"), masking=True)
    flow(users, secret, ("email", "address"))
    grant(clean)
    return World(cast, users, clean)


def page(client: Client, world, person, query: str = "") -> str:
    client.force_login(person.user)
    return unescape(client.get(f"/datasets/{world.users.pk}/impact/?{query}").content.decode())


def test_the_page_says_the_verdict_and_groups_by_distance(client, world):
    shown = page(client, world, world.cast.steward, "column=email&change=drop")
    assert (
        "Dropping email breaks 2 columns in 3 datasets. They are owned by Ada (1); 1 has no owner; 1 is hidden from you."
        in shown
    )
    assert "1 step away" in shown and "2 steps away" in shown
    assert "1 open grant that you may know of is on what it reaches." in shown
    assert "a dataset you may not see" in shown and "secret" not in shown


def test_who_may_not_read_the_dataset_has_no_page_and_an_unknown_column_is_not_found(client, world):
    client.force_login(world.cast.outsider.user)
    assert client.get(f"/datasets/{world.users.pk}/impact/").status_code == 403
    client.force_login(world.cast.steward.user)
    assert client.get(f"/datasets/{world.users.pk}/impact/?column=nothing").status_code == 404
    assert client.get(f"/datasets/{world.users.pk}/impact/?change=burn").status_code == 422


def test_the_lineage_tab_links_to_it(client, world):
    client.force_login(world.cast.steward.user)
    assert f"/datasets/{world.users.pk}/impact/" in client.get(f"/datasets/{world.users.pk}/lineage/").content.decode()


def test_rest_counts_everything_and_shows_as_much_as_asked(client, world):
    path = f"/api/v2/impact/datasets/{world.users.pk}/?column=email&change=drop"
    told = client.get(f"{path}&limit=1", headers=bearer(world.cast.steward, "lineage:read")).json()
    assert told["counts"] == {
        "datasets": 3, "hidden": 1, "breaking": 3, "broken_columns": 2, "changed_columns": 0, "jobs": 3, "open_grants": 1
    }  # fmt: skip
    (only,) = told["datasets"]
    assert (only["dataset"], only["effect"], only["open_grants"]) == (world.clean.pk, "breaks", 1)
    assert only["columns"] == [{"name": "email", "distance": 1, "effect": "breaks", "masked": False}]
    assert told["more"] == 2
    assert [job["name"] for job in told["jobs"]] == [f"job {world.clean.pk}"]


def test_rest_counts_no_grant_that_the_reader_may_not_know_of(client, world):
    reader = factories.person()
    factories.role(world.cast.domain, reader, "viewer")
    told = client.get(f"/api/v2/impact/datasets/{world.users.pk}/", headers=bearer(reader, "lineage:read")).json()
    assert told["counts"]["open_grants"] == 0


def test_the_file_has_a_line_for_each_column_and_runs_nothing(client, world):
    client.force_login(world.cast.steward.user)
    answer = client.get(f"/datasets/{world.users.pk}/impact.csv?column=email&change=drop")
    assert answer.streaming
    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    named = {(line["dataset"].rsplit(".")[-1], line["column"], line["column_effect"], line["masked"]) for line in lines}
    assert named == {
        ("=clean", "email", "breaks", "no"), ("hashed", "hash", "breaks", "yes"),
        ("a dataset you may not see", "", "", ""),
    }  # fmt: skip
    assert not [cell for line in lines for cell in line.values() if cell.startswith(("=", "+", "-", "@", "\t"))]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_is_text(cell):
    from common.spreadsheets import harmless

    assert harmless(cell) == f"'{cell}"
    assert harmless("a=1") == "a=1"


def test_the_number_of_statements_does_not_grow_with_what_is_reached(client, world):
    def statements() -> int:
        client.force_login(world.cast.steward.user)
        client.get(f"/datasets/{world.users.pk}/impact/?change=drop")
        with CaptureQueriesContext(connection) as captured:
            page(client, world, world.cast.steward, "change=drop")
        return len(captured)

    few = statements()
    for number in range(20):
        flow(world.users, factories.dataset(f"more_{number}", domain=world.cast.domain), ("email", "x"))
    assert statements() == few
