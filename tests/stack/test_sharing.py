"""Embedded servers under awkward conditions, each on real processes."""

import os
import signal
import socket
from pathlib import Path

import psutil
import psycopg
import pytest

from stack.errors import StackError
from stack.layout import LONGEST_SOCKET_DIRECTORY, ROOT, Layout
from stack.servers import Servers
from stack.supervision import MARK, wait_until


def another_user_of(servers: Servers) -> Servers:
    return Servers(servers.layout)


def valkeys_of(servers: Servers) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "valkey-server" and process.environ().get(MARK) == str(servers.layout.sockets):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_the_last_user_stops_the_servers(servers: Servers) -> None:
    other = another_user_of(servers)
    servers.enter()
    other.enter()
    servers.leave()
    assert other.postgres.answers()
    assert other.valkey.answers()
    other.leave()
    assert not other.postgres.answers()
    assert not other.valkey.answers()
    assert valkeys_of(servers) == []


def test_a_killed_postgres_comes_back_with_its_rows(servers: Servers) -> None:
    with servers.in_use():
        with psycopg.connect(servers.postgres.url("catalog_owner")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        before = servers.supervisor.states()["postgres"].pid
        os.kill(before, signal.SIGKILL)
        assert wait_until(
            lambda: servers.supervisor.states()["postgres"].pid not in (0, before) and servers.postgres.answers(),
            seconds=30,
        )
        with psycopg.connect(servers.postgres.url("catalog_app")) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_killed_supervisor_leaves_no_second_server(servers: Servers) -> None:
    servers.enter()
    pid = servers.supervisor.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not servers.supervisor.is_running(), seconds=10)
    next_user = another_user_of(servers)
    with next_user.in_use():
        assert next_user.postgres.answers()
        assert len(valkeys_of(servers)) == 1
    servers.leave()


def test_a_pid_file_with_the_number_of_a_stranger_does_not_stop_the_start(servers: Servers) -> None:
    with servers.in_use():
        pass
    pid_file = servers.postgres.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{servers.postgres.data}\n")
    with servers.in_use():
        assert servers.postgres.answers()


def test_a_taken_port_is_named_with_the_remedy(servers: Servers) -> None:
    servers.layout.prepare()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", servers.postgres.port))
        taken.listen()
        with pytest.raises(StackError, match=rf"Port {servers.postgres.port}.*POSTGRES_PORT="):
            servers.enter()


def test_data_of_another_major_version_stop_with_a_sentence(servers: Servers) -> None:
    with servers.in_use():
        pass
    version = servers.postgres.data / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(StackError, match=r"was written by PostgreSQL 15.*bin/manage backup"):
        servers.enter()


def test_a_lost_password_stops_with_a_sentence(servers: Servers) -> None:
    with servers.in_use():
        pass
    (servers.layout.secrets / "postgres_postgres").unlink()
    with pytest.raises(StackError, match=r"postgres_postgres is missing.*Put the file back"):
        servers.enter()


@pytest.mark.parametrize("name", ["with space", "with # and ; and %", "x" * 150, "ünïcode"])
def test_any_path_works(servers: Servers, name: str) -> None:
    odd = Servers(Layout(root=ROOT, state=servers.layout.state / name))
    try:
        with odd.in_use(), psycopg.connect(odd.postgres.url("catalog_app")) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("catalog_app",)
            assert odd.valkey.answers()
    finally:
        odd.supervisor.clear_up()


def test_a_long_path_gets_its_sockets_elsewhere() -> None:
    layout = Layout(root=ROOT, state=Path("/" + "x" * 120))
    assert len(str(layout.sockets)) <= LONGEST_SOCKET_DIRECTORY
    assert layout.sockets != Layout(root=ROOT, state=Path("/" + "y" * 120)).sockets


def test_secrets_are_readable_by_their_owner_alone(servers: Servers) -> None:
    with servers.in_use():
        modes = {path.name: path.stat().st_mode & 0o777 for path in servers.layout.secrets.iterdir()}
    assert modes and set(modes.values()) == {0o600}


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root lends PostgreSQL another account, which may not enter root's folders"
)
def test_a_home_that_the_account_cannot_enter_stays_closed(servers: Servers) -> None:
    home = servers.layout.state.parent / "closed"
    home.mkdir(mode=0o700)
    hidden = Servers(Layout(root=ROOT, state=home / "state"))
    with hidden.in_use():
        assert hidden.postgres.answers()
        assert home.stat().st_mode & 0o777 == 0o700
        assert not hidden.postgres.data.is_relative_to(home)
    with another_user_of(hidden).in_use():
        pass


def test_servers_started_beside_an_outside_one_are_not_joined_without_it(servers: Servers) -> None:
    layout = servers.layout
    with Servers(layout, with_postgres=False).in_use():
        with pytest.raises(StackError, match="Set DATABASE_URL here as it was set there"):
            Servers(layout).enter()
        assert not (layout.state / "postgres").exists(), "No database of its own was made meanwhile."
        with Servers(layout, with_postgres=False).in_use() as joined:
            assert joined.valkey.answers()
