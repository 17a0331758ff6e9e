"""Fixtures for every test. Run some: `var/venv/bin/python -m pytest tests/catalog` (`bin/test` runs all).

PostgreSQL and Valkey are real and start by themselves (tests/servers/plugin.py); `db` and its like come from
pytest-django. `postgres_server` and `mariadb_server` give scratch databases to crawl.
"""

import os
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import override_settings
from playwright.sync_api import Browser
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer

from stack.postgres import SUPERUSER
from tests.browser import harness
from tests.browser.harness import Session
from tests.servers import plugin
from tests.servers.as_migrated import Database
from tests.servers.databases import MariadbServer, PostgresServer


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have what lasts long begin first: the tests of a checkout in one process, the other long proofs in the next.

    Each process begins with its share of the list and in the end takes from another's, test by test. A long one that is
    left for the end would keep one process alone at work, and a checkout that is divided would be installed twice.
    """
    lasting = [item for item in items if item.get_closest_marker("long")]
    first = [item for item in lasting if "checkout" in getattr(item, "fixturenames", ())]
    second = [item for item in lasting if item not in first]
    others = [item for item in items if not item.get_closest_marker("long")]
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    between = max(0, len(items) // processes - len(first)) if processes > 1 else 0
    items[:] = [*first, *others[:between], *second, *others[between:]]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Database]:
    """Each test finds the database as migrations leave it, whatever a test before has committed.

    Who commits by other ways than a test marked for it calls `restore()` at the end.
    """
    with django_db_blocker.unblock():
        name = connection.settings_dict["NAME"]
    database = Database(plugin.servers.postgres.url(SUPERUSER, name))
    with database.after_each_committing_test():
        yield database
    database.end_sessions()


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """How slowly passwords are hashed is Django's subject, not ours."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


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
def chromium() -> Iterator[Browser]:
    """A real Chromium, the one of this process."""
    path = plugin.chromium()
    if path is None:
        plugin.lacking("Chromium", "On Debian run `apt-get install chromium`, or name one in CHROMIUM.")
    with pytest.MonkeyPatch.context() as patch, harness.launched(str(path)) as launched:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield launched


@pytest.fixture
def session(live_server: LiveServer, chromium: Browser) -> Iterator[Session]:
    """Chromium, aimed at a server of the test's database."""
    with harness.browsing(chromium, live_server.url) as opened:
        yield opened
