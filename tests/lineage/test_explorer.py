"""The explorer's page, panels and file, without JavaScript, for those who may see much and little."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Dataset, Tier
from catalog.search_index import refresh_search
from tests import factories
from tests.lineage.test_column_lineage import HASH, IDENTITY, fold  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db

FRAGMENT = {"HX-Request": "true"}


def named(name: str) -> Dataset:
    return Dataset.objects.get(qualified_name=name)


@pytest.fixture
def admin(client):
    found = factories.person("Ada", administrator=True)
    client.force_login(found.user)
    return found


@pytest.fixture
def reader(client):
    """Somebody who may read the metadata of the domain Open, and knows nothing of Closed."""
    found = factories.person("Rea")
    client.force_login(found.user)
    return found


def tab(client, dataset: Dataset, **query) -> str:
    response = client.get(reverse("portal:dataset_tab", args=[dataset.pk, "lineage"]), query)
    assert response.status_code == 200, response.content[:600]
    return response.content.decode()


def test_the_table_shows_counts_and_links_that_show_more(client, flow, admin):
    flow("a > ab > b", "b > bc > c", "c > cd > d")
    html = tab(client, named("b"), view="table")
    assert "1 of 1" in html and "0 of 1" in html
    more = f"expand={named('c').pk}.down.1"
    assert more.replace(".", "%2E") in html or more in html
    assert ">d<" in tab(client, named("b"), view="table", expand=f"{named('c').pk}.down.1")


def test_the_table_comes_in_pages(client, flow, admin):
    flow(*(f"hub > make{number} > t{number:03}" for number in range(70)))
    hub = named("hub")
    whole = {"view": "table", "expand": f"{hub.pk}.down.8"}
    first, second = tab(client, hub, **whole), tab(client, hub, page=2, **whole)
    assert "Page 1 of 2" in first and "Page 2 of 2" in second
    assert first.count('<th scope="row">') == 50 and second.count('<th scope="row">') == 21


def test_less_critical_datasets_are_left_out(client, flow, admin):
    flow("a > ab > b", "a > ac > c")
    Dataset.objects.filter(qualified_name="b").update(criticality=9)
    html = tab(client, named("a"), view="table", critical=5)
    assert ">b<" in html and ">c<" not in html


def test_a_path_is_told_in_words_and_marked(client, flow, admin):
    flow("a > ab > b", "b > bc > c")
    html = tab(client, named("a"), to=named("c").pk, view="table", list="connections")
    assert "a → b → c" in html and html.count("on the path") == 2
    assert "No path" in tab(client, named("a"), to=factories.dataset("alone", domain=factories.domain("X")).pk)


def test_the_two_ends_of_a_path_of_the_same_name_are_told_apart(client, flow, admin):
    flow("a > ab > b", "c > cd > d")
    for name in "abc":
        Dataset.objects.filter(qualified_name=name).update(name="users", path=[f"in_{name}", "users"])
    found = tab(client, named("a"), view="table", to=named("b").pk)
    assert "between in_a.users and in_b.users" in found and ">in_a.users → in_b.users<" in found
    assert "leads from in_a.users to in_c.users, or back" in tab(client, named("a"), view="table", to=named("c").pk)


def test_the_other_end_of_a_path_is_searched_among_what_the_reader_may_read(client, flow, reader):
    flow("a > ab > findme_one", "a > ab > findme_two")
    Dataset.objects.update(domain=factories.domain("Open", open_tier=Tier.METADATA))
    Dataset.objects.filter(qualified_name="findme_two").update(domain=factories.domain("Closed", open_tier=Tier.NONE))
    refresh_search(list(Dataset.objects.values_list("pk", flat=True)))
    answer = client.get(reverse("portal:lineage_targets", args=[named("a").pk]), {"find": "findme", "depth": "2"})
    html = answer.content.decode()
    assert f"to={named('findme_one').pk}" in html and "depth=2" in html and "findme_two" not in html
    assert "findme_one" in tab(client, named("a"), find="findme_one")


def test_the_panel_of_a_node_is_a_fragment_and_a_page(client, fold, admin):  # noqa: F811
    fold("one", ["a"], "b", email=[("a", "email", IDENTITY)])
    a, b = named("a"), named("b")
    Dataset.objects.filter(pk=b.pk).update(owner_names=["Olive Owner"], criticality=4)
    address = reverse("portal:lineage_node", args=[a.pk, b.pk])
    fragment = client.get(address, headers=FRAGMENT).content.decode()
    assert "Olive Owner" in fragment and f'data-column="{b.pk}:email"' in fragment and "<html" not in fragment
    assert "<html" in client.get(address).content.decode()
    assert "No column is called so" in client.get(address, {"q": "zzz"}, headers=FRAGMENT).content.decode()


def test_the_panel_of_a_connection_shows_run_code_and_masking_by_tier(client, flow, fold, admin):  # noqa: F811
    fold("mask", ["users"], "safe", digest=[("users", "email", HASH)])
    users, safe = named("users"), named("safe")
    address = reverse("portal:lineage_connection", args=[users.pk]) + f"?source={users.pk}&target={safe.pk}"
    html = client.get(address, headers=FRAGMENT).content.decode()
    assert "masks values" in html and "Completed" in html and "lower(x)" in html and "Told by a pipeline" in html
    Dataset.objects.update(domain=factories.domain("Open", open_tier=Tier.METADATA))
    client.force_login(factories.person().user)
    html = client.get(address, headers=FRAGMENT).content.decode()
    assert "lower(x)" not in html and "Its code is for those" in html
    assert client.get(address.replace(f"source={users.pk}", "source=999")).status_code == 404


def test_hidden_datasets_have_no_names_in_page_picture_and_file(client, flow, reader):
    flow("a > ab > secret_plan", "secret_plan > sc > c")
    Dataset.objects.update(domain=factories.domain("Open", open_tier=Tier.METADATA))
    Dataset.objects.filter(qualified_name="secret_plan").update(domain=factories.domain("Closed", open_tier=Tier.NONE))
    a = named("a")
    picture = client.get(reverse("portal:lineage_picture", args=[a.pk]), {"depth": 2})
    file = client.get(reverse("portal:lineage_file", args=[a.pk]), {"depth": 2})
    text = b"".join(file.streaming_content).decode()
    assert len(picture.json()["nodes"]) == 3
    for shown in (
        tab(client, a, depth=2),
        tab(client, a, depth=2, view="table", list="connections"),
        picture.content.decode(),
        text,
    ):
        assert "secret_plan" not in shown
    assert "a dataset you may not see" in text


def test_the_file_has_jobs_and_flows_and_runs_nothing_in_a_spreadsheet(client, fold, admin):  # noqa: F811
    fold("=cmd()", ["a"], "b", email=[("a", "+email", HASH)])
    a = named("a")
    file = client.get(reverse("portal:lineage_file", args=[a.pk]), {"column": f"{a.pk}:+email"})
    rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode())))
    assert [row["kind"] for row in rows] == ["dataset", "column"]
    assert rows[0]["job"] == "'=cmd()" and rows[1]["from_column"] == "'+email" and rows[1]["masked"] == "yes"


def test_an_address_that_cannot_be_read_is_422(client, flow, admin):
    flow("a > ab > b")
    address = reverse("portal:dataset_tab", args=[named("a").pk, "lineage"])
    assert client.get(address, {"expand": "everything"}).status_code == 422
    assert client.get(reverse("portal:lineage_picture", args=[named("a").pk]), {"depth": 0}).status_code == 422
    assert client.get(reverse("portal:lineage_columns", args=[named("a").pk]), {"columns": 0}).status_code == 422


def test_the_tab_costs_the_same_for_more_neighbours(client, flow, admin):
    def cost(**query) -> int:
        with CaptureQueriesContext(connection) as queries:
            tab(client, named("m"), **query)
        return len(queries)

    flow("a > 1 > m", "m > 2 > z")
    cost()
    few = cost()
    flow(
        *(f"a{number} > in{number} > m" for number in range(9)),
        *(f"m > out{number} > z{number}" for number in range(9)),
    )
    assert cost() == few
    assert cost(view="table") == few
    assert few <= 24
