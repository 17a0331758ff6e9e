"""What connections may reach."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from common.errors import Forbidden, Invalid
from connections.errors import ConnectorError, FailureKind
from connections.guard import checked_file, networks, pin, refusal

PRIVATE = networks(["127.0.0.0/8", "10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.1.1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "ff02::1",
        "0.0.0.0",
        "::",
        "255.255.255.255",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_some_addresses_are_never_a_source(address: str):
    everything = networks(["0.0.0.0/0", "::/0"])
    assert refusal(address, everything)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.1.1",
        "::1",
        "fc00::1",
        "100.64.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "240.0.0.1",
    ],
)
def test_loopback_and_private_addresses_need_to_be_allowed(address: str):
    assert "CONNECTION_ALLOWED_NETWORKS" in (refusal(address, ()) or "")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:10.0.0.1", "93.184.216.34", "2606:2800::1"]
)
def test_public_and_allowed_addresses_pass(address: str):
    assert refusal(address, PRIVATE) is None


def test_a_name_is_resolved_once_and_pinned_to_the_address_that_passed():
    answers = [["169.254.169.254", "10.0.0.7"], ["169.254.169.254"]]

    def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0)

    assert pin("db.example.org", 5432, PRIVATE, resolve) == "10.0.0.7"
    assert len(answers) == 1


def test_a_name_that_leads_only_to_refused_addresses_is_refused():
    with pytest.raises(Forbidden, match=r"leads to 169\.254\.169\.254"):
        pin("metadata.example.org", 80, PRIVATE, lambda host, port: ["169.254.169.254"])


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.01", "127.1", "0x7f000001"])
def test_numbers_that_only_look_like_a_name_are_refused(host: str):
    with pytest.raises(Invalid):
        pin(host, 5432, networks(["0.0.0.0/0"]))


def test_an_unknown_host_says_so():
    with pytest.raises(ConnectorError) as raised:
        pin("no-such-host.invalid", 5432, PRIVATE)
    assert raised.value.kind in (FailureKind.UNREACHABLE, FailureKind.TIMEOUT)


def test_a_network_that_is_none_is_named():
    with pytest.raises(Invalid, match=r"10\.0\.0\.0/33"):
        networks(["10.0.0.0/33"])


def test_only_plain_files_inside_allowed_folders_pass(tmp_path: Path):
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    inside = allowed / "a.db"
    inside.write_bytes(b"")
    beside = tmp_path / "allowed-not.db"
    beside.write_bytes(b"")
    assert checked_file(str(inside), [str(allowed)]) == os.path.realpath(inside)
    with pytest.raises(Forbidden):
        checked_file(str(beside), [str(allowed)])
    with pytest.raises(Forbidden):
        checked_file(str(inside), [])
    with pytest.raises(Forbidden, match="not a plain file"):
        checked_file(str(allowed), [str(allowed)])
    with pytest.raises(ConnectorError):
        checked_file(str(allowed / "missing.db"), [str(allowed)])


def test_a_pipe_is_not_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Forbidden, match="not a plain file"):
        checked_file(str(tmp_path / "pipe"), [str(tmp_path)])


def test_a_server_that_never_answers_fails_its_check_in_time():
    from tests.ingestion.connectors.reading import connector

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for platform in ("postgres", "mysql"):
            check = connector(f"{platform}://u:p@127.0.0.1:{port}/d").check()
            assert (check.ok, check.kind) == (False, FailureKind.TIMEOUT)
