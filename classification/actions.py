"""Every write of levels and labels: authorise, write atomically, record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, SmallIntegerField, Value, When
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record, record_many
from catalog.actions import push_levels
from catalog.models import Dataset, Field, Origin
from classification.effective import Effective, effective
from classification.events import (
    LevelAdded,
    LevelCleared,
    LevelDeleted,
    LevelEdited,
    LevelSet,
    LevelsReordered,
)
from classification.models import Category, Label, Level
from classification.permissions import check_can_edit_levels, check_can_label
from classification.queries import assertions_of
from common.errors import Conflict, Invalid

_ORIGIN_OF_KIND = {
    Principal.Kind.PERSON: Origin.PERSON,
    Principal.Kind.SERVICE: Origin.CODE,
    Principal.Kind.SYSTEM: Origin.CODE,
    Principal.Kind.PIPELINE: Origin.PIPELINE,
}
_EDITABLE = ("name", "description", "handling", "colour", "longest_grant_days")
_BATCH = 5_000


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
) -> list[Label]:
    """Put a level on datasets and fields; returns the new labels, none for what has the level already.

    The number of statements does not depend on how many there are. Raises `Invalid` without a reason or
    target, and where a dataset would be labelled below its own fields.
    """
    targets = _targets(datasets, fields)
    check_can_label(by, targets)
    reason = _said(reason)
    _lock(targets, fields)
    origin = origin_of(by)
    standing = _standing_labels(datasets, fields, origin)
    before = {key: label for key, label in standing.items() if label.level_id != level.pk}
    wanted = [(dataset.pk, None) for dataset in datasets] + [(field.dataset_id, field.pk) for field in fields]
    changing = [key for key in dict.fromkeys(wanted) if key not in standing or key in before]
    if not changing:
        return []
    now = timezone.now()
    _end([label.pk for label in before.values()], by)
    labels = Label.objects.bulk_create(
        Label(
            dataset_id=dataset_id,
            field_id=field_id,
            level=level,
            origin=origin,
            author=by,
            reason=reason,
            valid_from=now,
        )
        for dataset_id, field_id in changing
    )
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
        for dataset, keys, field_ids, what in _by_dataset(targets, changing, names)
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
    reason = _said(reason)
    _lock(targets, ())
    origin = origin_of(by)
    standing = _standing_labels(datasets, fields, origin)
    if not standing:
        raise Conflict(f"No {origin.label.lower()} put a level on these, so there is none to take off.")
    _end([label.pk for label in standing.values()], by)
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
        for dataset, keys, field_ids, what in _by_dataset(targets, list(standing), names)
    ]
    record_many(events, by=by)
    return len(standing)


@transaction.atomic
def recompute(dataset_ids: Iterable[int], *, cleared: Iterable[int] = ()) -> Effective:
    """Push the effective levels of these datasets and their fields down to the catalog; five statements.

    `cleared` names fields whose last label just ended. Not audited: it follows from labels, which are.
    """
    ids = sorted(set(dataset_ids))
    hold_datasets(ids)
    made = effective(assertions_of(ids))
    fields: dict[int, int | None] = dict.fromkeys(sorted(cleared))
    push_levels({pk: made.datasets.get(pk) for pk in ids}, fields | dict(sorted(made.fields.items())))
    return made


@transaction.atomic
def add_level(
    *,
    slug: str,
    name: str,
    colour: str,
    by: Principal,
    description: str = "",
    handling: str = "",
    longest_grant_days: int | None = None,
    above: Level | None = None,
) -> Level:
    """A new level, the most sensitive one unless `above` places it. Raises `Conflict` for a name taken."""
    check_can_edit_levels(by)
    order = _held_levels()
    level = Level(slug=slug, name=name, colour=colour, description=description, handling=handling)
    if longest_grant_days is not None:
        level.longest_grant_days = longest_grant_days
    level.rank = len(order) + 1
    _save(level)
    place = next((index + 1 for index, other in enumerate(order) if above and other.pk == above.pk), len(order))
    if place < len(order):
        _put_in_order([*order[:place], level, *order[place:]])
        level.refresh_from_db()
    record(LevelAdded(level_id=level.pk, level=name, rank=level.rank), by=by)
    return level


@transaction.atomic
def edit_level(*, level: Level, changes: Mapping[str, Any], by: Principal) -> Level:
    """Change a level's name, texts, colour or longest grant; its place is `reorder_levels`' to change."""
    check_can_edit_levels(by)
    level = Level.objects.select_for_update(no_key=True).get(pk=level.pk)
    unknown = sorted(set(changes) - set(_EDITABLE))
    if unknown:
        raise Invalid("These cannot be changed here.", {name: ["cannot be changed"] for name in unknown})
    before = {name: getattr(level, name) for name in changes if getattr(level, name) != changes[name]}
    after = {name: changes[name] for name in before}
    if not after:
        return level
    for name, value in after.items():
        setattr(level, name, value)
    _save(level)
    record(LevelEdited(level_id=level.pk, level=level.name, before=before, after=after), by=by)
    return level


@transaction.atomic
def reorder_levels(*, order: Sequence[Level], by: Principal) -> None:
    """Rank every level anew, least sensitive first, and every dataset and field by it.

    Raises `Invalid` unless `order` names each level once.
    """
    check_can_edit_levels(by)
    present = _held_levels()
    if sorted(level.pk for level in order) != sorted(level.pk for level in present):
        raise Invalid("The levels changed since you looked. Reload the page and order them again.")
    known = {level.pk: level for level in present}
    wanted = [known[level.pk] for level in order]
    if wanted == present:
        return
    datasets = _put_in_order(wanted)
    record(
        LevelsReordered(
            level_ids=[level.pk for level in wanted],
            order=[level.name for level in wanted],
            datasets=datasets,
            before={"order": ", ".join(level.name for level in present)},
            after={"order": ", ".join(level.name for level in wanted)},
        ),
        by=by,
    )


@transaction.atomic
def delete_level(*, level: Level, by: Principal) -> None:
    """Remove a level that was never put on anything. Raises `Conflict` for one that was, even long ago, or a category has."""
    check_can_edit_levels(by)
    present = _held_levels()
    if Label.objects.filter(level=level).exists():
        raise Conflict(
            f"{level} was put on datasets or columns, and their history names it. "
            "Give what has it now another level, or rename it."
        )
    category = Category.objects.filter(level=level).first()
    if category is not None:
        raise Conflict(f"{category} and perhaps other categories are {level}. Give them another level first.")
    if len(present) == 1:
        raise Conflict("This is the only level. Add another one first.")
    name, pk = level.name, level.pk
    Level.objects.filter(pk=pk).delete()
    _put_in_order([other for other in present if other.pk != pk])
    record(LevelDeleted(level_id=pk, level=name), by=by)


def _held_levels() -> list[Level]:
    """Every level by rank, held in the order of ids, as `hold_datasets` does, against whoever labels."""
    return sorted(Level.objects.select_for_update().order_by("pk"), key=lambda level: level.rank)


def _put_in_order(order: Sequence[Level]) -> int:
    """Rank the locked levels by their place and push what follows; returns how many datasets were pushed."""
    ranks = {level.pk: rank for rank, level in enumerate(order, start=1)}
    moved = [level.pk for level in order if level.rank != ranks[level.pk]]
    if not moved:
        return 0
    cases = [When(pk=pk, then=Value(rank)) for pk, rank in ranks.items()]
    Level.objects.filter(pk__in=moved).update(
        rank=Case(*cases, output_field=SmallIntegerField()), updated_at=timezone.now()
    )
    affected = Label.objects.current().counting().filter(level__in=moved).values("dataset_id").distinct()
    ids = sorted(affected.values_list("dataset_id", flat=True))
    for start in range(0, len(ids), _BATCH):
        recompute(ids[start : start + _BATCH])
    return len(ids)


def _save(level: Level) -> None:
    try:
        level.clean_fields()
    except ValidationError as error:
        raise Invalid("Correct the fields named below.", error.message_dict) from None
    try:
        with transaction.atomic():
            level.save()
    except IntegrityError:
        raise Conflict(f"There is already a level called {level.name}. Choose another name.") from None


def _said(reason: str) -> str:
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
    locked = Dataset.objects.filter(pk__in=dataset_ids).order_by("pk")
    list(locked.select_for_update(no_key=True).values_list("pk", flat=True))


def _standing_labels(
    datasets: Sequence[Dataset], fields: Sequence[Field], origin: Origin
) -> dict[tuple[int, int | None], Label]:
    """The labels of this origin that hold now on exactly these things; one statement."""
    rows = (
        Label.objects.current()
        .confirmed()
        .filter(origin=origin)
        .of_datasets({dataset.pk for dataset in datasets} | {field.dataset_id for field in fields})
        .select_related("level")
    )
    wanted = {(dataset.pk, None) for dataset in datasets} | {(field.dataset_id, field.pk) for field in fields}
    return {(row.dataset_id, row.field_id): row for row in rows if (row.dataset_id, row.field_id) in wanted}


def _end(label_ids: Sequence[int], by: Principal) -> None:
    Label.objects.filter(pk__in=label_ids).update(valid_to=timezone.now(), ended_by=by)


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


def _by_dataset(
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
