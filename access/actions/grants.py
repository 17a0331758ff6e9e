"""Every write of grants: begin, end before the time, end at the time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import IntegrityError, transaction
from django.utils import timezone

from access.actions.claiming import claim
from access.actions.words import names_of, told_of_grant
from access.enforcement.asking import ask, first_state
from access.events import GrantExpired, GrantRevoked
from access.models import AccessRequest, Grant
from access.permissions import check_can_revoke
from access.policies.masking import Mask
from access.querysets import GrantQuerySet
from access.states import GRANT_ENDING, GRANT_LIVE, GrantState, check_ends, way_to
from accounts.models import Principal
from audit.recording import record_many
from common.errors import Conflict, Invalid


def begin_grant(
    *, request: AccessRequest, lasting: dt.timedelta, by: Principal, masks: Mapping[int, Mask] | None = None
) -> tuple[Grant, list[Grant]]:
    """The grant of an approved request, which begins now, and the live ones that it replaced.

    Where its source is enforced it is on its way there, and active once it was read back. `masks` are by field id how
    the holder sees columns that policy lets nobody see as they are.
    The caller authorised, holds the request's lock and records. Raises `Conflict` where another grant of the same
    principal and dataset began at this moment.
    """
    now = timezone.now()
    replaced = _supersede(request, by, now)
    grant = Grant(
        principal=request.requester,
        dataset=request.dataset,
        field_ids=request.field_ids,
        masks={str(field_id): mask.value for field_id, mask in sorted((masks or {}).items())},
        request=request,
        is_emergency=request.is_emergency,
        state=first_state(request.dataset),
        valid_from=now,
        valid_to=now + lasting,
        granted_by=by,
    )
    try:
        with transaction.atomic():
            grant.save()
    except IntegrityError:
        raise Conflict("Another grant began at this moment. Reload the page to see it.") from None
    ask(sources=[request.dataset.source_id])
    return grant, replaced


@transaction.atomic
def revoke_grant(*, grant: Grant, reason: str, by: Principal) -> Grant:
    """End a grant now. Raises `Invalid` without a reason and `Conflict` where it has ended already.

    One that was carried out is `revoking` until its privileges are read back as gone.
    """
    check_can_revoke(by, grant)
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why you end it; its holder reads it.", {"reason": ["Say why."]})
    ended = end_grants(grants=Grant.objects.filter(pk=grant.pk), reason=reason, by=by)
    found: Grant = Grant.objects.select_related("principal__user", "dataset").get(pk=grant.pk)
    if not ended:
        check_ends(found.state, GrantState.REVOKED)
    return found


@transaction.atomic
def end_grants(*, grants: GrantQuerySet, reason: str, by: Principal) -> int:
    """End those of these grants that have not ended yet, before their time, and tell of each; returns how many.

    The caller authorised. The number of statements is fixed.
    """
    locked = grants.filter(state__in=GRANT_LIVE - GRANT_ENDING).select_for_update(of=("self",))
    ending = list(locked.select_related("principal__user", "dataset").order_by("pk"))
    if not ending:
        return 0
    planned = {grant.pk: grant.valid_to for grant in ending}
    _end(ending, GrantState.REVOKED, by, reason)
    names = names_of(grant.field_ids for grant in ending)
    record_many(
        [
            GrantRevoked(
                **told_of_grant(grant, names),
                reason=reason,
                before={"until": planned[grant.pk].isoformat()},
                after={"until": grant.valid_to.isoformat()},
            )
            for grant in ending
        ],
        by=by,
    )
    return len(ending)


@transaction.atomic
def expire_grants(*, by: Principal) -> int:
    """End grants whose time is over, as many as one sweep takes; returns how many. The number of statements is fixed."""
    grants = claim(Grant.objects.due_at(timezone.now()), "principal__user", "dataset", first="valid_to")
    if not grants:
        return 0
    _end(grants, GrantState.EXPIRED, by)
    names = names_of(grant.field_ids for grant in grants)
    record_many([GrantExpired(**told_of_grant(grant, names)) for grant in grants], by=by)
    return len(grants)


def _supersede(request: AccessRequest, by: Principal, now: dt.datetime) -> list[Grant]:
    """End the grants that the new one replaces."""
    live = Grant.objects.live().filter(
        principal_id=request.requester_id, dataset_id=request.dataset_id, is_emergency=request.is_emergency
    )
    replaced = list(live.select_for_update(of=("self",)).select_related("principal__user", "dataset"))
    _end(replaced, GrantState.SUPERSEDED, by, now=now)
    return replaced


def _end(
    grants: Sequence[Grant], to: GrantState, by: Principal, reason: str = "", *, now: dt.datetime | None = None
) -> None:
    """Bring locked grants to an end, or on the way to it where their source still holds something for them."""
    now = now or timezone.now()
    for grant in grants:
        check_ends(grant.state, to)
        grant.ends_as = to.value
        grant.state = way_to(grant.state, to)
        grant.valid_to = max(grant.valid_from, min(now, grant.valid_to))
        grant.ended_by = by
        grant.end_reason = reason
    Grant.objects.bulk_update(grants, ["state", "ends_as", "valid_to", "ended_by", "end_reason"], batch_size=1_000)
    ask(datasets=[grant.dataset_id for grant in grants if grant.state in GRANT_ENDING])
