"""Certificates of real servers, from the source that a person adds to what its test says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts.models import Principal
from catalog.models import Source
from connections.addresses import parse_address
from ingestion.connectors.protocol import Check
from ingestion.sources import add_crawled_source, check_source
from tests.connections.certificates import Authority
from tests.servers import plugin
from tests.servers.databases import MariadbServer, machine_postgres

pytestmark = pytest.mark.django_db

SECRET = "of the test"


@dataclass(frozen=True)
class Server:
    """A server whose certificate is for 127.0.0.1 and signed by `authority`; `url` ends before the query."""

    url: str
    authority: Authority


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def mariadb(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    binaries = MariadbServer.binaries()
    if binaries is None:
        plugin.lacking("MariaDB server", "On Debian run `apt-get install mariadb-server-core mariadb-client-core`.")
        return
    files = authority.issue(tmp_path_factory.mktemp("mariadb"), "127.0.0.1")
    with MariadbServer.running(plugin.servers.layout, binaries, tls=files) as server:
        yield Server(server.url(), authority)


@pytest.fixture(scope="module")
def postgres(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not programs:
        plugin.lacking("PostgreSQL with TLS", "On Debian run `apt-get install postgresql`.")
        return
    files = authority.issue(tmp_path_factory.mktemp("postgres"), "127.0.0.1")
    with machine_postgres(programs[-1].parent, SECRET, files) as port:
        yield Server(f"postgres://postgres:{SECRET.replace(' ', '%20')}@127.0.0.1:{port}/postgres", authority)


@pytest.fixture(params=["mariadb", "postgres"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def checked(url: str, tls_ca: str = "") -> Check:
    source: Source = add_crawled_source(
        name="shop", address=parse_address(url), tls_ca=tls_ca, by=Principal.objects.system()
    )
    return check_source(source)


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
def test_a_server_is_verified_by_the_authority_that_was_entered(server: Server, mode: str):
    check = checked(f"{server.url}?sslmode={mode}", server.authority.text)
    assert check.ok, check.reason


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
@pytest.mark.parametrize("name", ["authority of a test", "another authority"])
def test_a_server_of_another_authority_is_refused_in_a_sentence(server: Server, mode: str, name: str):
    check = checked(f"{server.url}?sslmode={mode}", Authority(name).text)
    assert not check.ok
    assert "shows a certificate that does not verify. Enter its CA, or correct the host name" in check.reason


def test_an_authority_that_this_machine_does_not_know_has_to_be_entered(server: Server):
    check = checked(f"{server.url}?sslmode=verify-full")
    assert not check.ok
    assert "Enter its CA" in check.reason


def test_a_certificate_for_another_name_is_refused(server: Server):
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    assert "does not verify" in checked(f"{elsewhere}?sslmode=verify-full", server.authority.text).reason


def test_tls_without_verification_connects(server: Server):
    assert checked(f"{server.url}?sslmode=require").ok


def test_a_server_that_demands_tls_refuses_to_go_without(server: Server):
    check = checked(f"{server.url}?sslmode=disable")
    assert not check.ok
    assert "TLS" in check.reason
