"""The pages of access, as people use them."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.actions import approve_request, request_access
from access.enforcement.history import observe
from access.models import AccessRequest, Grant
from access.provisioning.facts import Privilege, Right, Role
from access.queries import review_of, visible_requests
from access.timeline import timeline_of
from catalog.models import Field
from classification.actions import edit_level, set_level
from classification.models import Level
from tests.access.observed import opened, path_of
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
    assert "Ana asks for" in inbox and "What a state means" in inbox
    approved = client.post(
        reverse("access:request_approve", args=[request.pk]),
        {"days": 10, "reason": "Fine", "next": reverse("access:inbox")},
        follow=True,
    )
    assert approved.redirect_chain[0][0] == reverse("access:inbox")
    assert "it is recorded here, and the source&#x27;s administrator opens it there." in approved.text
    grant = Grant.objects.get()
    assert (grant.principal, grant.state, grant.field_ids) == (cast.analyst, "recorded", [email.pk])
    assert (grant.valid_to - grant.valid_from).days == 10
    page = client.get(reverse("access:request", args=[request.pk])).text
    assert (
        page.index("Asked for email") < page.index("Approved.") < page.index("Recorded here") < page.index("Expires.")
    )


def test_whoever_ends_what_was_adopted_goes_back_to_where_it_is_listed(client: Client, cast: Cast) -> None:
    now = timezone.now()
    for who, back in (
        (cast.analyst, f"{reverse('access:own')}#grants"),
        (cast.owner, reverse("portal:dataset_tab", args=[cast.dataset.pk, "access"])),
    ):
        grant = Grant.objects.create(
            principal=cast.analyst, dataset=cast.dataset, state="recorded", granted_by=cast.owner,
            valid_from=now, valid_to=now + dt.timedelta(days=9),
        )  # fmt: skip
        client.force_login(who.user)
        answer = client.post(reverse("access:grant_revoke", args=[grant.pk]), {"reason": "No more"})
        assert answer.headers["Location"] == back
    client.force_login(cast.analyst.user)
    assert "“No more”" in client.get(reverse("access:own")).text


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


def limit(cast: Cast, slug: str, days: int) -> None:
    """The dataset as a whole has this level, which allows access for so long."""
    level = Level.objects.get(slug=slug)
    edit_level(level=level, changes={"longest_grant_days": days}, by=cast.administrator)
    set_level(datasets=[cast.dataset], level=level, reason="It names people", by=cast.steward)


def test_a_column_without_a_level_counts_as_its_dataset_on_the_form_and_when_asked(client: Client, cast: Cast) -> None:
    limit(cast, "restricted", 14)
    form = f"{reverse('access:request_create')}?dataset={cast.dataset.pk}"
    client.force_login(cast.analyst.user)
    page = client.get(form).text
    assert page.count("as the dataset") == 3
    assert ">14 days</td>" in page and ">365 days</td>" not in page
    assert 'value="14"' in page and 'max="14"' in page
    values = {"extent": "some", "chosen": [cast.field("email").pk], "purpose": "A survey", "days": 15}
    refused = client.post(form, values)
    assert refused.status_code == 422 and "Choose from 1 to 14 days." in refused.text
    assert not AccessRequest.objects.exists()
    asked = client.post(form, values | {"days": 14})
    for url, reader in ((asked.headers["Location"], cast.analyst), (reverse("access:inbox"), cast.owner)):
        client.force_login(reader.user)
        shown = client.get(url).text
        assert "Restricted" in shown and shown.count("as the dataset") == 1


def test_a_column_with_its_own_level_is_not_said_to_have_that_of_the_dataset(client: Client, cast: Cast) -> None:
    internal = Level.objects.get(slug="internal")
    set_level(fields=[cast.field("id")], level=internal, reason="A number", by=cast.steward)
    limit(cast, "restricted", 14)
    client.force_login(cast.analyst.user)
    page = client.get(f"{reverse('access:request_create')}?dataset={cast.dataset.pk}").text
    assert page.count("as the dataset") == 2
    assert page.count(">14 days</td>") == 2 and page.count(">365 days</td>") == 1
    assert 'max="365"' in page and "at most 14 days. The list says for how many days each column is." in page


def checked(page: str) -> str:
    """Which extent the form begins with."""
    (found,) = re.findall(r'name="extent" value="(\w+)"[^>]* checked', page)
    return str(found)


def test_the_form_begins_with_the_whole_dataset_unless_columns_were_named(client: Client, cast: Cast) -> None:
    client.force_login(cast.analyst.user)
    form = f"{reverse('access:request_create')}?dataset={cast.dataset.pk}"
    assert checked(client.get(form).text) == "all"
    assert checked(client.get(f"{form}&field={cast.field('email').pk}").text) == "some"


def test_ticked_columns_and_the_whole_dataset_are_not_guessed_at(client: Client, cast: Cast) -> None:
    client.force_login(cast.analyst.user)
    form = f"{reverse('access:request_create')}?dataset={cast.dataset.pk}"
    values = {"extent": "all", "chosen": [cast.field("email").pk], "purpose": "A survey", "days": 5}
    assert "untick them to ask for everything" in client.post(form, values).text
    assert not AccessRequest.objects.exists()


CALL = 'class="btn btn-primary" href="/access/request'


def test_only_whoever_has_nothing_yet_is_called_to_request_access(client: Client, cast: Cast) -> None:
    calls = {}
    for name in ("outsider", "analyst", "steward", "owner", "administrator"):
        client.force_login(getattr(cast, name).user)
        calls[name] = [
            client.get(url).text
            for url in (
                reverse("portal:dataset", args=[cast.dataset.pk]),
                reverse("portal:dataset_tab", args=[cast.dataset.pk, "access"]),
            )
        ]
    called = {name for name, pages in calls.items() if any(CALL in page for page in pages)}
    assert called == {"outsider", "analyst"}
    assert all("You own the dataset" in page for page in calls["owner"])
    assert all("You are a steward of the dataset&#x27;s domain" in page for page in calls["steward"])
    assert all("Request access" in page for page in calls["administrator"])
    assert "Ask for a grant" in calls["owner"][1], "a grant may be wanted on record all the same"


def test_whoever_was_granted_everything_is_offered_more_time_only(client: Client, cast: Cast) -> None:
    asked = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    approve_request(request=asked, by=cast.owner)
    client.force_login(cast.analyst.user)
    page = client.get(reverse("portal:dataset_tab", args=[cast.dataset.pk, "access"])).text
    assert "Ask for more time" in page and "Request access" not in page and CALL not in page


def test_an_approver_is_told_who_can_read_it_in_the_source_beside_who_has_a_grant(client: Client, cast: Cast) -> None:
    request = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    url = reverse("access:request", args=[request.pk])
    readers = reverse("access:readers", args=[cast.dataset.pk])
    facts = [*opened(cast.dataset), Role("etl", can_login=True), Role("tom", can_login=True)]
    facts += [Privilege(Right.SELECT, path_of(cast.dataset), name) for name in ("etl", "tom")]
    observe(source=cast.source, facts=facts, at=timezone.now())
    client.force_login(cast.owner.user)
    page = client.get(url).text
    assert "Nobody else has a grant on this dataset." in page
    assert "2 logins can read some of it" in page and "by ways that nobody approved" in page and readers in page

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(url)
        return len(captured)

    few = cost()
    more = [Role(f"r{number}", can_login=True) for number in range(20)]
    more += [Privilege(Right.SELECT, path_of(cast.dataset), role.name) for role in more]
    observe(source=cast.source, facts=[*facts, *more], at=timezone.now())
    assert "22 logins can read some of it" in client.get(url).text
    assert cost() == few
    client.force_login(cast.analyst.user)
    page = client.get(url).text
    assert "can read some of it" not in page and readers not in page


def test_a_request_shows_what_became_of_its_grant_and_when_it_was_first_read_back(client: Client, cast: Cast) -> None:
    request = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    grant = approve_request(request=request, by=cast.owner)
    given, seen = timezone.now() - dt.timedelta(hours=9), timezone.now() - dt.timedelta(minutes=4)
    Grant.objects.filter(pk=grant.pk).update(state="active", login="ana", applied_at=given, verified_at=seen)
    way = timeline_of(review_of(cast.owner, visible_requests(cast.owner).get(pk=request.pk)))
    assert [step.at for step in way if step.sentence == "Read back: it can be read."] == [given]
    client.force_login(cast.owner.user)
    url = reverse("access:request", args=[request.pk])

    def head() -> str:
        return client.get(url).text.partition('class="dc-head-meta"')[2].partition("Look at the dataset")[0]

    assert "Approved" in head() and "Active" in head() and "read back <" in head()
    Grant.objects.filter(pk=grant.pk).update(
        state="revoked", removed_at=timezone.now(), ended_by=cast.owner, end_reason="Over", valid_to=timezone.now()
    )
    assert "Approved" in head() and "Revoked" in head() and "read back <" not in head()
