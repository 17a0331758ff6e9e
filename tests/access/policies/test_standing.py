"""Grants that stand while policy changes: told before, asked about after, and masked where somebody says so."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.actions import (
    approve_request,
    close_due_campaigns,
    compare_grants_with_policies,
    decide_items,
    mask_items,
    open_in_emergency,
    request_access,
    start_campaign,
)
from access.actions.policies import draft_policy, draft_version, edit_draft, end_policy, publish_policy
from access.inbox import waiting_list
from access.models import Campaign, CampaignItem, Enforcement, Grant, Policy, PolicyVersion
from access.policies.masking import Mask
from access.policies.rules import (
    Action,
    Columns,
    Conditions,
    Effect,
    MaskOf,
    Resources,
    Rule,
    Step,
    Subjects,
)
from access.policy_queries import etag_of_policy
from access.previewing import preview_of
from access.recertifying import Chosen
from access.states import GrantState
from accounts.models import Principal
from audit.models import Record
from common.errors import Conflict, Forbidden, Invalid
from tests.factories import Cast, bearer, dataset, ownership, person

pytestmark = pytest.mark.django_db

EVERYBODY = Subjects(everyone=True)


def granted(cast: Cast, *columns: str, by: Principal | None = None) -> Grant:
    request = request_access(
        dataset=cast.dataset,
        fields=[cast.field(name) for name in columns],
        purpose="Look",
        days=30,
        by=by or cast.analyst,
    )
    grant = approve_request(request=request, by=cast.owner)
    assert grant is not None
    return grant


def masking(cast: Cast, mask: Mask, *columns: str) -> Rule:
    fields = tuple(cast.field(name).pk for name in columns)
    return Rule(Effect.RESTRICT, (Action.READ,), EVERYBODY, masks=(MaskOf(mask, Columns(fields=fields)),))


def published(cast: Cast, rule: Rule, name: str = "P", **how: Any) -> PolicyVersion:
    return publish_policy(
        version=draft_policy(name=name, rule=rule, by=cast.administrator), by=cast.administrator, **how
    )


def followed_by(cast: Cast, version: PolicyVersion, rule: Rule, **how: Any) -> PolicyVersion:
    draft = edit_draft(
        version=draft_version(policy=version.policy, by=cast.administrator), rule=rule, by=cast.administrator
    )
    return publish_policy(version=draft, by=cast.administrator, **how)


def compare() -> None:
    """As the sweep does until nothing is due."""
    while PolicyVersion.objects.to_compare().exists():
        compare_grants_with_policies(by=Principal.objects.system())


def items() -> list[CampaignItem]:
    return list(CampaignItem.objects.order_by("grant"))


def test_a_preview_tells_which_standing_grants_a_draft_would_turn_and_how(cast: Cast):
    whole, plain = granted(cast), granted(cast, "id", by=cast.steward)
    hashed = draft_policy(name="Hashed", rule=masking(cast, Mask.HASH, "email"), by=cast.administrator)
    found = preview_of(hashed.policy, hashed.contents).standing
    assert (found.refused, found.masked, found.allowed, found.looser) == (0, 1, 0, 0)
    assert [(one.grant, one.why) for one in found.samples] == [(whole, "By “Hashed” it would show email as a hash.")]

    nobody = Rule(Effect.DENY, (Action.READ,), Subjects(people=(cast.steward.pk,)))
    denying = draft_policy(name="No", rule=nobody, by=cast.administrator)
    found = preview_of(denying.policy, denying.contents).standing
    assert [(one.grant, one.why) for one in found.samples] == [(plain, "By “No” it would be refused.")]

    # What others say already is not the draft's doing, and taking it back is.
    in_force = published(cast, nobody, name="Already")
    assert preview_of(denying.policy, denying.contents).standing.total == 0
    found = preview_of(in_force.policy, None).standing
    assert (found.refused, found.allowed) == (0, 1)


def test_a_grant_made_under_a_mask_is_only_looser_when_the_mask_goes(cast: Cast):
    version = published(cast, masking(cast, Mask.HASH, "email"))
    grant = granted(cast)
    assert grant.masks == {str(cast.field("email").pk): "hash"}
    milder = preview_of(version.policy, masking(cast, Mask.PARTIAL, "email")).standing
    assert (milder.masked, milder.looser) == (0, 1)
    assert preview_of(version.policy, masking(cast, Mask.NULL, "email")).standing.masked == 1


def test_what_a_policy_would_narrow_is_asked_about_once_and_in_the_inbox(cast: Cast):
    whole, _ = granted(cast), granted(cast, "id", by=cast.steward)
    compare()
    assert not Campaign.objects.exists()
    version = published(cast, masking(cast, Mask.HASH, "email"), name="Addresses are hashed")
    compare()
    campaign = Campaign.objects.get()
    assert (campaign.policy_version, campaign.started_by) == (version, cast.administrator)
    (item,) = campaign.items.all()
    assert (item.grant, item.silence_revokes) == (whole, False)
    assert item.why == "By version 1 of “Addresses are hashed” it would show email as a hash."
    whole.refresh_from_db()
    assert whole.masks == {}
    (waiting,) = waiting_list(cast.owner)
    assert waiting.sentence.endswith(item.why)
    assert Record.objects.filter(event="access.campaign_started").count() == 1
    compare()
    followed_by(cast, version, masking(cast, Mask.HASH, "email", "id"))
    compare()
    assert [sorted(one.masks) for one in items()] == [
        [str(cast.field("email").pk)],
        [str(cast.field("id").pk)],
        [str(cast.field("id").pk)],
    ]


def test_what_comes_into_force_later_is_asked_about_then_and_what_never_does_is_not(cast: Cast):
    granted(cast)
    tomorrow = timezone.now() + dt.timedelta(days=1)
    version = published(cast, masking(cast, Mask.HASH, "email"), valid_from=tomorrow)
    published(cast, masking(cast, Mask.NULL, "id"), name="Replaced", valid_from=tomorrow)
    followed_by(cast, PolicyVersion.objects.get(name="Replaced"), Rule(Effect.DENY, (Action.WRITE,), EVERYBODY))
    compare()
    assert not Campaign.objects.exists()
    with time_machine.travel(tomorrow + dt.timedelta(minutes=1), tick=False):
        compare()
    assert [one.policy_version for one in Campaign.objects.all()] == [version]
    assert not PolicyVersion.objects.filter(state="published", compared_at=None).exists()


def refusing(principal: Principal) -> Rule:
    return Rule(Effect.DENY, (Action.READ,), Subjects(people=(principal.pk,)))


def test_policies_that_refuse_the_same_at_once_ask_about_it_once(cast: Cast):
    grant = granted(cast)
    compare()
    tomorrow = timezone.now() + dt.timedelta(days=1)
    for name in ("First", "Second"):
        published(cast, refusing(cast.analyst), name=name, valid_from=tomorrow, ends_refused=False)
    with time_machine.travel(tomorrow + dt.timedelta(minutes=1), tick=False):
        compare()
    (item,) = items()
    assert (item.grant, item.why) == (grant, "By version 1 of “Second” it would be refused.")
    assert item.campaign.policy_version is not None and item.campaign.policy_version.name == "Second"


def test_what_policies_mask_together_is_asked_for_together_and_each_grant_names_what_narrows_it(cast: Cast):
    both, refused = granted(cast), granted(cast, "id", by=cast.steward)
    compare()
    published(cast, refusing(cast.steward), name="Refuses", ends_refused=False)
    published(cast, masking(cast, Mask.PARTIAL, "email"), name="Shortens")
    published(cast, masking(cast, Mask.HASH, "email", "name"), name="Hashes")
    published(cast, masking(cast, Mask.NULL, "name"), name="Empties")
    assert compare_grants_with_policies(by=Principal.objects.system()) == 2
    first, second = items()
    assert (first.grant, second.grant) == (both, refused)
    assert first.masks == {str(cast.field("email").pk): "hash", str(cast.field("name").pk): "null"}
    assert first.why.startswith("By policies that came into force together it would show ")
    assert second.why == "By version 1 of “Refuses” it would be refused."
    assert [one.campaign.name for one in (first, second)] == ["After Empties", "After Refuses"]


def test_a_policy_that_is_published_again_before_its_sweep_is_asked_about(cast: Cast):
    grant = granted(cast)
    compare()
    version = published(cast, refusing(cast.analyst), ends_refused=False)
    followed_by(cast, version, refusing(cast.analyst), ends_refused=False)
    compare()
    (item,) = items()
    assert (item.grant, item.why) == (grant, "By version 2 of “P” it would be refused.")
    followed_by(cast, version, refusing(cast.analyst), ends_refused=False)
    compare()
    assert len(items()) == 1


def test_masking_a_grant_narrows_it_and_is_recorded(cast: Cast):
    grant = granted(cast)
    email, name = cast.field("email"), cast.field("name")
    Grant.objects.filter(pk=grant.pk).update(masks={str(name.pk): "null"})
    published(cast, masking(cast, Mask.HASH, "email", "name"))
    compare()
    (item,) = items()
    assert item.masks == {str(email.pk): "hash"}
    with pytest.raises(Forbidden):
        mask_items(items=[item], by=Principal.objects.get(pk=cast.analyst.pk))
    assert mask_items(items=[item], reason="As agreed.", by=cast.owner) == 1
    grant.refresh_from_db()
    assert grant.masks == {str(email.pk): "hash", str(name.pk): "null"}
    (item,) = items()
    assert (item.outcome, item.decided_by, item.reason) == ("masked", cast.owner, "As agreed.")
    assert Record.objects.filter(event="access.grant_masked").count() == 1
    assert not Campaign.objects.get().is_open
    with pytest.raises(Conflict):
        mask_items(items=[item], by=cast.owner)


def test_a_grant_that_would_be_refused_is_kept_or_removed_and_never_masked(cast: Cast):
    kept, removed = granted(cast), granted(cast, by=cast.outsider)
    nobody = Rule(Effect.DENY, (Action.READ,), EVERYBODY, resources=Resources(datasets=(cast.dataset.pk,)))
    published(cast, nobody, ends_refused=False)
    compare()
    first, second = items()
    assert first.why == "By version 1 of “P” it would be refused."
    with pytest.raises(Invalid, match="does not mask"):
        mask_items(items=[first, second], by=cast.owner)
    decide_items(items=[first], keep=True, by=cast.owner)
    decide_items(items=[second], keep=False, reason="As the policy says.", by=cast.owner)
    kept.refresh_from_db()
    removed.refresh_from_db()
    assert (kept.is_live, removed.is_live) == (True, False)


def test_items_of_other_recertifications_cannot_be_masked(cast: Cast):
    granted(cast)
    due = timezone.now() + dt.timedelta(days=9)
    campaign = start_campaign(name="Spring", chosen=Chosen(), due_at=due, by=cast.administrator)
    with pytest.raises(Invalid, match="does not mask"):
        mask_items(items=list(campaign.items.all()), by=cast.owner)


def denying(cast: Cast, *columns: str) -> Rule:
    fields = tuple(cast.field(name).pk for name in columns)
    return Rule(Effect.DENY, (Action.READ,), EVERYBODY, resources=Resources(fields=fields))


def test_what_a_policy_denies_ends_as_it_comes_into_force(cast: Cast):
    whole, plain = granted(cast), granted(cast, "id", by=cast.steward)
    tomorrow = timezone.now() + dt.timedelta(days=1)
    published(cast, denying(cast, "email"), name="No addresses", valid_from=tomorrow)
    compare()
    whole.refresh_from_db()
    assert whole.state == GrantState.RECORDED
    with time_machine.travel(tomorrow + dt.timedelta(seconds=1)):
        compare()
    for grant in (whole, plain):
        grant.refresh_from_db()
    assert (whole.state, plain.state) == (GrantState.REVOKED, GrantState.RECORDED)
    assert whole.end_reason == (
        f"Version 1 of the policy “No addresses”, which {cast.administrator} put into force, denies it."
    )
    assert not Campaign.objects.exists()


def test_a_denial_ends_what_is_open_in_an_emergency_and_nobody_is_asked_about_it(cast: Cast):
    def opened() -> Grant:
        return open_in_emergency(dataset=cast.dataset, reason="The import is down", hours=2, by=cast.analyst)

    grant = opened()
    published(cast, masking(cast, Mask.HASH, "id"), name="Hashed")
    published(cast, denying(cast, "email"), name="Asked first", ends_refused=False)
    compare()
    grant.refresh_from_db()
    assert (grant.state, items()) == (GrantState.RECORDED, [])
    end_policy(policy=Policy.objects.get(name="Asked first"), reason="Enough.", by=cast.administrator)
    draft = draft_policy(name="No addresses", rule=denying(cast, "email"), by=cast.administrator)
    preview = preview_of(draft.policy, draft.contents).standing
    assert (preview.refused, preview.masked, preview.total) == (1, 0, 1)
    publish_policy(version=draft, by=cast.administrator)
    compare()
    grant.refresh_from_db()
    assert (grant.state, "denies it" in grant.end_reason, items()) == (GrantState.REVOKED, True, [])
    with pytest.raises(Forbidden, match="An emergency does not change that"):
        opened()


def test_a_grant_that_is_denied_and_masked_at_once_ends(cast: Cast):
    grant = granted(cast)
    compare()
    published(cast, refusing(cast.analyst), name="Refuses")
    published(cast, masking(cast, Mask.HASH, "email"), name="Hashes")
    compare()
    grant.refresh_from_db()
    assert (grant.state, grant.end_reason.startswith("Version 1 of the policy “Refuses”")) == (GrantState.REVOKED, True)
    assert not items()


def test_a_publisher_may_have_people_asked_first_and_silence_ends_what_is_denied(cast: Cast):
    denied, masked = granted(cast), granted(cast, "id", by=cast.steward)
    published(cast, denying(cast, "email"), name="No addresses", ends_refused=False)
    published(cast, masking(cast, Mask.HASH, "id"), name="Hashed")
    compare()
    assert [(one.grant, one.silence_revokes) for one in items()] == [(denied, True), (masked, False)]
    Grant.objects.update(valid_to=timezone.now() + dt.timedelta(days=90))
    with time_machine.travel(timezone.now() + dt.timedelta(days=60)):
        while close_due_campaigns(by=Principal.objects.system()):
            pass
    outcomes = [one.outcome for one in items()]
    assert outcomes == [CampaignItem.Outcome.REVOKED, CampaignItem.Outcome.FLAGGED]


def test_whoever_publishes_a_denial_chooses_on_the_page_and_over_rest(client: Client, cast: Cast):
    grants = [granted(cast), granted(cast, by=cast.outsider)]
    client.force_login(cast.administrator.user)
    draft = draft_policy(name="On the page", rule=denying(cast, "email"), by=cast.administrator)
    page = client.get(reverse("access:policy_preview", args=[draft.policy_id])).text
    assert "2 would not be granted any more." in page
    assert "Those that it refuses end as it comes into force" in page
    sent = {"seen": etag_of_policy(draft.policy), "refused": "ask"}
    assert client.post(reverse("access:policy_publish", args=[draft.policy_id]), sent).status_code == 302
    compare()
    assert [one.grant for one in items()] == grants
    assert Grant.objects.live().count() == 2

    end_policy(policy=draft.policy, reason="Once more", by=cast.administrator)
    compare()
    again = draft_policy(name="Over REST", rule=denying(cast, "email"), by=cast.administrator)
    headers = bearer(cast.administrator) | {"If-Match": etag_of_policy(again.policy)}
    url = f"/api/v2/policies/{again.policy_id}/publish/"
    answer = client.post(url, {}, "application/json", headers=headers)
    assert (answer.status_code, answer.json()["versions"][0]["ends_refused"]) == (200, True)
    compare()
    assert Grant.objects.live().count() == 0


def test_a_draft_that_denies_nothing_does_not_ask_what_becomes_of_grants(client: Client, cast: Cast):
    draft = draft_policy(name="P", rule=masking(cast, Mask.HASH, "email"), by=cast.administrator)
    client.force_login(cast.administrator.user)
    assert "Grants that it refuses" not in client.get(reverse("access:policy_preview", args=[draft.policy_id])).text


def test_comparing_takes_as_many_statements_for_many_grants_as_for_few(cast: Cast):
    def statements(name: str, grants: int) -> int:
        published(cast, masking(cast, Mask.HASH, "email"), name=name)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert compare_grants_with_policies(by=Principal.objects.system()) == grants
        return len(captured)

    compare()
    granted(cast)
    statements("Warm", 1)
    CampaignItem.objects.all().delete()
    PolicyVersion.objects.filter(name="Warm").update(valid_to=timezone.now())
    few = statements("Few", 1)
    assert CampaignItem.objects.count() == 1
    PolicyVersion.objects.filter(name="Few").update(valid_to=timezone.now())
    for _ in range(4):
        granted(cast, by=person())
    assert statements("Many", 5) == few
    assert CampaignItem.objects.count() == 6


def test_pages_and_rest_tell_and_mask(client: Client, cast: Cast):
    first, second = granted(cast), granted(cast, by=cast.outsider)
    client.force_login(cast.administrator.user)
    draft = draft_policy(name="P", rule=masking(cast, Mask.HASH, "email"), by=cast.administrator)
    page = client.get(reverse("access:policy_preview", args=[draft.policy_id])).text
    assert "2 would be masked, or more than they are." in page
    preview = client.get(f"/api/v2/policies/{draft.policy_id}/preview/", headers=bearer(cast.administrator)).json()
    assert preview["standing"] == {"refused": 0, "masked": 2, "allowed": 0, "looser": 0, "is_capped": False}
    publish_policy(version=draft, by=cast.administrator)
    compare()
    campaign = Campaign.objects.get()
    one, other = items()

    client.force_login(cast.owner.user)
    assert "would show email as a hash" in client.get(reverse("access:inbox")).text
    url = reverse("access:campaign", args=[campaign.pk])
    assert "Mask as the policy says" in client.get(url).text
    assert client.post(url, {"item": [one.pk], "action": "mask"}).status_code == 302
    sent = {"items": [other.pk], "reason": "As agreed."}
    url = "/api/v2/recertification-items/mask/"
    answer = client.post(url, sent, "application/json", headers=bearer(cast.owner))
    assert (answer.status_code, answer.json()) == (200, {"decided": 1})
    for grant in (first, second):
        grant.refresh_from_db()
        assert grant.masks == {str(cast.field("email").pk): "hash"}


def test_a_mask_that_the_source_cannot_show_is_neither_offered_nor_taken(client: Client, cast: Cast):
    grant = granted(cast)
    Enforcement.objects.create(
        source=cast.source, mode="automatic", profile="grant_only", changed_by=cast.administrator
    )
    published(cast, masking(cast, Mask.HASH, "email"))
    compare()
    (item,) = items()
    client.force_login(cast.owner.user)
    pages = [reverse("access:inbox"), reverse("access:campaign", args=[item.campaign_id])]
    for url in pages:
        page = client.get(url).text
        assert "The source cannot show columns masked, so it is kept or removed." in page
        assert 'value="mask"' not in page and 'value="keep"' in page
    refusal = f"The source of {cast.dataset.name} cannot show columns masked."
    refused = client.post(pages[1], {"item": [item.pk], "action": "mask"})
    assert refused.status_code == 422 and refusal in refused.text
    url = "/api/v2/recertification-items/mask/"
    answer = client.post(url, {"items": [item.pk]}, "application/json", headers=bearer(cast.owner))
    assert answer.status_code == 422 and refusal in answer.json()["detail"]
    grant.refresh_from_db()
    (item,) = items()
    assert (grant.masks, item.outcome) == ({}, "open")
    Enforcement.objects.update(profile="role_managing")
    for url in pages:
        page = client.get(url).text
        assert "cannot show columns masked" not in page and 'value="mask"' in page
    assert mask_items(items=[item], by=cast.owner) == 1


HOURS = Conditions(weekdays=tuple(range(7)))
"""Of hours, and it holds whenever the tests run."""
HASHED = (MaskOf(Mask.HASH),)
NOBODY_IS_ASKED = "Grants do not carry it, and nobody is asked about those that stand."
SOMEBODY_IS_ASKED = "New grants carry the masks; whoever answers for the data is asked about grants that stand."


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        (Rule(Effect.RESTRICT, (Action.READ,), EVERYBODY, masks=HASHED), SOMEBODY_IS_ASKED),
        (Rule(Effect.APPROVAL, (Action.REQUEST,), EVERYBODY, masks=HASHED, steps=(Step(),)), SOMEBODY_IS_ASKED),
        (Rule(Effect.RESTRICT, (Action.READ,), EVERYBODY, masks=HASHED, conditions=HOURS), NOBODY_IS_ASKED),
        (Rule(Effect.RESTRICT, (Action.READ,), EVERYBODY, row_filter="campus = 'Geelong'"), NOBODY_IS_ASKED),
        (Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, masks=HASHED), NOBODY_IS_ASKED),
    ],
)
def test_the_preview_says_that_somebody_is_asked_where_somebody_is(client: Client, cast: Cast, rule: Rule, shown: str):
    granted(cast)
    draft = draft_policy(name="P", rule=rule, by=cast.administrator)
    client.force_login(cast.administrator.user)
    page = client.get(reverse("access:policy_preview", args=[draft.policy_id])).text
    assert [one for one in (SOMEBODY_IS_ASKED, NOBODY_IS_ASKED) if one in page] == [shown]
    publish_policy(version=draft, by=cast.administrator)
    compare()
    assert Campaign.objects.exists() == (shown == SOMEBODY_IS_ASKED)


@pytest.mark.parametrize(
    ("rule", "left_out"),
    [
        (Rule(Effect.DENY, (Action.READ,), EVERYBODY), ""),
        (Rule(Effect.DENY, (Action.READ,), EVERYBODY, conditions=HOURS), "not what holds at other hours."),
        (
            Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, conditions=Conditions(purposes=("research",))),
            "not what holds for a purpose that is told.",
        ),
        (
            Rule(Effect.RESTRICT, (Action.READ,), EVERYBODY, masks=HASHED),
            "not which columns are masked and which rows are shown.",
        ),
        (
            Rule(Effect.DENY, (Action.READ, Action.WRITE), EVERYBODY, conditions=HOURS),
            "not what holds at other hours or writing.",
        ),
    ],
)
def test_the_preview_says_what_it_does_not_count(client: Client, cast: Cast, rule: Rule, left_out: str):
    draft = draft_policy(name="P", rule=rule, by=cast.administrator)
    client.force_login(cast.administrator.user)
    page = client.get(reverse("access:policy_preview", args=[draft.policy_id])).text
    sentence = f"Who gains and who loses is counted for reading now, without a purpose: {left_out}"
    assert (sentence in page) == bool(left_out)


def test_grants_of_other_datasets_are_left_alone(cast: Cast):
    granted(cast)
    other = dataset(domain=cast.domain)
    ownership(other, cast.owner)
    denying = Rule(Effect.DENY, (Action.READ,), EVERYBODY, resources=Resources(datasets=(other.pk,)))
    published(cast, denying)
    compare()
    assert not Campaign.objects.exists()
