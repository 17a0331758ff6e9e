"""The names of a dataset, why it is one with others, what separating would do, and the undo of it; changes of its life."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tokens import mint
from audit.models import Record
from catalog.models import Dataset, Proposal, Tier
from common.errors import Conflict, Forbidden, NotFound
from lineage import reading
from lineage.draining import drain
from lineage.intake import accept_batch
from lineage.merging import decide_same, separate, separation_of
from lineage.models import DatasetEdge, LifeChange, LifeKind, SameAs
from tests import factories
from tests.lineage.events import NAMESPACE, dataset, dataset_event, run_event, run_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def tell():
    sender = factories.pipeline("nightly")
    token = mint(principal=sender, name="names", scopes=["lineage:write"], by=sender).token

    def send(*events: dict) -> None:
        accept_batch(json.dumps(events).encode(), token=token)
        drain()

    return send


@pytest.fixture
def admin():
    return factories.person("Ada", administrator=True)


def named(name: str) -> Dataset:
    return Dataset.objects.get(qualified_name=name)


def alias(name: str, *others: str, seconds: float = 5) -> dict:
    names = [{"namespace": NAMESPACE, "name": other, "type": "TABLE"} for other in others]
    return dataset_event(dataset(name, symlinks={"identifiers": names}), seconds=seconds)


def life(name: str, kind: str, seconds: float, previous: str = "") -> dict:
    facet: dict[str, object] = {"lifecycleStateChange": kind}
    if previous:
        facet |= {"previousIdentifier": {"namespace": NAMESPACE, "name": previous}}
    return dataset_event(dataset(name, lifecycleStateChange=facet), seconds=seconds)


@pytest.fixture
def chain(tell):
    """a is one with b, and b with c; each is written by a job of its own."""
    tell(
        *(run_event("COMPLETE", job=f"write_{name}", inputs=["raw"], outputs=[name]) for name in "abc"),
        alias("b", "a", "c"),
    )


def groups() -> dict[str, str]:
    rows = Dataset.objects.filter(merged_into__isnull=False)
    return dict(rows.values_list("qualified_name", "merged_into__qualified_name"))


def page(client, principal, name: str, *args, status: int = 200) -> str:
    client.force_login(principal.user)
    response = client.get(reverse(name, args=args))
    assert response.status_code == status, response.content[:500]
    return response.content.decode()


def test_names_tell_where_they_come_from_and_why_datasets_are_one(client, admin, chain):
    assert groups() == {"b": "a", "c": "a"}
    identity = reading.identity_of(admin, named("a"))
    assert [name.name for name in identity.names] == ["a", "b", "c"]
    assert [(tie.first.qualified_name, tie.second.qualified_name, tie.told_by.name) for tie in identity.within()] == [
        ("a", "b", "nightly"), ("b", "c", "nightly"),
    ]  # fmt: skip
    html = page(client, admin, "lineage:names", named("a").pk)
    assert "nightly told of it as another name" in html and "Separate" in html
    # Whoever has the address of a merged one is led to the one that stands.
    client.force_login(admin.user)
    assert client.get(reverse("lineage:names", args=[named("c").pk])).url == reverse(
        "lineage:names", args=[named("a").pk]
    )


@pytest.mark.parametrize(
    ("cut", "left", "others"),
    [("a", {"c": "b"}, [["b", "c"], ["a"]]), ("b", {}, [["a"], ["b"], ["c"]]), ("c", {"b": "a"}, [["a", "b"], ["c"]])],
)
def test_the_preview_of_a_chain_says_what_separating_then_does(client, admin, chain, cut, left, others):
    plan = separation_of(named(cut))
    told = [[one.qualified_name for one in group] for group in plan.groups]
    assert sorted(told) == sorted(others)
    html = page(client, admin, "lineage:separate", named(cut).pk)
    assert f"there are then {len(others)}" in html
    assert ("still merged" in html) is (cut != "b")
    assert client.post(reverse("lineage:separate", args=[named(cut).pk])).status_code == 302
    assert groups() == left
    # What each was told comes back to it.
    assert DatasetEdge.objects.filter(downstream=named(cut), job__name=f"write_{cut}").exists()


def test_separating_is_recorded_in_plain_sentences_and_can_be_undone(client, admin, chain):
    separate(dataset=named("b"), by=admin)
    html = page(client, admin, "portal:dataset_tab", named("b").pk, "activity")
    assert "denied that a and b are one dataset" in html
    assert "let b stand for itself again, apart from a" in html
    names = page(client, admin, "lineage:names", named("b").pk)
    assert names.count("Ada said that they are two") == 2
    again = reverse("lineage:merge", args=[named("a").pk, named("b").pk])
    assert "one dataset?" in page(client, admin, "lineage:merge", named("a").pk, named("b").pk)
    assert client.post(again).status_code == 302
    assert groups() == {"b": "a"}


def test_pipelines_do_not_merge_again_what_was_separated(admin, chain, tell):
    separate(dataset=named("b"), by=admin)
    tell(alias("b", "a", "c", seconds=60), alias("a", "b", seconds=61))
    assert groups() == {}


def test_separating_is_all_or_nothing(admin, chain):
    """Who curates one end only of two governed links cuts none."""
    mine, theirs = factories.domain("Mine"), factories.domain("Theirs")
    steward = factories.person("steward")
    factories.role(mine, steward)
    Dataset.objects.filter(qualified_name__in=["a", "b"]).update(domain=mine)
    Dataset.objects.filter(qualified_name="c").update(domain=theirs)
    before = list(SameAs.objects.values("first", "second", "decision"))
    records = Record.objects.count()
    with pytest.raises((Forbidden, NotFound)):
        separate(dataset=named("b"), by=steward)
    assert list(SameAs.objects.values("first", "second", "decision")) == before
    assert groups() == {"b": "a", "c": "a"} and Record.objects.count() == records
    with pytest.raises((Forbidden, NotFound)):
        decide_same(first=named("b"), second=named("c"), same=False, by=steward)
    separate(dataset=named("a"), by=steward)
    assert groups() == {"c": "b"}


def test_many_links_cost_no_more_statements_than_two(admin, tell):
    costs = []
    for letter, count in (("p", 2), ("q", 12)):
        others = [f"{letter}{number}" for number in range(1, count + 1)]
        tell(run_event("COMPLETE", outputs=[f"{letter}0", *others]), alias(f"{letter}0", *others))
        with CaptureQueriesContext(connection) as queries:
            separate(dataset=named(f"{letter}0"), by=admin)
        costs.append(len(queries))
        assert groups() == {}
    assert costs[0] == costs[1]


def test_what_is_merged_with_nothing_cannot_be_separated(client, admin, tell):
    tell(run_event("COMPLETE", outputs=["alone"]))
    with pytest.raises(Conflict, match="not merged"):
        separate(dataset=named("alone"), by=admin)
    client.force_login(admin.user)
    response = client.get(reverse("lineage:separate", args=[named("alone").pk]), follow=True)
    assert "is not merged with another dataset" in response.content.decode()


def test_a_proposal_that_nobody_accepted_is_no_link_to_cut(admin, tell):
    tell(run_event("COMPLETE", outputs=["x", "y", "z"]), alias("x", "y"))
    Dataset.objects.filter(qualified_name="z").update(domain=factories.domain("Shop"))
    tell(alias("x", "y", "z", seconds=9))
    assert Proposal.objects.filter(kind="same_as", state="open").count() == 1
    separate(dataset=named("x"), by=admin)
    assert SameAs.objects.filter(decision="open").count() == 1
    assert Proposal.objects.filter(kind="same_as", state="open").count() == 1
    assert [tie.state for tie in reading.identity_of(admin, named("x")).ties] == ["apart", "asked"]


def test_ties_to_datasets_out_of_sight_are_not_told(chain, admin):
    separate(dataset=named("c"), by=admin)
    Dataset.objects.filter(qualified_name="c").update(domain=factories.domain("Closed", open_tier=Tier.NONE))
    Dataset.objects.filter(qualified_name__in=["a", "b"]).update(
        domain=factories.domain("Open", open_tier=Tier.METADATA)
    )
    outsider = factories.person("outsider")
    assert [tie.state for tie in reading.identity_of(outsider, named("a")).ties] == ["merged"]
    assert len(reading.identity_of(admin, named("a")).ties) == 2


def rest(client, principal, method: str, path: str, body=None, scope: str = "lineage:read", **headers):
    values = factories.bearer(principal, scope) | {name.replace("_", "-"): value for name, value in headers.items()}
    return client.generic(
        method,
        f"/api/v2/{path}",
        b"" if body is None else json.dumps(body).encode(),
        "application/json",
        headers=values,
    )


def test_rest_previews_separates_and_merges_with_etags(client, admin, chain):
    a, b, c = (named(name).pk for name in "abc")
    told = rest(client, admin, "GET", f"datasets/{a}/merges/")
    assert [(tie["first"]["name"], tie["second"]["name"], tie["state"]) for tie in told.json()["ties"]] == [
        ("a", "b", "merged"), ("b", "c", "merged"),
    ]  # fmt: skip
    plan = rest(client, admin, "GET", f"datasets/{b}/separation/")
    assert [[one["name"] for one in group] for group in plan.json()["groups"]] == [["a"], ["b"], ["c"]]
    write = "catalog:write"
    assert rest(client, admin, "POST", f"datasets/{b}/separation/", scope=write).status_code == 428
    stale = rest(client, admin, "POST", f"datasets/{b}/separation/", scope=write, If_Match='"old"')
    assert stale.status_code == 412 and groups() == {"b": "a", "c": "a"}
    done = rest(client, admin, "POST", f"datasets/{b}/separation/", scope=write, If_Match=plan["ETag"])
    assert done.status_code == 200 and groups() == {}
    assert rest(client, admin, "GET", f"datasets/{b}/separation/").status_code == 409
    same = rest(client, admin, "POST", f"datasets/{a}/merges/", {"dataset": c}, write, If_Match="*")
    assert same.status_code == 200 and groups() == {"c": "a"}
    assert rest(client, admin, "POST", f"datasets/{a}/merges/", {"dataset": a}, write, If_Match="*").status_code == 422


def test_who_may_not_curate_gets_403_and_who_may_not_see_404(client, chain, admin):
    Dataset.objects.filter(qualified_name__in="abc").update(domain=factories.domain("Open", open_tier=Tier.METADATA))
    outsider = factories.person("outsider")
    assert (
        rest(client, outsider, "POST", f"datasets/{named('b').pk}/separation/", scope="catalog:write").status_code
        == 403
    )
    page(client, outsider, "lineage:separate", named("b").pk, status=403)
    assert "Separate</a>" not in page(client, outsider, "lineage:names", named("a").pk)
    Dataset.objects.filter(qualified_name__in="abc").update(domain=factories.domain("Closed", open_tier=Tier.NONE))
    page(client, outsider, "lineage:names", named("a").pk, status=404)
    assert rest(client, outsider, "GET", f"datasets/{named('b').pk}/separation/").status_code == 404


def test_every_change_of_a_life_is_shown_with_its_run_and_job(client, admin, tell):
    run = run_id()
    change = {"lifecycleStateChange": {"lifecycleStateChange": "OVERWRITE"}}
    tell(
        life("old", "CREATE", 1),
        life("new", "RENAME", 2, previous="old"),
        run_event("START", job="fill", run=run, seconds=3, outputs=[dataset("new", **change)]),
        run_event("COMPLETE", job="fill", run=run, seconds=9, outputs=[dataset("new", **change)]),
        life("new", "TRUNCATE", 20),
        life("new", "ALTER", 30),
        life("new", "DROP", 40),
        life("new", "VANISH", 50),
    )
    stands = named("new") if named("new").merged_into_id is None else named("old")
    found = reading.told_life(admin, stands, reading.life_of(stands).rows)
    kinds = [LifeKind.DROP, LifeKind.ALTER, LifeKind.TRUNCATE, LifeKind.OVERWRITE, LifeKind.RENAME, LifeKind.CREATE]
    assert [one.kind for one in found] == kinds
    overwritten, renamed = found[3], found[4]
    assert overwritten.run and str(overwritten.run.pk) == run and overwritten.job and overwritten.job.name == "fill"
    assert (overwritten.at - overwritten.first_at).total_seconds() == 6
    assert renamed.previous and renamed.previous.qualified_name == "old"
    for html in (
        page(client, admin, "lineage:life", stands.pk),
        page(client, admin, "portal:dataset_tab", stands.pk, "quality"),
    ):
        order = [html.index(word) for word in ("Dropped", "Altered", "Emptied", "Overwritten", "Renamed", "Created")]
        assert order == sorted(order) and ">fill<" in html and ">old<" in html
    told = rest(client, admin, "GET", f"datasets/{stands.pk}/life/").json()["results"]
    assert [one["kind"] for one in told] == ["DROP", "ALTER", "TRUNCATE", "OVERWRITE", "RENAME", "CREATE"]
    assert (told[3]["run"], told[3]["job"]["name"]) == (run, "fill")


def test_a_long_life_comes_in_pages_and_costs_the_same(client, admin, tell):
    tell(*(life("busy", "OVERWRITE", number) for number in range(1, 5)))
    with CaptureQueriesContext(connection) as few:
        page(client, admin, "lineage:life", named("busy").pk)
    tell(*(life("busy", "OVERWRITE", number) for number in range(10, 90)))
    with CaptureQueriesContext(connection) as many:
        html = page(client, admin, "lineage:life", named("busy").pk)
    assert len(many) <= len(few) and html.count("Overwritten") == 50
    assert "All changes of its life" in page(client, admin, "portal:dataset_tab", named("busy").pk, "quality")
    first = rest(client, admin, "GET", f"datasets/{named('busy').pk}/life/").json()
    rest_of = client.get(first["next"], headers=factories.bearer(admin, "lineage:read")).json()
    assert len(first["results"]) + len(rest_of["results"]) == LifeChange.objects.count() == 84


def test_runs_and_former_names_out_of_sight_are_not_told(tell):
    change = {"lifecycleStateChange": {"lifecycleStateChange": "OVERWRITE"}}
    tell(
        run_event("COMPLETE", job="inner", seconds=3, inputs=["secret"], outputs=[dataset("open", **change)]),
        life("open", "RENAME", 9, previous="secret"),
    )
    decide = factories.person(administrator=True)
    if groups():
        separate(dataset=named("open"), by=decide)
    Dataset.objects.filter(qualified_name="secret").update(domain=factories.domain("Closed", open_tier=Tier.NONE))
    Dataset.objects.filter(qualified_name="open").update(domain=factories.domain("Open", open_tier=Tier.METADATA))
    outsider = factories.person("outsider")
    renamed, overwritten = reading.told_life(outsider, named("open"), reading.life_of(named("open")).rows)
    assert renamed.previous is None and renamed.is_previous_hidden
    assert overwritten.job is not None
