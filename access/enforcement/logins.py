"""As whom people log in to a source, and who may change that: whoever has a login reads by the grants given to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from django.db.models import Q

from access.enforcement.engines import can_enforce, engine_of
from access.models import DatabaseLogin, Grant, ObservedFact, Watch
from access.policy import Decision, may_name_login
from access.provisioning.desired import Inspection
from access.provisioning.facts import Role
from access.querysets import memberships_now
from accounts.models import DomainRole, Principal
from accounts.permissions import is_trusted
from catalog.models import Source

_NAMED = 5
"""So many are named of those who could be asked."""


@dataclass(frozen=True, slots=True)
class LoginRow:
    """A person with their login in a source ("": none is known), and whether the reader may name another."""

    principal: Principal
    name: str
    may_change: Decision


@dataclass(frozen=True, slots=True)
class Naming:
    """Whether a login may be named, and the ids of whom it concerns: the person, and whose grants are given to the logins."""

    decision: Decision
    people: frozenset[int]


def naming_of(by: Principal, source: Source, principal: Principal, name: str, before: str) -> Naming:
    """Of `name` for somebody whose login was `before` ("": none); two statements, of one's own three."""
    ever = list(DatabaseLogin.objects.filter(source=source, name=name).values_list("principal_id", "valid_to"))
    holders = {pk for pk, ended in ever if ended is None} | {principal.pk}
    grants = Grant.objects.given_in(source, people=holders, logins={name, before} - {""})
    concerned = set(grants.values_list("principal_id", flat=True))
    decision = may_name_login(
        by.pk,
        is_administrator=is_trusted(by),
        person_id=principal.pk,
        holders=frozenset(pk for pk, _ in ever),
        has_grants=bool(concerned),
        gives=bool(name),
        others=_others(by, source, has_grants=bool(concerned)) if principal.pk == by.pk else (),
    )
    return Naming(decision, frozenset(concerned | {principal.pk}))


def login_rows(by: Principal, source: Source, named: Sequence[tuple[Principal, str]]) -> list[LoginRow]:
    """These people with their logins; one statement for any number, two where the reader is among them."""
    grants = Grant.objects.given_in(
        source, people={one.pk for one, _ in named}, logins={name for _, name in named} - {""}
    )
    given = list(grants.values_list("principal_id", "login").distinct())
    people, logins = {pk for pk, _ in given}, {login for _, login in given} - {""}
    has_grants = {one.pk: one.pk in people or name in logins for one, name in named}
    return [
        LoginRow(
            one,
            name,
            may_name_login(
                by.pk,
                is_administrator=is_trusted(by),
                person_id=one.pk,
                has_grants=has_grants[one.pk],
                others=_others(by, source, has_grants=has_grants[one.pk]) if one.pk == by.pk else (),
            ),
        )
        for one, name in named
    ]


def own_login(by: Principal, source: Source) -> LoginRow:
    """The reader's own; three statements."""
    name = DatabaseLogin.objects.filter(source=source, principal=by, valid_to__isnull=True).values_list(
        "name", flat=True
    )
    (row,) = login_rows(by, source, [(by, name.first() or "")])
    return row


def lacking_since(source: Source, name: str) -> dt.datetime | None:
    """When the source was last inspected and told of no login of this name; None where it told of one, or of nothing yet.

    Two statements at most.
    """
    watched = Watch.objects.filter(source=source).order_by("-ended_at").values_list("ended_at", flat=True).first()
    if watched is None or not can_enforce(source):
        return None
    told = ObservedFact.objects.filter(source=source, kind=Role.__name__, valid_to__isnull=True)
    roles = frozenset(msgspec.json.decode(text, type=Role) for text in told.values_list("fact", flat=True))
    inspection = Inspection("", roles, has_hosts=engine_of(source).wraps_logins)
    return None if inspection.accounts_of(name) else watched


def _others(by: Principal, source: Source, *, has_grants: bool) -> list[str]:
    """The names of some who may name the login of `by`: other administrators, and while no grant hangs on it the owners
    of the source's domain; one statement.
    """
    may = Q(user__is_superuser=True)
    if not has_grants:
        owners = memberships_now().filter(domain=source.domain_id, role=DomainRole.OWNER)
        may |= Q(pk__in=owners.values("principal")) | Q(user__groups__in=owners.values("group"))
    people = Principal.objects.filter(may, kind=Principal.Kind.PERSON, user__is_active=True, disabled_at__isnull=True)
    listed = people.exclude(pk=by.pk).select_related("user").distinct().order_by("name", "pk")
    return [one.name for one in listed[:_NAMED]]
