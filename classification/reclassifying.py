"""A pass of the detectors over the stored columns, a batch of datasets at a time, so that no task is long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Dataset
from classification.actions import suggest_by_names
from classification.actions.suggesting import Change, changes_by_names
from classification.models import Category, Examination, Reclassification
from classification.suggesting import Step

AT_ONCE = 100
_EXAMPLES = 5
_SILENT = dt.timedelta(minutes=2)
_WORDS = {Step.ADD: "added", Step.CHANGE: "changed", Step.WITHDRAW: "removed"}


@transaction.atomic
def advance(pass_id: int) -> bool:
    """Look at the next datasets of a pass; returns whether there are more. Twice at once is as once: one waits its turn."""
    found = (
        Reclassification.objects.select_for_update(of=["self"], skip_locked=True)
        .select_related("rule_set")
        .filter(pk=pass_id, state=Reclassification.State.RUNNING)
        .first()
    )
    if found is None:
        return False
    ids = list(
        Dataset.objects.standing()
        .filter(pk__gt=found.last_dataset_id)
        .order_by("pk")
        .values_list("pk", flat=True)[:AT_ONCE]
    )
    now = timezone.now()
    if not ids:
        found.state, found.finished_at = Reclassification.State.DONE, now
        found.save(update_fields=["state", "finished_at"])
        return False
    columns, changes = changes_by_names(ids, found.rule_set)
    _count(found.found, changes)
    if found.purpose == Reclassification.Purpose.APPLY:
        suggest_by_names(datasets=ids, by=Principal.objects.system(), rule_set=found.rule_set)
    found.done += len(ids)
    found.columns += columns
    found.last_dataset_id, found.moved_at = ids[-1], now
    found.save(update_fields=["done", "columns", "last_dataset_id", "moved_at", "found"])
    return True


def classify_unexamined(dataset_ids: Sequence[int], since: dt.datetime) -> None:
    """Suggest by names what these datasets hold, but for those that were examined since then, perhaps with values."""
    examined = Examination.objects.filter(dataset__in=dataset_ids, examined_at__gte=since)
    done = set(examined.values_list("dataset_id", flat=True))
    ids = [pk for pk in dataset_ids if pk not in done]
    for start in range(0, len(ids), AT_ONCE):
        suggest_by_names(datasets=ids[start : start + AT_ONCE], by=Principal.objects.system())


def fail(pass_id: int, error: str) -> None:
    """Note that a pass cannot go on, and why."""
    Reclassification.objects.filter(pk=pass_id, state=Reclassification.State.RUNNING).update(
        state=Reclassification.State.FAILED, finished_at=timezone.now(), error=error
    )


def silent() -> list[int]:
    """Passes that should run and have not moved for a while: their message got lost, or their worker died."""
    running = Reclassification.objects.filter(state=Reclassification.State.RUNNING)
    return list(running.filter(moved_at__lt=timezone.now() - _SILENT).values_list("pk", flat=True))


def _count(found: dict[str, Any], changes: Iterable[Change]) -> None:
    """Add to the counts by category: {slug: {added, changed, removed, examples}}."""
    slugs = dict(Category.objects.values_list("pk", "slug"))
    names: dict[int, str] = {}
    changes = [change for change in changes if change.step in _WORDS]
    if changes:
        ids = {change.field.dataset_id for change in changes}
        names = dict(Dataset.objects.filter(pk__in=ids).values_list("pk", "qualified_name"))
    for change in changes:
        category = change.after.category if change.after else change.before.category_id if change.before else None
        kind = found.setdefault(slugs.get(category or 0, ""), {"added": 0, "changed": 0, "removed": 0, "examples": []})
        kind[_WORDS[change.step]] += 1
        if sum(one["what"] == _WORDS[change.step] for one in kind["examples"]) < _EXAMPLES:
            kind["examples"].append(
                {
                    "what": _WORDS[change.step],
                    "dataset_id": change.field.dataset_id,
                    "dataset": names[change.field.dataset_id],
                    "field": str(change.field),
                }
            )
