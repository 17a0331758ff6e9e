"""Conditions about a person composed once, with holes where the person goes.

Composing who may decide takes Django 5 to 25 ms a condition, and every page counts what waits for its reader. `Anyone` is
taken by the conditions of querysets in the place of a principal; what comes out is compiled once in a process, prepared by
PostgreSQL once for each connection (`common.prepared`), and executed for whoever reads.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, BooleanField, Expression, Func, QuerySet
from django.utils import timezone
from psycopg.sql import Literal
from psycopg.types.numeric import Int8

from accounts.models import DomainRole, Principal
from catalog.visibility import Scope, scope_of
from common.arrays import array_of


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

    def __init__(self, *, is_administrator: bool, has_mandates: bool = False) -> None:
        super().__init__("principal")
        self.is_administrator = is_administrator
        self.has_mandates = has_mandates
        groups: Any = Holes("groups")
        principal: Any = Hole("principal")
        self._catalog_scope = _AnyScope(everything=is_administrator, principal_id=principal, group_ids=groups)


_NEAREST = 5_000

NEAR = f"""near (id) AS MATERIALIZED (
    SELECT id FROM catalog_dataset WHERE domain_id = ANY (%(near_domains)s::bigint[])
    UNION ALL
    SELECT dataset_id FROM catalog_ownership WHERE valid_to IS NULL AND principal_id = ANY (%(near_people)s::bigint[])
    UNION ALL
    SELECT dataset_id FROM catalog_ownership WHERE valid_to IS NULL AND group_id = ANY (%(near_groups)s::bigint[])
    LIMIT {_NEAREST + 1}
)"""  # noqa: S608 -- a number of ours
"""The datasets for which whoever it will be may answer, or those in whose place they decide, for `Near` to look in: what
stands behind `WITH`.

They are read once for all that a statement asks, which is less than to look up each row's dataset and its owners, unless
they are so many that reading them takes longer; then they are not used.
"""


class Near(Func):
    """The condition that a dataset may be one of those for which whoever it will be answers; never less than these."""

    template = f"((SELECT count(*) FROM near) > {_NEAREST} OR %(expressions)s IN (SELECT id FROM near))"  # noqa: S608 -- as above
    output_field = BooleanField()
    conditional = True


def composed(rows: QuerySet[Any, Any]) -> str:
    """The statement of rows whose condition was composed for `Anyone`, to be executed with `values_of` somebody.

    Whatever is a moment is the one at which it was composed, and becomes `now`. All else is written into it: where a plan
    is made once, PostgreSQL sees which partial index fits only by what is no parameter.
    """
    statement, parameters = rows.query.sql_with_params()
    return statement.replace("%%", "%%%%") % tuple(_written(one) for one in parameters)


def _written(parameter: Any) -> str:
    if isinstance(parameter, Hole):
        return f"%({parameter.name})s"
    if isinstance(parameter, dt.datetime):
        return "%(now)s"
    return Literal(parameter).as_string(connection.connection).replace("%", "%%")


def values_of(principal: Principal) -> Mapping[str, Any]:
    """What fills the holes for a person. Each is of one type whoever it is, so that one statement is prepared for all: psycopg
    gives a list the type of the largest number in it, and one without any none."""
    scope = scope_of(principal)
    groups = array_of(
        principal.user.groups.values_list("pk", flat=True) if scope.everything and principal.user else scope.group_ids
    )
    curated = array_of(scope.curated_domains())
    return {
        "principal": Int8(principal.pk),
        "groups": groups,
        "curated": curated,
        "near_people": array_of([principal.pk]),
        "near_groups": groups,
        "near_domains": curated,
        **{role.value: array_of(scope.domains_of(role)) for role in DomainRole},
        "now": timezone.now(),
    }
