"""Open data without asking when it cannot wait, and look at it afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from access.actions.claiming import claim
from access.actions.drafts import check_standing
from access.actions.grants import begin_grant, end_grants
from access.actions.terms import accept_terms
from access.actions.words import names_of, told_of_grant, told_of_request
from access.agreements import check_accepted, terms_for
from access.asking import evidence_of, ruling_for
from access.enforcement.offering import check_can_mask
from access.events import (
    EmergencyJustified,
    EmergencyMisused,
    EmergencyOpened,
    EmergencyReviewEscalated,
    GrantSuperseded,
)
from access.models import AccessRequest, EmergencyReview, Grant
from access.models.requests import MOST_EMERGENCY_HOURS
from access.permissions import check_can_close_review, check_can_open_in_emergency
from access.reviewing import answerable_for
from access.states import RequestState
from accounts.models import Principal
from audit.events import Event
from audit.recording import record, record_many
from catalog.models import Dataset, Field
from common.errors import Conflict, Forbidden, Invalid

REVIEW_WITHIN = dt.timedelta(days=3)
"""What was opened in an emergency is reviewed within this; then administrators may review it too."""


@transaction.atomic
def open_in_emergency(
    *,
    dataset: Dataset,
    reason: str,
    hours: int,
    by: Principal,
    fields: Sequence[Field] = (),
    accepts: Iterable[int] = (),
) -> Grant:
    """Take access now, for hours; those who answer for the dataset are told at once and somebody else must review it.

    The grant holds beside a usual one. Raises `Invalid` without a reason, for too long a time or without the terms that
    must be accepted, `Conflict` where the person has opened the dataset already.
    """
    check_can_open_in_emergency(by, dataset, fields)
    dataset = Dataset.objects.get(pk=dataset.pk)
    reason = reason.strip()
    if not reason:
        raise Invalid("Say what happened; it is reviewed.", {"reason": ["Say what happened and what you must see."]})
    if not 1 <= hours <= MOST_EMERGENCY_HOURS:
        limit = f"Choose from 1 to {MOST_EMERGENCY_HOURS} hours."
        raise Invalid(limit, {"hours": [limit]})
    check_standing(dataset, fields)
    if Grant.objects.live().filter(principal=by, dataset=dataset, is_emergency=True).exists():
        raise Conflict("You have opened this dataset already. Look at your grants.")
    ruling = ruling_for(by, dataset, fields)
    if ruling.is_refused:
        raise Forbidden(f"{' '.join(ruling.reasons)} An emergency does not change that.")
    check_can_mask(dataset, fields, ruling.masks)
    terms = terms_for(dataset, fields)
    check_accepted(terms, accepts)
    now = timezone.now()
    request = AccessRequest.objects.create(
        requester=by,
        dataset=dataset,
        field_ids=sorted({field.pk for field in fields}),
        purpose=reason,
        days=1,
        hours=hours,
        is_emergency=True,
        state=RequestState.APPROVED,
        ruling=evidence_of(ruling, now),
        submitted_at=now,
        decided_at=now,
        decided_by=Principal.objects.system(),
    )
    review = EmergencyReview.objects.create(request=request, requester=by, opened_at=now, due_at=now + REVIEW_WITHIN)
    grant, replaced = begin_grant(
        request=request, lasting=dt.timedelta(hours=hours), masks=ruling.masks, by=Principal.objects.system()
    )
    names = names_of([request.field_ids, *(old.field_ids for old in replaced)])
    told = told_of_request(request, names)
    opened = EmergencyOpened(
        **told,
        grant_id=grant.pk,
        review_id=review.pk,
        reviewer_ids=sorted(answerable_for([dataset])[dataset.pk].everyone - {by.pk}),
        hours=hours,
        until=f"{grant.valid_to:%d %b %Y %H:%M}",
        purpose=reason,
    )
    accepted = accept_terms(request=request, terms=terms, told=told, by=by)
    record_many([*accepted, opened, *(GrantSuperseded(**told_of_grant(old, names)) for old in replaced)], by=by)
    return grant


@transaction.atomic
def close_emergency_review(*, review: EmergencyReview, justified: bool, reason: str, by: Principal) -> EmergencyReview:
    """Say whether it had to be opened. Where it had not, what is still open of it ends at once."""
    found = EmergencyReview.objects.select_for_update(of=("self",))
    review = found.select_related("requester__user", "request__dataset", "request__requester__user").get(pk=review.pk)
    decision = check_can_close_review(by, review)
    if not review.is_open:
        raise Conflict("Somebody has closed this review already. Reload the page to see what they said.")
    reason = reason.strip()
    if not reason:
        raise Invalid("Say what you found; it stays on record.", {"reason": ["Say what you found."]})
    review.verdict = EmergencyReview.Verdict.JUSTIFIED if justified else EmergencyReview.Verdict.MISUSED
    review.reason, review.closed_by, review.closed_at = reason, by, timezone.now()
    review.save(update_fields=["verdict", "reason", "closed_by", "closed_at"])
    told = told_of_request(review.request, names_of([review.request.field_ids]))
    kind = EmergencyJustified if justified else EmergencyMisused
    event: Event = kind(**told, review_id=review.pk, decided_as=list(decision.reasons), reason=reason)
    if not justified:
        taken = Grant.objects.filter(request=review.request)
        end_grants(grants=taken, reason=f"The review found that it should not have been: {reason}", by=by)
    record(event, by=by)
    return review


@transaction.atomic
def escalate_reviews(*, by: Principal) -> int:
    """Let administrators join at reviews that nobody closed in time; returns how many. The statements are a fixed number."""
    now = timezone.now()
    due = EmergencyReview.objects.open().filter(due_at__lte=now, escalated_at__isnull=True)
    reviews = claim(due, "request__dataset", "request__requester__user", first="due_at")
    if not reviews:
        return 0
    EmergencyReview.objects.filter(pk__in=[review.pk for review in reviews]).update(escalated_at=now)
    names = names_of(review.request.field_ids for review in reviews)
    record_many(
        [EmergencyReviewEscalated(**told_of_request(one.request, names), review_id=one.pk) for one in reviews], by=by
    )
    return len(reviews)
