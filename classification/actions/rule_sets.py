"""Rule sets by version: drafted from the categories as they are, looked at, and applied or discarded."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record
from catalog.models import Dataset
from classification.events import RuleSetApplied, RuleSetDiscarded, RuleSetDrafted
from classification.models import Reclassification, RuleSet
from classification.permissions import check_can_edit_rules
from classification.rules import changed_categories, frozen_categories
from common.errors import Conflict

WEIGHTS = "shipped"


@transaction.atomic
def draft_rule_set(*, by: Principal) -> Reclassification:
    """Freeze the categories as they are into a draft, in place of an earlier one, and begin to see what it would change.

    Whoever calls this sends the pass that it returns on its way. Raises `Conflict` where nothing differs from what holds.
    """
    check_can_edit_rules(by)
    held = _hold()
    applied = next((one for one in held if one.state == RuleSet.State.APPLIED), None)
    changed = changed_categories(applied.contents) if applied else []
    if applied is not None and not changed:
        raise Conflict(f"No category differs from rule set {applied.version}, which holds. Change one first.")
    for earlier in held:
        if earlier.state == RuleSet.State.DRAFT:
            _discard(earlier)
    made = RuleSet.objects.create(
        version=(RuleSet.objects.aggregate(last=Max("version"))["last"] or 0) + 1,
        weights_version=WEIGHTS,
        contents=frozen_categories(),
        made_by=by,
    )
    record(RuleSetDrafted(rule_set_id=made.pk, version=made.version, changed=changed), by=by)
    return begin(made, Reclassification.Purpose.PREVIEW, by)


@transaction.atomic
def discard_rule_set(*, rule_set: RuleSet, by: Principal) -> None:
    """Let go of a draft; the categories stay as they are."""
    check_can_edit_rules(by)
    held = {one.pk: one for one in _hold()}
    if rule_set.pk not in held or held[rule_set.pk].state != RuleSet.State.DRAFT:
        raise Conflict("This is no draft any more. Reload the page.")
    _discard(held[rule_set.pk])
    record(RuleSetDiscarded(rule_set_id=rule_set.pk, version=rule_set.version), by=by)


@transaction.atomic
def apply_rule_set(*, rule_set: RuleSet, by: Principal) -> Reclassification:
    """Let a draft hold whose effect was looked at, and begin to classify every column by it.

    Whoever calls this sends the pass that it returns on its way. Raises `Conflict` for what is no draft, or was not looked at.
    """
    check_can_edit_rules(by)
    held = {one.pk: one for one in _hold()}
    draft = held.get(rule_set.pk)
    if draft is None or draft.state != RuleSet.State.DRAFT:
        raise Conflict("This is no draft any more. Reload the page.")
    if not draft.passes.filter(purpose=Reclassification.Purpose.PREVIEW, state=Reclassification.State.DONE).exists():
        raise Conflict("See what it would change first: the preview is not through all datasets yet.")
    running = Reclassification.objects.filter(state=Reclassification.State.RUNNING)
    running.update(state=Reclassification.State.STOPPED, finished_at=timezone.now())
    RuleSet.objects.filter(state=RuleSet.State.APPLIED).update(state=RuleSet.State.RETIRED)
    draft.state, draft.applied_at, draft.applied_by = RuleSet.State.APPLIED, timezone.now(), by
    draft.save(update_fields=["state", "applied_at", "applied_by"])
    record(RuleSetApplied(rule_set_id=draft.pk, version=draft.version), by=by)
    return begin(draft, Reclassification.Purpose.APPLY, by)


def begin(rule_set: RuleSet, purpose: Reclassification.Purpose, by: Principal) -> Reclassification:
    """A pass over every standing dataset, at its beginning."""
    return Reclassification.objects.create(
        rule_set=rule_set, purpose=purpose, by=by, datasets=Dataset.objects.standing().count()
    )


def _hold() -> list[RuleSet]:
    """The draft and what holds, locked: one change of rule sets at a time."""
    states = (RuleSet.State.DRAFT, RuleSet.State.APPLIED)
    return list(RuleSet.objects.select_for_update().filter(state__in=states).order_by("pk"))


def _discard(draft: RuleSet) -> None:
    draft.passes.filter(state=Reclassification.State.RUNNING).update(
        state=Reclassification.State.STOPPED, finished_at=timezone.now()
    )
    draft.state = RuleSet.State.DISCARDED
    draft.save(update_fields=["state"])
