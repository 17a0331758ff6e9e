"""Neighbours and connections by REST, for who may see much and little."""

from __future__ import annotations

import pytest

from catalog.models import Dataset, Tier
from tests import factories
from tests.lineage.test_column_lineage import HASH, fold  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db


def named(name: str) -> Dataset:
    return Dataset.objects.get(qualified_name=name)


def rest(client, principal, path, status=200, **query):
    response = client.get(f"/api/v2/datasets/{path}", query, headers=factories.bearer(principal, "lineage:read"))
    assert response.status_code == status, response.content
    return response.json()


@pytest.fixture
def admin():
    return factories.person(administrator=True)


def test_neighbours_come_in_pages_with_the_most_critical_first(client, flow, admin):
    flow(*(f"hub > make{number} > t{number:02}" for number in range(13)))
    Dataset.objects.filter(qualified_name="t07").update(criticality=3)
    first = rest(client, admin, f"{named('hub').pk}/neighbours/")
    assert first["neighbours"][0]["name"] == "t07" and first["neighbours"][0]["criticality"] == 3
    assert (len(first["neighbours"]), first["pages"], first["total"]) == (10, 2, 13)
    assert len(rest(client, admin, f"{named('hub').pk}/neighbours/", page=2)["neighbours"]) == 3
    assert rest(client, admin, f"{named('t07').pk}/neighbours/", direction="up")["neighbours"][0]["name"] == "hub"
    assert rest(client, admin, f"{named('hub').pk}/neighbours/", as_of="2020-01-01T00:00:00Z")["total"] == 0
    rest(client, admin, f"{named('hub').pk}/neighbours/", 422, direction="left")


def test_hidden_neighbours_are_counted_and_have_no_name(client, flow):
    flow("a > ab > b", "a > ac > c")
    Dataset.objects.update(domain=factories.domain("Open", open_tier=Tier.METADATA))
    Dataset.objects.filter(qualified_name="b").update(
        domain=factories.domain("Closed", open_tier=Tier.NONE), criticality=9
    )
    answer = rest(client, factories.person(), f"{named('a').pk}/neighbours/")
    assert [one["name"] for one in answer["neighbours"]] == ["c", None] and answer["total"] == 2
    assert answer["neighbours"][1]["id"] is None and answer["neighbours"][1]["criticality"] is None


def test_a_connection_has_its_jobs_with_run_and_columns(client, fold, admin):  # noqa: F811
    fold("mask", ["users"], "safe", digest=[("users", "email", HASH)])
    users, safe = named("users"), named("safe")
    answer = rest(client, admin, f"{users.pk}/connections/{safe.pk}/")
    (job,) = answer["jobs"]
    assert answer["masking"] is True
    assert (job["name"], job["origin"], job["current"], job["run_state"]) == ("mask", "event", True, "completed")
    assert job["columns"] == [
        {
            "upstream": "email", "downstream": "digest", "type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True,
            "description": "lower(x)",
        }
    ]  # fmt: skip
    rest(client, admin, f"{safe.pk}/connections/{users.pk}/", 404)
