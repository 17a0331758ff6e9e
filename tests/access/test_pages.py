"""The pages of access, as people use them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from access.models import AccessRequest, Grant
from tests.factories import Cast, personas

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return personas()


def test_staff_ask_on_a_page_and_an_owner_approves_in_the_inbox(client: Client, cast: Cast) -> None:
    email = cast.field("email")
    client.force_login(cast.analyst.user)
    form = f"{reverse('access:request_create')}?dataset={cast.dataset.pk}&field={email.pk}"
    assert f'value="{email.pk}" checked' in client.get(form).text
    asked = client.post(form, {"extent": "some", "chosen": [email.pk], "purpose": "A survey", "days": 20})
    request = AccessRequest.objects.get()
    assert asked.headers["Location"] == reverse("access:request", args=[request.pk])
    assert "A survey" in client.get(asked.headers["Location"]).text

    client.force_login(cast.owner.user)
    inbox = client.get(reverse("access:inbox")).text
    assert "Ana asks for" in inbox and "Recorded, not applied" in inbox
    approved = client.post(
        reverse("access:request_approve", args=[request.pk]),
        {"days": 10, "reason": "Fine", "next": reverse("access:inbox")},
        follow=True,
    )
    assert approved.redirect_chain[0][0] == reverse("access:inbox")
    assert "it is not applied in the source" in approved.text
    grant = Grant.objects.get()
    assert (grant.principal, grant.state, grant.field_ids) == (cast.analyst, "recorded", [email.pk])
    assert (grant.valid_to - grant.valid_from).days == 10
    page = client.get(reverse("access:request", args=[request.pk])).text
    assert (
        page.index("Asked for email") < page.index("Approved.") < page.index("Recorded here") < page.index("Expires.")
    )
