from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.provisioning.postgres import Cluster
from tests.servers import plugin
from tests.servers.databases import PostgresServer, machine_postgres


@pytest.fixture(scope="session")
def machine_cluster() -> Iterator[Cluster]:
    """PostgreSQL 15, where roles are administered as before 16."""
    programs = Path("/usr/lib/postgresql/15/bin")
    if not (programs / "pg_ctl").exists():
        plugin.lacking("PostgreSQL 15", "On Debian 12 run `apt-get install postgresql-15`.")
        return
    secret = "of the superuser"
    with machine_postgres(programs, secret) as port:
        yield Cluster("127.0.0.1", port, "postgres", secret)


@pytest.fixture(scope="session")
def embedded_cluster(postgres_server: PostgresServer) -> Cluster:
    server = postgres_server
    return Cluster(server.host, server.port, server.superuser, server.password)


@pytest.fixture(params=["15", "18"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Each test runs on both majors."""
    name = "machine_cluster" if request.param == "15" else "embedded_cluster"
    found: Cluster = request.getfixturevalue(name)
    return found
