"""bin/run and bin/manage with DATABASE_URL and REDIS_URL: everything is in servers of one's own, and nothing in var/."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from stack.layout import ROOT
from tests.servers.databases import PostgresServer, machine_valkey
from tests.stack.conftest import Checkout, Running

pytestmark = pytest.mark.long

APPLICATIONS = {"web", "worker-prompt", "worker-long"}
EMBEDDED = ("postgres", "postgres.place", "postgres.port", "valkey")


def prepare(server: PostgresServer, *, owner: str, app: str, name: str) -> None:
    """Run what docs/operations.md tells the superuser to run, with other names and passwords."""
    told = (ROOT / "docs" / "operations.md").read_text().partition("Prepare the database once")[2]
    block = told.partition("```sql\n")[2].partition("```")[0]
    before, connect, after = block.partition("\\connect catalog\n")
    assert connect, block
    # The test server's template has the extensions, which a fresh server's has not.
    before = before.replace("CREATE DATABASE catalog OWNER", "CREATE DATABASE catalog TEMPLATE template0 OWNER")
    for database, statements in (("postgres", before), (name, after)):
        for role, present in ((owner, "catalog_owner"), (app, "catalog_app")):
            statements = statements.replace(f"{present} LOGIN PASSWORD '…'", f"{role} LOGIN PASSWORD '{role}'")
            statements = statements.replace(present, role)
        statements = statements.replace("DATABASE catalog ", f"DATABASE {name} ")
        with psycopg.connect(server.url(database), autocommit=True) as superuser:
            for statement in statements.split(";"):
                if statement.strip():
                    superuser.execute(statement.encode())


@pytest.fixture(scope="module")
def outside(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of a prepared database on the tests' PostgreSQL, and of a Valkey of its own."""
    with postgres_server.database() as free, machine_valkey(tmp_path_factory.mktemp("valkey")) as broker:
        owner, app, name = f"{free}_owner", f"{free}_app", f"{free}_catalog"
        try:
            prepare(postgres_server, owner=owner, app=app, name=name)
            yield {
                "DATABASE_OWNER_URL": postgres_server.url_of(owner, name),
                "DATABASE_URL": postgres_server.url_of(app, name),
                "DATABASE_APP_ROLE": app,
                "REDIS_URL": broker,
            }
        finally:
            with psycopg.connect(postgres_server.url(), autocommit=True) as superuser:
                superuser.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
                for role in (owner, app):
                    superuser.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


@pytest.fixture(scope="module")
def running_outside(checkout: Checkout, outside: dict[str, str]) -> Iterator[Running]:
    running = checkout.start("--no-demo", **outside)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()
        checkout.servers().supervisor.clear_up()


@pytest.fixture
def stopped_outside(running_outside: Running) -> Running:
    """The same after its end, which a test before may have brought about."""
    running_outside.stop()
    return running_outside


def test_it_becomes_ready_without_servers_of_its_own(checkout: Checkout, running_outside: Running) -> None:
    assert set(checkout.servers().supervisor.states()) == APPLICATIONS
    assert "PostgreSQL" not in running_outside.said()


def test_its_administrator_signs_in(running_outside: Running) -> None:
    found = re.search(r"Sign in as (\S+) with the password (\S+) ", running_outside.said())
    assert found, running_outside.said()
    assert "Sign out" in running_outside.sign_in(found[1], found[2]).page("/")


def test_the_application_s_role_is_held_to_what_it_may(
    running_outside: Running, outside: dict[str, str], postgres_server: PostgresServer
) -> None:
    with (
        psycopg.connect(outside["DATABASE_URL"], autocommit=True) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("DELETE FROM audit_record")


def test_a_source_is_added_and_crawled_by_the_same_variables(
    checkout: Checkout, running_outside: Running, outside: dict[str, str], postgres_server: PostgresServer
) -> None:
    with postgres_server.database() as shop:
        with psycopg.connect(postgres_server.url(shop)) as database:
            database.execute("CREATE TABLE orders (id bigint PRIMARY KEY, email text)")
        added = checkout.ask(
            "bin/manage", "add_source", "shop", f"{postgres_server.url(shop)}?sslmode=disable", "--json", **outside
        )
        assert added.returncode == 0, added.stderr
        assert json.loads(added.stdout)["reachable"] is True
        crawled = checkout.ask("bin/manage", "crawl", "shop", "--json", **outside)
        assert crawled.returncode == 0, crawled.stderr
    with psycopg.connect(outside["DATABASE_URL"]) as catalog:
        names = catalog.execute("SELECT path FROM catalog_dataset WHERE source_id IS NOT NULL").fetchall()
    assert names == [([shop, "public", "orders"],)]


def test_a_command_without_the_variables_is_told_of_them(checkout: Checkout, running_outside: Running) -> None:
    asked = checkout.ask("bin/manage", "showmigrations", "sessions")
    assert asked.returncode == 1
    assert "What runs in this checkout uses an outside PostgreSQL. Set DATABASE_URL here" in asked.stderr


def test_stopped_it_leaves_no_process_and_nothing_of_embedded_servers(
    checkout: Checkout, running_outside: Running
) -> None:
    assert running_outside.stop() == 0
    assert not checkout.servers().supervisor.is_running()
    state = checkout.place / "var"
    assert [name for name in EMBEDDED if (state / name).exists()] == []
    assert not list(Path(state / "secrets").glob("postgres_*"))


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"DATABASE_URL": "mysql://me:hunter2@db.example/catalog"}, "DATABASE_URL cannot be read. Allowed: "),
        (
            {"DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:9/catalog"},
            "The database of DATABASE_URL cannot be reached.",
        ),
        ({"REDIS_URL": "http://127.0.0.1:9/0"}, "REDIS_URL cannot be read. Allowed: "),
        ({"REDIS_URL": "redis://:hunter2@127.0.0.1:9/0"}, "The Redis or Valkey of REDIS_URL cannot be reached."),
    ],
)
def test_a_wrong_address_stops_the_start_with_a_sentence(
    checkout: Checkout, stopped_outside: Running, outside: dict[str, str], variables: dict[str, str], sentence: str
) -> None:
    assert refused(checkout, outside | variables).startswith(sentence)


def test_a_role_that_may_make_no_tables_stops_the_start_with_a_sentence(
    checkout: Checkout, stopped_outside: Running, outside: dict[str, str], postgres_server: PostgresServer
) -> None:
    with postgres_server.role() as role, postgres_server.database() as fresh:
        address = postgres_server.url_of(role, fresh)
        said = refused(checkout, outside | {"DATABASE_URL": address, "DATABASE_OWNER_URL": address})
    assert said.startswith(f"{role}, the role of DATABASE_OWNER_URL, may not make tables in the database {fresh}.")


def refused(checkout: Checkout, variables: dict[str, str]) -> str:
    """The last lines of a start that does not come to pass."""
    done = checkout.ask("bin/run", "--no-demo", **variables)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "hunter2" not in done.stderr
    assert not checkout.servers().supervisor.is_running()
    return done.stderr.strip().splitlines()[-1]
