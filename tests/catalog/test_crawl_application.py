"""A reading of a source becomes the catalog: compared, planned and written as sets."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Principal
from audit.models import Record, RecordSubject
from catalog.actions import apply_snapshots
from catalog.actions.pushed import push_merges
from catalog.identity import resolve_names
from catalog.models import Dataset, DatasetName, Field, Key, SchemaVersion, Source
from catalog.naming import DatasetKey
from catalog.reconciliation import Plan, compare
from catalog.schema_history import differences
from catalog.snapshots import (
    DatasetKind,
    DatasetSnapshot,
    FieldSnapshot,
    FieldType,
    KeyKind,
    KeySnapshot,
    Reading,
    SchemaFailed,
    SchemaRead,
    SchemasListed,
    Unchanged,
)
from catalog.staging import Staged, stage
from common.errors import Conflict
from tests.factories import domain, source

pytestmark = pytest.mark.django_db

PUBLIC = ("shop", "public")


def table(
    name: str, *columns: str, keys: tuple[KeySnapshot, ...] = (), rows: int | None = None, schema=PUBLIC
) -> DatasetSnapshot:
    fields = tuple(
        FieldSnapshot(path=tuple(column.split(".")), position=position, native_type="text", type=FieldType.STRING)
        for position, column in enumerate(columns or ("id", "name"), start=1)
    )
    return DatasetSnapshot(path=(*schema, name), kind=DatasetKind.TABLE, fields=fields, keys=keys, row_estimate=rows)


def reading(*values: Reading, schemas=(PUBLIC,), complete: bool = True) -> list[Reading]:
    ends = [
        SchemaRead(schema, sum(1 for value in values if value.path[:-1] == schema))
        if complete
        else SchemaFailed(schema, "No.")
        for schema in schemas
    ]
    return [SchemasListed(schemas=tuple(schemas)), *values, *ends]


_runs = iter(range(1_000_000, 2_000_000))


def staged_under(run: int, target: Source, values: Iterable[Reading]) -> Staged:
    staged = Staged()
    for latest in stage(run, target.platform, values):
        staged = latest
    return staged


def crawl(target: Source, values: Iterable[Reading]) -> Plan:
    run = next(_runs)
    staged = staged_under(run, target, values)
    plan = compare(target, run, staged)
    apply_snapshots(source=target, reading=run, staged=staged, by=Principal.objects.system())
    return plan


@pytest.fixture
def shop() -> Source:
    return source("shop", of=domain("Sales"))


def test_first_crawl_adds_datasets_fields_names_and_first_version(shop):
    plan = crawl(shop, reading(table("orders", "id", "buyer.email", "buyer.name"), table("items")))
    assert (plan.added, plan.gone, plan.standing) == (2, 0, 0)
    orders = Dataset.objects.get(name="orders")
    assert orders.qualified_name == "shop.public.orders"
    assert orders.domain == shop.domain
    assert [field.path for field in orders.fields.order_by("position")] == [
        ["id"],
        ["buyer", "email"],
        ["buyer", "name"],
    ]
    assert orders.versions.get().number == orders.version == 1
    assert DatasetName.objects.get(dataset=orders).namespace == shop.namespace
    shop.refresh_from_db()
    assert shop.dataset_count == 2


def test_second_crawl_of_the_same_changes_nothing(shop):
    values = reading(table("orders"), table("items"))
    crawl(shop, values)
    before = list(Dataset.objects.order_by("id").values())
    plan = crawl(shop, values)
    assert plan.is_empty and plan.unchanged == 2
    assert list(Dataset.objects.order_by("id").values()) == before
    assert SchemaVersion.objects.count() == 2


def test_changed_schema_makes_a_version_with_a_readable_difference(shop):
    crawl(shop, reading(table("orders", "id", "name", "price")))
    crawl(shop, reading(table("orders", "id", "price", "email")))
    orders = Dataset.objects.get()
    old, new = orders.versions.order_by("number")
    assert [item.sentence for item in differences(old.content, new.content)] == [
        "Field email (text) was added.",
        "Field name (text) was removed.",
    ]
    assert Field.objects.get(path=["name"]).gone_since is not None
    assert orders.version == 2


def test_dataset_missing_from_a_complete_schema_is_gone_and_may_return(shop):
    crawl(shop, reading(table("orders"), table("items")))
    assert crawl(shop, reading(table("orders"))).gone == 1
    assert Dataset.objects.get(name="items").gone_since is not None
    plan = crawl(shop, reading(table("orders"), table("items")))
    assert plan.returned == 1
    assert Dataset.objects.get(name="items").gone_since is None


def test_failed_schema_removes_nothing(shop):
    crawl(shop, reading(table("orders"), table("items")))
    plan = crawl(shop, reading(table("orders"), complete=False))
    assert plan.gone == 0


def test_reading_that_ends_without_a_word_removes_nothing(shop):
    crawl(shop, reading(table("orders"), table("items")))
    assert crawl(shop, [SchemasListed(schemas=(PUBLIC,))]).gone == 0
    assert crawl(shop, []).gone == 0


def test_schema_that_is_no_longer_listed_is_gone_with_its_datasets(shop):
    other = ("shop", "old")
    crawl(shop, reading(table("orders"), table("items", schema=other), schemas=(PUBLIC, other)))
    assert crawl(shop, reading(table("orders"))).gone == 1
    assert shop.schemas.get(path=list(other)).gone_since is not None
    assert shop.schemas.get(path=list(PUBLIC)).gone_since is None


def test_unchanged_values_update_estimates_and_make_no_version(shop):
    crawl(shop, reading(table("orders", rows=10)))
    crawl(shop, reading(Unchanged(path=(*PUBLIC, "orders"), row_estimate=25)))
    assert Dataset.objects.get().row_estimate == 25
    assert SchemaVersion.objects.count() == 1


def test_foreign_key_points_to_a_dataset_that_comes_later(shop):
    foreign = KeySnapshot(
        kind=KeyKind.FOREIGN,
        name="fk",
        columns=("buyer",),
        references=(*PUBLIC, "users"),
        referenced_columns=("id",),
    )
    crawl(shop, reading(table("orders", "buyer", keys=(foreign,))))
    assert Key.objects.get().references is None
    crawl(shop, reading(table("orders", "buyer", keys=(foreign,)), table("users", "id")))
    assert Key.objects.get().references == Dataset.objects.get(name="users")


def test_crawl_adopts_the_dataset_that_a_pipeline_spoke_of_first(shop):
    key = DatasetKey(shop.namespace, "shop.public.orders")
    known = resolve_names([key], origin="pipeline")[key]
    plan = crawl(shop, reading(table("orders", "id")))
    orders = Dataset.objects.get()
    assert orders.pk == known
    assert (orders.source, orders.path) == (shop, ["shop", "public", "orders"])
    assert orders.fields.count() == 1
    assert plan.added == 1


def test_a_merged_dataset_is_unchanged_changed_gone_and_back_for_itself(shop):
    crawl(shop, reading(table("orders"), table("items")))
    orders, items = Dataset.objects.get(name="orders"), Dataset.objects.get(name="items")
    push_merges({items.pk: orders.pk})
    before = list(Dataset.objects.order_by("id").values())
    plan = crawl(shop, reading(table("orders"), table("items")))
    assert plan.is_empty and (plan.unchanged, plan.standing) == (2, 2)
    assert list(Dataset.objects.order_by("id").values()) == before
    plan = crawl(shop, reading(table("orders"), table("items", "id", "price")))
    assert (plan.added, plan.changed) == (0, 1)
    assert list(items.versions.values_list("number", flat=True).order_by("number")) == [1, 2]
    assert crawl(shop, reading(table("orders"))).gone == 1
    items.refresh_from_db()
    assert items.gone_since is not None and items.merged_into == orders
    assert crawl(shop, reading(table("orders"), table("items", "id", "price"))).returned == 1
    items.refresh_from_db()
    assert items.gone_since is None


def test_schemas_and_sources_count_what_stands_when_merges_change(shop):
    crawl(shop, reading(table("orders"), table("items")))
    orders, items = Dataset.objects.get(name="orders"), Dataset.objects.get(name="items")
    for standing, count in ((orders, 1), (items, 2)):
        push_merges({items.pk: standing.pk})
        shop.refresh_from_db()
        assert shop.dataset_count == shop.schemas.get().dataset_count == count


def test_resolving_names_makes_each_dataset_once(shop):
    keys = [DatasetKey("kafka://k:9092", name) for name in ("orders", "a/b:c%d", "ключ")]
    first = resolve_names(keys, origin="pipeline")
    assert resolve_names(reversed(keys), origin="pipeline") == first
    assert len(set(first.values())) == 3


def test_number_of_statements_does_not_grow_with_the_number_of_tables(shop):
    def statements(count: int) -> int:
        values = reading(*(table(f"t{count}_{number}") for number in range(count)))
        run = next(_runs)
        staged = staged_under(run, shop, values)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            compare(shop, run, staged)
            apply_snapshots(source=shop, reading=run, staged=staged, by=Principal.objects.system())
        return len(seen)

    assert statements(3) == statements(300)


def test_crawl_is_recorded_once_with_its_datasets_as_a_set(shop):
    crawl(shop, reading(table("orders"), table("items")))
    row = Record.objects.get(event="catalog.snapshot_applied")
    assert row.values["added"] == 2
    subjects = RecordSubject.objects.filter(record=row, kind="dataset")
    assert set(subjects.values_list("change", flat=True)) == {"added"}
    assert subjects.count() == 2


def test_staging_that_was_lost_is_never_taken_for_an_empty_source(shop):
    crawl(shop, reading(table("orders")))
    run = next(_runs)
    staged = staged_under(run, shop, reading(table("orders"), table("items")))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE catalog_stageddataset")
    with pytest.raises(Conflict, match="Crawl again"):
        compare(shop, run, staged)
    assert Dataset.objects.get().gone_since is None


def test_hostile_text_is_stored_as_it_is(shop):
    name = "a \"quoted\".'name' 🦆\\N\t\n"
    crawl(shop, reading(table(name, "col\x00umn", "\ud800lone", "{}", "a,b")))
    stored = Dataset.objects.get()
    assert stored.name == name
    assert stored.fields.count() == 4
