"""The labels that follow from what columns carry: added, changed and ended as one set, with their history and effect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

from django.db import connection

from accounts.models import Principal
from audit.recording import record
from catalog.models import Origin
from classification.actions import hold_datasets, recompute
from classification.events import InheritedLabelsChanged
from classification.models import Label
from classification.propagation import statements
from classification.propagation.ground import batches, streamed

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
    asked = {"columns": None if columns is None else list(columns), "aggregated": AGGREGATED, "held": HELD}
    with _joined_at_once() if columns is None else nullcontext():
        changes = list(map(_Change._make, streamed(statements.LABEL_CHANGES, asked)))
    if not changes:
        return Written(0, ())
    system = Principal.objects.system()
    said = [change for change in changes if not change.moved]
    datasets = sorted({change.dataset_id for change in said})
    hold_datasets(datasets)
    _move([change for change in changes if change.moved])
    ended = [change.label_id for change in said if change.label_id is not None]
    Label.objects.filter(pk__in=ended).end(by=system)
    _add((change for change in said if change.level_id is not None), system)
    cleared = [change.field_id for change in said if change.level_id is None]
    for start in range(0, len(datasets), _BATCH):
        recompute(datasets[start : start + _BATCH], cleared=cleared if start == 0 else (), by_lineage=True)
    if said:
        _record(said, datasets, why, system)
    return Written(len(changes), datasets)


@contextmanager
def _joined_at_once() -> Iterator[None]:
    """Have tables joined by hash. How many paths read alike has no statistics, so that the planner goes through them one by
    one for all columns as it does for a few: 2.0 s of 100,000 columns, where this takes 0.4.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = on")


def _move(changes: Sequence[_Change]) -> None:
    if changes:
        with connection.cursor() as cursor:
            cursor.execute(
                statements.MOVE_LABELS,
                [[one.label_id for one in changes], [one.via_id for one in changes], [one.via_job for one in changes]],
            )


def _add(changes: Iterable[_Change], system: Principal) -> None:
    with connection.cursor() as cursor:
        for batch in batches((*one[1:8], one.hint) for one in changes):
            columns = map(list, zip(*batch, strict=True))
            cursor.execute(statements.ADD_LABELS, [Origin.PIPELINE, system.pk, _REASON, *columns])


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
