"""Putting levels on datasets and fields, taking them off, and what follows for the levels that count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record_many
from catalog.actions import push_levels
from catalog.models import Dataset, Field, Origin
from classification.counting import count
from classification.effective import Effective, effective
from classification.events import LevelCleared, LevelSet
from classification.exposure import withdraw_beyond
from classification.models import Category, Label, Level, StaleDataset
from classification.permissions import check_can_label
from classification.queries import assertions_of
from common.arrays import Among
from common.errors import Conflict, Invalid

_ORIGIN_OF_KIND = {
    Principal.Kind.PERSON: Origin.PERSON,
    Principal.Kind.SERVICE: Origin.CODE,
    Principal.Kind.SYSTEM: Origin.CODE,
    Principal.Kind.PIPELINE: Origin.PIPELINE,
}


def origin_of(by: Principal) -> Origin:
    """From what an assertion of this principal comes: a pipeline's token never speaks as a person."""
    return _ORIGIN_OF_KIND[Principal.Kind(by.kind)]


@transaction.atomic
def set_level(
    *,
    level: Level,
    reason: str,
    by: Principal,
    datasets: Sequence[Dataset] = (),
    fields: Sequence[Field] = (),
    category: Category | None = None,
) -> list[Label]:
    """Put a level on datasets and fields; returns the new labels, none for what has the level already.

    Fields get the category as well; without one they keep that of the label they had. What a person says ends the suggestions
    about it. The number of statements does not depend on how many there are. Raises `Invalid` without a reason or
    target, and where a dataset would be labelled below its own fields.
    """
    targets = _targets(datasets, fields)
    check_can_label(by, targets)
    reason = said(reason)
    _lock(targets, fields)
    origin = origin_of(by)
    standing = standing_labels(datasets, fields, origin)
    before = {
        key: label
        for key, label in standing.items()
        if label.level_id != level.pk
        or (category is not None and key[1] is not None and label.category_id != category.pk)
    }
    wanted = [(dataset.pk, None) for dataset in datasets] + [(field.dataset_id, field.pk) for field in fields]
    changing = [key for key in dict.fromkeys(wanted) if key not in standing or key in before]
    if not changing:
        return []
    now = timezone.now()
    Label.objects.filter(pk__in=[label.pk for label in before.values()]).end(by=by)
    labels = Label.objects.bulk_create(
        Label(
            dataset_id=dataset_id,
            field_id=field_id,
            level=level,
            category=category if field_id and category else _category_of(before.get((dataset_id, field_id))),
            origin=origin,
            author=by,
            reason=reason,
            valid_from=now,
        )
        for dataset_id, field_id in changing
    )
    if origin == Origin.PERSON:
        waiting = Label.objects.current().suggested().filter(field__in=[field.pk for field in fields])
        waiting.end(by=by, at=now)
    made = recompute([dataset.pk for dataset in targets])
    _check_not_below_fields(level, made, [dataset for dataset in datasets if (dataset.pk, None) in changing])
    names = {field.pk: str(field) for field in fields}
    events = [
        LevelSet(
            dataset_id=dataset.pk,
            field_ids=field_ids,
            what=what,
            level_id=level.pk,
            level=level.name,
            origin=origin,
            reason=reason,
            before=_levels(keys, names, before),
            after=dict.fromkeys(_levels(keys, names, before), level.name),
        )
        for dataset, keys, field_ids, what in by_dataset(targets, changing, names)
    ]
    record_many(events, by=by)
    return labels


@transaction.atomic
def clear_level(*, reason: str, by: Principal, datasets: Sequence[Dataset] = (), fields: Sequence[Field] = ()) -> int:
    """End the labels that `by`'s kind of author put on datasets and fields; returns how many.

    Their history stays, and what other kinds of author said then is what counts. Raises `Conflict` where
    there is nothing to end.
    """
    targets = _targets(datasets, fields)
    check_can_label(by, targets)
    reason = said(reason)
    _lock(targets, ())
    origin = origin_of(by)
    standing = standing_labels(datasets, fields, origin)
    if not standing:
        raise Conflict(f"No {origin.label.lower()} put a level on these, so there is none to take off.")
    Label.objects.filter(pk__in=[label.pk for label in standing.values()]).end(by=by)
    recompute([dataset.pk for dataset in targets], cleared=[pk for _, pk in standing if pk is not None])
    names = {field.pk: str(field) for field in fields}
    events = [
        LevelCleared(
            dataset_id=dataset.pk,
            field_ids=field_ids,
            what=what,
            origin=origin,
            reason=reason,
            before=_levels(keys, names, standing),
            after=dict.fromkeys(_levels(keys, names, standing)),
        )
        for dataset, keys, field_ids, what in by_dataset(targets, list(standing), names)
    ]
    record_many(events, by=by)
    return len(standing)


@transaction.atomic
def recompute(dataset_ids: Iterable[int], *, cleared: Iterable[int] = (), by_lineage: bool = False) -> Effective:
    """Push the effective levels of these datasets and their fields down to the catalog, and forget what their profiles keep
    beyond these; fourteen statements at most.

    `cleared` names fields whose last label just ended. Not audited: it follows from labels, which are. What lineage carries
    on from here is looked at soon after, unless it is lineage that changed the labels.
    """
    ids = sorted(set(dataset_ids))
    hold_datasets(ids)
    if not by_lineage:
        StaleDataset.objects.bulk_create(StaleDataset(dataset_id=pk) for pk in ids)
    made = effective(assertions_of(ids))
    fields: dict[int, int | None] = dict.fromkeys(sorted(cleared))
    push_levels({pk: made.datasets.get(pk) for pk in ids}, fields | dict(sorted(made.fields.items())))
    withdraw_beyond(ids)
    if not by_lineage:
        count(ids)
    return made


def said(reason: str) -> str:
    """The reason without blanks around it; raises `Invalid` where nothing was said."""
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why, so that others can follow it.", {"reason": ["Say why in a sentence."]})
    return reason


def _targets(datasets: Sequence[Dataset], fields: Sequence[Field]) -> list[Dataset]:
    """The datasets concerned, in the order of their ids."""
    if not datasets and not fields:
        raise Invalid("Choose at least one column or dataset.", {"fields": ["Choose at least one."]})
    ids = {dataset.pk for dataset in datasets} | {field.dataset_id for field in fields}
    return list(Dataset.objects.filter(pk__in=ids).order_by("pk"))


def _lock(targets: Sequence[Dataset], fields: Sequence[Field]) -> None:
    """One writer of a dataset's labels at a time, taken in one order; refuses what is gone."""
    gone = [str(field) for field in fields if field.gone_since is not None]
    if gone:
        raise Conflict(f"{gone[0]} is gone from its dataset. Reload the page and choose among what is there.")
    hold_datasets([dataset.pk for dataset in targets])


def hold_datasets(dataset_ids: Sequence[int]) -> None:
    """Hold the ranks, then the datasets in the order of their ids: everybody in this order, so nobody deadlocks.

    Whoever permutes the ranks has the levels FOR UPDATE; this waits for it and then reads the new ranks.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM classification_level ORDER BY id FOR KEY SHARE")
    locked = Dataset.objects.filter(Among("pk", dataset_ids)).order_by("pk")
    list(locked.select_for_update(no_key=True).values_list("pk", flat=True))


def standing_labels(
    datasets: Sequence[Dataset], fields: Sequence[Field], origin: Origin
) -> dict[tuple[int, int | None], Label]:
    """The labels of this origin that hold now on exactly these things; one statement."""
    rows = (
        Label.objects.current()
        .confirmed()
        .filter(origin=origin)
        .of_datasets({dataset.pk for dataset in datasets} | {field.dataset_id for field in fields})
        .select_related("level", "category")
    )
    wanted = {(dataset.pk, None) for dataset in datasets} | {(field.dataset_id, field.pk) for field in fields}
    return {(row.dataset_id, row.field_id): row for row in rows if (row.dataset_id, row.field_id) in wanted}


def _category_of(label: Label | None) -> Category | None:
    return label.category if label else None


def _check_not_below_fields(level: Level, made: Effective, datasets: Sequence[Dataset]) -> None:
    below = [
        dataset.qualified_name
        for dataset in datasets
        if made.own.get(dataset.pk) == level.rank and made.datasets.get(dataset.pk, 0) > level.rank
    ]
    if below:
        raise Invalid(
            f"{below[0]} has columns above {level}, and a dataset is never below its columns. Lower those first.",
            {"level": [f"has columns above {level}: {name}" for name in below[:10]]},
        )


def by_dataset(
    targets: Sequence[Dataset], changed: Sequence[tuple[int, int | None]], names: Mapping[int, str]
) -> list[tuple[Dataset, list[tuple[int, int | None]], list[int], str]]:
    """What changed, by dataset: its keys, the ids of its fields, and words for it."""
    grouped: dict[int, list[tuple[int, int | None]]] = defaultdict(list)
    for key in changed:
        grouped[key[0]].append(key)
    found = []
    for dataset in targets:
        keys = grouped.get(dataset.pk)
        if not keys:
            continue
        field_ids = [field_id for _, field_id in keys if field_id is not None]
        parts = [dataset.name] if (dataset.pk, None) in keys else []
        if len(field_ids) > 3:
            parts.append(f"{len(field_ids)} columns of {dataset.name}")
        elif field_ids:
            parts.append(f"{' and '.join(names[pk] for pk in field_ids)} of {dataset.name}")
        found.append((dataset, keys, field_ids, " and ".join(parts)))
    return found


def _levels(
    keys: Iterable[tuple[int, int | None]],
    names: Mapping[int, str],
    labels: Mapping[tuple[int, int | None], Label],
) -> dict[str, str | None]:
    """The level's name of each thing, None where it had none."""
    return {
        ("dataset" if key[1] is None else names[key[1]]): (labels[key].level.name if key in labels else None)
        for key in keys
    }
