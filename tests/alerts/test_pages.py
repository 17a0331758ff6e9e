"""The bell, the page of notifications, and its REST."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.actions import request_access
from alerts.models import Follow, Notification
from alerts.reading import count_unread
from audit.delivery import deliver_pending
from catalog.models import DomainMembership
from tests.factories import Cast, bearer, dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(cast: Cast) -> Cast:
    """Three requests wait for Stella."""
    for number in range(3):
        request_access(dataset=dataset(f"t_{number}", domain=cast.domain), purpose="To see.", days=3, by=cast.analyst)
    deliver_pending()
    return cast


def test_the_bell_counts_what_was_not_read(asked: Cast, client: Client) -> None:
    client.force_login(asked.steward.user)
    page = client.get("/notifications/").content.decode()
    assert '<span class="dc-count is-due">3</span>' in page
    assert "Ana asks for all columns of t_1, and you may decide." in page
    assert client.post("/notifications/read/", {"up_to": ""}).status_code == 302
    page = client.get("/notifications/").content.decode()
    assert "Nothing new" in page
    assert "Ana asks for all columns of t_1" in client.get("/notifications/?all=1").content.decode()


def test_mark_all_leaves_what_came_after_the_page_was_shown(asked: Cast, client: Client) -> None:
    client.force_login(asked.steward.user)
    oldest, *_ = Notification.objects.filter(receiver=asked.steward).order_by("pk")
    client.post("/notifications/read/", {"up_to": str(oldest.pk)})
    assert Notification.objects.filter(receiver=asked.steward).unread().count() == 2


def test_nobody_reads_or_marks_those_of_others(asked: Cast, client: Client) -> None:
    row = Notification.objects.filter(receiver=asked.steward).latest("pk")
    client.force_login(asked.administrator.user)
    assert client.get(f"/notifications/{row.pk}/").status_code == 404
    assert client.post(f"/notifications/{row.pk}/read/").status_code == 404
    client.post("/notifications/read/")
    assert Notification.objects.filter(receiver=asked.steward).unread().count() == 3


def test_what_one_may_no_longer_see_is_neither_shown_nor_opened_and_is_put_away(asked: Cast, client: Client) -> None:
    DomainMembership.objects.filter(principal=asked.steward).update(valid_to=timezone.now())
    row = Notification.objects.filter(receiver=asked.steward).latest("pk")
    client.force_login(asked.steward.user)
    assert client.get(f"/notifications/{row.pk}/").status_code == 404
    page = client.get("/notifications/").content.decode()
    assert "Ana asks" not in page and "Nothing new" in page
    assert not Notification.objects.filter(receiver=asked.steward).unread().exists()


def test_the_bell_reads_one_index(asked: Cast) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert count_unread(asked.steward) == 3
    (query,) = captured.captured_queries
    assert len(query["sql"]) < 1000


def test_follow_and_unfollow_on_the_dataset_page(cast: Cast, client: Client) -> None:
    client.force_login(cast.analyst.user)
    here = f"/datasets/{cast.dataset.pk}/"
    assert f'action="{here}follow/"' in client.get(here).content.decode()
    client.post(f"{here}follow/")
    assert Follow.objects.filter(principal=cast.analyst, dataset=cast.dataset).exists()
    assert f'action="{here}unfollow/"' in client.get(here).content.decode()
    assert "users" in client.get("/notifications/preferences/").content.decode()
    client.post(f"{here}unfollow/")
    assert not Follow.objects.exists()


def test_preferences_are_kept(cast: Cast, client: Client) -> None:
    client.force_login(cast.analyst.user)
    client.post("/notifications/preferences/", {"schema": "mail", "job": "off"})
    page = client.get("/notifications/preferences/").content.decode()
    for kind, choice in (("schema", "mail"), ("job", "off"), ("request_waits", "mail")):
        field = page.split(f'name="{kind}" value="{choice}"')[1].split(">")[0]
        assert field.endswith(" checked"), kind
    assert client.post("/notifications/preferences/", {"schema": "pigeon"}).status_code == 422


def test_rest_pages_and_marks(asked: Cast, client: Client) -> None:
    headers = bearer(asked.steward)
    first = client.get("/api/v2/notifications/?limit=2", headers=headers).json()
    assert [one["sentence"] for one in first["results"]] == [
        "Ana asks for all columns of t_2, and you may decide.",
        "Ana asks for all columns of t_1, and you may decide.",
    ]
    (last,) = client.get(first["next"], headers=headers).json()["results"]
    read = client.post(f"/api/v2/notifications/{last['id']}/read/", headers=headers).json()
    assert read["read_at"] is not None
    body = {"up_to": first["results"][1]["id"]}
    marked = client.post("/api/v2/notifications/read/", body, "application/json", headers=headers).json()
    assert marked == {"marked": 1}
    unread = client.get("/api/v2/notifications/?unread=true", headers=headers).json()["results"]
    assert [one["id"] for one in unread] == [first["results"][0]["id"]]


def test_rest_chooses_and_follows(cast: Cast, client: Client) -> None:
    headers = bearer(cast.analyst)
    put = client.put(
        "/api/v2/notification-preferences/schema/", {"choice": "digest"}, "application/json", headers=headers
    )
    assert put.json()["choice"] == "digest"
    listed = client.get("/api/v2/notification-preferences/", headers=headers).json()
    assert {"kind": "schema", "choice": "digest"}.items() <= next(
        one for one in listed if one["kind"] == "schema"
    ).items()
    here = f"/api/v2/datasets/{cast.dataset.pk}/follow/"
    assert client.put(here, headers=headers).json() == {"followed": True}
    (followed,) = client.get("/api/v2/follows/", headers=headers).json()["results"]
    assert followed["dataset"] == cast.dataset.pk
    assert client.delete(here, headers=headers).status_code == 204
    assert client.get(here, headers=headers).json() == {"followed": False}
