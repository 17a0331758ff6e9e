"""Begin, answer and close recertifications. A reviewer keeps, masks or removes what is granted and never widens it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from access.actions.claiming import claim
from access.actions.grants import end_grants
from access.actions.words import columns_in_words, names_of, told_of_grant
from access.enforcement.asking import ask
from access.enforcement.offering import unmaskable
from access.events import (
    CampaignClosed,
    CampaignStarted,
    CampaignStopped,
    GrantConfirmed,
    GrantMasked,
    GrantUnconfirmed,
)
from access.models import Campaign, CampaignItem, Grant
from access.permissions import check_can_decide_items, check_can_run_campaign
from access.policies.masking import Mask, strictest
from access.recertifying import Chosen, preview_of
from access.states import GRANT_ENDED
from accounts.models import Principal
from audit.events import Event
from audit.recording import record, record_many
from common.errors import Conflict, Invalid

LONGEST_CAMPAIGN = dt.timedelta(days=92)

Outcome = CampaignItem.Outcome


@transaction.atomic
def start_campaign(*, name: str, chosen: Chosen, due_at: dt.datetime, by: Principal) -> Campaign:
    """Ask those who answer for the data whether each grant within `chosen` is still needed, until `due_at`.

    Raises `Invalid` for a time that makes no sense, `Conflict` where no grant is within.
    """
    check_can_run_campaign(by, chosen.domain)
    name, now = name.strip(), timezone.now()
    if not name:
        raise Invalid("Give the recertification a name.", {"name": ["Say in a few words what it looks at."]})
    check_due(due_at)
    preview = preview_of(chosen)
    if not preview.candidates:
        raise Conflict("No grant is within this. Choose more, or wait until there are some.")
    campaign = Campaign.objects.create(
        name=name,
        scope=chosen.in_words,
        domain=chosen.domain,
        source=chosen.source,
        started_at=now,
        started_by=by,
        due_at=due_at,
        size=len(preview.candidates),
    )
    items = [
        CampaignItem(
            campaign=campaign,
            grant=one.grant,
            holder_id=one.grant.principal_id,
            level_name=one.level.name if one.level else "",
            silence_revokes=one.silence_revokes,
        )
        for one in preview.candidates
    ]
    CampaignItem.objects.bulk_create(items, batch_size=2000)
    record_start(campaign, grants=len(items), reviewers=preview.reviewer_ids, by=by)
    return campaign


def check_due(due_at: dt.datetime) -> dt.datetime:
    """Raises `Invalid` for an end that makes no sense for a campaign that begins now; gives it back otherwise."""
    now = timezone.now()
    if not now < due_at <= now + LONGEST_CAMPAIGN:
        text = f"Choose a day within the next {LONGEST_CAMPAIGN.days} days."
        raise Invalid(text, {"due_at": [text]})
    return due_at


def record_start(campaign: Campaign, *, grants: int, reviewers: Iterable[int], by: Principal) -> None:
    """Tell of a campaign that holds so many grants, on which these people may decide."""
    record(
        CampaignStarted(
            campaign_id=campaign.pk,
            campaign=campaign.name,
            scope=campaign.scope,
            grants=grants,
            due=f"{campaign.due_at:%d %b %Y}",
            reviewer_ids=sorted(reviewers),
        ),
        by=by,
    )


@transaction.atomic
def decide_items(*, items: Sequence[CampaignItem], keep: bool, by: Principal, reason: str = "") -> int:
    """Keep or remove the grants of these items; returns on how many was decided. The number of statements is fixed.

    Raises `Invalid` for a removal without a reason, `Conflict` where one of them waits no more.
    """
    reason = reason.strip()
    found = _waiting_items(items, by)
    if not keep and not reason:
        raise Invalid("Say why you remove it; its holder reads it.", {"reason": ["Say why."]})
    decided = _answer(found, Outcome.KEPT if keep else Outcome.REMOVED, by, reason)
    if keep:
        names = names_of(item.grant.field_ids for item in decided)
        record_many(
            [
                GrantConfirmed(
                    **told_of_grant(item.grant, names),
                    campaign_id=item.campaign_id,
                    campaign=item.campaign.name,
                    reason=reason,
                )
                for item in decided
            ],
            by=by,
        )
    else:
        end_grants(grants=Grant.objects.filter(pk__in=[item.grant_id for item in decided]), reason=reason, by=by)
    close_if_all_answered({item.campaign_id for item in found}, by)
    return len(decided)


@transaction.atomic
def mask_items(*, items: Sequence[CampaignItem], by: Principal, reason: str = "") -> int:
    """Mask the grants of these items as the policy that asked says, beside what they mask already; returns how many.

    Where they are carried out in a source, it follows. The number of statements is fixed. Raises `Invalid` where the policy
    asks for no masks of one of them or its source cannot show columns masked, `Conflict` where one waits no more.
    """
    found = _waiting_items(items, by)
    if any(not item.masks for item in found):
        text = "The policy does not mask one of these grants. Keep or remove it."
        raise Invalid(text, {"item": [text]})
    without = unmaskable({item.grant.dataset_id for item in found})
    if stuck := [item.grant for item in found if item.grant.dataset_id in without]:
        text = (
            f"The source of {stuck[0].dataset.name} cannot show columns masked. Keep or remove the grant of"
            f" {stuck[0].principal}."
        )
        raise Invalid(text, {"item": [text]})
    decided = _answer(found, Outcome.MASKED, by, reason.strip())
    locked = Grant.objects.filter(pk__in=[item.grant_id for item in decided]).select_for_update(of=("self",))
    grants = {grant.pk: grant for grant in locked.select_related("principal__user", "dataset").order_by("pk")}
    names = names_of(
        [*(grant.field_ids for grant in grants.values()), *(list(map(int, item.masks)) for item in decided)]
    )
    events = []
    for item in decided:
        grant = grants[item.grant_id]
        before = grant.masks
        grant.masks = _stricter(before, item.masks)
        events.append(
            GrantMasked(
                **told_of_grant(grant, names),
                campaign_id=item.campaign_id,
                campaign=item.campaign.name,
                masked=columns_in_words([int(pk) for pk in item.masks], names),
                reason=reason.strip(),
                before={"masks": before},
                after={"masks": grant.masks},
            )
        )
    Grant.objects.bulk_update(grants.values(), ["masks"], batch_size=1_000)
    ask(datasets=[grant.dataset_id for grant in grants.values()])
    record_many(events, by=by)
    close_if_all_answered({item.campaign_id for item in found}, by)
    return len(decided)


def _stricter(held: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Both together, by field id; of two masks of a column the one that hides more."""
    joined = {pk: strictest(Mask(masks[pk]) for masks in (held, wanted) if pk in masks) for pk in {**held, **wanted}}
    return {pk: mask.value for pk, mask in joined.items() if mask is not None}


def _waiting_items(items: Sequence[CampaignItem], by: Principal) -> list[CampaignItem]:
    """These items, locked, all of them waiting for a decision that `by` may take."""
    # The campaign first, as whoever closes or stops it does.
    campaigns = Campaign.objects.filter(pk__in={item.campaign_id for item in items})
    list(campaigns.select_for_update().order_by("pk").values_list("pk"))
    locked = CampaignItem.objects.filter(pk__in=[item.pk for item in items]).select_for_update(of=("self",))
    found = list(locked.select_related("campaign", "grant__principal__user", "grant__dataset").order_by("pk"))
    check_can_decide_items(by, found)
    if any(not item.is_open or not item.campaign.is_open for item in found):
        raise Conflict("Somebody has decided on this already, or its time is over. Reload the page.")
    return found


def _answer(found: Sequence[CampaignItem], outcome: str, by: Principal, reason: str) -> list[CampaignItem]:
    """Write down what was decided on locked items; gives those whose grant has not ended meanwhile."""
    now = timezone.now()
    gone = {item.pk for item in found if not item.grant.is_live or item.grant.valid_to <= now}
    decided = [item for item in found if item.pk not in gone]
    CampaignItem.objects.filter(pk__in=gone).update(outcome=Outcome.ENDED)
    CampaignItem.objects.filter(pk__in=[item.pk for item in decided]).update(
        outcome=outcome, decided_by=by, decided_at=now, reason=reason
    )
    return decided


@transaction.atomic
def stop_campaign(*, campaign: Campaign, reason: str, by: Principal) -> Campaign:
    """End it now: what was decided stays, and silence has no effect."""
    campaign = Campaign.objects.select_for_update(of=("self",)).select_related("domain").get(pk=campaign.pk)
    check_can_run_campaign(by, campaign.domain)
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why you stop it.", {"reason": ["Say why."]})
    if not campaign.is_open:
        raise Conflict("This recertification is closed already.")
    campaign.items.filter(outcome=Outcome.OPEN).update(outcome=Outcome.ENDED)
    campaign.closed_at = timezone.now()
    campaign.save(update_fields=["closed_at"])
    event = CampaignStopped(campaign_id=campaign.pk, campaign=campaign.name, scope=campaign.scope, reason=reason)
    record(event, by=by)
    return campaign


@transaction.atomic
def settle_ended_items(*, by: Principal) -> int:
    """Ask nobody any more about grants that ended otherwise while a campaign asks about them; returns how many.

    What is answered thereby closes. The number of statements is fixed unless some close.
    """
    over = Q(grant__state__in=GRANT_ENDED) | Q(grant__valid_to__lte=timezone.now())
    waiting = CampaignItem.objects.open().filter(over)
    concerned = set(waiting.order_by().values_list("campaign_id", flat=True).distinct())
    if not concerned:
        return 0
    # The campaign first, as whoever closes or stops it does.
    campaigns = Campaign.objects.filter(pk__in=concerned)
    list(campaigns.select_for_update().order_by("pk").values_list("pk"))
    settled = waiting.filter(campaign__in=concerned).update(outcome=Outcome.ENDED)
    close_if_all_answered(concerned, by)
    return settled


@transaction.atomic
def close_due_campaigns(*, by: Principal) -> int:
    """Close one campaign whose time is over; returns how many. Silence revokes what its items say, and flags the rest."""
    due = Campaign.objects.open().filter(due_at__lte=timezone.now())
    campaigns = claim(due, "started_by__user", first="due_at")[:1]
    for campaign in campaigns:
        _answer_for_the_silent(campaign, by)
        _close(campaign, by)
    return len(campaigns)


def _answer_for_the_silent(campaign: Campaign, by: Principal) -> None:
    """The caller holds the campaign's lock."""
    waiting = campaign.items.filter(outcome=Outcome.OPEN)
    list(waiting.select_for_update().order_by("pk").values_list("pk"))
    live = Grant.objects.live().values("pk")
    waiting.exclude(grant__in=live).update(outcome=Outcome.ENDED)
    reason = f"Nobody confirmed in the recertification “{campaign.name}” that it is still needed."
    revoked = Grant.objects.filter(pk__in=list(waiting.filter(silence_revokes=True).values_list("grant_id", flat=True)))
    end_grants(grants=revoked, reason=reason, by=by)
    waiting.filter(silence_revokes=True).update(outcome=Outcome.REVOKED)
    flagged = list(waiting.select_related("grant__principal__user", "grant__dataset"))
    waiting.update(outcome=Outcome.FLAGGED)
    names = names_of(item.grant.field_ids for item in flagged)
    record_many(
        [
            GrantUnconfirmed(**told_of_grant(item.grant, names), campaign_id=campaign.pk, campaign=campaign.name)
            for item in flagged
        ],
        by=by,
    )


def close_if_all_answered(campaign_ids: set[int], by: Principal) -> None:
    """Close those of these campaigns in which nothing waits, unless grants are still added to them."""
    answered = Campaign.objects.open().filter(pk__in=campaign_ids).exclude(items__outcome=Outcome.OPEN)
    answered = answered.filter(Q(policy_version__isnull=True) | Q(policy_version__compared_at__isnull=False))
    for campaign in answered.select_for_update(of=("self",)):
        _close(campaign, by)


def _close(campaign: Campaign, by: Principal) -> None:
    campaign.closed_at = timezone.now()
    campaign.save(update_fields=["closed_at"])
    counted = Counter(campaign.items.values_list("outcome", flat=True))
    event: Event = CampaignClosed(
        campaign_id=campaign.pk,
        campaign=campaign.name,
        scope=campaign.scope,
        started_by_id=campaign.started_by_id,
        kept=counted[Outcome.KEPT] + counted[Outcome.MASKED],
        **{name: counted[name] for name in ("masked", "removed", "revoked", "flagged")},
    )
    record(event, by=by)
