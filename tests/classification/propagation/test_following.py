"""Labels follow what pipelines tell: real events through the intake and the fold to labels, levels and the record."""

from __future__ import annotations

import gc

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.delivery import deliver_pending
from audit.models import Record
from catalog.models import Dataset, Field
from classification.actions import clear_level, reorder_levels
from classification.models import CarriedLabel, Label, StaleDataset
from classification.propagation.following import carry_all, follow_changes
from classification.propagation.ground import TooFar
from lineage.models import ChangedColumn, Job
from tests.classification.propagation.conftest import (
    FILTER,
    HASH,
    IDENTITY,
    SUM,
    UPPER,
    effective,
    field,
    inherited,
    label,
    level,
)

pytestmark = pytest.mark.django_db


def test_a_label_arrives_where_its_values_do(pipe, users, steward):
    label(steward, "users.email", "confidential", category="email")
    pipe("clean", email=[("users", "email", UPPER)], id=[("users", "id", IDENTITY)])
    pipe("mart", contact=[("clean", "email", IDENTITY)])
    found = inherited("mart.contact")
    assert (found.level.slug, found.category.slug, found.origin) == ("confidential", "email", "pipeline")
    assert (found.source, found.via) == (field("users.email"), field("clean.email"))
    assert found.via_job == Job.objects.get(name="make_mart").pk
    assert effective("mart.contact") == "confidential"
    assert Dataset.objects.get(qualified_name="mart").level == level("confidential").rank
    assert inherited("clean.id") is None


def test_a_label_that_comes_later_goes_the_same_way(pipe, users, steward):
    pipe("clean", email=[("users", "email", IDENTITY)], id=[("users", "id", IDENTITY)])
    label(steward, "users.id", "internal")
    assert inherited("clean.id").level.slug == "internal"
    clear_level(fields=[field("users.id")], reason="Only a number", by=steward)
    follow_changes()
    assert inherited("clean.id") is None
    assert effective("clean.id") is None


def test_of_an_aggregate_the_level_is_to_be_reviewed(pipe, users):
    pipe("report", people=[("users", "email", SUM)])
    found = inherited("report.people")
    assert (found.level.slug, found.category) == ("restricted", None)
    assert found.hint.startswith("Aggregated")


def test_masking_stops_a_label_and_a_filter_raises_nothing(pipe, users):
    pipe("masked", digest=[("users", "email", HASH)])
    pipe("active", id=[("users", "id", IDENTITY)], whole=[("users", "email", FILTER)])
    assert inherited("masked.digest") is None
    assert inherited("active.id") is None
    assert Dataset.objects.get(qualified_name="active").level is None


def test_a_label_ends_with_the_lineage_that_carried_it(pipe, users):
    pipe("clean", email=[("users", "email", IDENTITY)], kept=[("users", "email", IDENTITY)])
    pipe("mart", contact=[("clean", "email", IDENTITY)])
    was = inherited("mart.contact")
    pipe("clean", seconds=60, kept=[("users", "email", IDENTITY)])
    assert inherited("mart.contact") is None
    assert effective("mart.contact") is None
    was.refresh_from_db()
    assert was.valid_to is not None
    assert was.ended_by.kind == "system"
    assert inherited("clean.kept") is not None


def test_a_label_finds_another_way(pipe, users):
    pipe("short", email=[("users", "email", IDENTITY)])
    pipe("long", email=[("short", "email", IDENTITY)])
    pipe("mart", job="a", email=[("users", "email", IDENTITY)])
    pipe("mart", job="b", seconds=1, email=[("long", "email", IDENTITY)])
    assert inherited("mart.email").via == field("users.email")
    made = inherited("mart.email").pk
    pipe("mart", job="a", seconds=60, email=[("users", "id", IDENTITY)])
    found = inherited("mart.email")
    assert (found.pk, found.via) == (made, field("long.email"))


def test_a_cycle_ends(pipe, users):
    pipe("one", email=[("users", "email", IDENTITY), ("three", "email", IDENTITY)])
    pipe("two", email=[("one", "email", IDENTITY)])
    pipe("three", email=[("two", "email", IDENTITY)])
    assert [inherited(f"{name}.email").level.slug for name in ("one", "two", "three")] == ["restricted"] * 3
    pipe("one", seconds=60, email=[("three", "email", IDENTITY)])
    assert [inherited(f"{name}.email") for name in ("one", "two", "three")] == [None] * 3


def test_what_a_steward_decided_is_what_travels_on(pipe, users, steward):
    pipe("clean", email=[("users", "email", IDENTITY)])
    pipe("mart", contact=[("clean", "email", IDENTITY)])
    label(steward, "clean.email", "internal")
    assert inherited("clean.email") is None
    assert effective("clean.email") == "internal"
    assert (inherited("mart.contact").level.slug, inherited("mart.contact").source) == (
        "internal", field("clean.email"),
    )  # fmt: skip


def test_a_label_passes_through_tables_that_nobody_described(pipe, users, steward):
    pipe("clean", email=[("stage", "mail", IDENTITY)])
    pipe("stage", mail=[("users", "email", IDENTITY)])
    Field.objects.filter(dataset__qualified_name="stage").delete()
    carry_all()
    found = inherited("clean.email")
    assert (found.level.slug, found.source, found.via) == ("restricted", field("users.email"), None)


def test_a_field_that_is_described_later_inherits(pipe, users):
    pipe("clean", email=[("users", "email", IDENTITY)])
    Label.objects.filter(state="inherited").delete()
    Field.objects.filter(dataset__qualified_name="clean").update(gone_since=Dataset.objects.first().first_seen)
    pipe("clean", seconds=60, email=[("users", "email", IDENTITY)], id=[("users", "id", IDENTITY)])
    assert inherited("clean.email").level.slug == "restricted"


def test_following_gives_what_carrying_all_anew_does(pipe, users, steward):
    label(steward, "users.id", "internal", category="student_id")
    pipe("clean", email=[("users", "email", IDENTITY)], id=[("users", "id", SUM)])
    pipe("mart", contact=[("clean", "email", IDENTITY), ("clean", "id", UPPER)])
    pipe("clean", seconds=60, email=[("users", "id", IDENTITY)], id=[("users", "email", SUM)])
    assert carry_all().labels == 0
    before = sorted(CarriedLabel.objects.values_list())
    CarriedLabel.objects.all().delete()
    carry_all()
    assert sorted(CarriedLabel.objects.values_list()) == before


def test_a_label_that_changes_ends_as_the_next_begins(pipe, users, steward):
    pipe("clean", email=[("users", "email", IDENTITY)])
    was = inherited("clean.email")
    label(steward, "users.email", "internal")
    found = inherited("clean.email")
    was.refresh_from_db()
    assert (was.level.slug, found.level.slug) == ("restricted", "internal")
    assert was.valid_to == found.valid_from


def test_whatever_is_wrong_with_labels_is_right_when_all_are_carried_anew(pipe, users, steward):
    def standing() -> list[tuple[int, ...]]:
        labels = Label.objects.filter(state="inherited", valid_to=None).order_by("field")
        return list(labels.values_list("field", "field__level", "level", "source", "via", "via_job", "hint"))

    label(steward, "users.id", "internal")
    pipe("clean", email=[("users", "email", IDENTITY)], id=[("users", "id", SUM)])
    pipe("mart", email=[("clean", "email", IDENTITY)], id=[("clean", "id", IDENTITY)])
    right = standing()
    assert len(right) == 4
    as_it_was = inherited("clean.email")
    Label.objects.filter(pk=inherited("clean.id").pk).update(level=level("confidential"), hint="")
    Label.objects.filter(pk=inherited("mart.email").pk).update(via=None, via_job=None)
    Label.objects.filter(pk=inherited("mart.id").pk).delete()
    Field.objects.filter(pk=field("mart.id").pk).update(level=None)
    Label.objects.create(
        dataset=users, field=field("users.email"), level=level("public"), state="inherited", origin="pipeline",
        author=steward, reason="Nowhere from",
    )  # fmt: skip
    assert carry_all().labels == 4
    assert standing() == right
    assert inherited("clean.email") == as_it_was


@pytest.mark.parametrize("carry", [follow_changes, carry_all])
def test_cycles_are_looked_for_again_once_labels_are_carried(pipe, users, carry):
    pipe("clean", follow=False, email=[("users", "email", IDENTITY)])
    assert gc.isenabled()
    assert carry().labels
    assert gc.isenabled()


def test_cycles_are_looked_for_again_where_a_change_reaches_too_far(pipe, users):
    StaleDataset.objects.create(dataset_id=None)
    with pytest.raises(TooFar):
        follow_changes()
    assert gc.isenabled()


@pytest.mark.parametrize("carry", [follow_changes, carry_all])
def test_cycles_are_not_looked_for_where_nobody_did(pipe, users, carry):
    pipe("clean", follow=False, email=[("users", "email", IDENTITY)])
    gc.disable()
    try:
        assert carry().labels
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_doing_it_again_changes_nothing(pipe, users):
    pipe("clean", email=[("users", "email", IDENTITY)])
    ids = sorted(Label.objects.values_list("pk", flat=True))
    StaleDataset.objects.create(dataset_id=users.pk)
    assert follow_changes().labels == 0
    assert carry_all().labels == 0
    assert sorted(Label.objects.values_list("pk", flat=True)) == ids
    assert not ChangedColumn.objects.exists()
    assert not StaleDataset.objects.exists()


def test_what_followed_is_recorded_as_one_set(pipe, users):
    pipe("clean", email=[("users", "email", IDENTITY)], again=[("users", "email", IDENTITY)])
    record = Record.objects.filter(event="classification.inherited_labels_changed").latest("pk")
    assert (record.values["added"], record.values["datasets"], record.actor.kind) == (2, 1, "system")
    clean = Dataset.objects.get(qualified_name="clean")
    assert record.subjects.filter(kind="dataset", object_id=clean.pk, change="relabelled").exists()


def test_levels_in_another_order_are_carried_anew(pipe, users, steward):
    label(steward, "users.id", "internal")
    pipe("clean", email=[("users", "email", IDENTITY), ("users", "id", IDENTITY)])
    assert inherited("clean.email").level.slug == "restricted"
    order = [level("restricted"), level("public"), level("internal"), level("confidential")]
    reorder_levels(order=order, by=steward)
    while deliver_pending():
        pass
    with pytest.raises(TooFar):
        follow_changes()
    assert carry_all(where_noted=True).labels
    assert carry_all(where_noted=True).columns == 0
    assert inherited("clean.email").level.slug == "internal"


def test_statements_do_not_grow_with_columns(pipe, users, steward):
    def statements(count: int) -> int:
        columns = {f"c{number}": [("users", "email", IDENTITY)] for number in range(count)}
        pipe(f"wide_{count}", follow=False, **columns)
        with CaptureQueriesContext(connection) as caught:
            assert follow_changes().labels == count
        return len(caught)

    assert statements(2) == statements(40)


def test_nothing_noted_costs_a_lock_and_two_looks(pipe, users):
    with CaptureQueriesContext(connection) as caught:
        follow_changes()
    assert len(caught) <= 6
