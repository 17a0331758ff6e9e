"""What happened is written with what happened, once, and for good."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
import rfc8785
from django.conf import settings
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Principal
from audit import handlers
from audit.delivery import deliver_pending, retry_failed
from audit.events import Event, Subject, event
from audit.handlers import handles
from audit.models import Delivery, PersonalDetail, Record, RecordSubject
from audit.queries import activity_of, tell
from audit.recording import record, record_many
from audit.runtime_role import grant
from tests.factories import dataset, person
from tests.servers.databases import PostgresServer


@event("test.painted", "painted {what} {colour} for {customer}", personal=["customer"])
@dataclass(frozen=True, slots=True, kw_only=True)
class Painted(Event):
    what: str
    colour: str
    customer: str = ""
    number: int = 0
    before: dict[str, str] | None = None
    after: dict[str, str] | None = None

    def subjects(self) -> Iterable[Subject]:
        return [Subject("wall", 7)]


@pytest.fixture
def seen() -> Iterator[list[int]]:
    """The records that a handler of this test has seen."""
    found: list[int] = []

    @handles(Painted)
    def look(row: Record) -> None:
        found.append(row.pk)

    yield found
    handlers._BY_EVENT.pop(Painted.name)


def paint(**values: object) -> Record:
    with transaction.atomic():
        return record(Painted(**{"what": "the wall", "colour": "blue", **values}), by=Principal.objects.system())


@pytest.mark.django_db
def test_payload_is_canonical_and_holds_the_whole_event():
    row = paint(number=2**60)
    payload = json.loads(row.payload)
    assert rfc8785.dumps(payload).decode() == row.payload
    assert payload["values"]["number"] == str(2**60)
    assert (payload["event"], payload["subjects"]) == ("test.painted", [["wall", 7]])
    row.refresh_from_db()
    assert int(row.xid) > 0


@pytest.mark.django_db
def test_personal_data_stands_apart_and_can_be_erased():
    row = paint(customer="Ada Lovelace")
    assert "Ada" not in row.payload
    assert tell([row])[0].sentence == "painted the wall blue for Ada Lovelace"
    PersonalDetail.objects.all().delete()
    row.refresh_from_db()
    assert tell([row])[0].sentence == "painted the wall blue for (erased)"


@pytest.mark.django_db
def test_same_personal_value_has_another_digest_each_time():
    first, second = paint(customer="Ada"), paint(customer="Ada")
    assert first.values["customer"] != second.values["customer"]


@pytest.mark.django_db
def test_activity_shows_before_and_after_of_what_changed():
    paint(before={"colour": "red", "coats": "2"}, after={"colour": "blue", "coats": "2"})
    (line,), _ = activity_of(Subject("wall", 7))
    assert [(change.name, change.before, change.after) for change in line.changes] == [("colour", "red", "blue")]


@pytest.mark.django_db(transaction=True)
def test_record_vanishes_with_the_transaction_that_failed():
    with pytest.raises(RuntimeError), transaction.atomic():
        record(Painted(what="x", colour="y"), by=Principal.objects.system())
        raise RuntimeError
    assert not Record.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_recording_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="transaction"):
        record(Painted(what="x", colour="y"), by=Principal.objects.system())


@pytest.mark.django_db
def test_number_of_statements_does_not_grow_with_the_events(seen):
    by = Principal.objects.system()

    def statements(count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            record_many([Painted(what="w", colour="c", customer="A")] * count, by=by)
        return len(captured)

    assert statements(2) == statements(200)


@pytest.mark.django_db(transaction=True)
def test_handler_runs_once_for_each_record_however_many_workers_deliver(seen):
    for _ in range(20):
        paint()

    def work() -> None:
        try:
            deliver_pending()
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(seen) == sorted(Record.objects.values_list("pk", flat=True))
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()


@pytest.mark.django_db(transaction=True)
def test_failing_handler_leaves_no_effect_is_tried_again_and_at_last_given_up():
    calls = []

    @handles(Painted)
    def fail(row: Record) -> None:
        calls.append(row.pk)
        person(f"made-by-{row.pk}-{len(calls)}")
        raise ValueError("not today")

    try:
        paint()
        people = Principal.objects.count()
        for _ in range(Delivery.MAX_ATTEMPTS + 2):
            Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
            deliver_pending()
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.attempts) == (Delivery.State.FAILED, Delivery.MAX_ATTEMPTS)
        assert delivery.last_error == "ValueError: not today"
        assert len(calls) == Delivery.MAX_ATTEMPTS
        assert Principal.objects.count() == people
        assert retry_failed() == 1
        assert Delivery.objects.get().state == Delivery.State.PENDING
    finally:
        handlers._BY_EVENT.pop(Painted.name)


@pytest.mark.django_db
def test_large_set_of_subjects_joins_the_record_with_its_count_and_digest():
    ids = [dataset().pk for _ in range(3)]
    with transaction.atomic():
        row = record(
            Painted(what="all", colour="blue"),
            by=Principal.objects.system(),
            changes={"dataset": {"added": ids[:2], "gone": ids[2:]}},
        )
    assert json.loads(row.payload)["changes"]["dataset"]["added"]["count"] == 2
    assert set(RecordSubject.objects.filter(kind="dataset").values_list("object_id", "change")) == {
        (ids[0], "added"),
        (ids[1], "added"),
        (ids[2], "gone"),
    }


@pytest.mark.django_db(transaction=True)
def test_runtime_role_may_add_and_read_records_and_nothing_else(postgres_server: PostgresServer):
    paint()
    name = settings.DATABASES["default"]["NAME"]
    role = settings.DATABASE_APP_ROLE
    assert grant(), "The tests' schema is owned by another role than the runtime's."
    with psycopg.connect(postgres_server.url(name), autocommit=True) as database:
        database.execute(f'SET ROLE "{role}"')
        assert database.execute("SELECT count(*) FROM audit_record").fetchone() == (1,)
        database.execute("UPDATE audit_delivery SET attempts = 0")
        for statement in (
            "UPDATE audit_record SET event = 'nothing'",
            "DELETE FROM audit_record",
            "TRUNCATE audit_record CASCADE",
            "UPDATE audit_recordsubject SET change = ''",
            "DELETE FROM audit_recordsubject",
            "DROP TABLE audit_record",
            "ALTER TABLE audit_record ADD COLUMN more text",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                database.execute(statement)
