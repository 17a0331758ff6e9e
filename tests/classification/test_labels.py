"""Putting levels on datasets and fields, and taking them off."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Principal
from audit.delivery import deliver_pending
from audit.events import Subject
from audit.models import Record
from audit.queries import activity_of
from audit.recording import record
from catalog.events import SnapshotApplied
from catalog.models import Dataset, Field
from classification.actions import clear_level, recompute, set_level
from classification.models import Label, Level
from classification.queries import history_of, standing_of
from common.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories import Cast, dataset, pipeline, role


def level(slug: str) -> Level:
    return Level.objects.get(slug=slug)


def level_name(of: Dataset | Field) -> str | None:
    of.refresh_from_db()
    return Level.objects.get(rank=of.level).name if of.level else None


def test_the_levels_are_there_from_the_start(db: None) -> None:
    assert list(Level.objects.values_list("name", flat=True)) == ["Public", "Internal", "Confidential", "Restricted"]


def test_a_dataset_has_the_highest_level_of_its_fields(cast: Cast) -> None:
    email, name = cast.field("email"), cast.field("name")
    set_level(fields=[email], level=level("confidential"), reason="Personal", by=cast.steward)
    set_level(fields=[name], level=level("internal"), reason="Known inside", by=cast.steward)
    assert (level_name(email), level_name(name), level_name(cast.dataset)) == (
        "Confidential", "Internal", "Confidential",
    )  # fmt: skip
    assert standing_of(cast.dataset).reasons == ("email is Confidential: Personal (Stella)",)


def test_a_steward_may_set_a_dataset_higher_than_its_fields_and_never_lower(cast: Cast) -> None:
    set_level(fields=[cast.field("email")], level=level("confidential"), reason="Personal", by=cast.steward)
    set_level(datasets=[cast.dataset], level=level("restricted"), reason="All of it at once", by=cast.steward)
    assert level_name(cast.dataset) == "Restricted"
    with pytest.raises(Invalid, match="never below its columns"):
        set_level(datasets=[cast.dataset], level=level("public"), reason="Open data", by=cast.steward)
    assert level_name(cast.dataset) == "Restricted", "a refused change changes nothing"


def test_history_says_who_when_and_why(cast: Cast) -> None:
    email = cast.field("email")
    set_level(fields=[email], level=level("internal"), reason="First look", by=cast.steward)
    set_level(fields=[email], level=level("confidential"), reason="It names people", by=cast.administrator)
    newer, older = history_of(cast.dataset)
    assert (newer.level.name, newer.author, newer.valid_to) == ("Confidential", cast.administrator, None)
    assert (older.level.name, older.author, older.ended_by) == ("Internal", cast.steward, cast.administrator)
    assert Label.objects.at(older.valid_from).get().level == level("internal")


def test_the_record_tells_it_with_before_and_after(cast: Cast) -> None:
    email, name = cast.field("email"), cast.field("name")
    set_level(fields=[email], level=level("internal"), reason="First look", by=cast.steward)
    set_level(fields=[email, name], level=level("confidential"), reason="They name people", by=cast.steward)
    (newest, _), _ = activity_of(Subject("dataset", cast.dataset.pk))
    assert f"{newest.actor} {newest.sentence}" == "Stella set email and name of users to Confidential: They name people"
    assert [(change.name, change.before, change.after) for change in newest.changes] == [
        ("email", "Internal", "Confidential"),
        ("name", None, "Confidential"),
    ]
    assert "name people" not in Record.objects.latest("id").payload, "the reason is personal and stands apart"


def test_the_same_level_again_changes_nothing(cast: Cast) -> None:
    set_level(datasets=[cast.dataset], level=level("internal"), reason="Ours", by=cast.steward)
    before = Record.objects.count()
    assert set_level(datasets=[cast.dataset], level=level("internal"), reason="Still", by=cast.steward) == []
    assert (Label.objects.count(), Record.objects.count()) == (1, before)


@pytest.mark.parametrize("who", ["analyst", "outsider"])
def test_only_those_who_answer_for_it_label_a_dataset(cast: Cast, who: str) -> None:
    with pytest.raises(Forbidden):
        set_level(datasets=[cast.dataset], level=level("public"), reason="Why not", by=getattr(cast, who))


def test_one_forbidden_dataset_stops_the_whole_set(cast: Cast) -> None:
    other = dataset("other")
    with pytest.raises((Forbidden, NotFound)):
        set_level(datasets=[cast.dataset, other], level=level("internal"), reason="Ours", by=cast.steward)
    assert not Label.objects.exists()


def test_a_label_needs_a_reason_and_a_target(cast: Cast) -> None:
    with pytest.raises(Invalid):
        set_level(datasets=[cast.dataset], level=level("internal"), reason=" ", by=cast.steward)
    with pytest.raises(Invalid):
        set_level(level=level("internal"), reason="Nothing", by=cast.steward)


def test_a_pipeline_does_not_overrule_a_person(cast: Cast) -> None:
    loader = pipeline("loader")
    role(cast.domain, loader)
    email = cast.field("email")
    set_level(fields=[email], level=level("restricted"), reason="Law", by=cast.steward)
    set_level(fields=[email], level=level("public"), reason="Masked", by=loader)
    assert level_name(email) == "Restricted"
    clear_level(fields=[email], reason="Masked upstream", by=cast.steward)
    assert level_name(email) == "Public", "what the pipeline said is what counts now"


def test_taking_a_level_off_keeps_its_history(cast: Cast) -> None:
    email = cast.field("email")
    set_level(fields=[email], level=level("restricted"), reason="Law", by=cast.steward)
    assert clear_level(fields=[email], reason="Wrong column", by=cast.steward) == 1
    assert (level_name(email), level_name(cast.dataset)) == (None, None)
    assert Label.objects.get().valid_to is not None
    with pytest.raises(Conflict):
        clear_level(fields=[email], reason="Again", by=cast.steward)


def test_the_number_of_statements_does_not_grow_with_the_set(cast: Cast) -> None:
    def cost(count: int) -> int:
        made = [dataset(domain=cast.domain) for _ in range(count)]
        fields = list(Field.objects.filter(dataset__in=made))
        by = Principal.objects.select_related("user").get(pk=cast.steward.pk)
        with CaptureQueriesContext(connection) as queries:
            set_level(datasets=made, fields=fields, level=level("internal"), reason="Ours", by=by)
        assert Dataset.objects.filter(pk__in=[one.pk for one in made], level=2).count() == count
        return len(queries)

    assert cost(1) == cost(12)


def test_a_crawl_that_drops_the_sensitive_column_lowers_the_dataset(cast: Cast) -> None:
    email = cast.field("email")
    set_level(fields=[email], level=level("restricted"), reason="Law", by=cast.steward)
    set_level(fields=[cast.field("name")], level=level("internal"), reason="Ours", by=cast.steward)
    Field.objects.filter(pk=email.pk).update(gone_since=timezone.now())
    record(
        SnapshotApplied(
            source_id=cast.source.pk, source="ontrack", run_id=1, added=0, changed=1, returned=0, gone=0, unchanged=0
        ),
        by=Principal.objects.system(),
        changes={"dataset": {"changed": [cast.dataset.pk]}},
    )
    deliver_pending()
    assert level_name(cast.dataset) == "Internal"
    recompute([cast.dataset.pk])
    assert level_name(cast.dataset) == "Internal", "twice is as once"
