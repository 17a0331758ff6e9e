"""Which columns make which, and what a change of one reaches."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tokens import mint
from catalog.models import Dataset, Tier
from common.errors import NotFound
from lineage.draining import drain
from lineage.impact import Change, Effect, impact
from lineage.intake import accept_batch
from lineage.models import ColumnEdge
from lineage.queries import column_lineage
from tests import factories
from tests.lineage.events import BEGIN, dataset, run_event

pytestmark = pytest.mark.django_db

IDENTITY = ("DIRECT", "IDENTITY", False)
SUM = ("DIRECT", "AGGREGATION", False)
HASH = ("DIRECT", "TRANSFORMATION", True)
FILTER = ("INDIRECT", "FILTER", False)


def made_of(**columns):
    """A columnLineage facet: `email=[("users", "email", IDENTITY)]`; `whole` fills `dataset`."""

    def told(source, column, how):
        kind, subtype, masking = how
        transformation = {"type": kind, "subtype": subtype, "masking": masking, "description": "lower(x)"}
        return {
            "namespace": "postgres://db:5432", "name": source, "field": column, "transformations": [transformation],
        }  # fmt: skip

    whole = [told(*one) for one in columns.pop("whole", ())]
    fields = {name: {"inputFields": [told(*one) for one in inputs]} for name, inputs in columns.items()}
    return {"fields": fields} | ({"dataset": whole} if whole else {})


@pytest.fixture
def fold(db):
    sender = factories.pipeline()
    token = mint(principal=sender, name="fold", scopes=["lineage:write"], by=sender).token

    def write(job: str, inputs: list[str], output: str, seconds: float = 0, **columns) -> None:
        facets = {"columnLineage": made_of(**columns)} if columns else {}
        event = run_event("COMPLETE", job=job, inputs=inputs, outputs=[dataset(output, **facets)], seconds=seconds)
        accept_batch(json.dumps([event]).encode(), token=token)
        drain()

    return write


@pytest.fixture
def shop(fold):
    """users -> clean -> (report by a sum, masked by a hash); users also filters `active`; `export` tells no columns."""
    fold("clean", ["users"], "clean", email=[("users", "email", IDENTITY)], id=[("users", "id", IDENTITY)])
    fold("report", ["clean"], "report", people=[("clean", "email", SUM)])
    fold("mask", ["clean"], "masked", email_hash=[("clean", "email", HASH)])
    fold("active", ["users"], "active", id=[("users", "id", IDENTITY)], whole=[("users", "email", FILTER)])
    fold("export", ["clean"], "export")
    fold("after", ["export"], "late")


@pytest.fixture
def admin(db):
    return factories.person(administrator=True)


def named(name: str) -> Dataset:
    return Dataset.objects.get(qualified_name=name)


def drawn(found) -> set[tuple[str, str]]:
    datasets = {one.id: one.title for one in found.datasets}
    nodes = {node.id: f"{datasets[node.dataset]}.{node.name}" for node in found.nodes}
    return {(nodes[flow.upstream], nodes[flow.downstream]) for flow in found.flows}


def test_a_column_is_followed_with_how_it_is_made(shop, admin):
    found = column_lineage(admin, named("users"), column="email", direction="down", depth=9)
    assert drawn(found) == {
        ("users.email", "clean.email"), ("clean.email", "report.people"), ("clean.email", "masked.email_hash")
    }  # fmt: skip
    jobs = {job.id: job.name for job in found.jobs}
    told = {(jobs[flow.job or 0], flow.type, flow.subtype, flow.masking, flow.description) for flow in found.flows}
    assert ("mask", "DIRECT", "TRANSFORMATION", True, "lower(x)") in told
    assert ("report", "DIRECT", "AGGREGATION", False, "lower(x)") in told


def test_influences_on_whole_datasets_are_apart_and_walked_only_when_asked(shop, admin):
    found = column_lineage(admin, named("users"), column="email", direction="down", depth=9)
    (influence,) = found.influences
    datasets = {one.id: one.title for one in found.datasets}
    assert (datasets[influence.upstream], influence.upstream_column) == ("users", "email")
    assert (datasets[influence.downstream], influence.downstream_column, influence.subtype) == ("active", "", "FILTER")
    through = column_lineage(admin, named("users"), column="email", direction="down", depth=9, through_influences=True)
    assert {("users.email", "active."), ("active.", "active.id")} <= drawn(through)


def test_upstream_of_a_column_the_influences_on_its_dataset_are_told(shop, admin):
    found = column_lineage(admin, named("active"), column="id", direction="up")
    assert drawn(found) == {("users.id", "active.id")}
    assert [influence.upstream_column for influence in found.influences] == ["email"]


def test_without_a_column_all_are_followed_and_an_unknown_one_is_not_found(shop, admin):
    found = column_lineage(admin, named("clean"), direction="up")
    assert drawn(found) == {("users.email", "clean.email"), ("users.id", "clean.id")}
    with pytest.raises(NotFound):
        column_lineage(admin, named("clean"), column="nothing")


def test_as_of_tells_how_a_column_was_made_then(fold, admin):
    fold("load", ["s"], "t", 10, x=[("s", "a", IDENTITY)])
    fold("load", ["s"], "t", 100, x=[("s", "b", IDENTITY)])
    assert drawn(column_lineage(admin, named("t"))) == {("s.b", "t.x")}
    then = BEGIN + dt.timedelta(seconds=50)
    assert drawn(column_lineage(admin, named("t"), as_of=then)) == {("s.a", "t.x")}
    assert drawn(column_lineage(admin, named("s"), as_of=then, direction="down")) == {("s.a", "t.x")}


def test_an_outsider_reads_no_column_of_what_it_may_not_read_and_no_code(shop):
    Dataset.objects.update(domain=factories.domain(open_tier=Tier.METADATA))
    Dataset.objects.filter(qualified_name="clean").update(domain=factories.domain(open_tier=Tier.NONE))
    outsider = factories.person()
    found = column_lineage(outsider, named("users"), column="email", direction="down", depth=9)
    text = str((found.nodes, found.datasets, found.flows, found.influences))
    assert "clean" not in text and "lower(x)" not in text
    hidden = [node for node in found.nodes if node.id < 0]
    assert [(node.name, node.dataset) for node in hidden] == [("", -1)]
    assert drawn(found) >= {("users.email", "."), (".", "report.people")}


def test_a_dataset_that_may_only_be_discovered_keeps_its_columns_to_itself(shop):
    Dataset.objects.update(domain=factories.domain(open_tier=Tier.METADATA))
    Dataset.objects.filter(qualified_name="clean").update(domain=factories.domain(open_tier=Tier.DISCOVER))
    found = column_lineage(factories.person(), named("users"), column="email", direction="down", depth=1)
    assert drawn(found) == {("users.email", "clean.")}


def test_the_number_of_statements_does_not_grow_with_the_columns(fold, admin):
    fold("one", ["s"], "t", x0=[("s", "a", IDENTITY)])

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            column_lineage(admin, named("s"), direction="down", depth=5)
            impact(admin, named("s"), change=Change.DROP)
        return len(captured)

    few = statements()
    fold("one", ["s"], "t", 10, **{f"x{number}": [("s", "a", IDENTITY)] for number in range(60)})
    assert statements() == few <= 26


def effects(found) -> dict[str, Effect]:
    return {reached.title: reached.effect for reached in found.datasets}


def test_dropping_a_column_breaks_every_query_that_names_it_and_may_change_what_tells_no_columns(shop, admin):
    for name, owner in (("clean", "Ada"), ("report", "Grace")):
        Dataset.objects.filter(qualified_name=name).update(owner_names=[owner])
    found = impact(admin, named("users"), column="email", change=Change.DROP)
    assert effects(found) == {
        "clean": Effect.BREAKS, "report": Effect.BREAKS, "masked": Effect.BREAKS, "active": Effect.BREAKS,
        "export": Effect.MAY_CHANGE, "late": Effect.MAY_CHANGE,
    }  # fmt: skip
    assert (
        found.verdict == "Dropping email breaks 3 columns in 4 datasets. They are owned by Ada (1) and Grace (1);"
        " 2 have no owner. 2 more may change."
    )
    assert effects(impact(admin, named("users"), column="email", change=Change.RENAME)) == effects(found)
    assert {reached.title for reached in found.datasets if reached.uncharted} == {"export", "late"}
    (masked,) = [reached for reached in found.datasets if reached.title == "masked"]
    assert [(one.name, one.masked, one.distance) for one in masked.columns] == [("email_hash", True, 2)]
    assert {reached.title: reached.distance for reached in found.datasets} == {
        "clean": 1, "active": 1, "report": 2, "masked": 2, "export": 2, "late": 3
    }  # fmt: skip


def test_another_column_of_the_same_dataset_reaches_less(shop, admin):
    found = impact(admin, named("users"), column="id", change=Change.DROP)
    assert effects(found) == {
        "clean": Effect.BREAKS, "active": Effect.BREAKS, "export": Effect.MAY_CHANGE, "late": Effect.MAY_CHANGE
    }  # fmt: skip


def test_retyping_may_change_and_surely_breaks_nothing(fold, admin):
    fold("copy", ["s"], "copied", x=[("s", "a", IDENTITY)])
    fold("cast", ["s"], "cast", x=[("s", "a", ("DIRECT", "TRANSFORMATION", False))])
    found = impact(admin, named("s"), column="a", change=Change.RETYPE)
    assert effects(found) == {"copied": Effect.MAY_CHANGE, "cast": Effect.MAY_CHANGE}
    assert found.verdict == "Changing the type of a may change 2 datasets. They have no owner. Nothing surely breaks."
    assert effects(impact(admin, named("s"), column="a", change=Change.RENAME))["cast"] == Effect.BREAKS


def test_what_is_behind_a_dataset_whose_rows_a_column_decides_may_change(fold, admin):
    """`joined` is filtered by a column of which it takes nothing; `far` is made of `joined`, `farther` of that."""
    fold("join", ["s"], "joined", x=[("s", "b", IDENTITY)], whole=[("s", "a", FILTER)])
    fold("on", ["joined"], "far", x=[("joined", "x", IDENTITY)])
    fold("farther", ["far"], "farther", x=[("far", "x", IDENTITY)])
    found = impact(admin, named("s"), column="a", change=Change.DROP)
    assert effects(found) == {"joined": Effect.BREAKS, "far": Effect.MAY_CHANGE, "farther": Effect.MAY_CHANGE}
    assert {one.title: (one.distance, one.uncharted) for one in found.datasets} == {
        "joined": (1, False), "far": (2, False), "farther": (3, False)
    }  # fmt: skip


def test_dropping_a_dataset_breaks_what_is_made_of_it_and_the_rest_may_change(shop, admin):
    found = impact(admin, named("clean"), change=Change.DROP)
    assert effects(found) == {
        "report": Effect.BREAKS, "masked": Effect.BREAKS, "export": Effect.BREAKS, "late": Effect.MAY_CHANGE
    }  # fmt: skip


def test_without_a_change_it_is_what_depends(shop, admin):
    found = impact(admin, named("export"))
    assert effects(found) == {"late": Effect.DEPENDS}
    assert found.verdict == "1 dataset depends on export. It has no owner."
    assert impact(admin, named("late")).verdict == "Nothing that you may see depends on late."


def test_the_verdict_says_how_many_each_owner_has_and_that_some_have_none(fold, admin):
    def owned(**owners):
        for name, names in owners.items():
            Dataset.objects.filter(qualified_name=name).update(owner_names=names)
        return impact(admin, named("s")).verdict

    for name in ("one", "two", "three"):
        fold(f"load {name}", ["s"], name, x=[("s", "a", IDENTITY)])
    assert owned() == "3 datasets depend on s. They have no owner."
    assert owned(one=["Zoe", "Ada"], two=["Zoe"]) == (
        "3 datasets depend on s. They are owned by Zoe (2) and Ada (1); 1 has no owner."
    )
    assert owned(one=["Zoe"], three=["Zoe"]) == "3 datasets depend on s. They are owned by Zoe."
    assert owned(one=["Ada", "Bo", "Cy", "Di", "Ed"]) == (
        "3 datasets depend on s. They are owned by Zoe (2), Ada (1), Bo (1) and 3 more."
    )


def test_the_verdict_does_not_call_a_hidden_dataset_without_owner(fold):
    for name in ("one", "two"):
        fold(f"load {name}", ["s"], name, x=[("s", "a", IDENTITY)])
    Dataset.objects.update(domain=factories.domain(open_tier=Tier.METADATA), owner_names=["Ada"])
    Dataset.objects.filter(qualified_name="one").update(domain=factories.domain(open_tier=Tier.NONE))
    told = impact(factories.person(), named("s")).verdict
    assert told == "2 datasets depend on s. They are owned by Ada (1); 1 is hidden from you."


def test_what_an_outsider_may_not_know_is_counted_without_a_name(shop):
    Dataset.objects.update(domain=factories.domain(open_tier=Tier.METADATA), owner_names=["Ada"])
    Dataset.objects.filter(qualified_name="clean").update(domain=factories.domain(open_tier=Tier.NONE))
    found = impact(factories.person(), named("users"), column="email", change=Change.DROP)
    assert found.hidden == 1
    (hidden,) = [reached for reached in found.datasets if reached.dataset_id is None]
    assert (hidden.name, hidden.namespace, hidden.owners, hidden.columns, hidden.level) == ("", "", (), (), None)


def test_columns_follow_a_dataset_that_nobody_reads_when_it_turns_out_to_be_another(fold):
    """`told` is named as a source of columns alone: no run reads it by itself."""
    fold("load", [], "made", id=[("told", "id", IDENTITY)])
    link = {"identifiers": [{"namespace": "postgres://db:5432", "name": "told", "type": "TABLE"}]}
    event = run_event("COMPLETE", job="name", outputs=[dataset("standing", symlinks=link)])
    sender = factories.pipeline()
    token = mint(principal=sender, name="names", scopes=["lineage:write"], by=sender).token
    accept_batch(json.dumps([event]).encode(), token=token)
    drain()
    stands = Dataset.objects.get(qualified_name__in=["told", "standing"], merged_into=None)
    assert [edge.upstream.dataset_id for edge in ColumnEdge.objects.select_related("upstream")] == [stands.pk]
