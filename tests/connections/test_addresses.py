"""URLs, options and TLS modes."""

from __future__ import annotations

import pytest

from common.errors import Invalid
from connections.addresses import parse_address
from connections.options import ALLOWED, REASONS, read_options
from connections.platforms import Platform, label_of
from connections.tls import TlsMode


def test_a_server_address_is_taken_apart_and_keeps_its_secret_to_itself():
    address = parse_address("postgresql://cr%40wl:ca%2Fnary@DB.example.org/shop?connect_timeout=3")
    assert (address.platform, address.host, address.port) == (Platform.POSTGRES, "db.example.org", 5432)
    assert (address.database, address.username, address.secret) == ("shop", "cr@wl", "ca/nary")
    assert address.options == {"connect_timeout": 3}
    assert address.tls is TlsMode.VERIFY_FULL
    assert "nary" not in f"{address} {address!r}"
    assert str(address) == "postgres://db.example.org:5432/shop"


@pytest.mark.parametrize(
    ("url", "platform", "database"),
    [
        ("mysql://u@h", Platform.MYSQL, ""),
        ("mariadb://u@[2001:db8::1]:3307/my%20db", Platform.MYSQL, "my db"),
    ],
)
def test_mariadb_may_leave_out_the_database(url: str, platform: Platform, database: str):
    address = parse_address(url)
    assert (address.platform, address.database) == (platform, database)


@pytest.mark.parametrize("url", ["sqlite:////srv/a%20b.db", "sqlite:///srv/a%20b.db"])
def test_a_file_address_has_an_absolute_path(url: str):
    assert parse_address(url).path == "/srv/a b.db"


def test_traffic_inside_this_machine_needs_no_tls_and_all_other_does():
    assert parse_address("postgres://u@127.0.0.1/d").tls is TlsMode.DISABLE
    assert parse_address("postgres://u@10.0.0.1/d").tls is TlsMode.VERIFY_FULL
    assert parse_address("mysql://u@h?ssl_mode=VERIFY_CA").tls is TlsMode.VERIFY_CA


@pytest.mark.parametrize(
    "url",
    [
        "postgres://cr%40wl@db.example.org:5432/sh%2Fop?connect_timeout=3&application_name=a+b%26c",
        "postgres://u@127.0.0.1:5432/d?sslmode=verify-ca",
        "postgres://u@db.example.org:5432/d?sslmode=disable",
        "mysql://[2001:db8::1]:3307/my%20db",
        "mysql://u@h:3306",
        "sqlite:///srv/a%20b%3F%23.db?statement_timeout=9",
        "duckdb:///srv/a.duckdb",
    ],
)
def test_an_address_is_written_as_it_is_read(url: str):
    assert parse_address(url).url == url
    assert parse_address(url.replace("u@", "u:canary@")).url == url


@pytest.mark.parametrize(
    "url",
    [
        "oracle://u:canary@h/d",
        "postgres://u:canary@h",
        "postgres://u:canary@h:port/d",
        "postgres://u:canary@h1,h2/d",
        "postgres://u:canary@%2Fvar%2Frun/d",
        "postgres://u:canary@/d",
        "postgres://u:canary@h/d?sslmode=prefer",
        "postgres://u:canary@h/d#fragment",
        "postgres://u:canary@h/d?service=canary",
        "sqlite://host/srv/a.db",
        "duckdb:",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_its_secret(url: str):
    with pytest.raises(Invalid) as raised:
        parse_address(url)
    assert "canary" not in raised.value.message
    assert raised.value.message.endswith(".")


@pytest.mark.parametrize("platform", list(Platform))
@pytest.mark.parametrize("name", sorted(REASONS))
def test_dangerous_options_are_refused_with_a_reason(platform: Platform, name: str):
    with pytest.raises(Invalid) as raised:
        read_options(platform, {name: "1"})
    assert name in raised.value.message
    assert "Allowed are" in raised.value.message


def test_no_allowed_option_has_a_reason_against_it():
    assert not set(REASONS) & {name for options in ALLOWED.values() for name in options}


@pytest.mark.parametrize(
    ("platform", "options"),
    [
        (Platform.POSTGRES, {"connect_timeout": "0"}),
        (Platform.POSTGRES, {"application_name": "x\n"}),
        (Platform.POSTGRES, {"LOCAL_INFILE": "1"}),
        (Platform.MYSQL, {"charset": "gbk"}),
        (Platform.DUCKDB, {"threads": "many"}),
        (Platform.SQLITE, {"nonsense": 1}),
    ],
)
def test_other_values_and_unknown_options_are_refused(platform: Platform, options: dict[str, object]):
    with pytest.raises(Invalid):
        read_options(platform, options)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (
            "postgres://a:x@DB.example.org/shop",
            "postgresql://b@db.example.org.:5432/shop?sslmode=require&connect_timeout=3",
        ),
        ("mysql://u@localhost", "mariadb://u@127.0.0.1:3306/"),
        ("mysql://u@[2001:db8:0::1]:3306", "mysql://u@[2001:DB8::1]"),
        ("postgres://u@[::ffff:10.0.0.1]/d", "postgres://u@10.0.0.1/d"),
        ("sqlite:////srv/data/../data//a.db", "sqlite:///srv/data/a.db"),
    ],
)
def test_the_same_database_is_one_place_however_it_is_spelled(one: str, same: str):
    assert parse_address(one).place == parse_address(same).place


def test_other_databases_servers_and_platforms_are_other_places():
    urls = [
        "postgres://u@h/a",
        "postgres://u@h/A",
        "postgres://u@h/b",
        "postgres://u@h:5433/a",
        "postgres://u@g/a",
        "mysql://u@h:5432/a",
        "mysql://u@h:5432",
        "sqlite:////srv/a.db",
        "duckdb:////srv/a.db",
    ]
    assert len({parse_address(url).place for url in urls}) == len(urls)


def test_platforms_are_called_as_people_call_them_also_those_that_are_only_told_of() -> None:
    told = {name: label_of(name) for name in ("postgres", "gs", "pubsub", "bigquery", "homemade")}
    assert told == {
        "postgres": "PostgreSQL", "gs": "Google Cloud Storage", "pubsub": "Google Cloud Pub/Sub", "bigquery": "BigQuery",
        "homemade": "homemade",
    }  # fmt: skip
