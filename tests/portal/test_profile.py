"""Profiles as people and programs see them: third tier only, with history, and old ones let go."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Principal
from catalog.actions import Sampled, forget_old_profiles, keep_profiles
from catalog.models import Dataset, Field, FieldProfile, Profile, Sampling
from catalog.profiling import profile_of
from catalog.snapshots import FieldType
from classification.actions import reorder_levels
from classification.counting import count_noted
from classification.models import Category, Label, Level
from tests import factories
from tests.factories import Cast, bearer

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return factories.personas()


@pytest.fixture
def email(cast: Cast) -> Field:
    return Field.objects.get(dataset=cast.dataset, path=["email"])


def sample(cast: Cast, email: Field, cells: list[str | None], **how) -> None:
    found = profile_of(cells, FieldType.STRING, whole=True)
    kept = Sampled(cast.dataset, len(cells), True, len(cells), {email.pk: found}, **how)
    keep_profiles(source=cast.source, sampled=[kept], amount="light", rules=1, by=Principal.objects.system())


def suggest_email(cast: Cast, email: Field) -> None:
    Label.objects.create(
        dataset=cast.dataset,
        field=email,
        level=Level.objects.get(slug="confidential"),
        category=Category.objects.get(slug="email"),
        state=Label.State.SUGGESTED,
        origin="code",
        author=Principal.objects.system(),
        confidence=0.9,
        evidence=[],
        phrase="email",
        reason="Found by the detectors.",
    )


CELLS = [None, *(f"person{number}@example.org" for number in range(9))]


def page(client: Client, who: Principal, dataset: Dataset, tab: str = "profile"):
    client.force_login(who.user)
    return client.get(f"/datasets/{dataset.pk}/{tab}/")


def test_the_tab_is_for_those_who_may_read_profiles(client: Client, cast: Cast, email: Field):
    sample(cast, email, CELLS)
    assert page(client, cast.analyst, cast.dataset).status_code == 403
    assert "/profile/" not in page(client, cast.analyst, cast.dataset, "schema").content.decode()
    assert page(client, cast.outsider, cast.dataset).status_code == 403
    shown = page(client, cast.steward, cast.dataset).content.decode()
    assert "p•••@•••.org" in shown and "a9@a.a" in shown and "10 %" in shown
    assert "person1@" not in shown


def test_the_columns_page_shows_it_to_the_same_readers(client: Client, cast: Cast, email: Field):
    for emptied in (0, 5):
        sample(cast, email, [*[None] * emptied, *CELLS])
    for who, sees in ((cast.analyst, False), (cast.steward, True)):
        client.force_login(who.user)
        shown = client.get(f"/datasets/{cast.dataset.pk}/fields/{email.pk}/").content.decode()
        assert ("Empty over time" in shown, "p•••@•••.org" in shown) == (sees, sees)


def test_what_stands_in_the_way_of_a_profile_is_told(client: Client, cast: Cast):
    assert "read no rows" in page(client, cast.administrator, cast.dataset).content.decode()
    failed = Sampled(cast.dataset, failure="it took longer than allowed")
    keep_profiles(source=cast.source, sampled=[failed], amount="light", rules=1, by=Principal.objects.system())
    assert "It took longer than allowed" in page(client, cast.administrator, cast.dataset).content.decode()
    Sampling.objects.all().delete()
    cast.source.sampling = "light"
    cast.source.save()
    assert "The next crawl" in page(client, cast.administrator, cast.dataset).content.decode()


def test_rest_gives_profiles_at_the_third_tier(client: Client, cast: Cast, email: Field):
    sample(cast, email, CELLS)
    address = f"/api/v2/datasets/{cast.dataset.pk}"
    for resource in ("profiles", "field-profiles"):
        assert client.get(f"{address}/{resource}/", headers=bearer(cast.analyst)).status_code == 403
        assert client.get(f"{address}/{resource}/", headers=bearer(cast.steward)).status_code == 200
    (told,) = client.get(f"{address}/field-profiles/", headers=bearer(cast.steward)).json()["results"]
    assert (told["path"], told["null_share"], told["distinct"], told["exemplars"]) == (
        ["email"],
        0.1,
        9,
        ["p•••@•••.org"],
    )
    assert told["shapes"] == [{"shape": "a9@a.a", "share": 1.0}]
    (before,) = client.get(f"{address}/profiles/", headers=bearer(cast.steward)).json()["results"]
    assert (before["row_count"], before["fields"][str(email.pk)]["nulls"]) == (10, 0.1)


def test_sampling_is_set_over_rest_by_those_who_may_edit_the_source(client: Client, cast: Cast):
    address = f"/api/v2/sources/{cast.source.slug}/sampling/"
    body = {"sampling": "full"}
    assert client.put(address, body, "application/json", headers=bearer(cast.analyst)).status_code == 403
    assert (
        client.put(address, {"sampling": "some"}, "application/json", headers=bearer(cast.administrator)).status_code
        == 422
    )
    assert client.put(address, body, "application/json", headers=bearer(cast.administrator)).json() == body
    cast.source.refresh_from_db()
    assert cast.source.sampling == "full"


def test_an_order_of_levels_that_makes_a_suggestion_restricted_takes_the_examples_away(cast: Cast, email: Field):
    sample(cast, email, CELLS)
    confidential = Level.objects.get(slug="confidential")
    suggest_email(cast, email)
    others = list(Level.objects.exclude(pk=confidential.pk).order_by("rank"))
    reorder_levels(order=[*others, confidential], by=cast.administrator)
    assert FieldProfile.objects.get().exemplars == []


def test_the_review_shows_what_was_sampled_beside_a_suggestion(client: Client, cast: Cast, email: Field):
    sample(cast, email, CELLS)
    suggest_email(cast, email)
    count_noted()
    client.force_login(cast.steward.user)
    shown = client.get("/review/").content.decode()
    assert "p•••@•••.org" in shown and "9 different" in shown


def test_old_profiles_go_but_the_latest_three_stay(cast: Cast, email: Field):
    for _ in range(5):
        sample(cast, email, CELLS)
    long_ago = timezone.now() - dt.timedelta(days=500)
    Profile.objects.all().update(taken_at=long_ago)
    newest = set(Profile.objects.order_by("-pk").values_list("pk", flat=True)[:3])
    assert forget_old_profiles(days=0) == 0
    assert forget_old_profiles(days=400) == 2
    assert set(Profile.objects.values_list("pk", flat=True)) == newest
    assert forget_old_profiles(days=400) == 0


def test_what_is_known_of_a_field_that_is_gone_goes(cast: Cast, email: Field):
    sample(cast, email, CELLS)
    Field.objects.filter(pk=email.pk).update(gone_since=timezone.now())
    forget_old_profiles(days=400)
    assert not FieldProfile.objects.exists()
