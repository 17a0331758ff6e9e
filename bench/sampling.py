"""Sample PostgreSQL on this machine: 1,000 tables of 20 columns, read, profiled, classified and kept by one worker.

Measured is the sampling part of a crawl as a worker does it, from the first table to the last: one statement a table on the
source, the detectors with values, suggestions, profiles and their history, and the record. `unchanged` is the whole of a
crawl after it, which finds that no table's turn has come. Memory is the peak resident size of a process that does only this.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bench.harness import Direction, Figure

_TABLES = int(os.environ.get("BENCH_SAMPLING_TABLES", "1000"))
_ROWS = 1_000
_COLUMNS = (
    ("given_name", "text", "(ARRAY['Ada','Grace','Mary','Joan','Zoe','Lin'])[1 + n % 6]"),
    ("family_name", "text", "(ARRAY['Nguyen','Smith','Brandt','Okafor','Tran'])[1 + n % 5]"),
    ("email", "text", "'person' || n || '@example.org'"),
    ("phone", "text", "'0491 57' || lpad((n % 10000)::text, 4, '0')"),
    ("date_of_birth", "date", "date '1950-01-01' + n * 13"),
    ("street", "text", "n || ' Example Street'"),
    ("postcode", "text", "lpad((3000 + n % 900)::text, 4, '0')"),
    ("status", "text", "(ARRAY['open','closed','waiting'])[1 + n % 3]"),
    ("amount", "numeric(10, 2)", "n * 1.25"),
    ("quantity", "integer", "n % 40"),
    ("created_at", "timestamptz", "timestamptz '2026-01-01' + n * interval '1 hour'"),
    ("is_active", "boolean", "n % 2 = 0"),
    ("remarks", "text", "CASE WHEN n % 5 = 0 THEN 'Called back on the next day, all well' END"),
    ("code", "text", "'SCN-' || (n % 500)"),
    ("token", "uuid", "gen_random_uuid()"),
    ("payload", "jsonb", "jsonb_build_object('email', 'p' || n || '@example.org', 'n', n)"),
    ("tags", "text[]", "ARRAY['a', 'b' || n % 9]"),
    ("score", "double precision", "n / 7.0"),
    ("ip", "inet", "'192.0.2.1'::inet + n % 200"),
)


def run() -> list[Figure]:
    url = _database()
    first, second = _crawl_twice(url)
    columns = _TABLES * (len(_COLUMNS) + 1)
    return [
        Figure(f"{_TABLES:,} tables, sampled, profiled and classified", "s", first["sampling"], 60),
        Figure("columns a second", "/s", columns / first["sampling"], 300, Direction.AT_LEAST),
        Figure("processor time of the worker for it", "s", first["worked"]),
        Figure("the same source unchanged, whole crawl", "s", second["seconds"], 1.5),
        Figure("peak memory of the worker", "MB", first["peak"], 400),
    ]


def _database() -> str:
    """The URL of the database, made anew where it is not whole."""
    server = os.environ["EMBEDDED_POSTGRES_URL"]
    name = f"bench_sampling_{_TABLES}"
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    with psycopg.connect(server, autocommit=True) as admin:
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return url
        unfinished = sql.Identifier(f"{name}_unfinished")
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(unfinished))
        admin.execute(sql.SQL("CREATE DATABASE {}").format(unfinished))
        _fill(f"{url}_unfinished")
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(unfinished, sql.Identifier(name)))
    return url


def _fill(url: str) -> None:
    made = sql.SQL(", ").join(
        sql.SQL("({})::{} AS {}").format(sql.SQL(expression), sql.SQL(kind), sql.Identifier(name))
        for name, kind, expression in _COLUMNS
    )
    with psycopg.connect(url, autocommit=True) as database:
        rows = sql.SQL("CREATE TABLE rows AS SELECT n::bigint AS id, {} FROM generate_series(1, {}) AS n")
        database.execute(rows.format(made, _ROWS))
        for number in range(_TABLES):
            table = sql.Identifier(f"table_{number:06}")
            database.execute(sql.SQL("CREATE TABLE {} AS SELECT * FROM rows").format(table))
            database.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id)").format(table))
        database.execute("DROP TABLE rows")
        database.execute("ANALYZE")


_WORKER = """
import json, resource, sys, time
import django
django.setup()
from accounts.models import Principal
from catalog.models import Source
from ingestion import crawling
from ingestion.actions import request_crawl
from ingestion.connectors.registry import connector_for
source = Source.objects.get(slug=sys.argv[1])
connector_for(source.connection.target())
sample, spent = crawling.sample_tables, []
def timed(*given):
    began, worked = time.perf_counter(), time.process_time()
    outcome = sample(*given)
    spent.append((time.perf_counter() - began, time.process_time() - worked))
    return outcome
crawling.sample_tables = timed
began = time.perf_counter()
run = request_crawl(source=source, by=Principal.objects.system())
crawling.run_crawl(run.pk)
seconds = time.perf_counter() - began
run.refresh_from_db()
print(json.dumps({"seconds": seconds, "sampling": spent[0][0], "worked": spent[0][1], "sampled": run.tables_sampled,
                  "state": run.state,
                  "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "message": run.message}))
"""


def _crawl_twice(url: str) -> tuple[dict, dict]:
    """Each crawl in a fresh process; start-up is not in the time."""
    from django.db import connection

    from accounts.models import Principal
    from catalog.models import SamplingAmount, Source
    from connections.addresses import parse_address
    from ingestion.sources import add_crawled_source

    slug = "bench-sampling"
    if not Source.objects.filter(slug=slug).exists():
        add_crawled_source(
            name="bench sampling",
            slug=slug,
            address=parse_address(f"{url}?sslmode=disable"),
            sampling=SamplingAmount.LIGHT,
            by=Principal.objects.system(),
        )
    else:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE catalog_dataset, catalog_schema, ingestion_run, audit_record CASCADE")
    results = []
    for wanted in (_TABLES, 0):
        done = subprocess.run(
            [sys.executable, "-c", _WORKER, slug], check=True, capture_output=True, text=True, env=os.environ
        )
        results.append(json.loads(done.stdout.strip().splitlines()[-1]))
        if results[-1]["state"] != "succeeded" or results[-1]["sampled"] != wanted:
            raise RuntimeError(f"The crawl ended as {results[-1]['state']}: {results[-1]['message']}")
    return results[0], results[1]
