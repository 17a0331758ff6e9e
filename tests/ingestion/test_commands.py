"""`bin/manage add_source` and `bin/manage crawl`: what they print, and the status that scripts go by."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command, get_commands, load_command_class

from catalog.models import Source
from common.management.answering import AnsweringCommand
from connections.models import Connection
from ingestion.models import Run
from tests.connections.certificates import Authority
from tests.factories import domain
from tests.ingestion.sources import postgres_source
from tests.servers.databases import PostgresServer


@pytest.fixture
def file(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A SQLite database of one table, in the folder in which the commands run."""
    settings.CONNECTION_ALLOWED_PATHS = [str(tmp_path)]
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE orders (id integer PRIMARY KEY)")
    return tmp_path / "shop.db"


@pytest.mark.django_db
def test_a_source_that_answers_is_added(file: Path, capsys):
    domain("Sales")
    call_command("add_source", "shop", f"sqlite://{file}", domain="sales")
    told = capsys.readouterr()
    assert "The file opens: 1 table or view." in told.out
    assert "Next: crawl shop" in told.out
    assert told.err == ""


@pytest.mark.django_db
def test_a_source_whose_login_is_refused_is_not_added(postgres_server: PostgresServer):
    place = f"{postgres_server.host}:{postgres_server.port}/postgres"
    with pytest.raises(CommandError, match="was not added") as refused:
        call_command("add_source", "shop", f"postgres://{postgres_server.superuser}:wrong@{place}?sslmode=disable")
    assert "password" in str(refused.value)
    assert refused.value.returncode == 1
    assert not Source.objects.exists()
    assert not Connection.objects.exists()


@pytest.mark.django_db
def test_an_unchecked_source_is_added_and_said_to_be_so(capsys):
    call_command("add_source", "shop", "postgres://u@127.0.0.1:1/d", unchecked=True)
    assert "not tested" in capsys.readouterr().out
    call_command("add_source", "archive", "postgres://u@127.0.0.1:1/e", unchecked=True, json=True)
    assert json.loads(capsys.readouterr().out)["reachable"] is None


@pytest.mark.django_db
def test_the_same_database_is_refused_by_the_name_of_its_source(file: Path):
    call_command("add_source", "Shop", f"sqlite://{file}")
    with pytest.raises(CommandError, match=r"a source already: Shop \(shop\)"):
        call_command("add_source", "other", f"sqlite:////{file}")


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["sqlite://shop.db", "sqlite:///shop.db", "sqlite:///./shop.db"])
def test_a_relative_path_is_answered_with_the_absolute_one(file: Path, typed: str):
    with pytest.raises(CommandError) as refused:
        call_command("add_source", "shop", typed)
    assert f"Did you mean sqlite://{file}?" in str(refused.value)


@pytest.mark.django_db
def test_no_file_is_made_up_for_a_path_that_leads_nowhere(file: Path):
    with pytest.raises(CommandError) as refused:
        call_command("add_source", "shop", "sqlite:///elsewhere.db")
    assert "Did you mean" not in str(refused.value)


@pytest.mark.django_db
def test_a_refused_option_is_told_once():
    with pytest.raises(CommandError) as refused:
        call_command("add_source", "shop", "postgres://u@127.0.0.1/d?sslkey=/etc/key")
    assert str(refused.value).count("'sslkey'") == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("tier", "sentence"),
    [
        ("none", "nobody but administrators will see it"),
        ("discover", "others will see only that its datasets exist"),
    ],
)
def test_a_source_without_a_domain_is_added_with_a_warning(file: Path, settings, capsys, tier: str, sentence: str):
    settings.UNASSIGNED_TIER = tier
    call_command("add_source", "shop", f"sqlite://{file}")
    assert sentence in capsys.readouterr().err


@pytest.mark.django_db
def test_the_certificate_is_read_from_a_file(tmp_path: Path):
    text = Authority().text
    (tmp_path / "ca.pem").write_text(text)
    call_command(
        "add_source",
        "shop",
        "postgres://u@127.0.0.1:1/d?sslmode=verify-full",
        tls_ca=tmp_path / "ca.pem",
        unchecked=True,
    )
    assert Connection.objects.get().tls_ca == text
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("add_source", "other", "postgres://u@127.0.0.1:1/e", tls_ca=tmp_path / "none.pem")


@pytest.mark.django_db(transaction=True)
def test_a_crawl_that_fails_says_so_once_and_ends_with_one(postgres_server: PostgresServer, capsys):
    with postgres_server.database() as name:
        postgres_source(postgres_server, name, secret="wrong")
        with pytest.raises(SystemExit) as ended:
            call_command("crawl", name)
    told = capsys.readouterr()
    assert ended.value.code == 1
    message = Run.objects.get().message
    assert (told.out + told.err).count(message) == 1
    assert told.out == f"Failed: {message}\n"


@pytest.mark.django_db(transaction=True)
def test_a_crawl_that_fails_has_its_error_in_the_json(postgres_server: PostgresServer, capsys):
    with postgres_server.database() as name:
        postgres_source(postgres_server, name, secret="wrong")
        with pytest.raises(SystemExit):
            call_command("crawl", name, json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["error"]) == ("failed", Run.objects.get().message)


@pytest.mark.django_db(transaction=True)
def test_a_crawl_warns_of_what_it_could_not_read(postgres_server: PostgresServer, capsys):
    with postgres_server.database() as name:
        with psycopg.connect(postgres_server.url(name), autocommit=True) as database:
            database.execute("CREATE TABLE orders (id bigint)")
            database.execute("CREATE SCHEMA closed")
            database.execute("CREATE TABLE closed.secrets (id bigint)")
            database.execute("DROP ROLE IF EXISTS reader_of_shop")
            database.execute("CREATE ROLE reader_of_shop LOGIN PASSWORD 'reader'")
        place = f"{postgres_server.host}:{postgres_server.port}/{quote(name, safe='')}"
        call_command("add_source", "shop", f"postgres://reader_of_shop:reader@{place}?sslmode=disable")
        call_command("crawl", "shop", json=True)
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["state"] == "succeeded"
    assert [text for text in answer["warnings"] if "closed" in text]
    with psycopg.connect(postgres_server.url(), autocommit=True) as server:
        server.execute("DROP ROLE reader_of_shop")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("crawl", ["nope"]), ("add_source", ["bad", "nowhere://x"]), ("change_connection", ["nope", "postgres://u@h/d"])],
)
def test_a_failure_is_one_json_object_with_the_sentence(name: str, arguments: list[str], capsys):
    with pytest.raises(CommandError) as failed:
        call_command(name, *arguments, "--json")
    assert json.loads(capsys.readouterr().out) == {"error": str(failed.value)}
    assert failed.value.returncode == 1
    with pytest.raises(CommandError):
        call_command(name, *arguments)
    assert capsys.readouterr().out == ""


def test_every_command_that_has_json_tells_its_failures_so():
    own = [name for name, app in get_commands().items() if apps.is_installed(app) and not app.startswith("django.")]
    commands = [load_command_class(get_commands()[name], name) for name in own]
    asked = [one for one in commands if "--json" in one.create_parser("manage.py", "any").format_usage()]
    assert len(asked) >= 10
    assert [type(one).__module__ for one in asked if not isinstance(one, AnsweringCommand)] == []
