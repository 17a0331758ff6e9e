"""The pages of sources: what is typed into their forms and what comes back."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Source
from common.templatetags.formats import THIN_SPACE
from connections.models import secret_box
from ingestion.actions import cron_of
from ingestion.models import Run
from ingestion.queries import schedule_of
from tests.connections.certificates import Authority
from tests.factories import domain, person, role, source

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client: Client) -> Client:
    client.force_login(person("ada", administrator=True).user)
    return client


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:topsecret@nohost.invalid:5432/x",
        "postgres://u:topsecret@nohost.invalid:port/x",
        "postgres://u:topsecret@[::1/x",
        "postgres://u:topsecret@nohost.invalid:5432",
        "postgres://u:12/topsecret@nohost.invalid:5432/x",
        "postgres://u:a@topsecret#b@nohost.invalid:5432/x",
        "postgres://u@nohost.invalid:5432/x?password=topsecret",
        "postgres://u:topsecret/x",
        "nothing://u:topsecret@nohost.invalid/x",
        "u:topsecret@nohost.invalid",
        "duckdb://u:topsecret@nohost.invalid/x",
    ],
)
def test_a_password_in_the_address_never_comes_back(administrator: Client, url: str) -> None:
    answer = administrator.post(reverse("ingestion:source_add"), {"name": "", "url": url})
    assert answer.status_code == 422
    assert "topsecret" not in answer.text
    assert "Enter the password here." in answer.text


def test_a_password_in_the_address_is_the_one_that_opens_the_source(administrator: Client) -> None:
    url = "postgres://u:topsecret@127.0.0.1:1/x"
    typed = {"name": "Shop", "url": url, "frequency": "batch", "structure": "structured", "password": ""}
    answer = administrator.post(reverse("ingestion:source_add"), typed)
    assert answer.status_code == 302
    connection = Source.objects.get(name="Shop").connection
    assert connection is not None
    assert connection.host == "127.0.0.1"
    assert connection.sealed_secret is not None
    assert secret_box().open(bytes(connection.sealed_secret), bound_to=connection.bound_to) == "topsecret"
    assert "topsecret" not in administrator.get(answer["Location"]).text


def test_an_address_without_a_password_comes_back_as_typed(administrator: Client) -> None:
    for url in ("postgres://u@nohost.invalid:5432/x", "sqlite:////srv/a:b@c.db", "mysql://u@[::1]:3306"):
        answer = administrator.post(reverse("ingestion:source_add"), {"name": "", "url": url})
        assert answer.context["form"]["url"].value() == url
        assert "Enter the password here." not in answer.text


def add(administrator: Client, name: str, url: str, **more: str):
    typed = {"name": name, "url": url, "frequency": "batch", "structure": "structured", "password": ""}
    return administrator.post(reverse("ingestion:source_add"), typed | more, follow=True)


def test_a_database_that_is_a_source_already_is_refused_by_that_ones_name(administrator: Client) -> None:
    add(administrator, "Shop", "postgres://reader:one@127.0.0.1:1/shop")
    again = add(administrator, "Shop again", "postgresql://other:two@localhost:1/shop?sslmode=disable")
    assert again.status_code == 422
    assert "is a source already: Shop (shop)" in again.text
    other = add(administrator, "Archive", "postgres://reader:one@127.0.0.1:1/archive")
    assert other.status_code == 200
    assert set(Source.objects.values_list("slug", flat=True)) == {"shop", "archive"}


def test_a_source_without_a_domain_comes_with_a_warning(administrator: Client) -> None:
    assert "Without a domain, others will see only" in add(administrator, "Shop", "mysql://u@127.0.0.1:1/shop").text
    sales = str(domain("Sales").pk)
    added = add(administrator, "Archive", "mysql://u@127.0.0.1:1/archive", domain=sales)
    assert "was added" in added.text
    assert "Without a domain" not in added.text


def test_the_certificate_of_a_server_is_entered_with_its_address(administrator: Client) -> None:
    text = Authority().text
    wrong = add(administrator, "Shop", "mysql://u@127.0.0.1:1/shop?sslmode=verify-full", tls_ca="a certificate")
    assert "tls_ca" in wrong.context["form"].errors
    add(administrator, "Shop", "mysql://u@127.0.0.1:1/shop?sslmode=verify-full", tls_ca=text)
    connection = Source.objects.get(slug="shop").connection
    assert connection is not None
    assert connection.tls_ca.split() == text.split()
    shown = administrator.get(reverse("ingestion:source_connection", args=["shop"])).text
    assert "with a CA certificate of its own" in shown


def test_search_shows_the_sources_of_the_name_that_the_reader_sees(client: Client) -> None:
    sales = domain("Sales")
    source("Shop floor", of=sales)
    source("Archive", of=sales)
    steward = person("keeper")
    role(sales, steward)
    for reader, found in ((steward, True), (person("outsider"), False)):
        client.force_login(reader.user)
        answer = client.get(reverse("portal:search"), {"q": "floor SHOP"})
        assert (reverse("ingestion:source", args=["shop-floor"]) in answer.text) is found
        assert reverse("ingestion:source", args=["archive"]) not in answer.text


def test_patterns_that_are_typed_into_the_page_reach_the_source(administrator: Client) -> None:
    shop = source("shop")
    url = reverse("ingestion:source_edit", args=["shop"])
    typed = {"name": "The shop", "frequency": "stream", "structure": "semi", "sampling": "light", "location": "Sydney"}
    patterns = {"include": "public.*\r\n  sales.report_?  \r\n\r\n", "exclude": "*.tmp_*"}
    assert administrator.post(url, typed | patterns).status_code == 302
    shop.refresh_from_db()
    assert (shop.include, shop.exclude) == (["public.*", "sales.report_?"], ["*.tmp_*"])
    assert {name: getattr(shop, name) for name in typed} == typed
    shown = administrator.get(url).context["form"]
    assert (shown["include"].value(), shown["exclude"].value()) == ("public.*\nsales.report_?", "*.tmp_*")
    refused = administrator.post(url, typed | {"include": '"public.*'})
    assert refused.status_code == 422
    assert "include" in refused.context["form"].errors
    shop.refresh_from_db()
    assert shop.include == ["public.*", "sales.report_?"]
    assert administrator.post(url, typed).status_code == 302
    shop.refresh_from_db()
    assert (shop.include, shop.exclude) == ([], [])


def test_the_connection_is_tested_on_its_page(administrator: Client, tmp_path: Path, settings: Any) -> None:
    settings.CONNECTION_ALLOWED_PATHS = [str(tmp_path)]
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE orders (id integer PRIMARY KEY)")
    add(administrator, "Shop", f"sqlite://{file}")
    url = reverse("ingestion:source_connection", args=["shop"])
    assert "The source answers" not in administrator.get(url).text
    answers = administrator.post(url).text
    assert "The source answers" in answers
    assert "The file opens: 1 table or view." in answers
    file.write_text("This is no database.")
    assert "The test failed" in administrator.post(url).text
    file.unlink()
    assert "The source cannot be reached" in administrator.post(url).text


def test_the_schedule_is_set_changed_and_removed_on_its_page(administrator: Client) -> None:
    shop = source("shop")
    url = reverse("ingestion:source_schedule", args=["shop"])
    assert (
        "The schedule was saved." in administrator.post(url, {"cron": "30 4 * * 1", "enabled": "on"}, follow=True).text
    )
    assert cron_of(schedule_of(shop)) == "30 4 * * 1"
    administrator.post(url, {"cron": "15 5 * * *"})
    changed = schedule_of(shop)
    assert changed is not None
    assert (cron_of(changed), changed.periodic_task.enabled) == ("15 5 * * *", False)
    form = administrator.get(url).context["form"]
    assert (form["cron"].value(), form["enabled"].value()) == ("15 5 * * *", False)
    refused = administrator.post(url, {"cron": "every night"})
    assert refused.status_code == 422
    assert "cron" in refused.context["form"].errors
    assert cron_of(schedule_of(shop)) == "15 5 * * *"
    assert "The schedule was removed." in administrator.post(url, {"cron": ""}, follow=True).text
    assert schedule_of(shop) is None


def run_page(client: Client, run: Run, **values: Any) -> str:
    began = timezone.now() - dt.timedelta(hours=8)
    Run.objects.filter(pk=run.pk).update(state="running", started_at=began, **values)
    return client.get(reverse("ingestion:run", args=[run.pk])).text


def test_a_run_tells_time_left_while_it_reads_and_after_that_only_what_it_does(administrator: Client) -> None:
    run = Run.objects.create(source=source(), requested_by=person("otto"))
    connecting = run_page(administrator, run, phase="connecting")
    assert "Connecting" in connecting and "0 datasets read" in connecting and "8 h so far" in connecting
    reading = run_page(administrator, run, phase="reading", datasets_read=3000, datasets_expected=6000)
    assert f"3{THIN_SPACE}000 of 6{THIN_SPACE}000 datasets" in reading and "about 8 h left" in reading
    read = run_page(administrator, run, phase="reading", datasets_read=6000, datasets_expected=6000)
    assert " left<" not in read
    applying = run_page(administrator, run, phase="applying", datasets_read=6000, datasets_expected=6000)
    assert f"6{THIN_SPACE}000 datasets read" in applying and "8 h so far" in applying
    assert " left<" not in applying and "<progress aria-label" in applying
    run.refresh_from_db()
    assert run.seconds_left is None


def test_who_cancels_or_confirms_what_has_ended_meanwhile_is_led_back_to_it(administrator: Client) -> None:
    run = Run.objects.create(source=source(), requested_by=person("otto"), state="succeeded", message="12 unchanged.")
    for action, told in (
        ("ingestion:run_cancel", "There was nothing to cancel. This run has ended already: succeeded."),
        ("ingestion:run_confirm", "There was nothing to confirm. This run does not wait for anybody."),
    ):
        answer = administrator.post(reverse(action, args=[run.pk]), follow=True)
        assert answer.redirect_chain == [(reverse("ingestion:run", args=[run.pk]), 302)]
        assert told in answer.text and "12 unchanged." in answer.text


def test_crawls_are_called_so_apart_from_runs_of_jobs(administrator: Client) -> None:
    page = administrator.get(reverse("ingestion:run_list")).text
    assert "<title>Crawls" in page and ">Crawls</a>" in page
    assert ">Runs</a>" not in page
