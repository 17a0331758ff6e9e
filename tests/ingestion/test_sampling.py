"""Crawls that sample: what they keep of rows, whose turn it is, and what happens when a table or the worker fails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import psycopg
import pytest
from django.utils import timezone

from accounts.models import Principal
from audit.models import Record, RecordSubject
from catalog.actions import edit_source
from catalog.models import Dataset, Field, FieldProfile, Profile, Sampling, Source
from catalog.queries.profiles import due_for_sampling
from catalog.snapshots import DatasetKind, DatasetSnapshot, SchemaRead, SchemasListed
from classification.actions import set_level
from classification.models import Examination, Label, Level, RuleSet
from ingestion.actions import cancel_run, push_snapshots, request_crawl
from ingestion.crawling import run_crawl
from ingestion.models import Run, RunState
from tests.ingestion.sources import postgres_source
from tests.ingestion.test_crawls import crawl, lines_of, started_worker, wait_until
from tests.servers.databases import PostgresServer

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = """
    CREATE TABLE people (id int PRIMARY KEY, x text, born date, tfn text, height numeric, note text);
    INSERT INTO people
    SELECT n, 'person' || n || '@example' || n || '.org', date '1950-01-01' + n, '123 456 782', 150 + n / 10.0, NULL
    FROM generate_series(1, 50) AS n;
"""


@pytest.fixture
def shop(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database() as name:
        execute(postgres_server, name, PEOPLE, "CREATE TABLE orders (id int, total numeric)")
        execute(postgres_server, name, "INSERT INTO orders VALUES (1, 9.5), (2, 12)")
        yield name


def execute(server: PostgresServer, database: str, *statements: str) -> None:
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def sampled_source(server: PostgresServer, database: str, amount: str = "light", **how) -> Source:
    made = postgres_source(server, database, **how)
    return edit_source(source=made, changes={"sampling": amount}, by=Principal.objects.system())


def field(table: str, column: str) -> Field:
    return Field.objects.get(dataset__name=table, path=[column])


def suggestion(table: str, column: str) -> Label | None:
    return Label.objects.current().suggested().filter(field=field(table, column)).select_related("category").first()


def test_crawl_samples_profiles_and_classifies(postgres_server, shop):
    run = crawl(sampled_source(postgres_server, shop))
    assert (run.state, run.message) == (RunState.SUCCEEDED, "2 added. 2 tables sampled.")
    assert (run.tables_sampled, run.tables_to_sample) == (2, 2)
    email = suggestion("people", "x")
    assert email is not None and email.category.slug == "email"
    assert {one["kind"] for one in email.evidence} >= {"values"}
    assert not any("example" in one["text"] for one in email.evidence)
    assert Examination.objects.get(dataset__name="people").with_values
    profile = Profile.objects.get(dataset__name="people")
    assert (profile.row_count, profile.row_count_exact, profile.rows_sampled) == (50, True, 50)
    note = FieldProfile.objects.get(field=field("people", "note"))
    assert (note.null_share, note.distinct) == (1.0, 0)
    assert FieldProfile.objects.get(field=field("people", "x")).shapes == [["a99@a99.a", 0.82], ["a9@a9.a", 0.18]]


def test_bounds_and_exemplars_follow_what_was_found(postgres_server, shop):
    crawl(sampled_source(postgres_server, shop))
    kept = {
        row.field.path[0]: row for row in FieldProfile.objects.filter(dataset__name="people").select_related("field")
    }
    assert (kept["id"].minimum, kept["id"].maximum) == ("1", "50")
    assert (kept["height"].minimum, kept["height"].maximum) == ("150.1", "155")
    assert kept["x"].exemplars == ["p•••@•••.org"]
    assert kept["born"].minimum == ""
    assert kept["tfn"].exemplars == []


def test_source_that_is_not_sampled_reads_no_row(postgres_server, shop):
    run = crawl(postgres_source(postgres_server, shop))
    assert (run.message, run.tables_to_sample) == ("2 added.", None)
    assert not Profile.objects.exists() and not Sampling.objects.exists()


def test_unchanged_table_is_not_sampled_again_before_its_time(postgres_server, shop):
    source = sampled_source(postgres_server, shop)
    crawl(source)
    assert crawl(source).tables_to_sample == 0
    execute(postgres_server, shop, "ALTER TABLE orders ADD COLUMN mail text")
    assert crawl(source).tables_to_sample == 1
    assert Profile.objects.filter(dataset__name="orders").count() == 2
    version = RuleSet.objects.get(state="applied").version
    later = timezone.now() + dt.timedelta(days=31)
    assert due_for_sampling(source, rules=version, now=later).count() == 2
    assert due_for_sampling(source, rules=version + 1).count() == 2


def test_full_sampling_reads_views_too(postgres_server, shop):
    execute(postgres_server, shop, "CREATE VIEW contacts AS SELECT x AS reachable_at FROM people")
    source = sampled_source(postgres_server, shop)
    assert crawl(source).tables_to_sample == 2
    source = edit_source(source=source, changes={"sampling": "full"}, by=Principal.objects.system())
    assert crawl(source).tables_to_sample == 3
    assert suggestion("contacts", "reachable_at").category.slug == "email"


def test_table_that_fails_is_named_and_the_rest_goes_on(postgres_server, shop):
    execute(
        postgres_server,
        shop,
        "CREATE VIEW broken AS SELECT x::int AS number FROM people",
        "CREATE VIEW whole AS SELECT x FROM people",
    )
    run = crawl(sampled_source(postgres_server, shop, "full"))
    assert (run.state, run.message) == (RunState.SUCCEEDED, "4 added. 3 tables sampled, 1 could not be (see the log).")
    lines = list(run.log.filter(severity="warning").values_list("text", flat=True))
    assert lines == [f"{shop}.public.broken could not be sampled: PostgreSQL refused it (error 22P02)."]
    assert Sampling.objects.get(dataset__name="broken").failure
    assert due_for_sampling(run.source, rules=RuleSet.objects.get(state="applied").version).count() == 0


def test_tables_that_lose_the_source_keep_no_other_from_its_turn(postgres_server):
    with postgres_server.database() as name:
        # Known before the others: of tables that were never tried, those have the first turn that the catalog met first.
        deadly = [f"CREATE VIEW a{n} AS SELECT pg_terminate_backend(pg_backend_pid()) AS dead" for n in range(4)]
        execute(postgres_server, name, *deadly)
        source = postgres_source(postgres_server, name)
        crawl(source)
        execute(postgres_server, name, PEOPLE, "CREATE TABLE orders AS SELECT 1 AS id")
        source = edit_source(source=source, changes={"sampling": "full"}, by=Principal.objects.system())
        first = crawl(source)
        assert (first.tables_to_sample, first.tables_sampled) == (6, 4)
        assert "Sampling ended early" in first.log.filter(severity="warning").last().text
        assert Sampling.objects.exclude(failure="").count() == 4
        assert crawl(source).message.endswith("2 tables sampled.")
        later = timezone.now() + dt.timedelta(days=31)
        due = due_for_sampling(source, rules=RuleSet.objects.get(state="applied").version, now=later)
        assert set(due.values_list("name", flat=True)[4:]) == {"orders", "people"}


def test_failed_table_keeps_the_profile_that_it_had(postgres_server, shop):
    execute(postgres_server, shop, "CREATE VIEW numbers AS SELECT total::text::numeric AS total FROM orders")
    source = sampled_source(postgres_server, shop, "full")
    crawl(source)
    execute(postgres_server, shop, "CREATE OR REPLACE VIEW numbers AS SELECT (x || '1')::numeric AS total FROM people")
    crawl(source)
    assert FieldProfile.objects.filter(dataset__name="numbers").exists()
    assert Sampling.objects.get(dataset__name="numbers").failure


def test_level_that_rises_takes_away_what_was_kept(postgres_server, shop):
    crawl(sampled_source(postgres_server, shop))
    system = Principal.objects.system()
    restricted = Level.objects.get(slug="restricted")
    assert FieldProfile.objects.get(field=field("people", "x")).exemplars
    set_level(level=restricted, reason="It is.", fields=[field("people", "x"), field("people", "id")], by=system)
    assert FieldProfile.objects.get(field=field("people", "x")).exemplars == []
    assert FieldProfile.objects.get(field=field("people", "id")).minimum == ""
    assert FieldProfile.objects.get(field=field("people", "height")).minimum
    set_level(level=restricted, reason="All.", datasets=[Dataset.objects.get(name="people")], by=system)
    assert FieldProfile.objects.get(field=field("people", "height")).minimum == ""
    assert FieldProfile.objects.get(field=field("orders", "total")).minimum == "9.5"


def test_sampling_is_recorded_as_a_set(postgres_server, shop):
    crawl(sampled_source(postgres_server, shop))
    record = Record.objects.get(event="catalog.profiles_kept")
    subjects = RecordSubject.objects.filter(record=record, kind="dataset", change="profiled")
    assert set(subjects.values_list("object_id", flat=True)) == set(Dataset.objects.values_list("pk", flat=True))


def test_cancelling_while_it_samples_keeps_the_plan_and_says_so(postgres_server, shop):
    execute(postgres_server, shop, "CREATE VIEW slow AS SELECT pg_sleep(8)::text AS nap")
    run = request_crawl(source=sampled_source(postgres_server, shop, "full"), by=Principal.objects.system())
    worker = started_worker(run)

    def naps() -> bool:
        with psycopg.connect(postgres_server.url(shop)) as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event = 'PgSleep'", [shop]
            )
            return found.fetchone() != (0,)

    wait_until(naps)
    cancel_run(run=run, by=Principal.objects.system())
    wait_until(lambda: Run.objects.get(pk=run.pk).state == RunState.CANCELLED, 5)
    worker.join()
    run.refresh_from_db()
    assert run.message == "Cancelled while it sampled; the plan was applied, and what was sampled before stays."
    assert Dataset.objects.filter(name="people").exists()
    assert not FieldProfile.objects.exists()


def test_pushed_readings_are_not_sampled(postgres_server, shop):
    source = sampled_source(postgres_server, shop)
    schema = (shop, "public")
    table = DatasetSnapshot(path=(*schema, "orders"), kind=DatasetKind.TABLE)
    lines = lines_of(SchemasListed(schemas=(schema,)), table, SchemaRead(schema=schema, datasets=1))
    run = push_snapshots(source=source, lines=lines, by=Principal.objects.system())
    run_crawl(run.pk)
    run.refresh_from_db()
    assert (run.state, run.tables_to_sample) == (RunState.SUCCEEDED, None)
