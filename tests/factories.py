"""The people, domains, sources and datasets that tests speak of; every one is a real row.

    cast = personas()                      # a domain with its people, a source, a dataset with fields
    other = dataset(domain=cast.domain, fields=["id", "email"])
    client.force_login(cast.steward.user)

Names may be left out; they are then new each time. Whatever a factory needs and was not given, it makes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.utils import timezone

from access.models import Policy, PolicyVersion
from access.policies.rules import Rule, stored_form
from accounts.models import DomainRole, Principal, User
from accounts.tokens import Scope, mint
from catalog.models import (
    Dataset,
    DatasetName,
    Domain,
    DomainMembership,
    Field,
    Origin,
    Ownership,
    Source,
    Tier,
)
from catalog.naming import dataset_names, server_namespace
from catalog.snapshots import DatasetKind, FieldType
from classification.models import Level

_numbers = itertools.count(1)


def person(
    name: str = "",
    *,
    administrator: bool = False,
    groups: Iterable[Group] = (),
    password: str | None = None,
) -> Principal:
    """A person who can sign in: `client.force_login(principal.user)`, or by `password` if one was given."""
    (made,) = people(name, administrator=administrator, password=password)
    if groups:
        assert made.user is not None
        made.user.groups.set(groups)
    return made


def people(*names: str, administrator: bool = False, password: str | None = None) -> list[Principal]:
    """A person for each name, made as a set: nearly every test needs some."""
    users = []
    for name in names:
        username = name or f"person-{next(_numbers)}"
        email = f"{username}@example.org"
        user = User(username=username, email=email, first_name=username.capitalize())
        user.is_staff = user.is_superuser = administrator
        user.set_password(password)
        users.append(user)
    User.objects.bulk_create(users)
    return Principal.objects.bulk_create(
        Principal(kind=Principal.Kind.PERSON, name=user.display_name, user=user) for user in users
    )


def fresh(principal: Principal) -> Principal:
    """The same one as the next request has it, with nothing kept on it."""
    return Principal.objects.select_related("user").get(pk=principal.pk)


def pipeline(name: str = "") -> Principal:
    """A pipeline, as it is told apart by its token."""
    return Principal.objects.create(kind=Principal.Kind.PIPELINE, name=name or f"pipeline-{next(_numbers)}")


def service(name: str = "") -> Principal:
    return Principal.objects.create(kind=Principal.Kind.SERVICE, name=name or f"service-{next(_numbers)}")


def group(name: str = "", *, members: Iterable[Principal] = ()) -> Group:
    made = Group.objects.create(name=name or f"group-{next(_numbers)}")
    for member in members:
        add_to_group(member, made)
    return made


def add_to_group(member: Principal, joined: Group) -> None:
    assert member.user is not None
    member.user.groups.add(joined)


def bearer(principal: Principal, *scopes: str) -> dict[str, str]:
    """Headers with a new token: `client.get(url, headers=bearer(steward))`; every scope by default."""
    issued = mint(principal=principal, name=f"token-{next(_numbers)}", scopes=scopes or tuple(Scope), by=principal)
    return {"Authorization": f"Bearer {issued.text}"}


def domain(name: str = "", *, open_tier: Tier = Tier.DISCOVER, parent: Domain | None = None) -> Domain:
    """A domain whose datasets everybody may discover, unless `open_tier` says otherwise."""
    name = name or f"domain-{next(_numbers)}"
    return Domain.objects.create(slug=name.lower().replace(" ", "-"), name=name, open_tier=open_tier, parent=parent)


def role(on: Domain, to: Principal | Group, name: str = DomainRole.STEWARD) -> DomainMembership:
    """A role on a domain, for a person or a group."""
    return DomainMembership.objects.create(
        domain=on,
        role=name,
        principal=to if isinstance(to, Principal) else None,
        group=to if isinstance(to, Group) else None,
        granted_by=Principal.objects.system(),
    )


def source(name: str = "", *, of: Domain | None = None, platform: str = "postgres") -> Source:
    """A source without a connection: its datasets are made by hand."""
    name = name or f"source-{next(_numbers)}"
    return Source.objects.create(
        slug=name.lower().replace(" ", "-"),
        name=name,
        domain=of,
        platform=platform,
        namespace=server_namespace(platform, f"{name}.example.org", 5432),
        created_by=Principal.objects.system(),
    )


def dataset(
    name: str = "",
    *,
    domain: Domain | None = None,
    source: Source | None = None,
    fields: Sequence[str] = ("id", "name", "email"),
    owner: Principal | Group | None = None,
    kind: DatasetKind = DatasetKind.TABLE,
) -> Dataset:
    """A dataset with its main name and its fields (strings, in order; a dot makes a nested field)."""
    name = name or f"table_{next(_numbers)}"
    source = source or _source_of(domain)
    path = (source.slug.replace("-", "_"), "public", name)
    (main_name, *_) = dataset_names(source.platform, path)
    made = Dataset.objects.create(
        source=source,
        path=list(path),
        name=name,
        qualified_name=main_name,
        namespace=source.namespace,
        kind=kind.value,
        domain=domain,
        field_count=len(fields),
        version=1,
    )
    DatasetName.objects.create(
        dataset=made, namespace=source.namespace, name=main_name, origin=Origin.CRAWL, is_main=True
    )
    Field.objects.bulk_create(
        _field(made, field_name, position=position) for position, field_name in enumerate(fields, start=1)
    )
    if owner is not None:
        ownership(made, owner)
    return made


def _source_of(domain: Domain | None) -> Source:
    return source(of=domain)


def field(of: Dataset, name: str, *, position: int = 1, native_type: str = "text") -> Field:
    made = _field(of, name, position=position, native_type=native_type)
    made.save()
    return made


def _field(of: Dataset, name: str, *, position: int = 1, native_type: str = "text") -> Field:
    return Field(
        dataset=of,
        path=name.split("."),
        position=position,
        native_type=native_type,
        type=FieldType.STRING.value if native_type == "text" else FieldType.OTHER.value,
    )


def ownership(
    of: Dataset, to: Principal | Group, kind: str = Ownership.Kind.OWNER, *, origin: Origin = Origin.PERSON
) -> Ownership:
    """Make a person or group an owner (or steward) of one dataset."""
    made = Ownership.objects.create(
        dataset=of,
        kind=kind,
        principal=to if isinstance(to, Principal) else None,
        group=to if isinstance(to, Group) else None,
        origin=origin,
        asserted_by=Principal.objects.system(),
    )
    if kind == Ownership.Kind.OWNER:
        of.owner_names = [*of.owner_names, str(to)]
        of.save(update_fields=["owner_names"])
    return made


def publish(name: str, rule: Rule) -> PolicyVersion:
    """A policy of this one rule, in force from now on; nothing is recorded of it."""
    now = timezone.now()
    return PolicyVersion.objects.create(
        policy=Policy.objects.create(slug=name, name=name),
        number=1,
        state=PolicyVersion.State.PUBLISHED,
        name=name,
        rule=stored_form(rule),
        valid_from=now,
        published_at=now,
    )


def standard_levels() -> dict[str, Level]:
    """The levels that migrations make, by slug."""
    return {level.slug: level for level in Level.objects.all()}


@dataclass(frozen=True, slots=True)
class Cast:
    """One domain and the people around it.

    The steward has the role steward on the domain, the analyst the role analyst; the outsider has none and is
    in no group; the owner owns `dataset` (users: id, name, email) and nothing else; the administrator is a
    superuser.
    """

    domain: Domain
    source: Source
    dataset: Dataset
    steward: Principal
    analyst: Principal
    outsider: Principal
    owner: Principal
    administrator: Principal

    def field(self, name: str) -> Field:
        """A field of the cast's dataset."""
        return Field.objects.get(dataset=self.dataset, path=name.split("."))


def personas(*, open_tier: Tier = Tier.DISCOVER) -> Cast:
    """The cast that most tests need; make others beside it with the factories above."""
    teaching = domain("Teaching", open_tier=open_tier)
    ontrack = source("ontrack", of=teaching)
    owner, steward, analyst, outsider = people("owen", "stella", "ana", "otto")
    role(teaching, steward, DomainRole.STEWARD)
    role(teaching, analyst, DomainRole.ANALYST)
    users = dataset("users", domain=teaching, source=ontrack, owner=owner)
    return Cast(
        domain=teaching,
        source=ontrack,
        dataset=users,
        steward=steward,
        analyst=analyst,
        outsider=outsider,
        owner=owner,
        administrator=person("ada", administrator=True),
    )
