"""The pages of sources: what is typed into their forms and what comes back."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Source
from connections.models import secret_box
from tests.factories import person

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
