"""Hold the grants that stand to policies that came into force: end what is refused, ask about the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from access.actions.campaigns import close_if_all_answered, record_start
from access.actions.grants import end_grants
from access.models import Campaign, CampaignItem, Grant, PolicyVersion
from access.recertifying import ranks_of
from access.reviewing import answerable_for
from access.standing import Turned, hold_next
from accounts.models import Principal
from catalog.models import Dataset
from classification.queries import levels_by_rank

ANSWER_WITHIN = dt.timedelta(days=30)
"""So long those who answer for the data have, where a policy asks about grants that stand."""
_LATE = dt.timedelta(minutes=1)


@transaction.atomic
def compare_grants_with_policies(*, by: Principal) -> int | None:
    """Hold the next grants that stand to all policies that have come into force since; returns how many it ends or asks about,
    or None where there is nothing to do, or another worker does it.

    Those that a version refuses that ends what it refuses end at once: deny wins. Of the others that the policies would
    not give as they are a recertification begins, one for each version that is named: whoever answers for the data keeps
    each, masks it as the policies do, or removes it. Silence revokes what is refused; it keeps and flags the rest. It is
    told once all grants were held to the version. Nobody is asked about what was taken in an emergency: it ends by itself
    within hours, and somebody reviews it.

    A batch and how far it came are one transaction: whoever goes on, after whatever happened, begins where it ended. One
    worker does so at a time; another one that tries does nothing. The number of statements is fixed.
    """
    if not _is_alone():
        return None
    rows = PolicyVersion.objects.to_compare().select_for_update(of=("self",))
    due = list(rows.select_related("policy__domain", "published_by__user").order_by("valid_from", "pk"))
    if not due:
        return None
    # The campaigns before the grants, as whoever decides on items does.
    campaigns = Campaign.objects.select_for_update(of=("self",)).filter(policy_version__in=due).order_by("pk")
    begun = {campaign.policy_version_id: campaign for campaign in campaigns}
    compared = hold_next(due)
    concerned = 0
    for version, turned in compared.narrowed.items():
        refused = [one for one in turned if one.turn.refused and version.ends_refused]
        asked = [one for one in turned if not ((one.turn.refused and version.ends_refused) or one.grant.is_emergency)]
        concerned += len(refused) + len(asked)
        if refused:
            _end_refused(version, refused, by)
        if asked:
            campaign = begun.get(version.pk) or _begin(version, by)
            begun[version.pk] = campaign
            _ask_about(campaign, asked)
    if compared.up_to is None:
        _finish(due, list(begun.values()), by)
    else:
        ids = [version.pk for version in compared.versions]
        PolicyVersion.objects.filter(pk__in=ids).update(compared_up_to=compared.up_to)
    return concerned


def compare_where_late(*, by: Principal) -> int:
    """The same where a version has been in force for a minute: the worker that sees to it may be busy for long."""
    late = PolicyVersion.objects.to_compare().filter(valid_from__lte=timezone.now() - _LATE)
    return (late.exists() and compare_grants_with_policies(by=by)) or 0


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('access.comparing'))")
        return bool(cursor.fetchone()[0])


def _end_refused(version: PolicyVersion, turned: Sequence[Turned], by: Principal) -> None:
    publisher = f", which {version.published_by} put into force," if version.published_by else ""
    end_grants(
        grants=Grant.objects.filter(pk__in=[one.grant.pk for one in turned]),
        reason=f"Version {version.number} of the policy “{version.name}”{publisher} denies it.",
        by=by,
    )


def _begin(version: PolicyVersion, by: Principal) -> Campaign:
    now = timezone.now()
    return Campaign.objects.create(
        name=f"After {version.name}"[:150],
        scope=f"grants that version {version.number} of the policy “{version.name}” would not give as they are",
        domain=version.policy.domain,
        policy_version=version,
        started_at=now,
        started_by=version.published_by or by,
        due_at=now + ANSWER_WITHIN,
    )


def _ask_about(campaign: Campaign, turned: Sequence[Turned]) -> None:
    """Where somebody stopped it meanwhile, nobody is asked any more."""
    if not campaign.is_open:
        return
    levels, ranks = levels_by_rank(), ranks_of([one.grant for one in turned])
    CampaignItem.objects.bulk_create(
        [
            CampaignItem(
                campaign=campaign,
                grant=one.grant,
                holder_id=one.grant.principal_id,
                level_name=levels[ranks[one.grant.pk]].name if ranks[one.grant.pk] in levels else "",
                silence_revokes=one.turn.refused,
                why=one.why[:1000],
                masks={str(field_id): mask.value for field_id, mask in one.turn.masks.items()},
            )
            for one in turned
        ]
    )
    Campaign.objects.filter(pk=campaign.pk).update(size=F("size") + len(turned))


def _finish(due: Sequence[PolicyVersion], campaigns: Sequence[Campaign], by: Principal) -> None:
    """All grants were held to these versions: whoever is asked about some is told."""
    PolicyVersion.objects.filter(pk__in=[version.pk for version in due]).update(compared_at=timezone.now())
    for campaign in campaigns:
        if campaign.is_open:
            held = list(campaign.items.values_list("grant__dataset_id", "holder_id"))
            answerable = answerable_for(Dataset.objects.filter(pk__in={dataset for dataset, _ in held}))
            able = {pk: each.everyone for pk, each in answerable.items()}
            reviewers: set[int] = set()
            for dataset, holder in held:
                reviewers |= able[dataset] - {holder}
            record_start(campaign, grants=len(held), reviewers=reviewers, by=by)
    close_if_all_answered({campaign.pk for campaign in campaigns}, by)
