"""Adding, editing, ordering and deleting the levels themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Case, SmallIntegerField, Value, When
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record
from classification.actions.labelling import recompute
from classification.events import LevelAdded, LevelDeleted, LevelEdited, LevelsReordered
from classification.exposure import withdraw_beyond
from classification.models import Category, Label, Level
from classification.permissions import check_can_edit_levels
from common.errors import Conflict, Invalid

_EDITABLE = ("name", "description", "handling", "colour", "longest_grant_days", "approvals")
_BATCH = 5_000


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
    approvals: int | None = None,
    above: Level | None = None,
) -> Level:
    """A new level, the most sensitive one unless `above` places it. Raises `Conflict` for a name taken."""
    check_can_edit_levels(by)
    order = _held_levels()
    level = Level(slug=slug, name=name, colour=colour, description=description, handling=handling)
    if longest_grant_days is not None:
        level.longest_grant_days = longest_grant_days
    if approvals is not None:
        level.approvals = approvals
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
    suggested = Label.objects.current().suggested().filter(level__in=moved).exclude(dataset__in=ids)
    waiting = sorted(set(suggested.values_list("dataset_id", flat=True)))
    for start in range(0, len(waiting), _BATCH):
        withdraw_beyond(waiting[start : start + _BATCH])
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
