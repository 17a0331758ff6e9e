"""Conditions about a person composed once, with holes where the person goes.

Composing who may decide takes Django 5 to 25 ms a condition, and every page counts what waits for its reader. `Anyone` is
taken by the conditions of `access.querysets` and of rooms below in the place of a principal; what comes out is compiled
once in a process and executed for whoever reads.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Expression, QuerySet

from accounts.models import DomainRole, Principal
from catalog.visibility import Scope, scope_of


class Hole(Expression):
    """The place of a number that is known when the statement is executed."""

    template = "%s"

    def __init__(self, name: str) -> None:
        super().__init__(output_field=BigIntegerField())
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return self.template, (self,)


class Holes(Hole):
    """The place of any number of ids, none included; it stands where a list would behind `IN`."""

    template = "(SELECT unnest(%s::bigint[]))"


class _AnyScope(Scope):
    """The scope of whoever it will be: its domains are holes."""

    def curated_domains(self) -> Any:
        return Holes("curated")

    def domains_of(self, role: DomainRole) -> Any:
        return Holes(role)


class Anyone(Hole):
    """An active person, in the place of a `Principal` whose conditions are composed."""

    kind = Principal.Kind.PERSON
    is_active = True

    def __init__(self, is_administrator: bool, has_mandates: bool) -> None:
        super().__init__("principal")
        self.is_administrator = is_administrator
        self.has_mandates = has_mandates
        groups: Any = Holes("groups")
        principal: Any = Hole("principal")
        self._catalog_scope = _AnyScope(everything=is_administrator, principal_id=principal, group_ids=groups)


@dataclass(frozen=True, slots=True)
class Composed:
    """A statement with holes among its parameters."""

    sql: str
    parameters: tuple[Any, ...]

    @classmethod
    def of(cls, rows: QuerySet[Any, Any]) -> Composed:
        """The statement of rows whose condition was composed for `Anyone`."""
        return cls(*rows.query.sql_with_params())

    def filled(self, values: Mapping[str, Any], now: dt.datetime) -> list[Any]:
        """The parameters for whom `values_of` tells of. Whatever is a moment is the one at which it was composed: now."""
        return [
            values[one.name] if isinstance(one, Hole) else now if isinstance(one, dt.datetime) else one
            for one in self.parameters
        ]


def values_of(principal: Principal) -> Mapping[str, Any]:
    """What fills the holes for a person."""
    scope = scope_of(principal)
    groups = (
        principal.user.groups.values_list("pk", flat=True) if scope.everything and principal.user else scope.group_ids
    )
    return {
        "principal": principal.pk,
        "groups": list(groups),
        "curated": scope.curated_domains(),
        **{role.value: scope.domains_of(role) for role in DomainRole},
    }
