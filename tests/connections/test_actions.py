"""Setting connections up: one to each database, and certificates only where TLS uses them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.db import IntegrityError

from common.errors import Invalid
from connections.actions import change_connection, create_connection
from connections.addresses import parse_address
from connections.errors import AlreadyConnected
from connections.models import Connection
from tests.connections.certificates import Authority
from tests.factories import person

URL = "postgres://crawl@127.0.0.1:5433/shop"

pytestmark = pytest.mark.django_db


def connect(url: str, **more: str) -> Connection:
    return create_connection(address=parse_address(url), by=person(administrator=True), **more)


def test_a_database_has_one_connection_and_the_refusal_names_it():
    first = connect(URL)
    with pytest.raises(AlreadyConnected) as refused:
        connect("postgresql://other:secret@localhost:5433/shop?sslmode=disable")
    assert refused.value.connection_id == first.pk
    assert connect("postgres://crawl@127.0.0.1:5433/archive").pk != first.pk


def test_a_link_to_a_file_is_the_file(settings, tmp_path: Path):
    settings.CONNECTION_ALLOWED_PATHS = [str(tmp_path)]
    (tmp_path / "a.db").touch()
    (tmp_path / "b.db").symlink_to(tmp_path / "a.db")
    connect(f"sqlite://{tmp_path}/a.db")
    with pytest.raises(AlreadyConnected):
        connect(f"sqlite://{tmp_path}/b.db")


def test_a_connection_is_not_led_to_a_database_that_another_reads():
    connect(URL)
    other = connect("postgres://crawl@127.0.0.1:5433/archive")
    with pytest.raises(AlreadyConnected):
        change_connection(connection=other, address=parse_address(URL), by=person(administrator=True))
    kept = change_connection(
        connection=other, address=replace(other.address(), username="reader"), by=person(administrator=True)
    )
    assert kept.username == "reader"


def test_the_database_itself_holds_one_connection_to_a_place():
    first = connect(URL)
    with pytest.raises(IntegrityError, match="place"):
        Connection.objects.create(platform="postgres", host="h", place=first.place, created_by=first.created_by)


@pytest.mark.parametrize("url", ["postgres://u@127.0.0.1/d?sslmode=disable", "mysql://u@127.0.0.1"])
def test_a_certificate_without_tls_is_refused(url: str):
    with pytest.raises(Invalid, match="no use without TLS"):
        connect(url, tls_ca=Authority().text)


def test_what_is_no_certificate_is_refused():
    with pytest.raises(Invalid, match="not PEM"):
        connect(f"{URL}?sslmode=verify-full", tls_ca="a certificate")
