"""Where we hold health data, who owns it, and who has a grant to it."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access.actions import approve_request, request_access
from accounts.models import Principal
from catalog.models import Field
from classification.actions import set_level, suggest
from classification.detectors import Sensitivity, Verdict
from classification.models import Category, Level
from portal.held import exported, group_of, held_of
from tests.factories import Cast, dataset, domain, personas


@pytest.fixture
def cast(db: None) -> Cast:
    """users.name is health data by a person's word; users.email may be; payroll, elsewhere, too."""
    made = personas()
    elsewhere = Field.objects.get(dataset=dataset("payroll", domain=domain("Payroll"), fields=["illness"]))
    for field, by in ((made.field("name"), made.steward), (elsewhere, made.administrator)):
        set_level(
            fields=[field], level=Level.objects.get(slug="restricted"), category=Category.objects.get(slug="health"),
            reason="It names illnesses", by=by,
        )  # fmt: skip
    verdict = Verdict("disability", True, Sensitivity.RESTRICTED, 0.7)
    suggest(verdicts={made.field("email").pk: verdict}, by=Principal.objects.system())
    asked = request_access(
        dataset=made.dataset, fields=[made.field("name")], purpose="A study", days=7, by=made.analyst
    )
    approve_request(request=asked, by=made.owner, reason="As agreed")
    return made


def test_the_list_names_columns_owners_and_grants(cast: Cast) -> None:
    _, categories = group_of("health")
    (row,), _ = held_of(cast.steward, categories)
    assert row.dataset == cast.dataset
    assert [str(label.field) for label in row.columns] == ["name"]
    assert [str(label.field) for label in row.suggested] == ["email"]
    assert [grant.principal for grant in row.grants] == [cast.analyst]


def test_each_reader_sees_what_is_its_to_see(cast: Cast) -> None:
    _, categories = group_of("special")
    assert {row.dataset.name for row in held_of(cast.administrator, categories)[0]} == {"users", "payroll"}
    assert held_of(cast.outsider, categories)[0] == []


def test_pages_follow_each_other_and_the_file_has_them_all(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    _, categories = group_of("special")
    first, page = held_of(cast.administrator, categories, size=1)
    second, last = held_of(cast.administrator, categories, cursor=page.next_cursor, size=1)
    assert [row.dataset.name for row in (*first, *second)] == ["users", "payroll"]
    assert last.next_cursor is None
    monkeypatch.setattr("portal.held.MAX_PAGE_SIZE", 1)
    rows = list(csv.DictReader(io.StringIO("".join(exported(cast.administrator, categories)))))
    assert [row["column"] for row in rows] == ["name", "email", "illness"]


def test_the_file_has_a_line_a_column(cast: Cast) -> None:
    _, categories = group_of("health")
    rows = list(csv.DictReader(io.StringIO("".join(exported(cast.steward, categories)))))
    assert [(row["column"], row["state"], row["have a catalog grant"]) for row in rows] == [
        ("name", "confirmed", cast.analyst.name), ("email", "suggested", ""),
    ]  # fmt: skip


def test_the_page_calls_grants_the_catalogs_and_leads_to_who_can_read_it(client: Client, cast: Cast) -> None:
    url, readers = reverse("portal:held", args=["health"]), reverse("access:readers", args=[cast.dataset.pk])
    client.force_login(cast.steward.user)
    page = client.get(url).text
    assert "The grants are the catalog’s" in page and "Grants in the catalog" in page
    assert f'href="{readers}"' in page and client.get(readers).status_code == 200
    client.force_login(cast.analyst.user)
    page = client.get(url).text
    assert cast.dataset.qualified_name.split(".")[-1] in page
    assert readers not in page and client.get(readers).status_code == 403


def test_the_schema_tab_says_category_state_and_why(client: Client, cast: Cast) -> None:
    client.force_login(cast.analyst.user)
    page = client.get(reverse("portal:dataset_tab", args=[cast.dataset.pk, "schema"])).content.decode()
    assert "It names illnesses" in page and "confirmed" in page
    assert "Disability" in page and "suggested, 70 %" in page


def test_a_page_costs_the_same_for_many_datasets(client: Client, cast: Cast) -> None:
    client.force_login(cast.administrator.user)
    url = reverse("portal:held", args=["special"])

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    cost()
    before = cost()
    for _ in range(4):
        field = Field.objects.get(dataset=dataset(domain=cast.domain, fields=["illness"]))
        set_level(
            fields=[field], level=Level.objects.get(slug="restricted"), category=Category.objects.get(slug="health"),
            reason="It names illnesses", by=cast.steward,
        )  # fmt: skip
    assert cost() == before
