"""What pipelines tell of schemas stands where no crawl knows better, and telling it again changes nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from catalog.described import ToldSchema, describe_from_pipeline
from catalog.identity import resolve_names
from catalog.models import Dataset, Field
from catalog.naming import DatasetKey
from catalog.snapshots import FieldSnapshot, FieldType
from tests.factories import dataset

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 3, 3, 12, tzinfo=dt.UTC)


def told(hours: int, *names: str) -> ToldSchema:
    fields = [
        FieldSnapshot(path=tuple(name.split(".")), position=place, native_type="VARCHAR", type=FieldType.STRING)
        for place, name in enumerate(names, start=1)
    ]
    return ToldSchema(at=NOON + dt.timedelta(hours=hours), fields=fields)


@pytest.fixture
def mart() -> int:
    key = DatasetKey("bigquery", "shop.marts.orders")
    return resolve_names([key], origin="pipeline")[key]


def state(dataset_id: int) -> tuple[list[Any], list[Any], tuple[object, ...]]:
    mart = Dataset.objects.get(pk=dataset_id)
    return (
        list(mart.versions.order_by("number").values_list("number", "seen_at", "content")),
        list(mart.fields.order_by("path").values_list("path", "position", "gone_since")),
        (mart.version, mart.field_count, mart.changed_at),
    )


def test_last_told_schema_gives_the_fields_and_each_change_a_version(mart):
    describe_from_pipeline({mart: [told(0, "id", "name"), told(2, "id", "buyer", "buyer.email")]})
    assert list(Dataset.objects.get().versions.values_list("number", flat=True).order_by("number")) == [1, 2]
    standing = Field.objects.filter(gone_since=None).order_by("position")
    assert [field.path for field in standing] == [["id"], ["buyer"], ["buyer", "email"]]
    assert Dataset.objects.get().field_count == 2


def test_state_follows_the_whole_history_whatever_was_told_before(mart):
    whole = [told(0, "id"), told(1, "id", "name"), told(2, "id", "price")]
    describe_from_pipeline({mart: whole})
    expected = state(mart)
    Dataset.objects.get().versions.all().delete()
    Field.objects.all().delete()
    for partial in ([whole[2]], [whole[0], whole[2]], whole, whole):
        describe_from_pipeline({mart: partial})
    versions, fields, numbers = state(mart)
    assert (versions, numbers) == (expected[0], expected[2])
    assert [field[0] for field in fields if field[2] is None] == [["id"], ["price"]]


def test_crawled_dataset_keeps_what_its_source_said():
    crawled = dataset(fields=["id"])
    describe_from_pipeline({crawled.pk: [told(0, "something", "else")]})
    assert list(crawled.fields.values_list("path", flat=True)) == [["id"]]


def test_column_that_a_pipeline_told_is_found_by_search(mart):
    describe_from_pipeline({mart: [told(0, "student_number")]})
    assert Dataset.objects.extra(where=["search @@ websearch_to_tsquery('simple', 'student number')"]).exists()
