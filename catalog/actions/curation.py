"""What people say of datasets: descriptions, owners, tags. Each assertion keeps who made it, when, and from what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record
from catalog.actions.writing import named
from catalog.events import Described, OwnerAssigned, OwnerRemoved, Tagged, Untagged
from catalog.models import Dataset, Description, Field, Origin, Ownership, Tag, TagAssignment
from catalog.permissions import check_can_curate
from catalog.search_index import refresh_search
from catalog.tagging import keep_untagged, push_tag_names
from common.errors import Invalid


@transaction.atomic
def describe(
    *, dataset: Dataset, text: str, by: Principal, field: Field | None = None, origin: str = Origin.PERSON
) -> Description | None:
    """Say what a dataset or one of its fields is, in Markdown; empty text takes the origin's word back.

    What other origins say stays, and the effective description follows person, code, pipeline, crawl in that order.
    """
    check_can_curate(by, [dataset])
    dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)
    standing = Description.objects.filter(dataset=dataset, field=field, valid_to=None)
    mine = standing.filter(origin=origin).first()
    if (mine.text if mine else "") == text:
        return mine
    before = field.description if field else dataset.description
    if mine:
        mine.valid_to = timezone.now()
        mine.save(update_fields=["valid_to"])
    said = None
    if text:
        said = Description.objects.create(dataset=dataset, field=field, text=text, origin=origin, asserted_by=by)
    effective = min(standing.all(), key=lambda one: list(Origin).index(Origin(one.origin)), default=None)
    after = effective.text if effective else ""
    if field is not None:
        Field.objects.filter(pk=field.pk).update(description=after)
    else:
        Dataset.objects.filter(pk=dataset.pk).update(description=after)
        refresh_search([dataset.pk])
    record(
        Described(
            dataset_id=dataset.pk,
            field_id=field.pk if field else None,
            what=f"{dataset.name}.{field}" if field else dataset.name,
            origin=origin,
            before={"description": before},
            after={"description": after},
        ),
        by=by,
    )
    return said


@transaction.atomic
def assign_owner(
    *,
    datasets: Sequence[Dataset],
    by: Principal,
    principal: Principal | None = None,
    group: Group | None = None,
    kind: str = Ownership.Kind.OWNER,
    origin: str = Origin.PERSON,
) -> None:
    """Have a person or group answer for datasets; those that it answers for already stay as they are."""
    check_can_curate(by, datasets)
    if (principal is None) == (group is None):
        raise Invalid("Choose a person or a group, not both.")
    ids = {dataset.pk for dataset in datasets}
    held = Ownership.objects.filter(dataset_id__in=ids, kind=kind, principal=principal, group=group, valid_to=None)
    new = sorted(ids - set(held.values_list("dataset_id", flat=True)))
    if not new:
        return
    Ownership.objects.bulk_create(
        Ownership(dataset_id=pk, principal=principal, group=group, kind=kind, origin=origin, asserted_by=by)
        for pk in new
    )
    _push_owner_names(new)
    owner = str(principal or group)
    record(OwnerAssigned(dataset_ids=new, what=named(datasets), owner=owner, kind=kind, origin=origin), by=by)


@transaction.atomic
def remove_owner(*, ownership: Ownership, by: Principal) -> None:
    """End an ownership now; its row stays as history."""
    check_can_curate(by, [ownership.dataset])
    if not Ownership.objects.filter(pk=ownership.pk, valid_to=None).update(valid_to=timezone.now()):
        return
    _push_owner_names([ownership.dataset_id])
    record(
        OwnerRemoved(
            dataset_ids=[ownership.dataset_id],
            what=ownership.dataset.name,
            owner=str(ownership.principal or ownership.group),
            kind=ownership.kind,
            origin=ownership.origin,
        ),
        by=by,
    )


def _push_owner_names(dataset_ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE catalog_dataset AS dataset SET owner_names = ARRAY(
                SELECT DISTINCT coalesce(person.name, team.name)
                FROM catalog_ownership AS held
                LEFT JOIN accounts_principal AS person ON person.id = held.principal_id
                LEFT JOIN auth_group AS team ON team.id = held.group_id
                WHERE held.dataset_id = dataset.id AND held.kind = 'owner' AND held.valid_to IS NULL ORDER BY 1
            ) WHERE id = ANY(%s)
            """,
            [list(dataset_ids)],
        )


@transaction.atomic
def add_tag(
    *,
    datasets: Sequence[Dataset],
    tag: Tag,
    by: Principal,
    field: Field | None = None,
    origin: str = Origin.PERSON,
) -> None:
    """Tag datasets, or one field of one dataset."""
    check_can_curate(by, datasets)
    ids = {dataset.pk for dataset in datasets}
    held = TagAssignment.objects.filter(tag=tag, dataset_id__in=ids, field=field, valid_to=None)
    new = sorted(ids - set(held.values_list("dataset_id", flat=True)))
    if not new:
        return
    TagAssignment.objects.bulk_create(
        TagAssignment(tag=tag, dataset_id=pk, field=field, origin=origin, asserted_by=by) for pk in new
    )
    push_tag_names(new)
    record(Tagged(dataset_ids=new, **_tag_values(datasets, tag, field, origin)), by=by)


@transaction.atomic
def remove_tag(*, datasets: Sequence[Dataset], tag: Tag, by: Principal, field: Field | None = None) -> None:
    """Take a tag off; its row stays as history. Where a pipeline put it there, it does so no more."""
    check_can_curate(by, datasets)
    held = TagAssignment.objects.filter(tag=tag, dataset__in=datasets, field=field, valid_to=None)
    ids = sorted(held.values_list("dataset_id", flat=True))
    if not ids:
        return
    told = list(held.filter(origin=Origin.PIPELINE).values_list("dataset_id", flat=True))
    held.update(valid_to=timezone.now())
    push_tag_names(ids)
    keep_untagged(told, tag=tag, field=field, by=by)
    record(Untagged(dataset_ids=ids, **_tag_values(datasets, tag, field, Origin.PERSON)), by=by)


def _tag_values(datasets: Sequence[Dataset], tag: Tag, field: Field | None, origin: str) -> dict[str, Any]:
    what = f"{datasets[0].name}.{field}" if field else named(datasets)
    return {"field_id": field.pk if field else None, "what": what, "tag": tag.name, "origin": origin}
