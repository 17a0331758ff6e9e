"""Attributes, purposes and engines' catalogs are kept by administrators, on pages, and every write is recorded."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from access.actions.vocabulary import (
    add_engine_catalog,
    add_purpose,
    edit_engine_catalog,
    edit_purpose,
    end_attribute,
    remove_engine_catalog,
    set_attribute,
)
from access.gathering import Named, gather
from access.models import EngineCatalog, PrincipalAttribute, Purpose
from audit.models import Record
from common.errors import Conflict, Forbidden, Invalid
from tests.factories import Cast, bearer

pytestmark = pytest.mark.django_db


def attributes_of(cast: Cast) -> frozenset[tuple[str, str]]:
    subject = gather([Named("principal", str(cast.analyst.pk))]).found[0].subject
    assert subject is not None
    return subject.attributes


def told(event: str) -> int:
    return Record.objects.filter(event=f"access.{event}").count()


def test_only_administrators_write_them(cast: Cast):
    for refused in (
        lambda: set_attribute(principals=[cast.analyst], name="department", value="finance", by=cast.steward),
        lambda: add_purpose(name="Play", by=cast.steward),
        lambda: edit_purpose(purpose=Purpose.objects.get(slug="analysis"), enabled=False, by=cast.steward),
        lambda: add_engine_catalog(name="hive", source=cast.source, by=cast.steward),
    ):
        with pytest.raises(Forbidden):
            refused()
    assert not PrincipalAttribute.objects.exists()
    assert Purpose.objects.get(slug="analysis").enabled


def test_an_attribute_is_set_for_several_at_once_and_ends(cast: Cast):
    both = [cast.analyst, cast.outsider]
    set_attribute(principals=[cast.analyst], name="department", value="finance", by=cast.administrator)
    made = set_attribute(principals=both, name="department", value=" finance ", by=cast.administrator)
    assert [one.principal for one in made] == [cast.outsider]
    assert ("department", "finance") in attributes_of(cast)
    assert told("attribute_set") == 2
    mine = PrincipalAttribute.objects.get(principal=cast.analyst)
    end_attribute(attribute=mine, by=cast.administrator)
    assert ("department", "finance") not in attributes_of(cast)
    assert told("attribute_ended") == 1
    with pytest.raises(Conflict, match="not so"):
        end_attribute(attribute=mine, by=cast.administrator)
    set_attribute(principals=[cast.analyst], name="department", value="finance", by=cast.administrator)
    assert PrincipalAttribute.objects.filter(principal=cast.analyst).count() == 2


@pytest.mark.parametrize(
    ("name", "value", "member"),
    [("kind", "person", "name"), ("Two words", "x", "name"), ("a", "", "value"), ("a", "x\ny", "value")],
)
def test_attributes_that_policies_cannot_ask_for_are_refused(cast: Cast, name: str, value: str, member: str):
    with pytest.raises(Invalid) as refused:
        set_attribute(principals=[cast.analyst], name=name, value=value, by=cast.administrator)
    assert list(refused.value.fields) == [member]


def test_a_purpose_is_added_renamed_and_retired_under_the_slug_it_began_with(cast: Cast):
    made = add_purpose(name="Student support", description="Helping one.", by=cast.administrator)
    assert made.slug == "student-support"
    with pytest.raises(Conflict, match="already"):
        add_purpose(name="Student support", by=cast.administrator)
    edited = edit_purpose(purpose=made, name="Support", enabled=False, by=cast.administrator)
    assert (edited.slug, edited.description, edited.enabled) == ("student-support", "Helping one.", False)
    with pytest.raises(Conflict, match="Analysis"):
        edit_purpose(purpose=made, name="Analysis", by=cast.administrator)
    edit_purpose(purpose=made, name="Support", by=cast.administrator)
    assert (told("purpose_added"), told("purpose_changed")) == (1, 1)


def test_an_engines_catalog_names_a_source_until_it_is_removed(cast: Cast):
    cast.dataset.path = ["ontrack", "public", "users"]
    cast.dataset.save(update_fields=["path"])
    asked = [Named("principal", str(cast.analyst.pk), catalog="pg", schema="public", name="users")]
    made = add_engine_catalog(name="pg", source=cast.source, by=cast.administrator)
    assert gather(asked).found[0].dataset is None
    edit_engine_catalog(catalog=made, prefix=["ontrack"], by=cast.administrator)
    found = gather(asked).found[0].dataset
    assert found is not None
    assert found.dataset_id == cast.dataset.pk
    with pytest.raises(Conflict, match="already"):
        add_engine_catalog(name="pg", source=cast.source, by=cast.administrator)
    remove_engine_catalog(catalog=made, by=cast.administrator)
    assert gather(asked).found[0].dataset is None
    assert [told(f"engine_catalog_{done}") for done in ("added", "changed", "removed")] == [1, 1, 1]


def test_they_are_kept_on_pages_beside_the_policies(client: Client, cast: Cast):
    client.force_login(cast.administrator.user)
    assert reverse("access:vocabulary", args=["attributes"]) in client.get(reverse("access:policies")).text
    for kind, nothing in (("attributes", "Say of somebody"), ("engine-catalogs", "Say which source")):
        assert nothing in client.get(reverse("access:vocabulary", args=[kind])).text

    add = reverse("access:vocabulary_add", args=["attributes"])
    wrong = client.post(add, {"people": "nobody", "name": "department", "value": "finance"})
    assert (wrong.status_code, "Nothing is called nobody." in wrong.text) == (422, True)
    values = {"people": "ana\notto@example.org", "name": "department", "value": "finance"}
    assert client.post(add, values).status_code == 302
    page = client.get(reverse("access:vocabulary", args=["attributes"])).text
    assert page.count("department=finance</span></td>") == 2
    one = PrincipalAttribute.objects.get(principal=cast.analyst)
    client.post(reverse("access:vocabulary_end", args=["attributes", one.pk]))
    page = client.get(reverse("access:vocabulary", args=["attributes"])).text
    assert page.count("department=finance</span></td>") == 1
    assert client.get(reverse("access:vocabulary_end", args=["attributes", one.pk])).status_code == 404

    purpose = Purpose.objects.get(slug="analysis")
    edit = reverse("access:vocabulary_edit", args=["purposes", purpose.pk])
    assert purpose.description in client.get(edit).text
    client.post(edit, {"name": "Analysis", "description": "Once."})
    assert "Retired" in client.get(reverse("access:vocabulary", args=["purposes"])).text

    values = {"name": "pg", "source": str(cast.source.pk), "before": "ontrack"}
    assert client.post(reverse("access:vocabulary_add", args=["engine-catalogs"]), values).status_code == 302
    catalog = EngineCatalog.objects.get()
    assert catalog.prefix == ["ontrack"]
    again = client.post(reverse("access:vocabulary_add", args=["engine-catalogs"]), values)
    assert (again.status_code, "Edit that one." in again.text) == (422, True)
    client.post(reverse("access:vocabulary_end", args=["engine-catalogs", catalog.pk]))
    assert not EngineCatalog.objects.exists()
    assert client.get(reverse("access:vocabulary", args=["nothing"])).status_code == 404


def test_rest_writes_them_by_the_same_actions(client: Client, cast: Cast):
    headers = bearer(cast.administrator)

    def send(method: str, path: str, body: object = None, **more: str):
        send_it = getattr(client, method)
        return send_it(f"/api/v2/{path}/", body, "application/json", headers=headers | more)

    values = {"principals": [cast.analyst.pk], "name": "department", "value": "finance"}
    made = send("post", "principal-attributes", values)
    assert (made.status_code, made.json()[0]["principal"]["name"]) == (201, cast.analyst.name)
    assert send("post", "principal-attributes", values | {"principals": [10**12]}).status_code == 422
    assert send("delete", f"principal-attributes/{made.json()[0]['id']}").status_code == 204
    assert ("department", "finance") not in attributes_of(cast)

    made = send("post", "purposes", {"name": "Student support"})
    path = f"purposes/{made.json()['id']}"
    assert send("patch", path, {"enabled": False}).status_code == 428
    tag = made.headers["ETag"]
    assert send("patch", path, {"enabled": False}, **{"If-Match": tag}).json()["enabled"] is False
    assert send("patch", path, {"enabled": True}, **{"If-Match": tag}).status_code == 412

    assert send("post", "engine-catalogs", {"name": "pg", "source": "nowhere"}).status_code == 422
    made = send("post", "engine-catalogs", {"name": "pg", "source": cast.source.slug, "prefix": ["ontrack"]})
    path = f"engine-catalogs/{made.json()['id']}"
    changed = send("patch", path, {"prefix": []}, **{"If-Match": made.headers["ETag"]})
    assert changed.json() == {"id": made.json()["id"], "name": "pg", "source": cast.source.slug, "prefix": []}
    assert send("delete", path).status_code == 204
    assert not EngineCatalog.objects.exists()
