"""Stored credentials: sealed, rotated, and never shown."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from audit.models import Record
from common.errors import Conflict, Forbidden, Invalid
from connections.actions import change_connection, create_connection, rotate_encryption_keys
from connections.addresses import Address, parse_address
from connections.models import Connection
from connections.secrets import SecretBox
from connections.tls import TlsMode
from tests.factories import person

CANARY = "canary-7d1f"
URL = f"postgres://crawl:{CANARY}@127.0.0.1:5433/shop"


def test_a_secret_opens_for_the_place_it_was_sealed_for_only():
    box = SecretBox([Fernet.generate_key().decode()])
    sealed = box.seal(CANARY, bound_to="here")
    assert CANARY.encode() not in sealed
    assert box.open(sealed, bound_to="here") == CANARY
    with pytest.raises(Conflict, match="address changed"):
        box.open(sealed, bound_to="there")


def test_rotation_keeps_the_secret_and_lets_the_old_key_go():
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = SecretBox([old]).seal(CANARY, bound_to="here")
    with pytest.raises(Conflict):
        SecretBox([new]).rotate(sealed)
    rotated = SecretBox([new, old]).rotate(sealed)
    assert SecretBox([new]).open(rotated, bound_to="here") == CANARY


@pytest.mark.parametrize("keys", [[], ["short"], ["x" * 44]])
def test_a_key_that_is_none_is_refused(keys: list[str]):
    with pytest.raises(ValueError):
        SecretBox(keys)


@pytest.mark.parametrize("sealed", [b"", b"\x00", b"\x92\xc4\x00\xc4\x00", b"garbage"])
def test_what_was_damaged_does_not_open(sealed: bytes):
    box = SecretBox([Fernet.generate_key().decode()])
    with pytest.raises(Conflict):
        box.open(sealed, bound_to="here")


@pytest.fixture
def stored(db: None) -> Connection:
    return create_connection(address=parse_address(URL), by=person(administrator=True))


def test_a_connection_opens_with_its_secret_and_shows_it_nowhere(stored: Connection):
    assert stored.target().secret == CANARY
    assert stored.target().ip == "127.0.0.1"
    shown = f"{stored} {stored!r} {stored.target()!r} {stored.__dict__}"
    assert CANARY not in shown
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(c)::text FROM connections_connection c")
        assert CANARY not in cursor.fetchall()[0][0]
    assert not Record.objects.filter(payload__contains=CANARY).exists()
    assert Record.objects.filter(event="connections.created").count() == 1


def test_only_administrators_set_connections_up(db: None):
    with pytest.raises(Forbidden):
        create_connection(address=parse_address(URL), by=person())
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u@169.254.169.254/d",
        "mysql://u@0.0.0.0",
        "sqlite:////etc/passwd",
        "duckdb:////proc/self/mem",
    ],
)
def test_the_guard_speaks_when_a_connection_is_set_up(db: None, url: str):
    with pytest.raises(Forbidden):
        create_connection(address=parse_address(url), by=person(administrator=True))


def test_options_are_checked_whoever_built_the_address(db: None):
    address = replace(parse_address(URL), options={"service": "x"})
    with pytest.raises(Invalid):
        create_connection(address=address, by=person(administrator=True))


@pytest.mark.parametrize(
    "change",
    [{"host": "127.0.0.2"}, {"port": 1}, {"username": "other"}, {"tls": TlsMode.REQUIRE}, {"database": "x"}],
)
def test_a_secret_does_not_follow_a_connection_to_another_place(stored: Connection, change: dict[str, object]):
    moved: Address = replace(stored.address(), **change)
    by = person(administrator=True)
    with pytest.raises(Invalid, match="Enter the password again"):
        change_connection(connection=stored, address=moved, by=by)
    assert Connection.objects.get().target().secret == CANARY
    changed = change_connection(connection=stored, address=replace(moved, secret="other"), by=by)
    assert changed.target().secret == "other"


def test_a_secret_stays_when_only_options_change_and_an_edited_row_does_not_open(stored: Connection):
    by = person(administrator=True)
    address = replace(stored.address(), options={"connect_timeout": 3})
    changed = change_connection(connection=stored, address=address, by=by)
    assert changed.target().secret == CANARY
    Connection.objects.filter(pk=stored.pk).update(host="127.0.0.9")
    with pytest.raises(Conflict, match="Enter the password again"):
        Connection.objects.get(pk=stored.pk).target()


def test_rotation_moves_every_stored_secret_to_the_newest_key(stored: Connection, settings, capsys):
    old = settings.CATALOG_ENCRYPTION_KEYS
    new = Fernet.generate_key().decode()
    settings.CATALOG_ENCRYPTION_KEYS = [new]
    with pytest.raises(CommandError, match="missing key"):
        call_command("rotate_encryption_keys")
    settings.CATALOG_ENCRYPTION_KEYS = [new, *old]
    call_command("rotate_encryption_keys", "--json")
    assert json.loads(capsys.readouterr().out)["rotated"] == 1
    assert rotate_encryption_keys(by=person(administrator=True)) == 0
    settings.CATALOG_ENCRYPTION_KEYS = [new]
    assert Connection.objects.get(pk=stored.pk).target().secret == CANARY


def test_the_database_holds_servers_or_files_and_names_each_key(stored: Connection):
    for change in ({"host": ""}, {"path": "/x"}, {"platform": "sqlite"}, {"key_id": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Connection.objects.filter(pk=stored.pk).update(**change)
