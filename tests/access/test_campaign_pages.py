"""Recertification as people do it on pages: a look before it begins, answers, what is told of it afterwards."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.actions import approve_request, request_access, revoke_grant, start_campaign
from access.models import Campaign, Grant
from access.recertifying import Chosen
from accounts.models import Principal
from tests.factories import Cast, person

ADD = "access:campaign_add"


def granted(cast: Cast, by: Principal) -> Grant:
    request = request_access(dataset=cast.dataset, purpose="Look", days=20, by=by)
    grant = approve_request(request=request, by=cast.owner)
    assert grant is not None
    return grant


def begun(cast: Cast, name: str = "Spring") -> Campaign:
    due = timezone.now() + dt.timedelta(days=9)
    return start_campaign(name=name, chosen=Chosen(), due_at=due, by=cast.administrator)


def in_days(days: int) -> str:
    return (timezone.localdate() + dt.timedelta(days=days)).isoformat()


def seen_in(page: str) -> str:
    """What the page says its reader looked at."""
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def test_it_begins_only_after_a_look_at_what_it_holds(client: Client, cast: Cast) -> None:
    granted(cast, cast.analyst)
    client.force_login(cast.administrator.user)
    typed = {"name": "Spring", "last_day": in_days(14)}
    unseen = client.post(reverse(ADD), {**typed, "start": "1"}).text
    assert "You chose something else than you looked at" in unseen and not Campaign.objects.exists()
    looked = client.post(reverse(ADD), {**typed, "look": "1"}).text
    assert "1 grant. Where nobody answers, none ends" in looked and "Begin it" in looked
    client.post(reverse(ADD), {**typed, "seen": seen_in(looked), "start": "1"})
    campaign = Campaign.objects.get()
    page = client.get(reverse("access:campaign", args=[campaign.pk])).text
    assert "Ana" in page and "Keep</button>" not in page


def test_what_was_chosen_after_the_look_is_shown_before_it_begins(client: Client, cast: Cast) -> None:
    granted(cast, cast.analyst)
    client.force_login(cast.administrator.user)
    typed = {"name": "Spring", "last_day": in_days(14)}
    looked = client.post(reverse(ADD), {**typed, "domain": cast.domain.pk, "look": "1"}).text
    sent = {**typed, "seen": seen_in(looked), "start": "1"}
    wider = client.post(reverse(ADD), sent).text
    assert "You chose something else than you looked at" in wider and not Campaign.objects.exists()
    client.post(reverse(ADD), {**sent, "seen": seen_in(wider), "name": "Autumn"})
    assert Campaign.objects.get().name == "Autumn"


@pytest.mark.parametrize("days", [-1, 100])
def test_a_day_that_makes_no_sense_is_told_at_the_first_look_and_at_its_field(
    client: Client, cast: Cast, days: int
) -> None:
    granted(cast, cast.analyst)
    client.force_login(cast.administrator.user)
    answer = client.post(reverse(ADD), {"name": "Spring", "last_day": in_days(days), "look": "1"})
    assert answer.status_code == 422
    assert answer.context["form"].errors["last_day"] == ["Choose a day within the next 92 days."]


def test_what_was_ticked_stays_ticked_where_a_reason_is_missing(client: Client, cast: Cast) -> None:
    for who in (cast.analyst, cast.outsider):
        granted(cast, who)
    campaign = begun(cast)
    first, second = campaign.items.order_by("pk")
    client.force_login(cast.steward.user)
    url = reverse("access:campaign", args=[campaign.pk])
    page = client.post(url, {"item": first.pk, "action": "remove"}).text
    assert "Say why." in page
    ticked = re.findall(r'name="item" value="(\d+)" checked', page)
    assert ticked == [str(first.pk)] and f'value="{second.pk}"' in page
    assert "Choose at least one." in client.post(url, {"action": "keep"}).text


def test_what_somebody_else_answered_meanwhile_is_said(client: Client, cast: Cast) -> None:
    for who in (cast.analyst, cast.outsider):
        granted(cast, who)
    campaign = begun(cast)
    sent = {"item": campaign.items.order_by("pk")[0].pk, "action": "keep"}
    url = reverse("access:campaign", args=[campaign.pk])
    client.force_login(cast.steward.user)
    client.post(url, sent)
    client.force_login(cast.owner.user)
    again = client.post(url, {**sent, "action": "remove", "reason": "No more"})
    assert again.status_code == 422 and "Somebody has decided on this already" in again.text
    assert Grant.objects.live().count() == 2


def test_a_grant_beyond_the_first_page_is_kept_from_the_inbox(client: Client, cast: Cast) -> None:
    for _ in range(51):
        granted(cast, person())
    campaign = begun(cast)
    last = campaign.items.order_by("-pk")[0]
    client.force_login(cast.steward.user)
    url = reverse("access:campaign", args=[campaign.pk])
    assert f'value="{last.pk}"' not in client.get(url).text
    client.post(url, {"item": last.pk, "action": "keep", "next": reverse("access:inbox")})
    last.refresh_from_db()
    assert last.outcome == "kept"


def test_of_grants_that_ended_meanwhile_it_says_so(client: Client, cast: Cast) -> None:
    grants = [granted(cast, who) for who in (cast.analyst, cast.outsider)]
    campaign = begun(cast)
    revoke_grant(grant=grants[0], reason="Gone", by=cast.owner)
    client.force_login(cast.steward.user)
    url = reverse("access:campaign", args=[campaign.pk])
    ids = list(campaign.items.values_list("pk", flat=True))
    assert (
        "1 grant kept. 1 of them ended meanwhile."
        in client.post(url, {"item": ids, "action": "keep"}, follow=True).text
    )


def test_whoever_stopped_it_and_why_is_on_its_page(client: Client, cast: Cast) -> None:
    granted(cast, cast.analyst)
    campaign = begun(cast)
    client.force_login(cast.administrator.user)
    stop = reverse("access:campaign_stop", args=[campaign.pk])
    page = client.post(stop, {"reason": "Too early in the year"}, follow=True).text
    campaign.refresh_from_db()
    assert not campaign.is_open
    assert f"{cast.administrator.name}: “Too early in the year”" in page
    everything = client.get(reverse("access:campaign", args=[campaign.pk]), {"show": "all"}).text
    assert '<td data-label="Outcome">Not asked about any more</td>' in everything, "the grant stays"
    assert "It is closed already." in client.get(stop, follow=True).text
