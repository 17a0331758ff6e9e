"""Values that are sown in real sources are nowhere to be found after crawls with full sampling.

Looked through: the whole database as pg_dump writes it, the logs, Valkey, and every page and resource as an administrator
is given them.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest
import redis
from django.conf import settings
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import Principal
from catalog.models import Dataset, Field, FieldProfile, Sampling, Source
from classification.models import Label
from connections.addresses import parse_address
from ingestion.models import Run, RunState
from ingestion.sources import add_crawled_source
from tests.contracts.url_walk import routes
from tests.factories import personas
from tests.ingestion.sources import postgres_source
from tests.ingestion.test_crawls import crawl
from tests.servers import plugin
from tests.servers.databases import MariadbServer, PostgresServer

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True), pytest.mark.mariadb]

WORD = "zqcanary"
NUMBERS = ("876543210987", "1917-03-05", "4929000000006", "987.6543")
"""In columns that are found to be personal, so that not even the least and the greatest are kept."""


def _rows() -> Iterator[tuple[object, ...]]:
    for number in range(12):
        word = f"{WORD}{number}"
        yield (
            f"{word}@{word}.example",
            f"{word} O'{word}",
            f"Die {word} wohnt bei {word}.",
            json.dumps({"email": f"{word}@{word}.example", "note": word}),
            NUMBERS[0] if number == 0 else str(100_000_000_000 + number),
            NUMBERS[1] if number == 0 else f"19{20 + number}-01-01",
            NUMBERS[2] if number == 0 else "4242424242424242",
            NUMBERS[3] if number == 0 else str(number),
            f"{word}" * 2_000,
        )


_COLUMNS = "email, full_name, remarks, doc, phone_number, date_of_birth, credit_card, salary, body"


def _sow_postgres(server: PostgresServer, name: str) -> None:
    with psycopg.connect(server.url(name), autocommit=True) as database:
        database.execute("""
            CREATE TABLE people (email text, full_name text, remarks text, doc jsonb, phone_number bigint,
                                 date_of_birth date, credit_card text, salary numeric, body text)
        """)
        for row in _rows():
            database.execute(f"INSERT INTO people ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", row)
        database.execute("CREATE TABLE lists (mails text[], raw bytea)")
        database.execute("INSERT INTO lists SELECT ARRAY[email], email::bytea FROM people")
        # What the server says of these quotes a value.
        database.execute("CREATE VIEW fails AS SELECT email::int AS number FROM people")
        database.execute("CREATE VIEW fails_late AS SELECT (full_name || email)::date AS day FROM people")


def _sow_mariadb(server: MariadbServer, name: str) -> None:
    with server.connect(database=name, charset="utf8mb4") as database:
        cursor = database.cursor()
        cursor.execute("""
            CREATE TABLE people (email TEXT, full_name TEXT, remarks TEXT, doc JSON, phone_number BIGINT, date_of_birth DATE,
                                 credit_card TEXT, salary DECIMAL(12, 4), body LONGTEXT)
        """)
        for row in _rows():
            cursor.execute(f"INSERT INTO people ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", row)
        cursor.execute("CREATE VIEW fails AS SELECT (SELECT email FROM people) AS one FROM people")


def _sow_files(folder: Path) -> None:
    with sqlite3.connect(folder / "shop.db") as database:
        database.execute(f"CREATE TABLE people ({_COLUMNS})")
        database.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _rows())
        database.execute("CREATE VIEW fails AS SELECT json_extract(email, full_name) AS part FROM people")
    database.close()
    with duckdb.connect(str(folder / "shop.duckdb")) as duck:
        duck.execute("""
            CREATE TABLE people (email VARCHAR, full_name VARCHAR, remarks VARCHAR, doc JSON, phone_number BIGINT,
                                 date_of_birth DATE, credit_card VARCHAR, salary DECIMAL(12, 4), body VARCHAR)
        """)
        for row in _rows():
            duck.execute("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        duck.execute(
            "CREATE TABLE nested AS SELECT {'email': email, 'name': full_name} AS person, [email] AS l FROM people"
        )
        duck.execute("CREATE VIEW fails AS SELECT CAST(email AS INTEGER) AS number FROM people")


@pytest.fixture
def sown(
    postgres_server: PostgresServer, mariadb_server: MariadbServer, tmp_path: Path, settings
) -> Iterator[list[Source]]:
    settings.CONNECTION_ALLOWED_PATHS = [str(tmp_path)]
    by = Principal.objects.system()
    cast = personas()
    with postgres_server.database() as shop, mariadb_server.database() as other:
        _sow_postgres(postgres_server, shop)
        _sow_mariadb(mariadb_server, other)
        _sow_files(tmp_path)
        postgres_source(postgres_server, shop, domain=cast.domain)
        for name, url in (
            ("maria", f"{mariadb_server.url(other)}?sslmode=disable"),
            ("lite", f"sqlite://{tmp_path}/shop.db"),
            ("duck", f"duckdb://{tmp_path}/shop.duckdb"),
        ):
            add_crawled_source(name=name, address=parse_address(url), domain=cast.domain, by=by)
        crawled = Source.objects.filter(connection__isnull=False).order_by("pk")
        crawled.update(sampling="full")
        yield list(crawled)


def found_in(text: str) -> list[str]:
    """Which of the canaries a text holds, with what stands around them."""
    hits = re.finditer("|".join([WORD, *map(re.escape, NUMBERS)]), text)
    return [text[max(0, hit.start() - 80) : hit.end() + 20] for hit in hits][:5]


def test_no_sown_value_is_found_anywhere(sown: list[Source], valkey: str, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        for source in sown:
            run = crawl(source)
            assert run.state == RunState.SUCCEEDED, run.message
    assert {one.dataset.name for one in Sampling.objects.filter(failure__gt="").select_related("dataset")} >= {"fails"}
    assert FieldProfile.objects.filter(dataset__name="people").count() == 9 * 4
    assert FieldProfile.objects.exclude(exemplars=[]).exists(), "masked exemplars were kept, and are looked through"
    assert Label.objects.suggested().filter(evidence__contains=[{"kind": "values"}]).exists()

    assert found_in(caplog.text) == []
    assert found_in(_dump()) == []
    assert found_in(_valkey(valkey)) == []
    pages = _pages()
    assert len(pages) > 60
    assert {name: found for name, text in pages.items() if (found := found_in(text))} == {}


def _dump() -> str:
    database = plugin.servers.postgres
    url = database.tcp_url(PostgresServer.superuser, settings.DATABASES["default"]["NAME"])
    dumped = subprocess.run(
        [str(database.program_path("pg_dump")), "--inserts", url], capture_output=True, text=True, check=True
    ).stdout
    assert dumped.count("INSERT INTO public.catalog_fieldprofile") > 36
    return dumped


def _valkey(url: str) -> str:
    """All that is in the server's database, and what is wrapped in base64 as Celery wraps its messages."""
    with redis.Redis.from_url(url) as client:
        read = {
            b"string": client.get,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"hash": client.hgetall,
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"stream": client.xrange,
        }
        text = " ".join(str(read[client.type(key)](key)) for key in client.scan_iter())
    unwrapped = []
    for wrapped in re.findall(r"[A-Za-z0-9+/=]{24,}", text):
        try:
            unwrapped.append(base64.b64decode(wrapped).decode("utf-8", "replace"))
        except (binascii.Error, ValueError):
            continue
    return " ".join([text, *unwrapped])


def _pages() -> dict[str, str]:
    """Every page and resource that can be read, of each dataset and column and run, as the administrator."""
    client = Client()
    client.force_login(Principal.objects.filter(user__is_superuser=True).get().user)
    seen: dict[str, str] = {}
    for dataset in Dataset.objects.filter(name__in=["people", "fails", "nested"]):
        field = Field.objects.filter(dataset=dataset).order_by("position").first()
        label = Label.objects.filter(dataset=dataset).first()
        run = Run.objects.filter(source=dataset.source).first()
        values = {
            "dataset_id": dataset.pk,
            "node_id": dataset.pk,
            "field_id": field.pk if field else 0,
            "run_id": run.pk if run else 0,
            "source_slug": dataset.source.slug,
            "number": 1,
        }
        for route in routes():
            if route.pattern.startswith(("admin/", "accounts/", "style/")):
                continue
            for tab in (
                ("schema", "profile", "quality", "lineage", "access", "activity")
                if "tab" in route.parameters
                else ("",)
            ):
                kwargs = {}
                for parameter in route.parameters:
                    kwargs[parameter] = _value_of(route.name, parameter, values, label.pk if label else 0, tab)
                if None in kwargs.values():
                    continue
                try:
                    address = reverse(route.name, kwargs=kwargs)
                except NoReverseMatch:
                    continue
                if address in seen:
                    continue
                answer = client.get(address)
                body = answer.getvalue() if answer.streaming else answer.content
                if answer.status_code == 200:
                    seen[address] = body.decode("utf-8", "replace")
    return seen


def _value_of(name: str, parameter: str, values: dict, label: int, tab: str) -> object:
    if parameter == "tab":
        return tab
    if parameter == "pk":
        return {"dataset": values["dataset_id"], "run": values["run_id"], "label": label}.get(name.partition("-")[0])
    if parameter == "slug":
        return values["source_slug"] if "source" in name else None
    return values.get(parameter)
