"""What a picture of the explorer shows, for whom, and what it costs."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from catalog.models import Dataset, Tier
from common.errors import Invalid, NotFound
from lineage.exploring import Asked, ColumnAsked, asked_of, explore
from lineage.exploring.columns import columns_page
from lineage.exploring.connection import connection_between
from lineage.models import DatasetEdge
from tests import factories
from tests.lineage.test_column_lineage import FILTER, HASH, IDENTITY, fold  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db


def named(name: str) -> Dataset:
    return Dataset.objects.get(qualified_name=name)


def titles(picture) -> set[str]:
    return {node.title for node in picture.nodes}


def arrows(picture) -> set[tuple[str, str]]:
    return {(picture.by_key[edge.source].title, picture.by_key[edge.target].title) for edge in picture.edges}


def node(picture, title: str):
    return next(one for one in picture.nodes if one.title == title)


@pytest.fixture
def admin():
    return factories.person(administrator=True)


CHAIN = ("a > ab > b", "b > bc > c", "c > cd > d", "d > de > e")


def test_it_opens_with_the_direct_neighbours_and_says_how_many_more_there_are(flow, admin):
    flow(*CHAIN)
    picture = explore(admin, named("c"), Asked())
    assert titles(picture) == {"b", "c", "d"}
    assert arrows(picture) == {("b", "c"), ("c", "d")}
    assert (node(picture, "b").up.shown, node(picture, "b").up.total) == (0, 1)
    assert (node(picture, "b").down.shown, node(picture, "b").down.total) == (1, 1)


def test_a_node_expands_either_way_and_what_it_shows_expands_too(flow, admin):
    flow(*CHAIN, "b > side > s")
    b, c = named("b"), named("c")
    picture = explore(admin, c, Asked(expanded={(str(b.pk), "up"): 1, (str(b.pk), "down"): 1}))
    assert titles(picture) == {"a", "b", "c", "d", "s"}
    deeper = explore(admin, b, Asked(expanded={(str(c.pk), "down"): 1, (str(named("d").pk), "down"): 1}))
    assert titles(deeper) == {"a", "b", "c", "d", "e", "s"}


def test_a_node_can_be_collapsed(flow, admin):
    flow(*CHAIN)
    collapsed = Asked(depth=3, expanded={(str(named("c").pk), "down"): 0})
    assert titles(explore(admin, named("b"), collapsed)) == {"a", "b", "c"}


def test_neighbours_come_in_pages_of_ten_with_the_most_critical_first(flow, admin):
    flow(*(f"hub > make{number} > t{number:02}" for number in range(23)))
    for number in range(23):
        Dataset.objects.filter(qualified_name=f"t{number:02}").update(criticality=number)
    hub = named("hub")
    first = explore(admin, hub, Asked())
    assert titles(first) == {"hub", *(f"t{number:02}" for number in range(13, 23))}
    assert (node(first, "hub").down.shown, node(first, "hub").down.total) == (10, 23)
    third = explore(admin, hub, Asked(expanded={(str(hub.pk), "down"): 3}))
    assert len(third.nodes) == 24


def test_hidden_datasets_are_anonymous_and_can_be_walked_beyond(flow):
    flow("a > ab > h", "h > hc > c", "c > cd > d")
    closed = factories.domain("Closed", open_tier=Tier.NONE)
    open_ = factories.domain("Open", open_tier=Tier.METADATA)
    Dataset.objects.update(domain=open_)
    Dataset.objects.filter(qualified_name="h").update(domain=closed)
    reader = factories.person()
    picture = explore(reader, named("a"), Asked())
    (hidden,) = [one for one in picture.nodes if one.is_hidden]
    assert hidden.key != str(named("h").pk) and not hidden.place and hidden.criticality is None
    assert hidden.down.total == 1
    beyond = explore(reader, named("a"), Asked(expanded={(hidden.key, "down"): 1}))
    assert titles(beyond) == {"a", "", "c"}
    assert explore(factories.person("another"), named("a"), Asked()).nodes[-1].key != hidden.key
    told = connection_between(reader, named("a"), str(named("a").pk), hidden.key)
    assert told.source == named("a") and told.target is None and [maker.job.name for maker in told.makers] == ["ab"]


def test_edges_between_two_datasets_that_may_not_be_read_are_not_told(flow):
    flow("a > ab > h1", "h1 > hh > h2")
    Dataset.objects.update(domain=factories.domain("Closed", open_tier=Tier.DISCOVER))
    Dataset.objects.filter(qualified_name="a").update(domain=factories.domain("Open", open_tier=Tier.METADATA))
    reader = factories.person()
    picture = explore(reader, named("a"), Asked(depth=5))
    assert titles(picture) == {"a", "h1"}
    assert node(picture, "h1").down.total == 0 and node(picture, "h1").criticality is None
    with pytest.raises(NotFound):
        connection_between(reader, named("a"), str(named("h1").pk), str(named("h2").pk))


def test_the_time_changes_the_picture_and_its_counts(flow, admin):
    flow("a > ab > b")
    DatasetEdge.objects.update(first_seen=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    before = explore(admin, named("b"), Asked(as_of=dt.datetime(2026, 10, 1, tzinfo=dt.UTC)))
    assert titles(before) == {"b"} and before.nodes[0].up.total == 0
    assert titles(explore(admin, named("b"), Asked(as_of=dt.datetime(2026, 11, 20, tzinfo=dt.UTC)))) == {"a", "b"}


def test_a_column_is_followed_through_datasets_that_were_not_shown(fold, admin):  # noqa: F811
    fold("one", ["a"], "b", email=[("a", "email", IDENTITY)])
    fold("two", ["b"], "c", digest=[("b", "email", HASH)], whole=[("b", "active", FILTER)])
    fold("three", ["c"], "d", digest=[("c", "digest", IDENTITY)])
    picture = explore(admin, named("a"), Asked(column=ColumnAsked(named("a").pk, "email")))
    assert titles(picture) == {"a", "b", "c", "d"}
    assert picture.trace is not None
    names = [(flow.source_column, flow.target_column, flow.masking) for flow in picture.trace.flows]
    assert set(names) == {("email", "email", False), ("email", "digest", True), ("digest", "digest", False)}
    filtering = explore(admin, named("b"), Asked(column=ColumnAsked(named("b").pk, "active"))).trace
    assert filtering is not None
    assert [(one.source_column, one.target_column, one.subtype) for one in filtering.influences] == [
        ("active", None, "FILTER")
    ]


def test_columns_of_datasets_that_may_not_be_read_have_no_names(fold):  # noqa: F811
    fold("one", ["a"], "b", email=[("a", "email", IDENTITY)])
    Dataset.objects.filter(qualified_name="a").update(domain=factories.domain("Open", open_tier=Tier.METADATA))
    Dataset.objects.filter(qualified_name="b").update(domain=factories.domain("Closed", open_tier=Tier.DISCOVER))
    picture = explore(factories.person(), named("a"), Asked(column=ColumnAsked(named("a").pk, "email")))
    assert picture.trace is not None
    assert [(one.source_column, one.target_column) for one in picture.trace.flows] == [("email", "")]
    closed = Asked(column=ColumnAsked(named("b").pk, "email"))
    assert explore(factories.person(), named("a"), closed).trace is None


def test_a_path_is_found_whichever_way_it_leads(flow, admin):
    flow(*CHAIN, "b > short > d")
    there = explore(admin, named("b"), Asked(target=named("e").pk))
    keys = {str(named(name).pk): name for name in "abcde"}
    assert [[keys[key] for key in path] for path in there.paths] == [["b", "d", "e"], ["b", "c", "d", "e"]]
    assert {("d", "e")} <= {(keys[edge.source], keys[edge.target]) for edge in there.edges if edge.on_path}
    back = explore(admin, named("e"), Asked(target=named("a").pk))
    assert [keys[key] for key in back.paths[0]] == ["a", "b", "d", "e"]


def test_names_on_a_path_are_qualified_where_two_are_the_same(flow, admin):
    def told(**changes) -> list[str]:
        for name, values in changes.items():
            Dataset.objects.filter(qualified_name=name).update(**values)
        picture = explore(admin, named("a"), Asked(target=named("d").pk))
        return [picture.path_names[key] for key in picture.paths[0]]

    flow(*CHAIN)
    assert told() == ["a", "b", "c", "d"]
    shop, mart = {"name": "users", "path": ["shop", "users"]}, {"name": "users", "path": ["mart", "users"]}
    assert told(a=shop, b=mart) == ["shop.users", "mart.users", "c", "d"]
    assert told(b={**shop, "namespace": "postgres://elsewhere:5432"}) == [
        f"a of {named('a').namespace}", "b of postgres://elsewhere:5432", "c", "d"
    ]  # fmt: skip


def test_a_hidden_dataset_on_a_path_has_no_name_and_makes_no_other_name_longer(flow):
    flow(*CHAIN[:2])
    Dataset.objects.update(domain=factories.domain("Open", open_tier=Tier.METADATA))
    Dataset.objects.filter(qualified_name="b").update(
        domain=factories.domain("Closed", open_tier=Tier.NONE), name="a", path=["secret", "a"]
    )
    picture = explore(factories.person(), named("a"), Asked(target=named("c").pk))
    assert [picture.path_names.get(key, "") for key in picture.paths[0]] == ["a", "", "c"]


def test_a_connection_tells_its_jobs_runs_columns_and_masking(fold, admin):  # noqa: F811
    fold("mask", ["users"], "safe", digest=[("users", "email", HASH)])
    users, safe = named("users"), named("safe")
    told = connection_between(admin, users, str(users.pk), str(safe.pk))
    (maker,) = told.makers
    assert maker.job.name == "mask" and maker.is_current and maker.run is not None and maker.run.state == "completed"
    assert [(step.source, step.target, step.subtype, step.description) for step in maker.columns] == [
        ("email", "digest", "TRANSFORMATION", "lower(x)")
    ]
    assert told.is_masking
    with pytest.raises(NotFound):
        connection_between(admin, users, str(safe.pk), str(users.pk))


def test_code_and_descriptions_are_for_the_third_tier(fold):  # noqa: F811
    fold("mask", ["users"], "safe", digest=[("users", "email", HASH)])
    Dataset.objects.update(domain=factories.domain("Open", open_tier=Tier.METADATA))
    users = named("users")
    (maker,) = connection_between(factories.person(), users, str(users.pk), str(named("safe").pk)).makers
    assert not maker.is_open and maker.sql == "" and maker.columns[0].description == ""


def test_columns_come_in_pages_and_those_with_lineage_first(fold, admin):  # noqa: F811
    fold("one", ["a"], "b", zip_code=[("a", "zip_code", IDENTITY)])
    a = named("a")
    for number in range(23):
        factories.field(a, f"c{number:02}", position=number)
    first = columns_page(a)
    assert (first.columns[0].name, first.columns[0].has_down, first.total, first.pages) == ("zip_code", True, 24, 3)
    assert len(columns_page(a, page=3).columns) == 4
    assert [column.name for column in columns_page(a, text="C0").columns] == [f"c0{number}" for number in range(10)]


def test_an_address_is_read_as_it_was_written():
    asked = Asked(
        direction="up", depth=2, as_of=dt.datetime(2026, 11, 3, 4, 5, tzinfo=dt.UTC), expanded={("12", "up"): 3},
        opened=(4, 5), column=ColumnAsked(4, "a.b:c"), critical=7, target=9, view="table", listed="connections", page=2,
    )  # fmt: skip
    assert asked_of(QueryDict(asked.query())) == asked
    assert Asked().query() == ""


@pytest.mark.parametrize("text", ["2026-11-03T04:05", "2026-11-03T04:05:00Z", "2026-11-03T15:05:00%2B11:00"])
def test_a_time_without_a_zone_is_in_utc(settings, text):
    settings.TIME_ZONE = "Australia/Melbourne"
    assert asked_of(QueryDict(f"as_of={text}")).as_of == dt.datetime(2026, 11, 3, 4, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "query",
    ["expand=x", "expand=1.left.2", "open=a", "column=email", "depth=0", "direction=left", "to=x", "as_of=2026-11-31"],
)
def test_an_address_that_cannot_be_read_says_what_is_wrong(query):
    with pytest.raises(Invalid) as caught:
        asked_of(QueryDict(query))
    assert caught.value.fields


@pytest.mark.parametrize("is_admin", [True, False])
def test_a_picture_costs_the_same_whatever_its_size(flow, is_admin):
    reader = factories.person(administrator=is_admin)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            explore(reader, named("m"), Asked(depth=2))
        return len(queries)

    flow("a > 1 > m", "m > 2 > z")
    open_ = factories.domain("Open", open_tier=Tier.METADATA)
    Dataset.objects.update(domain=open_)
    cost()  # What a reader sees by its roles is read once.
    few = cost()
    flow(
        *(f"a{number} > in{number} > m" for number in range(9)),
        *(f"m > out{number} > z{number}" for number in range(9)),
    )
    Dataset.objects.update(domain=open_)
    assert cost() == few <= (8 if is_admin else 12)


def test_layers_and_cycles_of_what_is_shown_are_told(client, admin, flow):
    flow("a > j1 > b", "b,d > j2 > c", "c > j3 > d", "d > j4 > e")
    picture = explore(admin, named("c"), Asked(depth=5))
    assert [sorted(node.title for node in layer) for layer in picture.layers] == [["a"], ["b"], ["c", "d"], ["e"]]
    assert {node.title: picture.layer_of[node.key] for node in picture.nodes} == {
        "a": 1,
        "b": 2,
        "c": 3,
        "d": 3,
        "e": 4,
    }
    client.force_login(admin.user)
    html = client.get(f"/datasets/{named('c').pk}/lineage/", {"view": "table", "depth": 5}).content.decode()
    assert "Rows flow through 4 layers" in html and "3 of 4" in html
    assert "A cycle: " in html and "flow into each other." in html
