"""A view's definition is its lineage."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from audit.delivery import deliver_pending
from catalog.models import Dataset
from catalog.snapshots import DatasetKind
from lineage.merging import decide_same
from lineage.models import ColumnEdge, DatasetEdge, Explanation, Job, JobOrigin
from lineage.sql_statements import TABLES_OF_SOURCE
from lineage.view_lineage import derive_views, views_over
from tests.factories import dataset, person, source
from tests.lineage.threads import in_threads

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db):
    return dataset("people", source=source("warehouse"))


def view(of, definition: str, name: str = "contacts", fields: tuple[str, ...] = ()) -> Dataset:
    made = dataset(name, source=of, fields=fields, kind=DatasetKind.VIEW)
    Dataset.objects.filter(pk=made.pk).update(definition=definition)
    return made


def columns() -> set[tuple[str, str, str]]:
    rows = ColumnEdge.objects.select_related("upstream", "downstream")
    return {(row.upstream.name, row.downstream.name, row.subtype) for row in rows}


def test_a_view_comes_from_the_tables_and_columns_that_it_reads(people):
    contacts = view(people.source, "SELECT id, upper(email) AS mail FROM people WHERE name <> ''")
    assert derive_views([contacts.pk]) == 1
    edge = DatasetEdge.objects.get()
    assert (edge.upstream_id, edge.downstream_id, edge.origin) == (people.pk, contacts.pk, "view")
    assert columns() == {("id", "id", "IDENTITY"), ("email", "mail", "TRANSFORMATION"), ("name", "", "FILTER")}
    assert Job.objects.get().origin == JobOrigin.VIEW


def test_deriving_again_follows_the_definition(people):
    contacts = view(people.source, "SELECT id FROM people")
    derive_views([contacts.pk])
    Dataset.objects.filter(pk=contacts.pk).update(definition="SELECT name FROM people")
    assert views_over([people.pk]) == [contacts.pk]
    derive_views([contacts.pk])
    derive_views([contacts.pk])
    assert columns() == {("name", "name", "IDENTITY")}
    Dataset.objects.filter(pk=contacts.pk).update(definition="")
    derive_views([contacts.pk])
    assert not DatasetEdge.objects.exists() and not Explanation.objects.exists()


def test_a_view_over_a_view_joins_them(people):
    contacts = view(people.source, "SELECT id, email FROM people", fields=("id", "email"))
    mails = view(people.source, "SELECT email FROM contacts", name="mails")
    assert derive_views([contacts.pk, mails.pk]) == 2
    assert {(edge.upstream_id, edge.downstream_id) for edge in DatasetEdge.objects.all()} == {
        (people.pk, contacts.pk),
        (contacts.pk, mails.pk),
    }


def test_a_definition_that_cannot_be_read_says_why_and_stops_nothing(people):
    broken = view(people.source, "SELECT FROM WHERE (", name="broken")
    good = view(people.source, "SELECT id FROM people")
    assert derive_views([broken.pk, good.pk]) == 2
    assert Explanation.objects.get(dataset=broken).problem
    assert DatasetEdge.objects.get().downstream_id == good.pk


def test_a_view_reads_the_dataset_that_stands_for_the_one_that_it_names(people):
    contacts = view(people.source, "SELECT id FROM people")
    moved = dataset("persons", source=people.source)
    derive_views([contacts.pk])
    admin = person(administrator=True)
    decide_same(first=people, second=moved, same=True, by=admin)
    deliver_pending()
    stands = Dataset.objects.get(pk__in=[people.pk, moved.pk], merged_into=None)
    assert DatasetEdge.objects.get().upstream_id == stands.pk
    decide_same(first=people, second=moved, same=False, by=admin)
    deliver_pending()
    assert DatasetEdge.objects.get().upstream_id == people.pk


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_while_a_definition_is_read_and_what_changed_meanwhile_is_read_again():
    people = dataset("people", source=source("warehouse"))
    moved = dataset("persons", source=people.source)
    contacts = view(people.source, "SELECT id FROM people")
    derive_views([contacts.pk])
    admin = person(administrator=True)
    job = Job.objects.get()
    read = 0

    def merge_and_define() -> None:
        with transaction.atomic():
            Job.objects.select_for_update(nowait=True).get(pk=job.pk)
            decide_same(first=people, second=moved, same=True, by=admin)
            Dataset.objects.filter(pk=contacts.pk).update(definition="SELECT name FROM people")

    def change_meanwhile(execute, sql, params, many, context):
        nonlocal read
        read += sql == TABLES_OF_SOURCE
        if sql == TABLES_OF_SOURCE and read == 1:
            in_threads(1, lambda number: merge_and_define())
        return execute(sql, params, many, context)

    # As a handler calls it: in a transaction that goes on afterwards.
    with transaction.atomic(), connection.execute_wrapper(change_meanwhile):
        assert derive_views([contacts.pk]) == 1
    stands = Dataset.objects.get(pk__in=[people.pk, moved.pk], merged_into=None)
    assert DatasetEdge.objects.get().upstream_id == stands.pk
    assert columns() == {("name", "name", "IDENTITY")}
