"""Every audited or multi-row write of the catalog: authorise, write atomically, record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import DomainRole, Principal
from audit.recording import record
from catalog.application import Applied, write_plan
from catalog.events import (
    Described,
    DomainAdded,
    DomainEdited,
    OwnerAssigned,
    OwnerRemoved,
    DatasetsMoved,
    RoleEnded,
    RoleGranted,
    SnapshotApplied,
    SourceAdded,
    SourceEdited,
    SystemAdded,
    Tagged,
    Untagged,
)
from catalog.models import (
    Dataset,
    Description,
    Domain,
    DomainMembership,
    Field,
    Origin,
    Ownership,
    Source,
    System,
    Tag,
    TagAssignment,
)
from catalog.permissions import (
    check_can_crawl_source,
    check_can_curate,
    check_can_edit_domain,
    check_can_edit_source,
    check_is_catalog_administrator,
)
from catalog.reconciliation import forget_plan, plan_of
from catalog.search_index import refresh_search
from catalog.staging import Staged, discard
from common.errors import Conflict, Invalid

if TYPE_CHECKING:
    from connections.models import Connection


@transaction.atomic
def apply_snapshots(*, source: Source, reading: int, staged: Staged, by: Principal) -> Applied:
    """Write the plan of a reading into the catalog and record it as one set. `reading` is the id of the run."""
    check_can_crawl_source(by, source)
    plan = plan_of(source, reading)
    applied = write_plan(source, reading, staged)
    if applied.ids or plan.unchanged:
        record(
            SnapshotApplied(
                source_id=source.pk,
                source=source.name,
                run_id=reading,
                added=len(applied.ids.get("added", ())) + len(applied.ids.get("adopted", ())),
                changed=plan.changed,
                returned=plan.returned,
                gone=plan.gone,
                unchanged=plan.unchanged,
            ),
            by=by,
            changes={"dataset": applied.ids} if applied.ids else None,
        )
    discard(reading)
    forget_plan(reading)
    return applied


@transaction.atomic
def add_system(*, slug: str, name: str, description: str = "", by: Principal) -> System:
    check_is_catalog_administrator(by)
    system = _created(System(slug=slug, name=name, description=description), f"There is already a system called {name}.")
    record(SystemAdded(system_id=system.pk, system=name), by=by)
    return system


@transaction.atomic
def add_domain(
    *, slug: str, name: str, description: str = "", open_tier: int | None = None, parent: Domain | None = None, by: Principal
) -> Domain:
    """A new domain; only administrators make them."""
    check_is_catalog_administrator(by)
    domain = Domain(slug=slug, name=name, description=description, parent=parent)
    if open_tier is not None:
        domain.open_tier = open_tier
    _created(domain, f"There is already a domain called {name}.")
    record(DomainAdded(domain_id=domain.pk, domain=name), by=by)
    return domain


@transaction.atomic
def edit_domain(*, domain: Domain, changes: Mapping[str, Any], by: Principal) -> Domain:
    """Change a domain's name, description or open tier."""
    domain = Domain.objects.select_for_update().get(pk=domain.pk)
    check_can_edit_domain(by, domain)
    before, after = _edited(domain, changes, ("name", "description", "open_tier"))
    if after:
        record(DomainEdited(domain_id=domain.pk, domain=domain.name, before=before, after=after), by=by)
    return domain


@transaction.atomic
def grant_role(
    *, domain: Domain, role: str, principal: Principal | None = None, group: Group | None = None, by: Principal
) -> DomainMembership:
    """Give a person or a group a role on a domain; having it already changes nothing."""
    check_can_edit_domain(by, domain)
    if (principal is None) == (group is None):
        raise Invalid("Choose a person or a group, not both.")
    membership, created = DomainMembership.objects.get_or_create(
        domain=domain,
        role=DomainRole(role),
        principal=principal,
        group=group,
        valid_to=None,
        defaults={"granted_by": by},
    )
    if created:
        record(RoleGranted(**_membership_values(membership)), by=by)
    return membership


@transaction.atomic
def end_role(*, membership: DomainMembership, by: Principal) -> None:
    """End a role now. The row stays: who could read what in March must be answerable."""
    check_can_edit_domain(by, membership.domain)
    if DomainMembership.objects.filter(pk=membership.pk, valid_to=None).update(valid_to=timezone.now()):
        record(RoleEnded(**_membership_values(membership)), by=by)


def _membership_values(membership: DomainMembership) -> dict[str, Any]:
    return {
        "domain_id": membership.domain_id,
        "domain": membership.domain.name,
        "role": membership.role,
        "member": str(membership.principal or membership.group),
        "principal_id": membership.principal_id,
        "group_id": membership.group_id,
    }


@transaction.atomic
def add_source(
    *,
    slug: str,
    name: str,
    platform: str,
    namespace: str,
    by: Principal,
    connection: Connection | None = None,
    system: System | None = None,
    domain: Domain | None = None,
    frequency: str = Source.Frequency.BATCH,
    structure: str = Source.Structure.STRUCTURED,
    location: str = "",
    description: str = "",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Source:
    """Make a source known. Raises `Conflict` where its name or slug is taken."""
    check_can_edit_source(by, None)
    source = Source(
        slug=slug,
        name=name,
        platform=platform,
        namespace=namespace,
        connection=connection,
        system=system,
        domain=domain,
        frequency=frequency,
        structure=structure,
        location=location,
        description=description,
        include=list(include),
        exclude=list(exclude),
        created_by=by,
    )
    _created(source, f"There is already a source called {name}.")
    record(SourceAdded(source_id=source.pk, source=name, platform=platform, namespace=namespace), by=by)
    return source


_SOURCE_FIELDS = (
    "name", "system_id", "domain_id", "frequency", "structure", "location", "description", "include", "exclude",
)  # fmt: skip


@transaction.atomic
def edit_source(*, source: Source, changes: Mapping[str, Any], by: Principal) -> Source:
    """Change what is said of a source and what its crawls include."""
    source = Source.objects.select_for_update().get(pk=source.pk)
    check_can_edit_source(by, source)
    before, after = _edited(source, changes, _SOURCE_FIELDS)
    if after:
        record(SourceEdited(source_id=source.pk, source=source.name, before=before, after=after), by=by)
    return source


@transaction.atomic
def move_datasets(*, datasets: Sequence[Dataset], domain: Domain | None, by: Principal) -> None:
    """Put datasets into a domain (None: into none). The mover curates them and, unless it takes them out, the domain."""
    check_can_curate(by, datasets)
    if domain is not None:
        check_can_edit_domain(by, domain)
    ids = [dataset.pk for dataset in datasets]
    names = Domain.objects.filter(datasets__in=ids).distinct().values_list("name", flat=True)
    before = {"domain": ", ".join(names) or None}
    moved = Dataset.objects.filter(pk__in=ids).exclude(domain=domain) if domain else Dataset.objects.filter(pk__in=ids)
    moved_ids = list(moved.values_list("pk", flat=True))
    if not moved_ids:
        return
    Dataset.objects.filter(pk__in=moved_ids).update(domain=domain)
    after = {"domain": domain.name if domain else None}
    record(
        DatasetsMoved(
            dataset_ids=moved_ids,
            count=len(moved_ids),
            domain=domain.name if domain else None,
            before=before,
            after=after,
        ),
        by=by,
    )


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
        Ownership(dataset_id=pk, principal=principal, group=group, kind=kind, origin=origin, asserted_by=by) for pk in new
    )
    _push_owner_names(new)
    owner = str(principal or group)
    record(OwnerAssigned(dataset_ids=new, count=len(new), owner=owner, kind=kind, origin=origin), by=by)


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
            count=1,
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
    *, datasets: Sequence[Dataset], tag: Tag, by: Principal, field: Field | None = None, origin: str = Origin.PERSON
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
    _push_tag_names(new)
    record(Tagged(dataset_ids=new, **_tag_values(datasets, tag, field, origin)), by=by)


@transaction.atomic
def remove_tag(*, datasets: Sequence[Dataset], tag: Tag, by: Principal, field: Field | None = None) -> None:
    """Take a tag off; its row stays as history."""
    check_can_curate(by, datasets)
    held = TagAssignment.objects.filter(tag=tag, dataset__in=datasets, field=field, valid_to=None)
    ids = sorted(held.values_list("dataset_id", flat=True))
    if not ids:
        return
    held.update(valid_to=timezone.now())
    _push_tag_names(ids)
    record(Untagged(dataset_ids=ids, **_tag_values(datasets, tag, field, Origin.PERSON)), by=by)


def _tag_values(datasets: Sequence[Dataset], tag: Tag, field: Field | None, origin: str) -> dict[str, Any]:
    what = f"{datasets[0].name}.{field}" if field else datasets[0].name if len(datasets) == 1 else f"{len(datasets)} datasets"
    return {"field_id": field.pk if field else None, "what": what, "tag": tag.name, "origin": origin}


def _push_tag_names(dataset_ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE catalog_dataset AS dataset SET tag_names = ARRAY(
                SELECT DISTINCT tag.name FROM catalog_tagassignment AS held JOIN catalog_tag AS tag ON tag.id = held.tag_id
                WHERE held.dataset_id = dataset.id AND held.valid_to IS NULL ORDER BY 1
            ) WHERE id = ANY(%s)
            """,
            [list(dataset_ids)],
        )
    refresh_search(dataset_ids)


def push_levels(dataset_levels: Mapping[int, int | None], field_levels: Mapping[int, int | None]) -> None:
    """Write effective levels (ranks) where search and pages read them. For `classification`; two statements."""
    for table, levels in (("catalog_dataset", dataset_levels), ("catalog_field", field_levels)):
        if not levels:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                _PUSH_LEVELS[table],
                [list(levels.keys()), list(levels.values())],
            )


_PUSH_LEVELS = {
    "catalog_dataset": """
        UPDATE catalog_dataset AS target SET level = pushed.level
        FROM unnest(%s::bigint[], %s::smallint[]) AS pushed (id, level)
        WHERE target.id = pushed.id AND target.level IS DISTINCT FROM pushed.level
    """,
    "catalog_field": """
        UPDATE catalog_field AS target SET level = pushed.level
        FROM unnest(%s::bigint[], %s::smallint[]) AS pushed (id, level)
        WHERE target.id = pushed.id AND target.level IS DISTINCT FROM pushed.level
    """,
}


def note_written(times: Mapping[int, dt.datetime]) -> None:
    """A run wrote these datasets at these times; the latest counts. For `lineage`; one statement, sorted, no audit."""
    ordered = sorted(times.items())
    if not ordered:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH locked AS (
                SELECT dataset.id, written.at
                FROM unnest(%s::bigint[], %s::timestamptz[]) AS written (id, at)
                JOIN catalog_dataset AS dataset ON dataset.id = written.id
                WHERE dataset.data_updated_at IS NULL OR dataset.data_updated_at < written.at
                ORDER BY dataset.id FOR UPDATE OF dataset
            )
            UPDATE catalog_dataset AS dataset SET data_updated_at = locked.at
            FROM locked WHERE dataset.id = locked.id
            """,
            [[pk for pk, _ in ordered], [at for _, at in ordered]],
        )


def _created(instance: Any, taken: str) -> Any:
    """Save a new row after its own validation; unique values that are taken are a `Conflict`."""
    from django.core.exceptions import ValidationError

    try:
        instance.clean_fields()
    except ValidationError as error:
        raise Invalid("Correct the fields named below.", error.message_dict) from None
    try:
        with transaction.atomic():
            instance.save(force_insert=True)
    except IntegrityError:
        raise Conflict(taken) from None
    return instance


def _edited(instance: Any, changes: Mapping[str, Any], allowed: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Apply `changes` to a locked row and save; returns what they replaced and what they wrote."""
    unknown = set(changes) - set(allowed)
    if unknown:
        raise Invalid("These cannot be changed here.", {name: ["cannot be changed"] for name in sorted(unknown)})
    before = {name: getattr(instance, name) for name in allowed if name in changes and getattr(instance, name) != changes[name]}
    after = {name: changes[name] for name in before}
    for name, value in after.items():
        setattr(instance, name, value)
    if after:
        from django.core.exceptions import ValidationError

        try:
            instance.clean_fields()
        except ValidationError as error:
            raise Invalid("Correct the fields named below.", error.message_dict) from None
        try:
            with transaction.atomic():
                instance.save()
        except IntegrityError:
            raise Conflict("Another one has this name already. Choose another.") from None
    return before, after
