"""Every write of what policies and decisions speak of: attributes of principals, purposes, query engines' catalogs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from access.events import (
    AttributeEnded,
    AttributeSet,
    EngineCatalogAdded,
    EngineCatalogChanged,
    EngineCatalogRemoved,
    PurposeAdded,
    PurposeChanged,
)
from access.models import EngineCatalog, PrincipalAttribute, Purpose
from access.policies.rules import KIND
from accounts.models import Principal
from accounts.permissions import check_is_administrator
from audit.recording import record, record_many
from catalog.models import Source, slug_validator
from common.errors import Conflict, Invalid


@transaction.atomic
def set_attribute(*, principals: Sequence[Principal], name: str, value: str, by: Principal) -> list[PrincipalAttribute]:
    """Say that `name`=`value` is so of these principals from now on; gives what is new, without those of whom it was so.

    A principal may have several values of one name. Policies that ask for the attribute concern them at once.
    """
    check_is_administrator(by)
    name, value = name.strip(), value.strip()
    found: dict[str, list[str]] = {}
    if not principals:
        found["people"] = ["Say of whom it is so."]
    try:
        slug_validator(name)
    except ValidationError:
        found["name"] = ["A name has small letters, digits, - and _, such as department."]
    if len(name) > 60:
        found["name"] = ["A name has at most 60 letters."]
    if name == KIND:
        found["name"] = [f"Everybody has the attribute {KIND} already: person, service or pipeline."]
    if not 1 <= len(value) <= 200 or value.splitlines() != [value] or "\x00" in value:
        found["value"] = ["A value is a line of at most 200 letters."]
    if found:
        raise Invalid(next(iter(found.values()))[0], found)
    ids = {one.pk for one in principals}
    # Whoever sets the same at this moment waits for this, and then finds it.
    list(Principal.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))
    held = PrincipalAttribute.objects.filter(principal__in=ids, name=name, value=value, valid_to__isnull=True)
    fresh = ids - set(held.values_list("principal", flat=True))
    by_id = {one.pk: one for one in principals}
    made = PrincipalAttribute.objects.bulk_create(
        PrincipalAttribute(principal=by_id[pk], name=name, value=value, set_by=by) for pk in sorted(fresh)
    )
    record_many([AttributeSet(**_told_of_attribute(one)) for one in made], by=by)
    return made


@transaction.atomic
def end_attribute(*, attribute: PrincipalAttribute, by: Principal) -> PrincipalAttribute:
    """It is not so any more; what was so stays known. Raises `Conflict` where it ended before."""
    check_is_administrator(by)
    rows = PrincipalAttribute.objects.select_for_update(of=("self",)).select_related("principal__user")
    found = rows.get(pk=attribute.pk)
    if found.valid_to is not None:
        raise Conflict(f"{found} is not so of {found.principal} any more. Reload the page to see what is.")
    found.valid_to = max(timezone.now(), found.valid_from)
    found.save(update_fields=["valid_to"])
    record(AttributeEnded(**_told_of_attribute(found)), by=by)
    return found


@transaction.atomic
def add_purpose(*, name: str, by: Principal, description: str = "") -> Purpose:
    """A kind of purpose that requests may name and policies may ask for. Its slug is made of the name and stays."""
    check_is_administrator(by)
    name = _checked_name(name, "purpose", 80)
    slug = slugify(name)[:60].strip("-")
    if not slug:
        raise Invalid("Choose a name with letters or digits.", {"name": ["It needs letters or digits."]})
    purpose = Purpose(slug=slug, name=name, description=description.strip())
    _save(purpose, f"There is a purpose called {name} already. Choose another name, or edit that one.")
    record(PurposeAdded(purpose_id=purpose.pk, purpose=purpose.name, slug=slug), by=by)
    return purpose


@transaction.atomic
def edit_purpose(
    *,
    purpose: Purpose,
    by: Principal,
    name: str | None = None,
    description: str | None = None,
    enabled: bool | None = None,
) -> Purpose:
    """Change a purpose; what is None stays. One that is not `enabled` is retired: new requests cannot name it.

    Requests and policies that name it keep it.
    """
    check_is_administrator(by)
    found = Purpose.objects.select_for_update().get(pk=purpose.pk)
    before = _facts_of_purpose(found)
    if name is not None:
        found.name = _checked_name(name, "purpose", 80)
    if description is not None:
        found.description = description.strip()
    if enabled is not None:
        found.enabled = enabled
    after = _facts_of_purpose(found)
    if after == before:
        return found
    _save(found, f"There is a purpose called {found.name} already. Choose another name.")
    record(PurposeChanged(purpose_id=found.pk, purpose=found.name, before=before, after=after), by=by)
    return found


@transaction.atomic
def add_engine_catalog(*, name: str, source: Source, by: Principal, prefix: Sequence[str] = ()) -> EngineCatalog:
    """Say which source a query engine's catalog is, and what stands before the schema in the source's paths."""
    check_is_administrator(by)
    name = _checked_name(name, "catalog", 200)
    catalog = EngineCatalog(name=name, source=source, prefix=_checked_prefix(prefix))
    _save(catalog, f"The engine's catalog {name} is a source's already. Edit that one.")
    record(EngineCatalogAdded(**_told_of_catalog(catalog)), by=by)
    return catalog


@transaction.atomic
def edit_engine_catalog(
    *,
    catalog: EngineCatalog,
    by: Principal,
    name: str | None = None,
    source: Source | None = None,
    prefix: Sequence[str] | None = None,
) -> EngineCatalog:
    """Change which source it is, or what it is called; what is None stays. Decisions go by it at once."""
    check_is_administrator(by)
    found = EngineCatalog.objects.select_for_update(of=("self",)).select_related("source").get(pk=catalog.pk)
    before = _facts_of_catalog(found)
    if name is not None:
        found.name = _checked_name(name, "catalog", 200)
    if source is not None:
        found.source = source
    if prefix is not None:
        found.prefix = _checked_prefix(prefix)
    after = _facts_of_catalog(found)
    if after == before:
        return found
    _save(found, f"The engine's catalog {found.name} is a source's already. Choose another name.")
    record(EngineCatalogChanged(**_told_of_catalog(found), before=before, after=after), by=by)
    return found


@transaction.atomic
def remove_engine_catalog(*, catalog: EngineCatalog, by: Principal) -> int:
    """The catalog is no source's any more, so nothing of it is allowed; gives its id."""
    check_is_administrator(by)
    rows = EngineCatalog.objects.select_for_update(of=("self",)).select_related("source")
    found = rows.filter(pk=catalog.pk).first()
    if found is None:
        raise Conflict("It is removed already.")
    record(EngineCatalogRemoved(**_told_of_catalog(found), before=_facts_of_catalog(found)), by=by)
    found.delete()
    return catalog.pk


def _checked_name(name: str, what: str, longest: int) -> str:
    name = name.strip()
    if not name:
        raise Invalid(f"Give the {what} a name.", {"name": ["Give it a name."]})
    if len(name) > longest or "\x00" in name:
        raise Invalid(f"A name has at most {longest} letters.", {"name": [f"At most {longest} letters, and no NUL."]})
    return name


def _checked_prefix(prefix: Sequence[str]) -> list[str]:
    if any(not part or "\x00" in part for part in prefix):
        raise Invalid("A part of a path has a name.", {"prefix": ["Leave out empty parts."]})
    return list(prefix)


def _save(row: Purpose | EngineCatalog, taken: str) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Conflict(taken) from None


def _told_of_attribute(attribute: PrincipalAttribute) -> Mapping[str, Any]:
    return {
        "principal_id": attribute.principal_id,
        "principal": str(attribute.principal),
        "attribute": attribute.name,
        "value": attribute.value,
    }


def _facts_of_purpose(purpose: Purpose) -> dict[str, Any]:
    return {"name": purpose.name, "description": purpose.description, "enabled": purpose.enabled}


def _told_of_catalog(catalog: EngineCatalog) -> Mapping[str, Any]:
    return {"catalog": catalog.name, "source_id": catalog.source_id, "source": catalog.source.name}


def _facts_of_catalog(catalog: EngineCatalog) -> dict[str, Any]:
    return {"name": catalog.name, "source": catalog.source.name, "prefix": list(catalog.prefix)}
