"""What the actions of grants need to know of enforcement: how a grant begins, and that its source is to be seen to."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from access.models import Enforcement
from access.states import GrantState
from catalog.models import Dataset
from common.waking import wake_after_commit


def first_state(dataset: Dataset) -> GrantState:
    """How a grant on a dataset begins: on its way into the source where that is enforced, else as a record."""
    if dataset.source_id is None:
        return GrantState.RECORDED
    enforced = Enforcement.objects.filter(source_id=dataset.source_id, mode__in=Enforcement.CARRYING_OUT)
    return GrantState.PROVISIONING if enforced.exists() else GrantState.RECORDED


def ask(*, sources: Iterable[int | None] = (), datasets: Iterable[int] = ()) -> None:
    """Have these sources, and those of these datasets, reconciled right after the commit; one statement."""
    enforced = Enforcement.objects.exclude(mode=Enforcement.Mode.OFF)
    listed, ids = [pk for pk in sources if pk is not None], list(datasets)
    if not listed and not ids:
        return
    mine = enforced.filter(source_id__in=listed)
    if ids:
        mine = mine | enforced.filter(source_id__in=Dataset.objects.filter(pk__in=ids).values("source_id"))
    if mine.update(asked_at=timezone.now()):
        wake_after_commit("access.tasks.enforce")
