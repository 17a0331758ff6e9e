"""The labels that follow from what columns carry: added, changed and ended as one set, with their history and effect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record
from catalog.models import Origin
from classification.actions import hold_datasets, recompute
from classification.events import InheritedLabelsChanged
from classification.models import Label
from classification.propagation import statements
from classification.propagation.ground import streamed
from common.arrays import Among, array_of

AGGREGATED = "Aggregated on its way: look whether the level still applies."
HELD = "A pipeline says that it masks this: the level stays until a steward has decided."
_REASON = "Carried here by column lineage."
_BATCH = 5_000


class _Change(NamedTuple):
    """A label that stands otherwise than it should; without `label_id` it is missing, without `level_id` it is too much."""

    label_id: int | None
    dataset_id: int
    field_id: int
    level_id: int | None
    category_id: int | None
    source_id: int | None
    via_id: int | None
    via_job: int | None
    hint: str | None
    moved: bool
    """Whether only its path is another."""


class Written(NamedTuple):
    """How many labels were added, changed, ended or moved, and the ids of the datasets where not only a path changed."""

    labels: int
    datasets: Sequence[int]


def write_labels(columns: Collection[int] | None, *, why: str) -> Written:
    """Make the inherited labels of the fields of these columns, or of all, what the columns carry.

    A label that comes another way and says the same stays the same label. Effective levels follow; recorded as one set, with
    what made somebody look.
    """
    hints = {"aggregated": AGGREGATED, "held": HELD}
    if columns is None:
        found = streamed(statements.LABEL_CHANGES, hints)
    else:
        found = streamed(statements.LABEL_CHANGES_OF, hints | {"columns": array_of(columns)})
    changes = list(map(_Change._make, found))
    if not changes:
        return Written(0, ())
    system = Principal.objects.system()
    said = [change for change in changes if not change.moved]
    datasets = sorted({change.dataset_id for change in said})
    hold_datasets(datasets)
    _move([change for change in changes if change.moved])
    now = timezone.now()
    ended = [change.label_id for change in said if change.label_id is not None]
    if ended:
        Label.objects.filter(Among("pk", ended)).end(by=system, at=now)
    _add((change for change in said if change.level_id is not None), by=system, at=now)
    cleared = [change.field_id for change in said if change.level_id is None]
    for start in range(0, len(datasets), _BATCH):
        recompute(datasets[start : start + _BATCH], cleared=cleared if start == 0 else (), by_lineage=True)
    if said:
        _record(said, datasets, why, system)
    return Written(len(changes), datasets)


def _move(changes: Sequence[_Change]) -> None:
    if changes:
        moved = zip(*((one.label_id, one.via_id, one.via_job) for one in changes), strict=True)
        with connection.cursor() as cursor:
            cursor.execute(statements.MOVE_LABELS, list(map(array_of, moved)))


def _add(changes: Iterable[_Change], *, by: Principal, at: dt.datetime) -> None:
    of_all = (Label.State.INHERITED.value, Origin.PIPELINE.value, by.pk, _REASON, "", at.isoformat())
    with connection.cursor() as cursor, cursor.copy(statements.ADD_LABELS) as copy:
        for one in changes:
            copy.write_row((*one[1:9], *of_all))


def _record(changes: Sequence[_Change], datasets: Sequence[int], why: str, system: Principal) -> None:
    added = [one for one in changes if one.label_id is None]
    ended = [one for one in changes if one.level_id is None]
    changed = [one for one in changes if one.label_id is not None and one.level_id is not None]
    record(
        InheritedLabelsChanged(
            added=len(added), changed=len(changed), ended=len(ended), datasets=len(datasets), reason=why
        ),
        by=system,
        changes={"dataset": {"relabelled": datasets}},
    )
