"""Whom pipelines mean when they name an owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.contrib.auth.models import Group
from django.db.models.functions import Lower

from accounts.models import Principal

_PEOPLE = frozenset({"user", "person", "people", "email", "mailto", "employee"})
_GROUPS = frozenset({"team", "group", "department", "division", "role", "squad", "org", "organization"})


def _read(text: str) -> tuple[str, str]:
    """The kind that a text begins with ("" for none) and the name after it: OpenLineage writes `team:data`."""
    kind, colon, name = text.partition(":")
    kind = kind.strip().lower()
    if colon and (kind in _PEOPLE or kind in _GROUPS) and name.strip():
        return kind, name.strip().lower()
    return "", text.strip().lower()


@dataclass(frozen=True, slots=True)
class Members:
    """People by user name and by e-mail address, people by full name, groups by name; all in lower case."""

    accounts: Mapping[str, Principal] = field(default_factory=dict)
    named: Mapping[str, Principal | None] = field(default_factory=dict)
    groups: Mapping[str, Group | None] = field(default_factory=dict)

    def called(self, text: str) -> Principal | Group | None:
        """Whom a text means; None where it is nobody, or several."""
        kind, name = _read(text)
        person = self.accounts.get(name) or self.named.get(name)
        group = self.groups.get(name)
        if kind in _PEOPLE:
            return person
        if kind in _GROUPS:
            return group
        return None if person and group else person or group


def members_called(texts: Collection[str]) -> Members:
    """Whom these texts may mean, of those who may still act; two statements for any number, none for none."""
    names = {_read(text)[1] for text in texts}
    if not names:
        return Members()
    people = Principal.objects.filter(
        kind=Principal.Kind.PERSON, disabled_at__isnull=True, user__is_active=True
    ).select_related("user")
    people = people.alias(username=Lower("user__username"), email=Lower("user__email"), full=Lower("name"))
    found = people.filter(username__in=names) | people.filter(email__in=names) | people.filter(full__in=names)
    accounts: dict[str, Principal] = {}
    named: dict[str, list[Principal]] = defaultdict(list)
    for person in found.order_by("pk"):
        if person.user is not None:
            accounts.setdefault(person.user.email.lower(), person)
            accounts.setdefault(person.user.username.lower(), person)
        named[person.name.lower()].append(person)
    groups: dict[str, list[Group]] = defaultdict(list)
    for group in Group.objects.alias(lower=Lower("name")).filter(lower__in=names):
        groups[group.name.lower()].append(group)
    return Members(
        accounts,
        {name: held[0] if len(held) == 1 else None for name, held in named.items()},
        {name: held[0] if len(held) == 1 else None for name, held in groups.items()},
    )
