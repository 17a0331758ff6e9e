"""Crawl PostgreSQL on this machine: 1,000 and 100,000 tables of 20 columns, new and unchanged.

Measured is the whole run as a worker does it: connect, read, stage, compare, apply, with schema history and audit. Memory
is the peak resident size of a process that does only the crawl, read from the kernel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bench.harness import Figure

_COLUMNS = 20
_TABLES_A_SCHEMA = 1000
_LARGE = int(os.environ.get("BENCH_CRAWL_TABLES", "100000"))


def run() -> list[Figure]:
    return [*_measure("1,000", 1000, 1.5, 0.5), *_measure(f"{_LARGE:,}", _LARGE, 90, 15, peak_target=400)]


def _measure(name: str, tables: int, new: float, unchanged: float, peak_target: float | None = None) -> list[Figure]:
    url = _database_of(tables)
    first, second = _crawl_twice(url, f"bench {name}")
    return [
        Figure(f"{name} tables, new", "s", first["seconds"], new),
        Figure(f"{name} tables, unchanged", "s", second["seconds"], unchanged),
        Figure(f"{name} tables, peak memory of the worker", "MB", max(first["peak"], second["peak"]), peak_target),
    ]


def _database_of(tables: int) -> str:
    """The URL of a database with so many tables, made at its first use."""
    server = os.environ["EMBEDDED_POSTGRES_URL"]
    name = f"bench_crawl_{tables}"
    with psycopg.connect(server, autocommit=True) as admin:
        exists = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not exists:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    if not exists:
        _fill(url, tables)
    return url


def _fill(url: str, tables: int) -> None:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(
            sql.Identifier(f"column_{number}"),
            sql.SQL(("bigint", "text", "numeric(10,2)", "timestamptz")[number % 4]),
        )
        for number in range(_COLUMNS - 1)
    )
    with psycopg.connect(url, autocommit=True) as database:
        for start in range(0, tables, _TABLES_A_SCHEMA):
            schema = sql.Identifier(f"schema_{start // _TABLES_A_SCHEMA:03}")
            with database.transaction(), database.pipeline():
                database.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
                for number in range(start, min(start + _TABLES_A_SCHEMA, tables)):
                    table = sql.Identifier(f"table_{number:06}")
                    database.execute(
                        sql.SQL("CREATE TABLE {}.{} (id bigint PRIMARY KEY, {})").format(schema, table, columns)
                    )
        database.execute("ANALYZE pg_catalog.pg_class")
        database.execute("ANALYZE pg_catalog.pg_attribute")


_WORKER = """
import json, resource, sys, time
import django
django.setup()
from accounts.models import Principal
from catalog.models import Source
from ingestion.actions import request_crawl
from ingestion.crawling import run_crawl
from ingestion.connectors.registry import connector_for
source = Source.objects.get(slug=sys.argv[1])
connector_for(source.connection.target())  # imports the driver, as a worker has after its first crawl
began = time.perf_counter()
run = request_crawl(source=source, by=Principal.objects.system())
run_crawl(run.pk)
seconds = time.perf_counter() - began
run.refresh_from_db()
print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                  "state": run.state, "message": run.message, "plan": run.plan}))
"""


def _crawl_twice(url: str, name: str) -> tuple[dict, dict]:
    """Each crawl in a fresh process, so that its peak memory is its own; start-up is not in the time."""
    from django.utils.text import slugify

    from accounts.models import Principal
    from catalog.models import Dataset, Source
    from connections.addresses import parse_address
    from ingestion.sources import add_crawled_source

    slug = slugify(name)
    source = Source.objects.filter(slug=slug).first()
    if source is None:
        address = parse_address(f"{url}?sslmode=disable")
        source = add_crawled_source(name=name, slug=slug, address=address, by=Principal.objects.system())
    else:
        _forget_what_was_crawled()
    results = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", _WORKER, slug], check=True, capture_output=True, text=True, env=os.environ
        )
        results.append(json.loads(done.stdout.strip().splitlines()[-1]))
        if results[-1]["state"] != "succeeded":
            raise RuntimeError(f"The crawl ended as {results[-1]['state']}: {results[-1]['message']}")
    first, second = results
    assert first["plan"]["added"] == second["plan"]["unchanged"] == Dataset.objects.filter(source=source).count()
    return first, second


def _forget_what_was_crawled() -> None:
    """Empty the catalog but for its sources: a database is a source once only, and each run is to find all of it new."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE catalog_dataset, catalog_schema, ingestion_run, audit_record CASCADE")
