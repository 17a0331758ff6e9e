"""Load the demo, step by step. Each step does what is missing, so a load that was interrupted is taken up by the next."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from accounts.actions import create_token, pipeline_principal, revoke_token
from accounts.models import ApiToken
from accounts.tokens import Scope, digest_of
from catalog.models import Source
from lineage.models import Run as LineageRun
from portal.demo import curation, databases, enforcing, workers
from portal.demo.databases import Places
from portal.demo.organisation import ADMINISTRATOR
from portal.demo.people import Login, add_organisation, add_people, principal
from portal.demo.pipeline import JOB_NAMESPACE, NIGHTLY, Database, Pipeline
from portal.demo.sources import (
    CRAWLED,
    ONTRACK,
    SPLASHKIT,
    WAREHOUSE,
    add_sources,
    request_crawl_after_release,
    request_crawls,
)
from portal.demo.steps import STEPS

TOKEN_NAME = "nightly pipeline"  # noqa: S105 -- a name

Note = Callable[[str, int, float], None]
"""Told after each step: what it was, how many things it changed, and its seconds."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier load left in its answer: passwords by user name, and the pipeline's token."""

    passwords: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


@dataclass(slots=True)
class Loading:
    """One load. `url` is where the catalog answers; `only_here` says that nobody but this machine reaches it."""

    places: Places
    url: str
    only_here: bool
    note: Note
    kept: Kept = field(default_factory=Kept)
    logins: list[Login] = field(default_factory=list)
    token: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    changes: int = 0

    def run(self) -> None:
        """Do every step. Raises `CatalogError`, or what the databases and the catalog's address raise."""
        self.token = self.kept.token
        self._step("Making OnTrack, SplashKit and a warehouse", self._databases)
        self._step("People, systems, domains", self._people)
        self._step("Sources, with only the rights they need", lambda: add_sources(self.places))
        served = workers.served_queues()
        self._step("Running the nightly pipeline", lambda: self._pipeline(served))
        self._step("Crawling", lambda: self._crawls(served))
        self._step("A release of OnTrack, crawled again", lambda: self._release(served))
        self._step("Descriptions, tags, owners", curation.describe_datasets)
        self._step("Levels", curation.set_levels)
        self._step("Terms to accept", curation.publish_terms_of_domain)
        self._step("Rights in OnTrack, as the catalog grants them", lambda: enforcing.enforce_ontrack(self.places))
        self._step("Requests for access", curation.request_accesses)
        self._step("Granting in OnTrack what was approved", lambda: enforcing.carry_out_grants(served))
        self._step("Why the pipeline reads OnTrack", lambda: enforcing.explain_findings(self.places))
        self._step("A delegation, a recertification", curation.delegate_and_recertify)

    def _step(self, name: str, work: Callable[[], int]) -> None:
        began = time.monotonic()
        changed = work()
        self.changes += changed
        self.note(name, changed, time.monotonic() - began)

    def _databases(self) -> int:
        return databases.make_ontrack(self.places) + len(databases.make_files(self.places))

    def _people(self) -> int:
        self.logins, made = add_people(known=self.kept.passwords, only_here=self.only_here)
        return made + add_organisation()

    def _crawls(self, served: frozenset[str]) -> int:
        runs = request_crawls()
        workers.finish_runs(runs, served)
        return len(runs)

    def _release(self, served: frozenset[str]) -> int:
        run = request_crawl_after_release()
        if run is None:
            return 0
        databases.release_ontrack(self.places)
        workers.finish_runs([run], served)
        return 1

    def _pipeline(self, served: frozenset[str]) -> int:
        workers.fold_events(served)
        if pipeline_has_run():
            return 0
        self.rows = nightly(self.places, url=self.url, token=self._token()).run()
        workers.fold_events(served)
        return len(self.rows)

    def _token(self) -> str:
        """The kept token while it is good, else a new one in place of the old."""
        pipeline = pipeline_principal(TOKEN_NAME)
        by = principal(ADMINISTRATOR)
        held = ApiToken.objects.usable().filter(principal=pipeline, name=TOKEN_NAME).first()
        if held is not None and self.token and bytes(held.digest) == digest_of(self.token):
            return self.token
        for old in ApiToken.objects.filter(principal=pipeline, name=TOKEN_NAME, revoked_at=None):
            revoke_token(token=old, by=by)
        namespaces = Source.objects.filter(slug__in=CRAWLED).values_list("namespace", flat=True)
        issued = create_token(
            principal=pipeline,
            name=TOKEN_NAME,
            scopes=[Scope.LINEAGE_WRITE],
            namespaces=[JOB_NAMESPACE, *sorted(namespaces)],
            by=by,
        )
        self.token = issued.text
        return self.token


def pipeline_has_run() -> bool:
    """Whether every step of the pipeline has completed once, as the catalog knows it."""
    names = [NIGHTLY, *(f"{NIGHTLY}.{step.name}" for step in STEPS)]
    completed = LineageRun.objects.filter(job__namespace=JOB_NAMESPACE, job__name__in=names, completed_at__isnull=False)
    return completed.values("job_id").distinct().count() == len(names)


def nightly(places: Places, *, url: str, token: str) -> Pipeline:
    """The pipeline between the demo's databases, with an account of its own in OnTrack."""
    namespaces = dict(Source.objects.filter(slug__in=CRAWLED).values_list("slug", "namespace"))
    return Pipeline(
        databases={
            ONTRACK: _ontrack(places, namespaces[ONTRACK]),
            SPLASHKIT: _file(places.splashkit_file, namespaces[SPLASHKIT]),
        },
        warehouse=Path(namespaces[WAREHOUSE].removeprefix("duckdb://")),
        url=url,
        token=token,
    )


def _ontrack(places: Places, namespace: str) -> Database:
    if places.superuser_url is None:
        return _file(places.ontrack_file, namespace)
    host, port = databases.server_address(places)
    password = databases.new_login(places, places.pipeline_role)

    def connect() -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=host, port=port, dbname=places.ontrack_database, user=places.pipeline_role, password=password
        )

    return Database(namespace, f"{places.ontrack_database}.public.", connect, "postgresql")


def _file(path: Path, namespace: str) -> Database:
    return Database(namespace, "main.", lambda: sqlite3.connect(path), "sqlite")
