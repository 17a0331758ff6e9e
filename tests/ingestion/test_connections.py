"""Changing how a source is reached: on its page, over REST and by command, with one outcome."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from psycopg import sql

from audit.models import Record
from catalog.models import Source
from common.errors import Conflict, Forbidden, Invalid
from connections.addresses import parse_address
from connections.models import Connection
from ingestion.sources import add_crawled_source, change_source_connection, check_source, namespace_of
from tests.connections.certificates import Authority
from tests.factories import bearer, domain, person, role, source
from tests.servers.databases import PostgresServer, scratch_name

pytestmark = pytest.mark.django_db

CANARY = "canary-9Zq!7&secret"
URL = "postgres://reader@127.0.0.1:1/shop"


def added(url: str = URL, name: str = "Shop", **more: Any) -> Source:
    secret = quote(CANARY, safe="")
    address = parse_address(url.replace("reader@", f"reader:{secret}@"))
    return add_crawled_source(name=name, address=address, by=person(administrator=True), **more)


def stored(slug: str = "shop") -> Connection:
    connection = Source.objects.get(slug=slug).connection
    assert connection is not None
    return connection


@pytest.fixture
def administrator(client: Client) -> Client:
    client.force_login(person("ada", administrator=True).user)
    return client


@pytest.fixture
def rotate(postgres_server: PostgresServer) -> Iterator[Callable[[str], str]]:
    """Give the account of a source another password; answers with the address that it has."""
    name = scratch_name()
    with psycopg.connect(postgres_server.url(), autocommit=True) as server:
        server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))

        def changed(password: str) -> str:
            server.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), password))
            return (
                f"postgres://{name}:{password}@{postgres_server.host}:{postgres_server.port}/postgres?sslmode=disable"
            )

        try:
            yield changed
        finally:
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def edit(client: Client, slug: str = "shop", **typed: str) -> Any:
    url = reverse("ingestion:connection_edit", args=[slug])
    return client.post(url, {"password": "", "tls_ca": "", **typed}, follow=True)


def test_a_rotated_password_is_entered_on_the_page_and_tested_first(
    administrator: Client, rotate: Callable[[str], str]
) -> None:
    by = person(administrator=True)
    shop = add_crawled_source(name="Shop", address=parse_address(rotate("first-one")), by=by)
    rotate("second-one")
    assert not check_source(shop).ok
    url = stored().address().url
    refused = edit(administrator, url=url, password="wrong-one")
    assert refused.status_code == 422
    assert "Nothing was changed, for the connection fails." in refused.text
    assert "wrong-one" not in refused.text
    assert stored().target().secret == "first-one"
    saved = edit(administrator, url=url, password="second-one")
    assert "The connection was saved. " in saved.text
    assert "second-one" not in saved.text
    assert check_source(Source.objects.get()).ok


def test_a_rotated_password_is_entered_by_command(rotate: Callable[[str], str], capsys: Any) -> None:
    by = person(administrator=True)
    add_crawled_source(name="Shop floor", address=parse_address(rotate("first-one")), by=by)
    url = rotate("second-one")
    with pytest.raises(CommandError, match="Nothing was changed") as refused:
        call_command("change_connection", "Shop floor", url.replace("second-one", "wrong-one"))
    assert refused.value.returncode == 1
    call_command("change_connection", "shop-floor", url, json=True)
    answer = json.loads(capsys.readouterr().out)
    assert (answer["slug"], answer["reachable"], answer["warnings"]) == ("shop-floor", True, [])
    assert check_source(Source.objects.get()).ok
    call_command("change_connection", "shop-floor", url)
    told = capsys.readouterr()
    assert "Changed the connection of Shop floor; pipelines call it postgres://" in told.out
    assert told.err == ""


def test_the_page_opens_with_what_holds_and_never_with_the_password(administrator: Client) -> None:
    certificate = Authority().text
    added("postgres://reader@127.0.0.1:1/shop?connect_timeout=3&sslmode=verify-ca", tls_ca=certificate)
    shown = administrator.get(reverse("ingestion:connection_edit", args=["shop"]))
    assert shown.context["form"]["url"].value() == f"{URL}?connect_timeout=3&sslmode=verify-ca"
    assert certificate.splitlines()[1] in shown.text
    assert CANARY not in shown.text
    assert reverse("ingestion:connection_edit", args=["shop"]) in (
        administrator.get(reverse("ingestion:source_connection", args=["shop"])).text
    )


def test_options_change_and_the_password_stays_though_a_browser_ends_lines_otherwise(administrator: Client) -> None:
    certificate = Authority().text
    added("postgres://reader@127.0.0.1:1/shop?sslmode=verify-full", tls_ca=certificate)
    url = "postgres://reader@127.0.0.1:1/shop?sslmode=verify-full&connect_timeout=7"
    edit(administrator, url=url, tls_ca=certificate.replace("\n", "\r\n"), unchecked="on")
    assert stored().options == {"connect_timeout": 7}
    assert stored().tls_ca == certificate
    assert stored().target().secret == CANARY


@pytest.mark.parametrize(
    "url",
    [
        "postgres://reader@127.0.0.2:1/shop",
        "postgres://reader@127.0.0.1:2/shop",
        "postgres://writer@127.0.0.1:1/shop",
        "postgres://reader@127.0.0.1:1/shop?sslmode=require",
    ],
)
def test_a_password_follows_to_no_other_place_until_it_is_entered_again(administrator: Client, url: str) -> None:
    added()
    refused = edit(administrator, url=url, unchecked="on")
    assert refused.status_code == 422
    assert "Enter the password again." in str(refused.context["form"].errors["password"])
    assert stored().address().url == URL
    edit(administrator, url=url, password="other", unchecked="on")
    assert stored().address().url == url
    assert stored().target().secret == "other"


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("postgres://reader@169.254.169.254/shop", "__all__"),
        ("postgres://reader@127.0.0.1:1/shop?sslkey=/etc/key", "url"),
        ("mysql://reader@127.0.0.1:1/shop", "url"),
    ],
)
def test_the_page_refuses_what_adding_refuses_and_another_platform(administrator: Client, url: str, field: str) -> None:
    added()
    refused = edit(administrator, url=url, password="other", unchecked="on")
    assert refused.status_code == 422
    assert field in refused.context["form"].errors
    assert stored().address().url == URL


def test_a_connection_is_not_led_to_the_database_of_another_source() -> None:
    added()
    archive = added("postgres://reader@127.0.0.1:1/archive", name="Archive")
    by = person(administrator=True)
    with pytest.raises(Conflict, match=r"a source already: Shop \(shop\)"):
        change_source_connection(
            source=archive, address=parse_address(URL.replace("reader", "reader:other")), by=by, unchecked=True
        )
    assert stored("archive").database == "archive"


def test_the_namespace_stays_and_it_is_said_what_that_means(administrator: Client) -> None:
    added()
    moved = edit(administrator, url="postgres://reader@127.0.0.2:1/shop2", password="other", unchecked="on")
    assert Source.objects.get().namespace == "postgres://127.0.0.1:1"
    assert "Its datasets stay under postgres://127.0.0.1:1, with their lineage and labels." in moved.text
    assert "It reads shop2 instead of shop." in moved.text
    again = edit(administrator, url="postgres://reader@127.0.0.2:1/shop2?connect_timeout=3", unchecked="on")
    assert "Its datasets stay under" not in again.text


def test_a_public_address_outlives_the_move_of_a_server(administrator: Client) -> None:
    added(public_address="db.example.org:5432")
    moved = edit(administrator, url="postgres://reader@127.0.0.2:1/shop", password="other", unchecked="on")
    assert Source.objects.get().namespace == "postgres://db.example.org:5432"
    assert "other datasets" not in moved.text


def test_the_change_is_told_in_the_sources_activity_without_the_password(administrator: Client) -> None:
    added()
    edit(administrator, url=f"{URL}?connect_timeout=4", unchecked="on")
    edit(administrator, url=f"{URL}?connect_timeout=4", password="other-secret", unchecked="on")
    edit(administrator, url=f"{URL}?connect_timeout=4", unchecked="on")
    records = Record.objects.filter(event="connections.changed").order_by("pk")
    assert [json.loads(record.payload)["values"]["secret_changed"] for record in records] == [False, True]
    for record in records:
        assert CANARY not in record.payload and "other-secret" not in record.payload
    activity = administrator.get(reverse("ingestion:source_activity", args=["shop"])).text
    assert activity.count("changed the connection to postgres://127.0.0.1:1/shop") == 2


def test_only_administrators_change_a_connection(client: Client) -> None:
    sales = domain("Sales")
    shop = added(domain=sales)
    owner = person("owner")
    role(sales, owner, "owner")
    client.force_login(owner.user)
    page = client.get(reverse("ingestion:source_connection", args=["shop"]))
    assert page.status_code == 200
    assert reverse("ingestion:connection_edit", args=["shop"]) not in page.text
    assert edit(client, url=URL, password="other", unchecked="on").status_code == 403
    with pytest.raises(Forbidden):
        change_source_connection(source=shop, address=parse_address(URL), by=owner)
    assert stored().target().secret == CANARY


def pushed(url: str = URL, platform: str = "postgres") -> Source:
    """A source that was only pushed to, under the namespace of an address."""
    made = source("pushed", platform=platform)
    made.namespace = namespace_of(parse_address(url))
    made.save()
    return made


def test_a_source_of_pushed_snapshots_gets_its_connection_on_the_page(
    administrator: Client, rotate: Callable[[str], str]
) -> None:
    url = rotate("only-one")
    pushed(url)
    opens = administrator.get(reverse("ingestion:source_connection", args=["pushed"]))
    assert reverse("ingestion:connection_edit", args=["pushed"]) in opens.text
    form = administrator.get(reverse("ingestion:connection_edit", args=["pushed"]))
    assert form.status_code == 200
    assert f"It must lead to {Source.objects.get().namespace}" in form.text
    refused = edit(administrator, "pushed", url=url, password="wrong-one")
    assert refused.status_code == 422
    assert "Nothing was changed, for the connection fails." in refused.text
    assert not Connection.objects.exists()
    saved = edit(administrator, "pushed", url=url)
    assert "The connection was saved. " in saved.text
    assert "plans as gone what was pushed and is not found there" in saved.text
    assert check_source(Source.objects.get()).ok
    assert "gave pushed a connection" in administrator.get(reverse("ingestion:source_activity", args=["pushed"])).text


@pytest.mark.parametrize(
    ("url", "platform"),
    [
        ("postgres://reader:x@127.0.0.2:1/shop", "postgres"),
        ("postgres://reader:x@127.0.0.1:2/shop", "postgres"),
        ("mysql://reader:x@127.0.0.1:1/shop", "postgres"),
        # Its namespace is that of a PostgreSQL, but its datasets were named as those of another platform.
        (URL, "kafka"),
    ],
)
def test_a_first_connection_leads_to_the_namespace_of_what_was_pushed(
    administrator: Client, url: str, platform: str
) -> None:
    pushed(platform=platform)
    refused = edit(administrator, "pushed", url=url, unchecked="on")
    assert refused.status_code == 422
    assert "pushed holds what was pushed for postgres://127.0.0.1:1, and this address is" in (
        str(refused.context["form"].errors["url"])
    )
    assert not Connection.objects.exists()


def test_a_platform_that_is_never_crawled_is_offered_no_connection(administrator: Client) -> None:
    pushed(platform="kafka")
    page = administrator.get(reverse("ingestion:source_connection", args=["pushed"]))
    assert page.status_code == 200
    assert reverse("ingestion:connection_edit", args=["pushed"]) not in page.text


def test_a_source_of_pushed_snapshots_gets_its_connection_by_command(capsys: Any) -> None:
    pushed()
    with pytest.raises(CommandError, match="There is no source called shop"):
        call_command("change_connection", "shop", URL)
    with pytest.raises(CommandError, match=r"this address is postgres://127\.0\.0\.1:2"):
        call_command("change_connection", "pushed", URL.replace(":1/", ":2/"), unchecked=True)
    with pytest.raises(CommandError, match="Nothing was changed, for the connection fails"):
        call_command("change_connection", "pushed", URL)
    assert not Connection.objects.exists()
    call_command("change_connection", "pushed", URL, unchecked=True)
    assert stored("pushed").address().url == URL
    assert "The next crawl reads it itself" in capsys.readouterr().err


def test_a_source_of_pushed_snapshots_gets_its_connection_over_rest(
    client: Client, rotate: Callable[[str], str]
) -> None:
    ada, url = person("ada", administrator=True), rotate("only-one")
    pushed(url)
    path = "pushed/connection/"
    assert call(client, "GET", path, ada).status_code == 409
    assert call(client, "PATCH", path, ada, {"password": "x"}, "*").status_code == 409
    other = call(client, "POST", path, ada, {"url": URL, "unchecked": True})
    assert (other.status_code, list(other.json()["errors"])) == (422, ["url"])
    made = call(client, "POST", path, ada, {"url": url})
    assert (made.status_code, made.json()["reachable"], made.json()["has_password"]) == (201, True, True), made.content
    assert "only-one" not in made.text
    assert call(client, "GET", path, ada)["ETag"] == made["ETag"]
    again = call(client, "POST", path, ada, {"url": url})
    assert (again.status_code, "has a connection already" in again.json()["detail"]) == (409, True)


def test_only_administrators_give_a_connection_and_only_one_of_them_does() -> None:
    sales, shop, owner = domain("Sales"), pushed(), person("owner")
    role(sales, owner, "owner")
    address = parse_address(URL)
    with pytest.raises(Forbidden):
        change_source_connection(source=shop, address=address, by=owner, unchecked=True)
    by = person(administrator=True)
    change_source_connection(source=Source.objects.get(), address=address, by=by, unchecked=True)
    other = parse_address(URL.replace("/shop", "/other"))
    with pytest.raises(Conflict, match="pushed has a connection already"):
        # As it was before the other administrator was quicker.
        change_source_connection(source=shop, address=other, by=by, unchecked=True)
    assert Connection.objects.count() == 1


def test_a_certificate_is_taken_away_by_command(capsys: Any) -> None:
    added("postgres://reader@127.0.0.1:1/shop?sslmode=verify-full", tls_ca=Authority().text)
    url = "postgres://reader:other@127.0.0.1:1/shop?sslmode=verify-full"
    call_command("change_connection", "shop", url, unchecked=True)
    assert stored().tls_ca
    call_command("change_connection", "shop", url, unchecked=True, no_tls_ca=True)
    assert not stored().tls_ca
    assert "not tested" in capsys.readouterr().out


def test_a_test_of_what_is_not_saved_writes_nothing(administrator: Client) -> None:
    added()
    before = Record.objects.count()
    with pytest.raises(Invalid, match="Nothing was changed"):
        change_source_connection(
            source=Source.objects.get(),
            address=parse_address("postgres://reader:new@127.0.0.1:1/shop"),
            by=person(administrator=True),
        )
    assert Record.objects.count() == before
    assert stored().target().secret == CANARY


def call(client: Client, method: str, path: str, by: Any, body: object = None, etag: str = "") -> Any:
    headers = bearer(by) | ({"If-Match": etag} if etag else {})
    return client.generic(
        method, f"/api/v2/sources/{path}", json.dumps(body or {}), content_type="application/json", headers=headers
    )


def test_a_rotated_password_is_sent_over_rest(client: Client, rotate: Callable[[str], str]) -> None:
    ada = person("ada", administrator=True)
    add_crawled_source(name="Shop", address=parse_address(rotate("first-one")), by=ada)
    rotate("second-one")
    read = call(client, "GET", "shop/connection/", ada)
    assert (read.json()["url"], read.json()["has_password"]) == (stored().address().url, True)
    body = {"password": "second-one"}
    assert call(client, "PATCH", "shop/connection/", ada, body).status_code == 428
    refused = call(client, "PATCH", "shop/connection/", ada, {"password": "wrong-one"}, read["ETag"])
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("Nothing was changed, for the connection fails.")
    changed = call(client, "PATCH", "shop/connection/", ada, body, read["ETag"])
    assert (changed.status_code, changed.json()["reachable"]) == (200, True), changed.content
    assert "second-one" not in changed.text
    assert check_source(Source.objects.get()).ok
    assert call(client, "PATCH", "shop/connection/", ada, body, read["ETag"]).status_code == 412
    assert call(client, "GET", "shop/connection/", ada)["ETag"] == changed["ETag"]


def test_rest_changes_what_it_is_told_and_keeps_the_rest(client: Client) -> None:
    ada, certificate = person("ada", administrator=True), Authority().text
    added("postgres://reader@127.0.0.1:1/shop?sslmode=verify-full", tls_ca=certificate)
    moved = {"url": "postgres://reader@127.0.0.2:1/shop?sslmode=verify-full", "unchecked": True}
    refused = call(client, "PATCH", "shop/connection/", ada, moved, "*")
    assert refused.status_code == 422
    assert "Enter the password again." in refused.json()["errors"]["password"][0]
    changed = call(client, "PATCH", "shop/connection/", ada, moved | {"password": "other"}, "*").json()
    assert (changed["url"], changed["tls_ca"], changed["reachable"]) == (moved["url"], certificate, None)
    assert "Its datasets stay under postgres://127.0.0.1:1" in changed["warnings"][0]
    assert stored().target().secret == "other"
    for wrong, member in (
        ({"url": "postgres://reader@127.0.0.1:1"}, "url"),
        ({"url": "mysql://reader@127.0.0.1:1/shop", "password": "x"}, "url"),
        ({"public_address": "db.example.org:1"}, "public_address"),
    ):
        answer = call(client, "PATCH", "shop/connection/", ada, wrong, "*")
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [member])


def test_a_source_is_added_and_edited_over_rest(client: Client) -> None:
    ada, sales = person("ada", administrator=True), domain("Sales")
    body = {
        "name": "Shop",
        "url": "postgres://reader@127.0.0.1:1/shop",
        "password": "once",
        "public_address": "db.example.org:5432",
        "domain": "sales",
        "include": ["public.*"],
        "structure": "semi",
    }
    made = call(client, "POST", "", ada, body)
    assert made.status_code == 201, made.content
    assert (made.json()["slug"], made.json()["namespace"]) == ("shop", "postgres://db.example.org:5432")
    assert (made.json()["domain"], made.json()["include"], made.json()["structure"]) == ("sales", ["public.*"], "semi")
    assert stored().target().secret == "once"
    again = call(client, "POST", "", ada, body | {"name": "Again", "slug": "again"})
    assert (again.status_code, "a source already: Shop (shop)" in again.json()["detail"]) == (409, True)

    owner = person("owner")
    role(sales, owner, "owner")
    assert call(client, "POST", "", owner, body).status_code == 403
    changes = {"exclude": ["*.tmp_*"], "include": [], "location": "Sydney", "system": None, "name": "The shop"}
    assert call(client, "PATCH", "shop/", owner, changes).status_code == 428
    changed = call(client, "PATCH", "shop/", owner, changes, made["ETag"])
    assert changed.status_code == 200, changed.content
    assert {name: changed.json()[name] for name in changes} == changes
    assert call(client, "PATCH", "shop/", owner, changes, made["ETag"]).status_code == 412
    assert call(client, "GET", "shop/", owner)["ETag"] == changed["ETag"]
    Source.objects.update(dataset_count=7)
    assert call(client, "GET", "shop/", owner)["ETag"] == changed["ETag"]


@pytest.mark.parametrize(
    ("wrong", "member"),
    [
        ({"include": ['"public.*']}, "include.0"),
        ({"exclude": [""]}, "exclude.0"),
        ({"domain": "nowhere"}, "domain"),
        ({"system": "nothing"}, "system"),
        ({"sampling": "all"}, "sampling"),
        ({"platform": "mysql"}, "platform"),
    ],
)
def test_rest_refuses_what_the_page_of_a_source_refuses(client: Client, wrong: dict[str, Any], member: str) -> None:
    ada = person("ada", administrator=True)
    source("shop")
    url = {"name": "Archive", "url": "postgres://reader@127.0.0.1:1/archive"}
    for answer in (call(client, "PATCH", "shop/", ada, wrong, "*"), call(client, "POST", "", ada, url | wrong)):
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [member])
    assert list(Source.objects.values_list("slug", flat=True)) == ["shop"]
