"""The pages of access, as people use them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.actions import approve_request, request_access
from access.models import AccessRequest, Grant
from catalog.models import Field
from tests.factories import Cast

pytestmark = pytest.mark.django_db


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


def test_an_approver_of_the_whole_dataset_sees_every_column_and_the_requester_none(client: Client, cast: Cast) -> None:
    request = request_access(dataset=cast.dataset, purpose="All of it", days=5, by=cast.outsider)
    url = reverse("access:request", args=[request.pk])
    client.force_login(cast.owner.user)
    assert ">email</span>" in client.get(url).text
    client.force_login(cast.outsider.user)
    shown = client.get(url).text
    assert ">email</span>" not in shown and "somebody else decides" in shown


def test_an_approver_sees_what_stands_in_the_way(client: Client, cast: Cast) -> None:
    email = cast.field("email")
    request = request_access(dataset=cast.dataset, fields=[email], purpose="Mail", days=5, by=cast.analyst)
    Field.objects.filter(pk=email.pk).update(gone_since=timezone.now())
    client.force_login(cast.owner.user)
    assert "Gone from the dataset since: email" in client.get(reverse("access:request", args=[request.pk])).text
    refused = client.post(reverse("access:request_approve", args=[request.pk]), {"days": 5})
    assert refused.status_code == 422 and "is gone from" in refused.text


def test_an_approver_sees_who_else_has_a_grant_and_what_is_replaced(client: Client, cast: Cast) -> None:
    for requester in (cast.analyst, cast.outsider):
        asked = request_access(dataset=cast.dataset, purpose="Look", days=5, by=requester)
        approve_request(request=asked, by=cast.owner)
    again = request_access(dataset=cast.dataset, purpose="Longer", days=50, by=cast.analyst)
    client.force_login(cast.steward.user)
    page = client.get(reverse("access:request", args=[again.pk])).text
    assert "An approval replaces the grant that Ana has now" in page
    assert page.index("Who else has a grant") < page.index("Otto")


def test_a_decision_goes_back_only_to_pages_of_ours(client: Client, cast: Cast) -> None:
    request = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    client.force_login(cast.owner.user)
    values = {"reason": "No", "next": "https://elsewhere.example/"}
    answer = client.post(reverse("access:request_deny", args=[request.pk]), values)
    assert answer.headers["Location"] == reverse("access:request", args=[request.pk])


def test_whoever_may_only_discover_gets_no_column_names(client: Client, cast: Cast) -> None:
    client.force_login(cast.outsider.user)
    page = client.get(f"{reverse('access:request_create')}?dataset={cast.dataset.pk}").text
    assert "You may ask for the whole dataset" in page and "email</span>" not in page
    asked = client.post(f"{reverse('access:request_create')}?dataset={cast.dataset.pk}", {"purpose": "Look", "days": 5})
    assert asked.status_code == 302


@pytest.mark.parametrize("dataset", ["", "0", "x", "99999999999999999999", "12345"])
def test_a_form_for_nothing_is_not_found(client: Client, cast: Cast, dataset: str) -> None:
    client.force_login(cast.analyst.user)
    assert client.get(f"{reverse('access:request_create')}?dataset={dataset}").status_code == 404


def test_requests_of_others_are_not_found(client: Client, cast: Cast) -> None:
    request = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    client.force_login(cast.outsider.user)
    for name in ("request", "request_approve", "request_deny", "request_cancel"):
        assert client.get(reverse(f"access:{name}", args=[request.pk])).status_code == 404


def test_the_dataset_page_says_what_one_has_and_that_it_is_not_applied(client: Client, cast: Cast) -> None:
    asked = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    approve_request(request=asked, by=cast.owner)
    url = reverse("portal:dataset_tab", args=[cast.dataset.pk, "access"])
    client.force_login(cast.analyst.user)
    page = client.get(url).text
    assert "You were granted the whole dataset" in page and "Recorded, not applied" in page
    assert "Who has a grant" not in page
    client.force_login(cast.owner.user)
    assert "Who has a grant" in client.get(url).text
