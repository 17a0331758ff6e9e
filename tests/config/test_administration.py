"""Nobody changes a row in the administration without the record telling of it."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client

from audit.models import Record
from audit.queries import tell
from catalog.models import Tag
from config.admin import Recorded
from tests.factories import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_administrator(client: Client) -> Client:
    client.force_login(person("root", administrator=True).user)
    return client


def told() -> list[str]:
    return [line.sentence for line in tell(Record.objects.filter(event__startswith="administration").order_by("id"))]


def test_adding_changing_and_deleting_are_recorded(as_administrator):
    as_administrator.post("/admin/catalog/tag/add/", {"name": "Exams", "slug": "exams"})
    tag = Tag.objects.get()
    as_administrator.post(f"/admin/catalog/tag/{tag.pk}/change/", {"name": "Examinations", "slug": "exams"})
    as_administrator.post(f"/admin/catalog/tag/{tag.pk}/delete/", {"post": "yes"})
    assert not Tag.objects.exists()
    assert told() == [
        "added the tag Exams in the administration",
        "changed the tag Examinations in the administration: Name",
        "deleted the tag Examinations in the administration",
    ]


def test_deleting_several_by_an_action_records_each(as_administrator):
    tags = [Tag.objects.create(name=f"t{number}", slug=f"t{number}") for number in range(3)]
    chosen = {"action": "delete_selected", "_selected_action": [tag.pk for tag in tags], "post": "yes"}
    as_administrator.post("/admin/catalog/tag/", chosen)
    assert len(told()) == 3


def test_every_registered_model_is_recorded():
    assert all(isinstance(model_admin, Recorded) for model_admin in admin.site._registry.values())


def test_staff_who_are_no_administrators_stay_out(client):
    member = person("staff")
    member.user.is_staff = True
    member.user.save()
    client.force_login(member.user)
    assert client.get("/admin/").status_code == 302
