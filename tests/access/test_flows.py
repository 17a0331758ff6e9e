"""Drafts, renewal, emergencies, delegations, recertification and leaving, as people do them on pages."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.actions import (
    approve_request,
    open_in_emergency,
    publish_terms,
    request_access,
    revise_terms,
    save_draft,
    start_campaign,
)
from access.enforcement.offering import cannot_mask
from access.inbox import count_waiting, waiting_list
from access.models import (
    AccessRequest,
    Campaign,
    DatabaseLogin,
    Delegation,
    Enforcement,
    Finding,
    Grant,
)
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Effect, MaskOf, Rule, Subjects
from access.recertifying import Chosen
from accounts.models import Principal
from catalog.models import Proposal, Source
from catalog.proposals import digest_of
from classification.actions import set_level
from classification.models import Level
from common.errors import Forbidden, Invalid
from common.templatetags.ui import level_badge
from tests.factories import Cast, dataset, field, fresh, person, publish, role, standard_levels

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def form_of(cast: Cast, **query: object) -> str:
    rest = "".join(f"&{name}={value}" for name, value in query.items())
    return f"{reverse('access:request_create')}?dataset={cast.dataset.pk}{rest}"


def granted(cast: Cast, by: Principal, days: int = 20) -> Grant:
    request = request_access(dataset=cast.dataset, purpose="Look", days=days, by=by)
    grant = approve_request(request=request, by=cast.owner)
    assert grant is not None
    return grant


def test_a_draft_is_its_authors_alone_until_it_is_sent(client: Client, cast: Cast) -> None:
    email = cast.field("email")
    client.force_login(cast.analyst.user)
    typed = {"extent": "some", "chosen": [email.pk], "purpose": "", "days": 11, "save": "1"}
    assert client.post(form_of(cast), typed)["Location"] == reverse("access:own")
    draft = AccessRequest.objects.get()
    assert (draft.state, draft.field_ids, draft.days) == ("draft", [email.pk], 11)
    page = client.get(form_of(cast)).text
    assert f'value="{email.pk}" checked' in page and 'value="11"' in page
    for other in (cast.owner, cast.administrator):
        client.force_login(other.user)
        assert client.get(reverse("access:request", args=[draft.pk])).status_code == 404
    assert count_waiting(fresh(cast.owner)) == 0
    client.force_login(cast.analyst.user)
    client.post(form_of(cast), {"extent": "some", "chosen": [email.pk], "purpose": "A survey", "days": 11})
    draft.refresh_from_db()
    assert (draft.state, AccessRequest.objects.count()) == ("pending", 1)


def test_a_draft_can_be_thrown_away(client: Client, cast: Cast) -> None:
    draft = save_draft(dataset=cast.dataset, by=cast.analyst, purpose="Hm")
    client.force_login(cast.analyst.user)
    assert "Throw away" in client.get(reverse("access:own")).text
    client.post(reverse("access:request_cancel", args=[draft.pk]))
    assert "Throw away" not in client.get(reverse("access:own")).text


def test_near_its_end_a_grant_is_offered_for_renewal_and_the_new_one_replaces_it(client: Client, cast: Cast) -> None:
    grant = granted(cast, cast.analyst, days=90)
    client.force_login(cast.analyst.user)
    assert ">Renew" not in client.get(reverse("access:own")).text
    with time_machine.travel(grant.valid_to - dt.timedelta(days=10), tick=False):
        client.force_login(cast.analyst.user)
        assert ">Renew" in client.get(reverse("access:own")).text
        page = client.get(form_of(cast, grant=grant.pk)).text
        assert "You ask for more time" in page and "Look</textarea>" in page
        client.post(form_of(cast, grant=grant.pk), {"extent": "all", "purpose": "Still", "days": 30})
        renewal = AccessRequest.objects.pending().get()
        assert renewal.renews == grant and Grant.objects.live().get() == grant
        approve_request(request=renewal, by=cast.owner)
        grant.refresh_from_db()
        assert grant.state == "superseded" and Grant.objects.live().get().request == renewal


def test_nobody_renews_what_is_anothers(client: Client, cast: Cast) -> None:
    grant = granted(cast, cast.analyst)
    client.force_login(cast.steward.user)
    assert client.get(form_of(cast, grant=grant.pk)).status_code == 404


def test_the_form_warns_of_what_policy_will_refuse_and_does_not_send_it(client: Client, cast: Cast) -> None:
    publish("Ours", Rule(Effect.DENY, (Action.REQUEST,), Subjects(everyone=True)))
    client.force_login(cast.analyst.user)
    typed = {"extent": "all", "purpose": "Look", "days": 5}
    checked = client.post(form_of(cast), {**typed, "check": "1"})
    assert checked.status_code == 200 and "Policy will refuse this" in checked.text
    sent = client.post(form_of(cast), typed)
    assert sent.status_code == 422 and "does not let you have this" in sent.text and "Look</textarea>" in sent.text
    assert not AccessRequest.objects.exists()
    with pytest.raises(Forbidden, match="does not change that"):
        open_in_emergency(dataset=cast.dataset, reason="Down", hours=1, by=cast.analyst)


def test_what_policy_grants_at_once_names_the_version_it_rests_on(client: Client, cast: Cast) -> None:
    version = publish("Ours", Rule(Effect.ALLOW, (Action.REQUEST,), Subjects(everyone=True)))
    request = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    grant = Grant.objects.get()
    assert (request.state, grant.request, grant.granted_by) == ("approved", request, Principal.objects.system())
    assert request.ruling is not None and request.ruling["versions"] == [version.pk]
    client.force_login(cast.owner.user)
    assert "What policy said" in client.get(reverse("access:request", args=[request.pk])).text


def test_the_form_asks_for_the_terms_of_the_data(client: Client, cast: Cast) -> None:
    terms = publish_terms(name="Rules", text="Be **careful**.", domain=cast.domain, by=cast.administrator)
    client.force_login(cast.analyst.user)
    assert "<strong>careful</strong>" in client.get(form_of(cast)).text
    typed = {"extent": "all", "purpose": "Look", "days": 5}
    refused = client.post(form_of(cast), typed)
    assert refused.status_code == 422
    assert refused.context["form"].errors == {f"terms_{terms.pk}": ["Read and accept “Rules” to go on."]}
    newer = revise_terms(terms=terms, text="Be more careful.", by=cast.administrator)
    late = client.post(form_of(cast), {**typed, f"terms_{terms.pk}": "on"}).context["form"].errors
    assert late == {
        f"terms_{newer.pk}": ["The terms changed since you opened the page. Read and accept version 2 of “Rules”."]
    }
    client.post(form_of(cast), {**typed, f"terms_{newer.pk}": "on"})
    assert AccessRequest.objects.get().acceptances.get().terms == newer


def test_an_old_version_of_terms_leads_to_the_newest(client: Client, cast: Cast) -> None:
    first = publish_terms(name="Rules", text="One.", domain=cast.domain, by=cast.administrator)
    revise_terms(terms=first, text="Two.", by=cast.administrator)
    client.force_login(cast.administrator.user)
    for name in ("access:terms_revise", "access:terms_retire"):
        answer = client.get(reverse(name, args=["rules", 1]), follow=True)
        assert answer.redirect_chain[-1][0] == reverse("access:terms_version", args=["rules", 2])
        assert "Version 1 is not in force any more." in answer.text


def test_the_inbox_is_one_list_of_every_kind_and_its_count(client: Client, cast: Cast) -> None:
    granted(cast, cast.analyst)
    start_campaign(name="Spring", chosen=Chosen(), due_at=timezone.now() + dt.timedelta(days=9), by=cast.administrator)
    request_access(dataset=cast.dataset, purpose="Look", days=9, by=cast.outsider)
    open_in_emergency(dataset=cast.dataset, reason="Down", hours=1, by=cast.analyst)
    payload = {"text": "People"}
    Proposal.objects.create(
        dataset=cast.dataset, kind="description", payload=payload, digest=digest_of(payload), at=timezone.now()
    )
    steward = fresh(cast.steward)
    found = waiting_list(steward)
    assert sorted(item.kind for item in found) == ["emergency", "proposal", "recertification", "request"]
    assert [item.due for item in found if item.due] == sorted(item.due for item in found if item.due)
    assert count_waiting(fresh(cast.steward)) == 4 and count_waiting(fresh(cast.outsider)) == 0
    client.force_login(cast.steward.user)
    page = client.get(reverse("access:inbox")).text
    for item in found:
        assert f'id="{item.anchor}"' in page
    assert page.count("data-inbox-item") == 4


def test_a_grant_is_confirmed_in_the_inbox(client: Client, cast: Cast) -> None:
    grant = granted(cast, cast.analyst)
    start_campaign(name="Spring", chosen=Chosen(), due_at=timezone.now() + dt.timedelta(days=9), by=cast.administrator)
    (item,) = waiting_list(fresh(cast.steward))
    client.force_login(cast.steward.user)
    answer = client.post(
        reverse("access:campaign", args=[Campaign.objects.get().pk]),
        {"item": item.id, "action": "keep", "next": reverse("access:inbox")},
    )
    assert answer["Location"] == reverse("access:inbox")
    assert grant.recertifications.get().outcome == "kept" and not waiting_list(fresh(cast.steward))


def test_a_campaign_shows_levels_as_other_pages_do(client: Client, cast: Cast) -> None:
    levels = standard_levels()
    set_level(fields=[cast.field("email")], level=levels["restricted"], reason="Names people", by=cast.steward)
    granted(cast, cast.analyst)
    start_campaign(name="Spring", chosen=Chosen(), due_at=timezone.now() + dt.timedelta(days=9), by=cast.administrator)
    client.force_login(cast.steward.user)
    url = reverse("access:campaign", args=[Campaign.objects.get().pk])
    assert level_badge(levels["restricted"]) in client.get(url).text
    Level.objects.filter(pk=levels["restricted"].pk).update(name="Secret")
    page = client.get(url).text
    assert '<td data-label="Level">Restricted</td>' in page, "what it was called when the campaign began"


def test_an_owner_lets_somebody_decide_and_takes_it_back(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner.user)
    url = reverse("access:delegations")
    day = (timezone.localdate() + dt.timedelta(days=3)).isoformat()
    typed = {"receiver": "otto", "first_day": timezone.localdate().isoformat(), "last_day": day}
    assert "Nobody with an open account" in client.post(url, {**typed, "receiver": "nobody"}).text
    early = client.post(url, {**typed, "last_day": "2020-01-01"}).context["form"].errors
    assert early == {"last_day": ["Choose a later day."]}
    until = f"{dt.date.fromisoformat(day):%d %b %Y}"
    told = client.post(url, {**typed, "reason": "On leave"}, follow=True).text
    assert f"Otto decides in the place of Owen until the end of {until}." in told
    again = client.post(url, typed)
    assert again.status_code == 422 and "Otto decides in the place of Owen until" in again.text
    made = Delegation.objects.get()
    assert (made.giver, made.receiver, made.holds) == (cast.owner, cast.outsider, True)
    assert "On leave" in client.get(url).text
    client.post(reverse("access:delegation_end", args=[made.pk]))
    made.refresh_from_db()
    assert made.is_over
    client.force_login(cast.analyst.user)
    assert "On leave" not in client.get(url).text


def test_an_administrator_sees_what_somebody_holds_and_ends_it_all(client: Client, cast: Cast) -> None:
    granted(cast, cast.analyst)
    client.force_login(cast.administrator.user)
    assert "ana" in client.get(reverse("access:people"), {"q": "ana"}).text
    url = reverse("access:person", args=[cast.analyst.pk])
    assert "users" in client.get(url).text
    done = client.post(url, {"reason": "Left on Friday"}, follow=True).text
    assert "lost 1 grants" in done and "Closed" in done
    assert not Grant.objects.live().exists()


def test_hidden_datasets_are_no_emergency(client: Client, cast: Cast) -> None:
    client.force_login(cast.outsider.user)
    assert client.get(reverse("access:emergency_open", args=[cast.dataset.pk])).status_code == 403
    elsewhere = dataset("elsewhere")
    assert client.get(reverse("access:emergency_open", args=[elsewhere.pk + 99])).status_code == 404


def test_a_form_offers_only_what_the_source_can_carry_out(client: Client, cast: Cast) -> None:
    nested = field(cast.dataset, "payload.author", position=9)
    client.force_login(cast.analyst.user)
    assert "payload.author" in client.get(form_of(cast)).text
    Enforcement.objects.create(source=cast.source, mode="automatic", changed_by=cast.administrator)
    page = client.get(form_of(cast)).text
    assert "payload.author" not in page and "The source does not know you yet" in page
    with pytest.raises(Invalid, match="Ask for payload"):
        request_access(dataset=cast.dataset, fields=[nested], purpose="Look", days=5, by=cast.analyst)
    DatabaseLogin.objects.create(source=cast.source, principal=cast.analyst, name="ana", set_by=cast.administrator)
    assert "does not know you" not in client.get(form_of(cast)).text


def test_a_source_that_cannot_mask_is_not_asked_to(client: Client, cast: Cast) -> None:
    email = cast.field("email")
    whole = {"dataset": cast.dataset, "purpose": "Look", "days": 5}
    enforcement = Enforcement.objects.create(source=cast.source, mode="automatic", changed_by=cast.administrator)
    masks = (MaskOf(Mask.HASH, Columns(fields=(email.pk,))),)
    publish("Ours", Rule(Effect.RESTRICT, (Action.READ,), Subjects(everyone=True), masks=masks))
    request = request_access(**whole, by=cast.analyst)
    client.force_login(cast.steward.user)
    assert "come masked" in client.get(form_of(cast)).text

    enforcement.profile = "grant_only"
    enforcement.save()
    page = client.get(form_of(cast)).text
    assert "<code>email</code>, and the source cannot show columns masked" in page and "come masked" not in page
    with pytest.raises(Invalid, match="Policy masks some columns, and the source cannot"):
        request_access(**whole, by=cast.steward)
    with pytest.raises(Invalid, match="Policy masks email, and the source cannot"):
        request_access(**whole, fields=[email], by=cast.steward)
    with pytest.raises(Invalid, match="the source cannot"):
        open_in_emergency(dataset=cast.dataset, reason="Down", hours=1, by=cast.steward)
    assert request_access(**whole, fields=[cast.field("id")], by=cast.steward).is_pending
    client.force_login(cast.owner.user)
    assert "this cannot be approved" in client.get(reverse("access:request", args=[request.pk])).text
    with pytest.raises(Invalid, match="the source cannot"):
        approve_request(request=request, by=cast.owner)

    enforcement.profile, enforcement.mode = "grant_only", "dry_run"
    enforcement.save()
    assert approve_request(request=request, by=cast.owner) is not None


@pytest.mark.parametrize(("version", "can"), [("8.0.36", False), ("10.11.6-MariaDB", True), ("", True)])
def test_mysql_masks_nothing_whatever_its_profile(cast: Cast, version: str, can: bool) -> None:
    Source.objects.filter(pk=cast.source.pk).update(platform="mysql")
    Enforcement.objects.create(source=cast.source, mode="automatic", version=version, changed_by=cast.administrator)
    assert cannot_mask(cast.dataset) is not can


def test_requester_and_approver_are_told_that_a_source_gives_every_row(client: Client, cast: Cast) -> None:
    publish("Ours", Rule(Effect.RESTRICT, (Action.READ,), Subjects(everyone=True), row_filter="region = 'AU'"))
    told = "Policy “Ours” (version 1) would show only some rows; the source gives whoever is granted this all of them."
    client.force_login(cast.analyst.user)
    assert told not in client.get(form_of(cast)).text
    Enforcement.objects.create(source=cast.source, mode="automatic", changed_by=cast.administrator)
    assert told in client.get(form_of(cast)).text
    request = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    client.force_login(cast.owner.user)
    assert told in client.get(reverse("access:request", args=[request.pk])).text


def test_every_line_of_the_inbox_has_the_level_of_what_it_is_about(client: Client, cast: Cast) -> None:
    levels = standard_levels()
    boss = person()
    role(cast.domain, boss, "owner")
    email = cast.field("email")
    set_level(fields=[cast.field("id")], level=levels["internal"], reason="Ours", by=cast.steward)
    set_level(fields=[email], level=levels["restricted"], reason="Names people", by=cast.steward)
    granted(cast, cast.analyst)
    start_campaign(name="Spring", chosen=Chosen(), due_at=timezone.now() + dt.timedelta(days=9), by=cast.administrator)
    request_access(dataset=cast.dataset, fields=[cast.field("id")], purpose="Look", days=9, by=cast.analyst)
    open_in_emergency(dataset=cast.dataset, fields=[email], reason="Down", hours=1, by=cast.analyst)
    payload = {"text": "People"}
    Proposal.objects.create(
        dataset=cast.dataset, kind="description", payload=payload, digest=digest_of(payload), at=timezone.now()
    )
    for number, columns in enumerate(([], ["email"], ["id"])):
        Finding.objects.create(
            source=cast.source, dataset=cast.dataset, kind=Finding.Kind.PRIVILEGE, key=f"k{number}", columns=columns,
            sentence=f"etl reads {columns}", grantee="etl",
        )  # fmt: skip
    found = waiting_list(fresh(boss))
    told = {(item.kind, item.sentence): item.level.name for item in found if item.level}
    assert len(told) == 7
    # A dataset has the highest level of its columns.
    for (kind, sentence), level in told.items():
        assert level == ("Internal" if kind == "request" or "['id']" in sentence else "Restricted"), sentence
    client.force_login(boss.user)
    page = client.get(reverse("access:inbox")).text
    cells = re.findall(r'<td data-label="Level">(.*?)</td>', page, re.S)
    assert len(cells) == 7 and all("dc-level" in cell for cell in cells)
    assert page.count("Not approved") == 3 and page.count("Emergency</span>") == 1
