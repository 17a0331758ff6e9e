"""The pytest plugin that starts PostgreSQL and Valkey for a run and tells Django where they are.

Named in pyproject.toml's addopts, because Django reads its settings before any conftest.py is loaded. Runs at
the same time share the servers in var/test, each with databases of its own; the last run to end stops them. Each database
is a copy of one that was migrated before (tests/servers/migrated.py).
"""

import os
import shutil
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from psycopg import sql

from stack import contract
from stack.layout import Layout
from stack.postgres import SUPERUSER
from stack.servers import Servers
from stack.valkey import DATABASES
from tests import thoroughness
from tests.servers import migrated

PREFIX = "test"
MISSING: dict[str, str] = {}
"""What this machine lacks (name → how to get it), and the tests that were skipped for it."""

servers = Servers(Layout.of_checkout("test"), throwaway=True)


def database_name(process: int) -> str:
    """The name of a run's test database; pytest-xdist adds its worker's name."""
    return f"{PREFIX}_{process}"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set the environment before pytest-django loads the settings. Nothing is started here."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        for name in set(os.environ) - set(contract.without_settings(os.environ)):
            del os.environ[name]
        os.environ.update(contract.testing(servers))
        os.environ["TEST_DATABASE_NAME"] = database_name(os.getpid())
        os.environ["TEST_DATABASE_TEMPLATE"] = migrated.name(servers.layout)
    # Each process its own, or caches and queues of runs at the same time would mix.
    os.environ["REDIS_URL"] = servers.valkey.url_of(1 + os.getpid() % (DATABASES - 1))


def pytest_configure(config: pytest.Config) -> None:
    """Tell tests whether the long proofs are left out of this run."""
    thoroughness.short = "not long" in config.getoption("markexpr", "")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the servers, or join the run that has; workers of pytest-xdist use their controller's."""
    if session.config.option.collectonly:
        return
    if not hasattr(session.config, "workerinput"):
        # Where a checkout that runs has its collected files; WhiteNoise warns where the folder is missing.
        (servers.layout.state / "static").mkdir(parents=True, exist_ok=True)
        servers.enter()
        drop_databases(of_dead_runs=True)
        migrated.ensure(servers)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Drop what this run made and stop the servers if no other run uses them."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    if servers.supervisor.is_running():
        drop_databases(of_dead_runs=False)
    servers.leave()


def drop_databases(*, of_dead_runs: bool) -> None:
    """Drop this run's databases, or those of runs whose process is gone."""
    with psycopg.connect(servers.postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{PREFIX}\\_%"])
        for (name,) in names.fetchall():
            number = name.split("_")[1]
            mine = number == str(os.getpid())
            dead = number.isdigit() and not psutil.pid_exists(int(number))
            if dead if of_dead_runs else mine:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def chromium() -> str | None:
    """A Chromium on this machine."""
    found = (
        os.environ.get("CHROMIUM"),
        *map(shutil.which, ("chromium", "chromium-browser", "google-chrome")),
    )
    return next((path for path in found if path and Path(path).exists()), None)


def lacking(what: str, remedy: str) -> None:
    """Skip the test because a newcomer's machine lacks what bin/test cannot install there; with CI=true that is a failure.

    The summary at the end names what was not run, and what to install for it.
    """
    sentence = f"This machine has no {what}. {remedy}"
    MISSING.setdefault(what, remedy)
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that were skipped for lack of something."""
    lacked: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if "This machine has no " in reason:
            lacked.setdefault(reason.split("This machine has no ", 1)[1], []).append(report.nodeid)
    for sentence, tests in lacked.items():
        terminalreporter.section(f"not run: no {sentence}")
        for test in tests:
            terminalreporter.line(test)
