"""The forms of systems and domains: what is typed into them reaches the catalog."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import DomainRole
from catalog.models import Domain, System, Tier
from tests.factories import Cast, person, personas, role

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return personas()


def test_a_system_is_added_on_its_page(client: Client, cast: Cast) -> None:
    client.force_login(cast.administrator.user)
    url = reverse("catalog:system_add")
    typed = {"name": "OnTrack", "slug": "ontrack", "description": "Task feedback."}
    assert "The system OnTrack is there." in client.post(url, typed, follow=True).text
    system = System.objects.get(slug="ontrack")
    assert (system.name, system.description) == ("OnTrack", "Task feedback.")
    again = client.post(url, typed)
    assert again.status_code == 422
    assert "There is already a system called OnTrack" in again.text
    assert System.objects.filter(name="OnTrack").count() == 1
    client.force_login(cast.steward.user)
    assert client.post(url, typed | {"name": "Other", "slug": "other"}).status_code == 403
    assert not System.objects.filter(slug="other").exists()


def test_a_domain_is_edited_on_its_page_and_keeps_its_address(client: Client, cast: Cast) -> None:
    url = reverse("catalog:domain_edit", args=[cast.domain.slug])
    typed = {"name": "Learning", "slug": "other", "description": "Courses and units.", "open_tier": str(Tier.METADATA)}
    client.force_login(cast.steward.user)
    assert client.post(url, typed).status_code == 403
    owner = person()
    role(cast.domain, owner, DomainRole.OWNER)
    client.force_login(owner.user)
    assert "The domain is saved." in client.post(url, typed, follow=True).text
    domain = Domain.objects.get(pk=cast.domain.pk)
    assert (domain.name, domain.description, domain.open_tier) == ("Learning", "Courses and units.", Tier.METADATA)
    assert domain.slug == cast.domain.slug
    refused = client.post(url, typed | {"name": ""})
    assert refused.status_code == 422
    assert "name" in refused.context["form"].errors
