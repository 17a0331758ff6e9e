"""The demo's people, domains and systems, through the actions that an administrator would use."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from accounts.actions import add_person
from accounts.models import Principal, User
from catalog.actions import add_domain, add_system, grant_role
from catalog.models import Domain, System
from common.errors import Conflict
from portal.demo.organisation import ADMINISTRATOR, DOMAINS, PEOPLE, SYSTEMS, Person

OPEN_PASSWORD = "explore-the-catalog"  # noqa: S105 -- printed for everybody, and used on loopback only
"""The password of everybody in a demo that only this machine can reach."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to sign in as somebody of the demo. The password is empty where its owner has changed it."""

    username: str
    password: str
    role: str


def principal(person: Person) -> Principal:
    """The person's principal, read anew: what it may do is kept on the object from its first use on."""
    return Principal.objects.select_related("user").get(user__username=person.username)


def add_people(*, known: Mapping[str, str], only_here: bool) -> tuple[list[Login], int]:
    """Make the people that are missing; gives everybody's login and how many were made.

    `known` are passwords from an earlier load. `only_here`: nobody but this machine reaches the catalog, so the demo's own
    password will do; otherwise each gets a random one. Raises `Conflict` where a name is that of somebody else.
    """
    logins = []
    made = 0
    for person in PEOPLE:
        user = User.objects.filter(username=person.username).first()
        if user is None:
            password = OPEN_PASSWORD if only_here else secrets.token_urlsafe(12)
            by = Principal.objects.system() if person is ADMINISTRATOR else principal(ADMINISTRATOR)
            add_person(
                username=person.username,
                email=person.email,
                password=password,
                full_name=person.full_name,
                administrator=person.administrator,
                by=by,
            )
            made += 1
        else:
            _check_is(user, person)
            candidates = (known.get(person.username, ""), OPEN_PASSWORD)
            password = next((word for word in candidates if word and user.check_password(word)), "")
        logins.append(Login(person.username, password, person.is_called))
    return logins, made


def _check_is(user: User, person: Person) -> None:
    if person.administrator and user.is_superuser:
        return
    if user.email != person.email:
        raise Conflict(
            f"There is already a person called {person.username} ({user.email}) who is not of the demo. "
            "Load the demo into a catalog of its own."
        )


def add_organisation() -> int:
    """Make domains, systems and roles that are missing; how many were made."""
    made = 0
    administrator = principal(ADMINISTRATOR)
    for slug, name, description in SYSTEMS:
        if not System.objects.filter(slug=slug).exists():
            add_system(slug=slug, name=name, description=description, by=administrator)
            made += 1
    for wanted in DOMAINS:
        if Domain.objects.filter(slug=wanted.slug).exists():
            continue
        domain = add_domain(
            slug=wanted.slug,
            name=wanted.name,
            description=wanted.description,
            open_tier=wanted.open_tier,
            by=administrator,
        )
        made += 1
        for person in PEOPLE:
            for slug, role in person.roles:
                if slug == wanted.slug:
                    grant_role(domain=domain, role=role, principal=principal(person), by=administrator)
    return made
