"""Carry out 10,000 grants in one PostgreSQL: nothing to do, 1,000 changes, and from an approval to a verified grant.

Measured are whole reconciliations as a worker does them: read the source's catalogs, plan, carry out under the lock, read
back, settle the grants, compare for drift. BENCH_ENFORCEMENT_SIDE (100) people hold as many tables each. Approvals come one
by one; the worker and the clock of `bin/run` see to them.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from django.utils import timezone
from psycopg import sql

from access.actions import approve_request, request_access
from access.enforcement.reconciling import reconcile
from access.models import DatabaseLogin, Enforcement, Grant, PolicyVersion
from access.provisioning.desired import Profile, Rules
from access.provisioning.postgres.service import service_grants
from access.states import GrantState
from accounts.models import Principal, User
from audit.models import Delivery
from bench.harness import Figure
from bench.serving import running
from catalog.models import Dataset, Domain, Field, Origin, Ownership, Source, Tier
from connections.addresses import parse_address
from ingestion.sources import add_crawled_source

_PEOPLE = _TABLES = int(os.environ.get("BENCH_ENFORCEMENT_SIDE", "100"))
_COLUMNS = 5
_CHANGES = min(1_000, _PEOPLE * _TABLES // 2)
_APPROVALS = 20


@dataclass
class _Bench:
    source: Source
    owner: Principal
    people: list[Principal]
    datasets: list[Dataset]


def run() -> list[Figure]:
    with _database() as (database, account, password, mark):
        bench = _catalogued(database, account, password, mark)
        grants = _grants(bench)
        first = _seconds(bench)
        count = Grant.objects.filter(pk__in=grants, state=GrantState.ACTIVE).count()
        if count != len(grants):
            raise RuntimeError(f"Only {count} of {len(grants)} grants are active.")
        idle = min(_seconds(bench) for _ in range(3))
        over = Grant.objects.filter(pk__in=grants[:_CHANGES])
        over.update(state=GrantState.REVOKING, ends_as=GrantState.REVOKED, valid_to=timezone.now())
        changes = _seconds(bench)
        if over.exclude(state=GrantState.REVOKED).exists():
            raise RuntimeError("Not all grants that are over were revoked.")
        # The approvals find a catalog at rest: nobody is told of what was only made to be measured, and the policies have
        # been in force for a while.
        Delivery.objects.filter(state=Delivery.State.PENDING).delete()
        PolicyVersion.objects.to_compare().update(compared_at=timezone.now())
        with running("worker-prompt"):
            waits = sorted(_approval(bench, number) for number in range(_APPROVALS))
    name = f"{_PEOPLE * _TABLES:,} grants on one PostgreSQL"
    return [
        Figure(f"{name}, the first time", "s", first),
        Figure(f"{name}, nothing to do", "s", idle, 5),
        Figure(f"{name}, {_CHANGES:,} changes", "s", changes, 30),
        Figure("from approval to a verified grant, p95", "s", waits[int(len(waits) * 0.95) - 1], 5),
    ]


def _seconds(bench: _Bench) -> float:
    began = time.monotonic()
    if not reconcile(bench.source.pk):
        raise RuntimeError("Another reconciler holds the source of the benchmark.")
    return time.monotonic() - began


def _approval(bench: _Bench, number: int) -> float:
    """Seconds from an approval until its grant was read back by the worker."""
    dataset = bench.datasets[number]
    field = Field.objects.filter(dataset=dataset).order_by("position")[1]
    person = bench.people[number]
    request = request_access(dataset=dataset, fields=[field], purpose="To measure", days=10, by=person)
    while Enforcement.objects.filter(source=bench.source, held_until__isnull=False).exists():
        time.sleep(0.02)  # the one before is not yet at its end, and the source is to be idle
    began = time.monotonic()
    grant = approve_request(request=request, by=bench.owner)
    if grant is None:
        raise RuntimeError("One approval was not enough.")
    while not Grant.objects.filter(pk=grant.pk, state=GrantState.ACTIVE).exists():
        if time.monotonic() - began > 60:
            raise RuntimeError("An approved grant was not verified within a minute.")
        time.sleep(0.02)
    return time.monotonic() - began


def _grants(bench: _Bench) -> list[int]:
    now = timezone.now()
    first = dict(Field.objects.filter(dataset__in=bench.datasets, position=1).values_list("dataset_id", "pk"))
    made = Grant.objects.bulk_create(
        [
            Grant(
                principal=person,
                dataset=dataset,
                field_ids=[first[dataset.pk]],
                state=GrantState.PROVISIONING,
                valid_from=now,
                valid_to=now + dt.timedelta(days=30),
                granted_by=bench.owner,
            )
            for person in bench.people
            for dataset in bench.datasets
        ],
        batch_size=2_000,
    )
    return [grant.pk for grant in made]


def _catalogued(database: str, account: str, password: str, mark: str) -> _Bench:
    server = urlsplit(os.environ["EMBEDDED_POSTGRES_URL"])
    system = Principal.objects.system()
    domain = Domain.objects.create(slug=f"bench-{mark}", name=f"Bench {mark}", open_tier=Tier.METADATA)
    address = f"postgres://{account}:{password}@{server.hostname}:{server.port}/{database}?sslmode=disable"
    source = add_crawled_source(name=f"Bench {mark}", address=parse_address(address), by=system, domain=domain)
    Enforcement.objects.create(
        source=source, mode=Enforcement.Mode.AUTOMATIC, prefix=f"dc{mark}_", mask_schema="dc_masked", changed_by=system
    )
    people = [
        User.objects.create_user(f"bench-{mark}-{number}", f"bench-{mark}-{number}@example.org").principal
        for number in range(_PEOPLE + 1)
    ]
    DatabaseLogin.objects.bulk_create(
        [
            DatabaseLogin(source=source, principal=person, name=f"bench_{mark}_{number}", set_by=system)
            for number, person in enumerate(people[:-1])
        ]
    )
    datasets = Dataset.objects.bulk_create(
        [
            Dataset(
                source=source,
                path=[database, "shop", f"table_{number}"],
                name=f"table_{number}",
                qualified_name=f"{database}.shop.table_{number}",
                namespace=source.namespace,
                domain=domain,
            )
            for number in range(_TABLES)
        ]
    )
    Field.objects.bulk_create(
        [
            Field(dataset=dataset, path=[f"column_{position}"], position=position, native_type="text")
            for dataset in datasets
            for position in range(1, _COLUMNS + 1)
        ]
    )
    owner = people[-1]
    Ownership.objects.bulk_create(
        [
            Ownership(
                dataset=dataset, principal=owner, kind=Ownership.Kind.OWNER, origin=Origin.PERSON, asserted_by=system
            )
            for dataset in datasets
        ]
    )
    return _Bench(source, owner, people[:-1], datasets)


@contextmanager
def _database() -> Iterator[tuple[str, str, str, str]]:
    """A database with its tables, a hundred logins and the catalog's account; dropped afterwards."""
    server = os.environ["EMBEDDED_POSTGRES_URL"]
    mark, password = secrets.token_hex(3), secrets.token_hex(16)
    name, account = f"bench_enforcement_{mark}", f"bench_{mark}_catalog"
    roles = [f"bench_{mark}_{number}" for number in range(_PEOPLE)]
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(account), sql.Literal(password))
        )
        for role in roles:
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    columns = sql.SQL(", ").join(
        sql.SQL("{} text").format(sql.Identifier(f"column_{number}")) for number in range(1, _COLUMNS + 1)
    )
    with psycopg.connect(urlsplit(server)._replace(path=f"/{name}").geturl(), autocommit=True) as inside:
        inside.execute("CREATE SCHEMA shop")
        for number in range(_TABLES):
            table = sql.Identifier("shop", f"table_{number}")
            inside.execute(sql.SQL("CREATE TABLE {} ({})").format(table, columns))
        for statement in service_grants(Profile.ROLE_MANAGING, Rules(), account, [("shop",)]):
            inside.execute(sql.SQL(statement))
    try:
        yield name, account, password, mark
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            made = admin.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", [f"dc{mark}_"])
            for role in [*(row[0] for row in made.fetchall()), *roles, account]:
                admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
