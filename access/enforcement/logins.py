"""As whom people log in to a source, and who may change that: whoever has a login reads by the grants given to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from access.models import DatabaseLogin, Grant
from access.policy import Decision, may_name_login
from accounts.models import Principal
from accounts.permissions import is_trusted
from catalog.models import Source


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
    """Of `name` for somebody whose login was `before` ("": none); two statements."""
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
    )
    return Naming(decision, frozenset(concerned | {principal.pk}))


def login_rows(by: Principal, source: Source, named: Sequence[tuple[Principal, str]]) -> list[LoginRow]:
    """These people with their logins; one statement for any number."""
    grants = Grant.objects.given_in(
        source, people={one.pk for one, _ in named}, logins={name for _, name in named} - {""}
    )
    given = list(grants.values_list("principal_id", "login").distinct())
    people, logins = {pk for pk, _ in given}, {login for _, login in given} - {""}
    return [
        LoginRow(
            one,
            name,
            may_name_login(
                by.pk,
                is_administrator=is_trusted(by),
                person_id=one.pk,
                has_grants=one.pk in people or name in logins,
            ),
        )
        for one, name in named
    ]
