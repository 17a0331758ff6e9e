"""Privileges of a source as an inspection would tell them: a granted reader, a superuser, everybody, and a view."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from access.enforcement.history import observe
from access.enforcement.wanting import wanted_of
from access.models import DatabaseLogin, Grant, ManagedObject
from access.provisioning.facts import (
    PUBLIC,
    AnyFact,
    DefaultPrivilege,
    Member,
    Path,
    Privilege,
    Relation,
    RelationKind,
    Right,
    Role,
)
from accounts.models import Principal
from catalog.models import Dataset, Source


def path_of(dataset: Dataset) -> Path:
    return tuple(dataset.path[-2:])


def relation(dataset: Dataset) -> Relation:
    columns = tuple(field.path[0] for field in dataset.fields.order_by("position") if len(field.path) == 1)
    return Relation(path_of(dataset), RelationKind.TABLE, "admin", columns)


def opened(dataset: Dataset) -> list[AnyFact]:
    """A dataset whose schema and database everybody may enter, and that only its owner reads."""
    return [
        relation(dataset),
        Role("admin"),
        Privilege(Right.CONNECT, (), PUBLIC),
        Privilege(Right.USAGE, path_of(dataset)[:1], PUBLIC),
        Privilege(Right.SELECT, path_of(dataset), "admin"),
    ]


def login(source: Source, principal: Principal, name: str, *, since: dt.datetime | None = None) -> Role:
    DatabaseLogin.objects.create(
        source=source,
        principal=principal,
        name=name,
        valid_from=since or timezone.now() - dt.timedelta(days=30),
        set_by=Principal.objects.system(),
    )
    return Role(name, can_login=True)


def carried_out(grant: Grant, name: str) -> list[AnyFact]:
    """What the catalog makes in a source for a grant: its role, with the columns, and the holder's membership."""
    role = f"dc_{grant.dataset_id}_{wanted_of([grant])[grant.pk].digest}"
    source = grant.dataset.source
    ManagedObject.objects.create(source=source, kind=ManagedObject.Kind.ROLE, name=role, made_at=grant.valid_from)
    columns = wanted_of([grant])[grant.pk].columns or ("",)
    return [
        Role(role),
        Member(role, name, may_set=False),
        *(Privilege(Right.SELECT, path_of(grant.dataset), role, column) for column in columns),
    ]


def privileges(grant: Grant, *, at: dt.datetime | None = None) -> None:
    """A grant that was carried out, and around it what nobody approved; as seen at a time, now unless told."""
    dataset = grant.dataset
    assert dataset.source is not None
    schema = path_of(dataset)[0]
    view = Relation(
        (schema, "contacts"), RelationKind.VIEW, "admin", ("email",), ((*path_of(dataset), "email"),), as_owner=True
    )
    facts = [
        *opened(dataset),
        login(dataset.source, grant.principal, "ana"),
        *carried_out(grant, "ana"),
        Role("postgres", can_login=True, reads_all=True),
        Role("reporting", can_login=True),
        view,
        Privilege(Right.SELECT, view.path, "reporting"),
        Role("etl", can_login=True),
        Privilege(Right.SELECT, path_of(dataset), "etl"),
        DefaultPrivilege("admin", Right.SELECT, "etl", (schema,)),
    ]
    observe(source=dataset.source, facts=facts, at=at or timezone.now())
