"""Fixtures for every test. Run some: `var/venv/bin/python -m pytest tests/catalog` (`bin/test` runs all).

PostgreSQL and Valkey are real and start by themselves (tests/servers/plugin.py); `db` and its like come from
pytest-django. `postgres_server` and `mariadb_server` give scratch databases to crawl.
"""

import os
from collections.abc import Iterator

import pytest

from tests.servers import plugin
from tests.servers.databases import MariadbServer, PostgresServer


@pytest.fixture(autouse=True)
def as_migrated(request: pytest.FixtureRequest) -> None:
    """Each test finds the database as migrations leave it, whatever a test before has committed.

    A test that commits is followed by a flush, which empties the levels and policies that migrations make, and leaves the
    event log, which Django does not manage.
    """
    if request.node.get_closest_marker("django_db") or {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("db")
        from django.db import connection

        from tests.factories import shipped_policies, standard_levels

        standard_levels()
        shipped_policies()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM lineage_event")


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """The running PostgreSQL: address, superuser, and scratch databases."""
    return PostgresServer(plugin.servers.postgres)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """A real MariaDB server of this run, started from the installed binaries in a directory of its own."""
    binaries = MariadbServer.binaries()
    if binaries is None:
        plugin.lacking("MariaDB server", "On Debian run `apt-get install mariadb-server-core mariadb-client-core`.")
        return
    with MariadbServer.running(plugin.servers.layout, binaries) as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> str:
    """The address, for redis-py, of this process's own database on the running Valkey."""
    return os.environ["REDIS_URL"]


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A real Chromium's path, for Playwright's executable_path."""
    path = plugin.chromium()
    if path is None:
        plugin.lacking("Chromium", "On Debian run `apt-get install chromium`, or name one in CHROMIUM.")
    return str(path)
