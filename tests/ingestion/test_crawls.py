"""Crawls from the request to the catalog, on a real PostgreSQL, with workers that die and people who change their minds."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psycopg
import pytest
from django.conf import settings
from django.db import IntegrityError, connections
from django.db.models import F
from django.http import UnreadablePostError
from django.utils import timezone
from django_celery_beat.schedulers import ModelEntry

from accounts.models import DomainRole, Principal
from audit.models import Record
from catalog.models import Dataset, Source, StagedDataset
from catalog.snapshots import DatasetKind, DatasetSnapshot, SchemaRead, SchemasListed
from common.errors import Conflict, Forbidden, Invalid
from config.celery import app
from connections.addresses import parse_address
from ingestion.actions import cancel_run, confirm_plan, cron_of, push_snapshots, request_crawl, set_schedule
from ingestion.crawling import known_fingerprints, run_crawl
from ingestion.leases import SILENT_SECONDS, claim, give_up_silent
from ingestion.models import TRANSITIONS, PushedBatch, Run, RunState
from ingestion.queries import durations_of, next_times
from ingestion.sources import add_crawled_source
from tests.factories import dataset, domain, person, personas, role, source
from tests.ingestion.sources import held_wire, postgres_source, worker_process
from tests.servers.databases import PostgresServer


@pytest.fixture
def shop(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database() as name:
        with psycopg.connect(postgres_server.url(name), autocommit=True) as database:
            for number in range(10):
                database.execute(f"CREATE TABLE table_{number} (id bigint PRIMARY KEY, name text NOT NULL)")
            database.execute("CREATE SCHEMA archive")
            database.execute("CREATE TABLE archive.old (id bigint)")
        yield name


def crawl(source, by: Principal | None = None, **how) -> Run:
    run = request_crawl(source=source, by=by or Principal.objects.system(), **how)
    run_crawl(run.pk)
    run.refresh_from_db()
    return run


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "It did not come true in time."
        time.sleep(0.05)


@pytest.mark.django_db(transaction=True)
def test_crawl_reads_a_real_database_into_the_catalog(postgres_server, shop):
    run = crawl(postgres_source(postgres_server, shop))
    assert (run.state, run.message) == (RunState.SUCCEEDED, "11 added.")
    table = Dataset.objects.get(name="table_3")
    assert table.qualified_name == f"{shop}.public.table_3"
    assert [field.nullable for field in table.fields.order_by("position")] == [False, False]
    assert table.keys.get().columns == ["id"]
    assert run.datasets_read == 11
    assert not StagedDataset.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_second_crawl_notices_only_what_changed(postgres_server, shop):
    target = postgres_source(postgres_server, shop)
    crawl(target)
    with psycopg.connect(postgres_server.url(shop), autocommit=True) as database:
        database.execute("ALTER TABLE table_1 ADD COLUMN email text")
        database.execute("DROP TABLE table_2")
        database.execute("CREATE TABLE table_new (id int)")
    run = crawl(target)
    assert run.message == "1 added, 1 changed, 1 gone, 9 unchanged."
    assert Dataset.objects.get(name="table_1").version == 2


@pytest.mark.django_db
def test_the_last_reading_of_a_merged_dataset_is_known():
    table = dataset("orders")
    Dataset.objects.filter(pk=table.pk).update(fingerprint="f", merged_into=dataset("bills"))
    assert known_fingerprints(table.source) == {tuple(table.path): "f"}


@pytest.mark.django_db(transaction=True)
def test_dry_run_shows_the_plan_and_changes_nothing(postgres_server, shop):
    run = crawl(postgres_source(postgres_server, shop), dry_run=True)
    assert run.state == RunState.SUCCEEDED
    assert run.plan["added"] == 11 and f"{shop}.public.table_0" in run.plan["samples"]["added"]
    assert not Dataset.objects.exists()
    assert not StagedDataset.objects.exists()


def wait_of_days(run: Run) -> None:
    """Let the run have begun, and come to a stop, two days and some earlier."""
    earlier = dt.timedelta(days=2, minutes=1)
    Run.objects.filter(pk=run.pk).update(
        queued_at=F("queued_at") - earlier,
        started_at=F("started_at") - earlier,
        heartbeat_at=F("heartbeat_at") - earlier,
    )


@pytest.mark.django_db(transaction=True)
def test_plan_that_removes_too_much_waits_for_a_person(postgres_server, shop):
    target = postgres_source(postgres_server, shop)
    crawl(target)
    with psycopg.connect(postgres_server.url(shop), autocommit=True) as database:
        database.execute("DROP TABLE table_1, table_2, table_3")
    run = crawl(target)
    assert run.state == RunState.WAITING
    assert run.plan["gone"] == 3
    worked = run.duration
    assert worked is not None and worked == run.duration, "the time grows on while the plan waits"
    assert not Dataset.objects.exclude(gone_since=None).exists()
    wait_of_days(run)
    confirm_plan(run=run, by=Principal.objects.system())
    run_crawl(run.pk)
    run.refresh_from_db()
    assert (run.state, Dataset.objects.exclude(gone_since=None).count()) == (RunState.SUCCEEDED, 3)
    assert worked < run.duration < dt.timedelta(days=1) and run.rested > dt.timedelta(days=2)
    assert max(one.seconds for one in durations_of(target)) < dt.timedelta(days=1).total_seconds()


@pytest.mark.django_db(transaction=True)
def test_plan_that_waits_may_be_cancelled_and_nothing_is_gone(postgres_server, shop):
    target = postgres_source(postgres_server, shop)
    crawl(target)
    with psycopg.connect(postgres_server.url(shop), autocommit=True) as database:
        database.execute("DROP TABLE table_1, table_2, table_3")
    run = crawl(target)
    wait_of_days(run)
    run = cancel_run(run=run, by=Principal.objects.system())
    assert run.state == RunState.CANCELLED
    assert run.duration is not None and run.duration < dt.timedelta(days=1)
    assert not Dataset.objects.exclude(gone_since=None).exists()
    assert not StagedDataset.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_wrong_password_fails_with_a_sentence_and_removes_nothing(postgres_server, shop):
    crawl(postgres_source(postgres_server, shop))
    target = Dataset.objects.first().source
    target.connection.set_secret("wrong")
    target.connection.save()
    run = crawl(target)
    assert run.state == RunState.FAILED
    assert "password" in run.message.lower()
    assert not Dataset.objects.exclude(gone_since=None).exists()


@pytest.mark.django_db(transaction=True)
def test_one_source_has_one_open_run(postgres_server, shop):
    target = postgres_source(postgres_server, shop)
    request_crawl(source=target, by=Principal.objects.system())
    with pytest.raises(Conflict, match="open already"):
        request_crawl(source=target, by=Principal.objects.system())


def started_worker(run: Run) -> threading.Thread:
    """A worker of this process that carries the run out on connections of its own."""

    def work() -> None:
        try:
            run_crawl(run.pk)
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    return worker


@contextmanager
def held_crawl(server: PostgresServer, shop: str, *, hold_after: int) -> Iterator[Run]:
    """A run whose worker waits for its source, which fell silent after so many bytes; then it goes on, and ends."""
    with held_wire(server, hold_after=hold_after) as wire:
        run = request_crawl(source=postgres_source(server, shop, port=wire.port), by=Principal.objects.system())
        worker = started_worker(run)
        assert wire.held.wait(20)
        yield run
        wire.release.set()
        worker.join(30)
    assert not worker.is_alive()


@pytest.mark.django_db(transaction=True)
def test_run_is_carried_out_by_one_of_two_workers(postgres_server, shop):
    run = request_crawl(source=postgres_source(postgres_server, shop), by=Principal.objects.system())
    workers = [started_worker(run) for _ in range(2)]
    for worker in workers:
        worker.join()
    run.refresh_from_db()
    assert (run.state, run.fence) == (RunState.SUCCEEDED, 1)
    assert Record.objects.filter(event="catalog.snapshot_applied").count() == 1


@pytest.mark.django_db(transaction=True)
def test_cancel_ends_a_run_within_five_seconds_though_the_source_hangs(postgres_server, shop):
    with held_crawl(postgres_server, shop, hold_after=4000) as run:
        began = time.monotonic()
        cancel_run(run=run, by=Principal.objects.system())
        wait_until(lambda: Run.objects.get(pk=run.pk).state == RunState.CANCELLED, seconds=5)
        assert time.monotonic() - began < 5
    assert not Dataset.objects.exists()
    assert Run.objects.get(pk=run.pk).state == RunState.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_a_run_says_that_it_connects_until_the_source_answers(postgres_server, shop):
    with held_crawl(postgres_server, shop, hold_after=10) as run:
        assert Run.objects.get(pk=run.pk).phase == "connecting"
        assert [line.text for line in run.log.all()] == [f"Connecting to {run.source}."]
    assert [line.text for line in run.log.order_by("id")[:2]] == [
        f"Connecting to {run.source}.",
        f"Reading {run.source}.",
    ]


@pytest.mark.django_db(transaction=True)
def test_run_of_a_killed_worker_is_lost_and_tried_once_more(postgres_server, shop):
    with held_wire(postgres_server, hold_after=4000) as wire:
        target = postgres_source(postgres_server, shop, port=wire.port)
        run = request_crawl(source=target, by=Principal.objects.system())
        worker = worker_process(f"from ingestion.crawling import run_crawl; run_crawl({run.pk})")
        assert wire.held.wait(40)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert give_up_silent() == [], "Its heart beat a moment ago."
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - dt.timedelta(seconds=SILENT_SECONDS + 1))
    (again,) = give_up_silent()
    run.refresh_from_db()
    assert (run.state, again.retry_of, again.trigger) == (RunState.LOST, run, Run.Trigger.RETRY)
    assert not StagedDataset.objects.filter(reading=run.pk).exists()
    Run.objects.filter(pk=again.pk).update(state=RunState.RUNNING, heartbeat_at=timezone.now() - dt.timedelta(hours=1))
    assert give_up_silent() == [], "A second loss is not tried again."


@pytest.mark.django_db(transaction=True)
def test_worker_that_was_thought_dead_writes_nothing(postgres_server, shop):
    with held_crawl(postgres_server, shop, hold_after=4000) as run:
        Run.objects.filter(pk=run.pk).update(state=RunState.LOST, finished_at=timezone.now())
    assert not Dataset.objects.exists()
    assert Run.objects.get(pk=run.pk).state == RunState.LOST


def lines_of(*values) -> list[bytes]:
    return [msgspec.json.encode(value) for value in values]


@pytest.mark.django_db(transaction=True)
def test_pushed_snapshots_are_applied_like_crawled_ones():
    target = source("pushed")
    schema = ("shop", "public")
    table = DatasetSnapshot(path=(*schema, "orders"), kind=DatasetKind.TABLE)
    run = push_snapshots(
        source=target,
        lines=lines_of(SchemasListed(schemas=(schema,)), table, SchemaRead(schema=schema, datasets=1)),
        by=Principal.objects.system(),
    )
    assert run.state == RunState.QUEUED
    run_crawl(run.pk)
    run.refresh_from_db()
    assert (run.state, Dataset.objects.get().qualified_name) == (RunState.SUCCEEDED, "shop.public.orders")


def pushed(name: str = "orders") -> Run:
    schema = ("shop", "public")
    table = DatasetSnapshot(path=(*schema, name), kind=DatasetKind.TABLE)
    return push_snapshots(
        source=Source.objects.filter(slug="pushed").first() or source("pushed"),
        lines=lines_of(SchemasListed(schemas=(schema,)), table, SchemaRead(schema=schema, datasets=1)),
        by=Principal.objects.system(),
    )


def fall_silent(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - dt.timedelta(seconds=SILENT_SECONDS + 1))


@pytest.mark.django_db(transaction=True)
def test_pushed_snapshots_outlive_the_worker_that_died_with_them():
    run = pushed()
    blocked = psycopg.connect(os.environ["DATABASE_URL"], dbname=settings.DATABASES["default"]["NAME"])
    with blocked:
        blocked.execute("LOCK TABLE catalog_stageddataset IN ACCESS EXCLUSIVE MODE")
        worker = worker_process(f"from ingestion.crawling import run_crawl; run_crawl({run.pk})")
        wait_until(lambda: Run.objects.get(pk=run.pk).state == RunState.RUNNING, seconds=40)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    fall_silent(run)
    (again,) = give_up_silent()
    run.refresh_from_db()
    assert (run.state, again.retry_of) == (RunState.LOST, run)
    run_crawl(again.pk)
    again.refresh_from_db()
    assert (again.state, again.message) == (RunState.SUCCEEDED, "1 added.")
    assert Dataset.objects.get().qualified_name == "shop.public.orders"
    assert not PushedBatch.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_pushed_snapshots_outlive_a_crash_of_the_database():
    run = pushed()
    StagedDataset.objects.all().delete()  # what recovery does to unlogged tables
    run_crawl(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_pushed_plan_that_waited_through_a_crash_is_still_applied():
    target = source("pushed")
    schema = ("shop", "public")
    tables = [DatasetSnapshot(path=(*schema, f"table_{number}"), kind=DatasetKind.TABLE) for number in range(4)]
    for kept in (tables, tables[:1]):
        lines = lines_of(SchemasListed(schemas=(schema,)), *kept, SchemaRead(schema=schema, datasets=len(kept)))
        run = push_snapshots(source=target, lines=lines, by=Principal.objects.system())
        run_crawl(run.pk)
        run.refresh_from_db()
    assert run.state == RunState.WAITING
    StagedDataset.objects.all().delete()
    confirm_plan(run=run, by=Principal.objects.system())
    run_crawl(run.pk)
    run.refresh_from_db()
    assert (run.state, Dataset.objects.exclude(gone_since=None).count()) == (RunState.SUCCEEDED, 3)


@pytest.mark.django_db(transaction=True)
def test_push_that_kills_every_worker_is_given_up_at_last():
    run = pushed()
    states = []
    while True:
        claim(run.pk)
        fall_silent(run)
        following = give_up_silent()
        states.append(Run.objects.get(pk=run.pk).state)
        if not following:
            break
        (run,) = following
    assert states == [RunState.LOST] * 4
    assert "Push it again" in Run.objects.get(pk=run.pk).message
    assert not PushedBatch.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_push_that_was_never_accepted_is_not_tried_again():
    run = request_crawl(source=source("pushed"), by=Principal.objects.system(), trigger=Run.Trigger.PUSH)
    claim(run.pk)
    PushedBatch.objects.create(run=run, number=0, lines=b"{}")
    fall_silent(run)
    assert give_up_silent() == []
    assert not PushedBatch.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_push_whose_connection_breaks_keeps_nothing_and_leaves_the_source_free():
    def broken() -> Iterator[bytes]:
        yield from lines_of(SchemasListed(schemas=(("shop", "public"),)))
        raise UnreadablePostError("gone")

    with pytest.raises(UnreadablePostError):
        push_snapshots(source=source("pushed"), lines=broken(), by=Principal.objects.system())
    assert Run.objects.get().state == RunState.FAILED
    assert not PushedBatch.objects.exists()
    assert pushed().state == RunState.QUEUED


@pytest.mark.django_db(transaction=True)
def test_empty_push_reads_nothing_and_changes_nothing():
    run = push_snapshots(source=source("pushed"), lines=[b"\n"], by=Principal.objects.system())
    run_crawl(run.pk)
    run.refresh_from_db()
    assert (run.state, run.message) == (RunState.SUCCEEDED, "No datasets.")


@pytest.mark.django_db(transaction=True)
def test_large_push_is_kept_in_batches_and_read_back_in_order():
    schema = ("shop", "public")
    tables = [
        DatasetSnapshot(path=(*schema, f"table_{number:04}"), kind=DatasetKind.TABLE, comment="long" * 500)
        for number in range(1200)
    ]
    lines = lines_of(SchemasListed(schemas=(schema,)), *tables, SchemaRead(schema=schema, datasets=1200))
    run = push_snapshots(source=source("pushed"), lines=lines, by=Principal.objects.system())
    assert PushedBatch.objects.count() == 3
    assert run.datasets_read == 1200
    run_crawl(run.pk)
    run.refresh_from_db()
    assert (run.state, Dataset.objects.count()) == (RunState.SUCCEEDED, 1200)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b'{"type": "dataset"}', b'{"type": "dataset", "path": [], "kind": "table"}', b"\xff"],
)
def test_pushed_line_that_is_no_reading_keeps_nothing(line):
    good = lines_of(DatasetSnapshot(path=("shop", "public", "orders"), kind=DatasetKind.TABLE))
    with pytest.raises(Invalid, match="Line 2"):
        push_snapshots(source=source("pushed"), lines=[*good, line], by=Principal.objects.system())
    assert Run.objects.get().state == RunState.FAILED
    assert not PushedBatch.objects.exists()


@pytest.mark.django_db
def test_only_curators_of_the_domain_may_crawl():
    cast = personas()
    target = cast.dataset.source
    target.domain = cast.domain
    target.save()
    for refused in (cast.analyst, cast.outsider):
        with pytest.raises(Forbidden):
            request_crawl(source=target, by=refused)
    assert request_crawl(source=target, by=cast.steward).state == RunState.QUEUED


@pytest.mark.django_db
def test_schedule_is_a_cron_expression_that_owners_set():
    sales = domain("Sales")
    owner, steward = person("owner"), person("keeper")
    role(sales, owner, DomainRole.OWNER)
    role(sales, steward)
    target = source("shop", of=sales)
    with pytest.raises(Forbidden):
        set_schedule(source=target, cron="0 3 * * *", by=steward)
    schedule = set_schedule(source=target, cron=" 30  3 * * 1-5", by=owner)
    assert cron_of(schedule) == "30 3 * * 1-5"
    assert all((at.hour, at.minute) == (3, 30) and at.isoweekday() <= 5 for at in next_times(schedule, 7))
    assert set_schedule(source=target, cron="", by=owner) is None
    for wrong in ("every night", "* * * *", "61 * * * *", "0 25 * * *"):
        with pytest.raises(Invalid):
            set_schedule(source=target, cron=wrong, by=owner)


@pytest.mark.django_db(transaction=True)
def test_what_a_schedule_sends_is_a_task_that_crawls(tmp_path, settings):
    settings.CONNECTION_ALLOWED_PATHS = [str(tmp_path)]
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE orders (id integer PRIMARY KEY)")
    system = Principal.objects.system()
    shop = add_crawled_source(name="shop", address=parse_address(f"sqlite://{tmp_path}/shop.db"), by=system)
    schedule = set_schedule(source=shop, cron="0 3 * * *", by=system)
    assert schedule is not None
    app.loader.import_default_modules()
    # As beat reads the row, and as a worker takes the message.
    due = ModelEntry(schedule.periodic_task, app=app)
    task = app.tasks[due.task]
    assert due.options["queue"] == app.amqp.router.route({}, due.task)["queue"].name == "crawl"
    task.apply(args=due.args, kwargs=due.kwargs, throw=True)
    run = Run.objects.get()
    assert (run.source, run.trigger, run.state) == (shop, Run.Trigger.SCHEDULE, RunState.SUCCEEDED)
    assert Dataset.objects.get().name == "orders"
    request_crawl(source=shop, by=system)
    task.apply(args=due.args, kwargs=due.kwargs, throw=True)
    assert Run.objects.filter(trigger=Run.Trigger.SCHEDULE).count() == 1


def test_ended_states_never_move():
    ended = {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.LOST}
    assert {state for state, targets in TRANSITIONS.items() if not targets} == ended


@pytest.mark.django_db
def test_database_refuses_a_second_open_run():
    by = Principal.objects.system()
    target = source("shop")
    Run.objects.create(source=target, trigger=Run.Trigger.PERSON, requested_by=by)
    with pytest.raises(IntegrityError, match="run_one_open_per_source"):
        Run.objects.create(source=target, trigger=Run.Trigger.PERSON, requested_by=by, state=RunState.RUNNING)
