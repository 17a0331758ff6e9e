"""The demo is an end-to-end test: everything in it went through the doors that people and pipelines use."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import duckdb
import psycopg
import pytest
from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from access.actions import approve_request
from access.enforcement.reconciling import reconcile
from access.inbox import waiting_list
from access.models import AccessRequest, Finding, Grant
from access.states import RequestState
from accounts.models import Principal
from audit.models import Record
from catalog.actions import describe
from catalog.models import Dataset, Field, FieldProfile, Key, Origin, Profile, Sampling, Source, Tier
from catalog.snapshots import DatasetKind, KeyKind
from classification.actions import clear_level, set_level
from classification.models import Label, Level
from common.errors import Invalid
from ingestion.models import CrawlSchedule, Run, RunState
from lineage.models import DatasetEdge, Event, JobDataset
from lineage.models import Run as LineageRun
from portal.demo import databases, invented, workers
from portal.demo.curation import dataset_of, set_levels
from portal.demo.databases import Places
from portal.demo.loading import Loading
from portal.demo.organisation import ANALYST, OUTSIDER, STEWARD
from portal.demo.people import OPEN_PASSWORD, principal
from portal.demo.steps import STEPS
from stack.supervision import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
]

FLOWS = {
    ("users", "staging.users"),
    ("units", "staging.units"),
    ("teaching_periods", "staging.units"),
    ("tasks", "staging.tasks"),
    ("projects", "staging.tasks"),
    ("task_definitions", "staging.tasks"),
    ("submissions", "staging.submissions"),
    ("program_runs", "staging.splashkit_calls"),
    ("function_calls", "staging.splashkit_calls"),
    ("staging.users", "marts.student_progress"),
    ("staging.units", "marts.student_progress"),
    ("staging.tasks", "marts.student_progress"),
    ("staging.submissions", "marts.student_progress"),
    ("marts.student_progress", "marts.unit_overview"),
    ("staging.splashkit_calls", "marts.function_usage"),
}


def load(places: Places, url: str) -> Loading:
    loading = Loading(places=places, url=url, only_here=True, note=lambda *step: None)
    loading.run()
    return loading


def short(dataset: Dataset) -> str:
    return ".".join(dataset.path[1:]) if dataset.path[0] == "warehouse" else dataset.path[-1]


def runs_sampled() -> list[tuple[str, int]]:
    return list(Run.objects.filter(state=RunState.SUCCEEDED).values_list("source__slug", "tables_sampled"))


def test_the_demo_is_a_working_catalog(places: Places, live_server: Any, subtests: pytest.Subtests):
    loading = load(places, live_server.url)

    with subtests.test("OnTrack, SplashKit and the warehouse were crawled, what is only proposed was not"):
        runs = Run.objects.filter(state=RunState.SUCCEEDED).values_list("source__slug", flat=True)
        assert sorted(runs) == ["ontrack", "ontrack", "splashkit", "warehouse"]
        assert Source.objects.filter(connection=None, last_crawled_at=None).count() == 3
        assert CrawlSchedule.objects.filter(periodic_task__enabled=True).count() == 3

    with subtests.test("OnTrack's tables came with their kinds, keys, types and sizes"):
        kinds = {short(dataset): dataset.kind for dataset in Dataset.objects.filter(source__slug="ontrack")}
        assert set(invented.ontrack()) | {"current_enrolments", "unit_progress"} == set(kinds)
        assert kinds["submissions"] == DatasetKind.PARTITIONED
        assert kinds["current_enrolments"] == DatasetKind.VIEW
        assert kinds["unit_progress"] == DatasetKind.MATERIALIZED_VIEW
        assert Field.objects.get(dataset=dataset_of("ontrack", "tasks"), path=["status"]).type == "enum"
        foreign = Key.objects.filter(dataset=dataset_of("ontrack", "tasks"), kind=KeyKind.FOREIGN)
        assert {key.references for key in foreign} == {
            dataset_of("ontrack", "projects"),
            dataset_of("ontrack", "task_definitions"),
        }
        assert dataset_of("ontrack", "users").row_estimate == len(invented.ontrack()["users"].rows)

    with subtests.test("the second crawl found what OnTrack's release changed, and nothing else"):
        versions = Dataset.objects.filter(source__slug="ontrack", version__gt=1)
        assert [(dataset.name, dataset.version) for dataset in versions] == [("tasks", 2)]

    with subtests.test("the catalog's account in OnTrack changes no row"):
        connection = Source.objects.get(slug="ontrack").connection
        assert connection is not None
        password = connection.target().secret
        host, port = databases.server_address(places)
        with (
            psycopg.connect(
                host=host, port=port, dbname=places.ontrack_database, user=places.catalog_role, password=password
            ) as ontrack,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            ontrack.execute("UPDATE users SET email = email")

    with subtests.test("what was crawled was sampled, and classified with values"):
        assert {name for name, sampled in runs_sampled() if sampled} == {"ontrack", "splashkit", "warehouse"}
        assert not Sampling.objects.filter(failure__gt="").exists()
        assert Profile.objects.filter(dataset=dataset_of("ontrack", "users")).exists()
        assert FieldProfile.objects.exclude(exemplars=[]).exists() and FieldProfile.objects.exclude(minimum="").exists()
        masks = [mask for kept in FieldProfile.objects.values_list("exemplars", flat=True) for mask in kept]
        assert masks and all("•••" in mask for mask in masks)

    with subtests.test("rows were really moved"):
        with duckdb.connect(str(places.warehouse_file), read_only=True) as warehouse:
            for step in STEPS:
                ((count,),) = warehouse.execute(step.count).fetchall()
                assert count == loading.rows[step.name] > 0
            ((addresses,),) = warehouse.execute(
                "SELECT count(*) FROM staging.users WHERE email_digest LIKE '%@%'"
            ).fetchall()
        assert loading.rows["load_submissions"] == len(invented.ontrack()["submissions"].rows)
        assert addresses == 0

    with subtests.test("the pipeline's events join the crawled tables from OnTrack to the marts"):
        edges = DatasetEdge.objects.select_related("upstream", "downstream")
        assert {(short(edge.upstream), short(edge.downstream)) for edge in edges} == FLOWS
        assert not Dataset.objects.filter(source=None).exists()
        assert not JobDataset.objects.filter(dataset__version=0).exists()

    with subtests.test("each run has ended, under the run of the night"):
        told = LineageRun.objects.all()
        night = told.get(parent=None)
        assert night.state == "completed"
        assert list(told.filter(parent=night.id).values_list("state", flat=True)) == ["completed"] * len(STEPS)

    with subtests.test("a table says when a run last wrote it"):
        assert dataset_of("warehouse", "marts.student_progress").data_updated_at is not None

    with subtests.test("the pipeline's columns are columns of the tables that it names"):
        for step in STEPS:
            written = columns_of(step.writes)
            assert set(step.columns) == written, step.name
            named = {column for columns in step.columns.values() for column in columns} | set(step.influences)
            assert {column.table for column in named} == set(step.reads), step.name
            assert all(column.name in columns_of(column.table) for column in named), step.name

    with subtests.test("the steward's levels count for the datasets too"):
        users = dataset_of("ontrack", "users")
        assert users.level == Level.objects.get(slug="restricted").rank
        assert Field.objects.get(dataset=users, path=["email"]).level == Level.objects.get(slug="confidential").rank
        assert users.owner_names == [str(principal(STEWARD))]

    with subtests.test("one request waits for its owner, one was granted"):
        waiting = AccessRequest.objects.get(state=RequestState.PENDING)
        assert (waiting.dataset, waiting.requester) == (users, principal(ANALYST))
        granted = {(grant.dataset, grant.state) for grant in Grant.objects.select_related("dataset")}
        recorded = dataset_of("warehouse", "marts.student_progress")
        assert granted == {(recorded, "recorded"), (dataset_of("ontrack", "task_definitions"), "active")}

    with subtests.test("what the pipeline reads of OnTrack without need waits for the steward"):
        # Whatever else this server allows is another test's.
        left = Finding.objects.filter(resolution="", grantee=places.pipeline_role)
        assert set(left.values_list("dataset__name", flat=True)) == {"task_comments", "unit_roles"}
        accepted = Finding.objects.filter(resolution="accepted", dataset__isnull=False)
        assert set(accepted.values_list("resolved_by__user__username", flat=True)) == {"steward"}

    with subtests.test("the schema that masked views would be made in is left out of crawls"):
        assert Source.objects.get(slug="ontrack").exclude == ["dc_masked.*"]

    with subtests.test("in OnTrack the analyst reads what was granted, and only that"):
        columns, rows = databases.read_as(
            places, places.analyst_role, "SELECT abbreviation, due_date FROM task_definitions", limit=5
        )
        assert (columns, len(rows)) == (["abbreviation", "due_date"], 5)
        for refused in ("SELECT email FROM users", "SELECT * FROM task_definitions"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                databases.read_as(places, places.analyst_role, refused, limit=1)

    with subtests.test("terms were accepted, and the steward's inbox has a request and a grant to confirm"):
        assert [one.terms.name for one in waiting.acceptances.all()] == ["Student data"]
        assert {"request", "recertification"} <= {item.kind for item in waiting_list(principal(STEWARD))}

    with subtests.test("each person sees what the roles say"):
        for person, tier in ((STEWARD, Tier.PROFILE), (ANALYST, Tier.METADATA), (OUTSIDER, Tier.DISCOVER)):
            seen = Dataset.objects.filter(pk=users.pk).with_tier(principal(person)).get()
            assert seen.tier == tier, person.username

    with subtests.test("nothing was written past the record"):
        written = set(Record.objects.values_list("actor__name", flat=True))
        assert {str(principal(person)) for person in (STEWARD, ANALYST)} <= written
        assert Principal.objects.filter(kind=Principal.Kind.PIPELINE).get().name not in written

    with subtests.test("what the owner approves is granted in OnTrack, and nothing beside"):
        grant = approve_request(request=waiting, by=principal(STEWARD), reason="They may be invited.")
        reconcile(users.source_id)
        assert isinstance(grant, Grant)
        grant.refresh_from_db()
        assert grant.problem == ""
        assert grant.state == "active"
        columns, rows = databases.read_as(places, places.analyst_role, "SELECT id, email FROM users", limit=5)
        assert (columns, len(rows)) == (["id", "email"], 5)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            databases.read_as(places, places.analyst_role, "SELECT date_of_birth FROM users", limit=1)

    with subtests.test("a second load changes nothing, nor what people changed since"):
        by = principal(STEWARD)
        describe(dataset=users, text="My own words.", by=by)
        birthday = Field.objects.get(dataset=users, path=["date_of_birth"])
        clear_level(fields=[birthday], reason="Tried out.", by=by)
        before = Record.objects.count(), Event.objects.count(), Run.objects.count()
        again = load(places, live_server.url)
        assert again.changes == 0
        assert (Record.objects.count(), Event.objects.count(), Run.objects.count()) == before
        assert Dataset.objects.get(pk=users.pk).description == "My own words."
        assert Field.objects.get(pk=birthday.pk).level is None

    with subtests.test("levels are set all or none, and a detector's word or a pipeline's is nobody's yet"):
        levels = {level.slug: level for level in Level.objects.all()}
        email = Field.objects.get(dataset=users, path=["email"])
        Label.objects.all().delete()
        Label.objects.create(
            dataset=users,
            field=email,
            level=levels["public"],
            state=Label.State.INHERITED,
            origin=Origin.PIPELINE,
            author=Principal.objects.system(),
            reason="Carried here.",
        )
        overview = Field.objects.filter(dataset=dataset_of("warehouse", "marts.unit_overview"))[:1]
        set_level(fields=list(overview), level=levels["restricted"], reason="Tried out.", by=by)
        with pytest.raises(Invalid, match="unit_overview"):
            set_levels()
        assert Label.objects.said_by_people().count() == 1
        Label.objects.confirmed().delete()
        set_levels()
        assert Field.objects.get(pk=email.pk).level == levels["confidential"].rank


def columns_of(reference: str) -> set[str]:
    source, _, name = reference.partition(":")
    dataset = dataset_of(source, name)
    return {".".join(path) for path in Field.objects.filter(dataset=dataset).values_list("path", flat=True)}


def signs_in(username: str, password: str) -> bool:
    client = Client()
    client.post(reverse("account_login"), {"login": username, "password": password})
    return SESSION_KEY in client.session


def test_the_command_goes_on_where_it_stopped_and_keeps_the_logins_private(
    places: Places, live_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("EMBEDDED_POSTGRES_URL", str(places.superuser_url))
    monkeypatch.delenv("HOST", raising=False)
    options = {"database": places.ontrack_database, "json": True}
    with pytest.raises(CommandError, match="did not take the pipeline's events"):
        call_command("load_demo", url=f"{live_server.url}/elsewhere/", **options)
    call_command("load_demo", url=live_server.url, **options)
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    kept = Path(django_settings.VAR_DIR) / "demo.json"
    assert json.loads(kept.read_text()) == answer
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    for login in answer["logins"]:
        assert login["password"] == OPEN_PASSWORD
        assert signs_in(login["username"], login["password"])
    call_command("load_demo", url=live_server.url, **options)
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again["changes"] == 0
    assert (again["logins"], again["token"]) == (answer["logins"], answer["token"])


def test_the_analyst_s_login_reads_what_was_granted(
    places: Places, live_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    options = {"database": places.ontrack_database}
    monkeypatch.delenv("EMBEDDED_POSTGRES_URL", raising=False)
    with pytest.raises(CommandError, match="no embedded PostgreSQL"):
        call_command("read_ontrack", "SELECT 1", **options)
    monkeypatch.setenv("EMBEDDED_POSTGRES_URL", str(places.superuser_url))
    with pytest.raises(CommandError, match="Load the demo first"):
        call_command("read_ontrack", "SELECT 1", **options)
    load(places, live_server.url)
    capsys.readouterr()
    call_command("read_ontrack", "SELECT abbreviation, weighting FROM task_definitions", json=True, **options)
    answer = json.loads(capsys.readouterr().out)
    assert answer["columns"] == ["abbreviation", "weighting"]
    assert len(answer["rows"]) == 20
    call_command("read_ontrack", "SELECT abbreviation FROM task_definitions", **options)
    assert capsys.readouterr().out.splitlines()[:2] == ["abbreviation", answer["rows"][0][0]]
    with pytest.raises(CommandError, match=r"refused .*_analyst: permission denied for table users"):
        call_command("read_ontrack", "SELECT email FROM users", **options)
    with pytest.raises(CommandError, match="could not be read"):
        call_command("read_ontrack", "DELETE FROM", **options)


def test_without_the_embedded_server_ontrack_is_a_file(
    files: Path, live_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("EMBEDDED_POSTGRES_URL", raising=False)
    call_command("load_demo", url=live_server.url)
    assert "OnTrack's database is an SQLite file" in capsys.readouterr().err
    assert dataset_of("ontrack", "users").source.platform == "sqlite"
    edges = DatasetEdge.objects.select_related("upstream", "downstream")
    assert {(short(edge.upstream), short(edge.downstream)) for edge in edges} == FLOWS
    assert not Dataset.objects.filter(source=None).exists()


@pytest.mark.long
def test_a_catalog_that_others_reach_gets_passwords_that_nobody_knows(
    files: Path, live_server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("EMBEDDED_POSTGRES_URL", raising=False)
    monkeypatch.setenv("HOST", "0.0.0.0")
    call_command("load_demo", url=live_server.url, json=True)
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    passwords = {login["password"] for login in answer["logins"]}
    assert len(passwords) == len(answer["logins"])
    assert all(len(password) >= 16 for password in passwords)
    assert signs_in("steward", answer["logins"][1]["password"])


def test_a_person_of_the_same_name_is_left_alone(files: Path, django_user_model: Any):
    django_user_model.objects.create_user("steward", "stella@company.example", "an-own-password")
    with pytest.raises(CommandError, match="already a person called steward"):
        call_command("load_demo", url="http://127.0.0.1:9")


@contextmanager
def real_worker() -> Iterator[None]:
    """A Celery worker in a process of its own, on this run's database and broker."""
    database = django_settings.DATABASES["default"]["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])
    environment = os.environ | {"DATABASE_URL": urlunsplit(url._replace(path=f"/{quote(database)}"))}
    environment["CONNECTION_ALLOWED_PATHS"] = ",".join(django_settings.CONNECTION_ALLOWED_PATHS)
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "threads", "--concurrency", "2"]
    command += ["--queues", "crawl,fold", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: {"crawl", "fold"} <= workers.served_queues(), seconds=60)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.long
def test_real_workers_crawl_and_fold(places: Places, live_server: Any, monkeypatch: pytest.MonkeyPatch):
    def here(*args: object) -> None:
        raise AssertionError("the workers were there, and yet it was done in this process")

    monkeypatch.setattr(workers, "run_crawl", here)
    monkeypatch.setattr(workers, "drain", here)
    with real_worker():
        load(places, live_server.url)
    assert Run.objects.filter(state=RunState.SUCCEEDED).count() == 4
    assert DatasetEdge.objects.count() == len(FLOWS)
