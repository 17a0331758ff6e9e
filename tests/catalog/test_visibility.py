"""The one door: what a list, a page, a search, suggestions, the tree, an export and REST show is the same set."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import DomainRole, Principal
from catalog.models import (
    Dataset,
    DatasetGroupPermission,
    DatasetUserPermission,
    Domain,
    DomainMembership,
    Ownership,
    Tier,
)
from catalog.search_index import refresh_search
from catalog.visibility import scope_of
from tests import factories
from tests.thoroughness import examples

pytestmark = pytest.mark.django_db

_ROLE_TIERS = {"viewer": 2, "analyst": 2, "steward": 3, "owner": 3}
_PERMISSION_TIERS = {"discover_dataset": 1, "read_dataset_metadata": 2, "read_dataset_profile": 3}
_UNASSIGNED = {"none": 0, "discover": 1, "metadata": 2, "profile": 3}


def expected_tier(principal: Principal, dataset: Dataset) -> int:
    """The rule, written down a second time and row by row."""
    user = principal.user
    assert user is not None
    if user.is_superuser:
        return 3
    groups = set(user.groups.values_list("pk", flat=True))
    tiers = [0]
    if dataset.domain is None:
        tiers.append(_UNASSIGNED[settings.UNASSIGNED_TIER])
    else:
        tiers.append(dataset.domain.open_tier)
        for membership in dataset.domain.memberships.all():
            mine = membership.principal_id == principal.pk or membership.group_id in groups
            begun = membership.valid_from <= timezone.now()
            ended = membership.valid_to is not None and membership.valid_to <= timezone.now()
            if mine and begun and not ended:
                tiers.append(_ROLE_TIERS[membership.role])
    held = Ownership.objects.filter(dataset=dataset, valid_to=None)
    tiers += [3 for one in held if one.principal_id == principal.pk or one.group_id in groups]
    own = DatasetUserPermission.objects.filter(content_object=dataset, user=user).select_related("permission")
    of_groups = DatasetGroupPermission.objects.filter(content_object=dataset, group__in=groups)
    tiers += [_PERMISSION_TIERS[one.permission.codename] for one in own]
    tiers += [_PERMISSION_TIERS[one.permission.codename] for one in of_groups.select_related("permission")]
    return max(tiers)


SPANS = st.sampled_from(["now", "ended", "later"])
MEMBERS = st.sampled_from(["one", "two", "team"])
PLAN = st.fixed_dictionaries(
    {
        "domains": st.lists(st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=3),
        "datasets": st.lists(st.integers(-1, 2), min_size=1, max_size=5),
        "roles": st.lists(
            st.tuples(
                st.integers(0, 2),
                MEMBERS,
                st.sampled_from(list(_ROLE_TIERS)),
                SPANS,
            ),
            max_size=5,
        ),
        "owners": st.lists(st.tuples(st.integers(0, 4), MEMBERS, st.booleans()), max_size=3),
        "exceptions": st.lists(st.tuples(st.integers(0, 4), MEMBERS, st.sampled_from(list(_PERMISSION_TIERS))), max_size=3),
        "in_team": st.booleans(),
    }
)  # fmt: skip


@given(plan=PLAN)
@hypothesis_settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_visible_to_is_the_rule_for_any_roles_and_exceptions(plan: dict, db: None) -> None:
    one, two = factories.person(), factories.person()
    team = factories.group(members=[one] if plan["in_team"] else [])
    who = {"one": one, "two": two, "team": team}
    domains = [factories.domain(open_tier=tier) for tier in plan["domains"]]
    shared = factories.source()
    datasets = [
        factories.dataset(domain=domains[at % len(domains)] if at >= 0 else None, source=shared, fields=[])
        for at in plan["datasets"]
    ]
    now, day = timezone.now(), dt.timedelta(days=1)
    spans = {"now": (now - day, None), "ended": (now - 2 * day, now - day), "later": (now + day, None)}
    for at, member, role, when in plan["roles"]:
        begin, end = spans[when]
        target = who[member]
        values = {"principal": target} if isinstance(target, Principal) else {"group": target}
        known = DomainMembership.objects.filter(domain=domains[at % len(domains)], role=role, valid_to=end, **values)
        if not known.exists():
            DomainMembership.objects.create(
                domain=domains[at % len(domains)], role=role, valid_from=begin, valid_to=end,
                granted_by=Principal.objects.system(), **values,
            )  # fmt: skip
    for at, member, ended in plan["owners"]:
        target = who[member]
        values = {"principal": target} if isinstance(target, Principal) else {"group": target}
        dataset = datasets[at % len(datasets)]
        if not Ownership.objects.filter(dataset=dataset, kind="owner", valid_to=None, **values).exists():
            made = factories.ownership(dataset, target)
            if ended:
                Ownership.objects.filter(pk=made.pk).update(valid_to=now)
    for at, member, codename in plan["exceptions"]:
        target, dataset = who[member], datasets[at % len(datasets)]
        permission = Permission.objects.get(codename=codename)
        if isinstance(target, Principal):
            DatasetUserPermission.objects.get_or_create(user=target.user, permission=permission, content_object=dataset)
        else:
            DatasetGroupPermission.objects.get_or_create(group=target, permission=permission, content_object=dataset)
    for principal in (one, two):
        fresh = Principal.objects.select_related("user").get(pk=principal.pk)
        mine = Dataset.objects.filter(pk__in=[dataset.pk for dataset in datasets])
        shown = {row.pk: row.tier for row in mine.with_tier(fresh)}
        expected = {row.pk: expected_tier(fresh, row) for row in mine.select_related("domain")}
        assert shown == expected
        for tier in (Tier.DISCOVER, Tier.METADATA, Tier.PROFILE):
            visible = set(mine.visible_to(fresh, tier).values_list("pk", flat=True))
            assert visible == {pk for pk, has in expected.items() if has >= tier}


@pytest.fixture
def world() -> tuple[factories.Cast, list[Dataset]]:
    """A cast, and a dataset for each way of being visible to some of it and not to others."""
    cast = factories.personas()
    closed = factories.domain("Closed", open_tier=Tier.NONE)
    opened = factories.domain("Open", open_tier=Tier.METADATA)
    factories.role(closed, cast.analyst, DomainRole.VIEWER)
    made = [
        cast.dataset,
        factories.dataset("shared_closed", domain=closed, source=cast.source),
        factories.dataset("shared_open", domain=opened),
        factories.dataset("shared_nobody", domain=None),
        factories.dataset("shared_owned", domain=closed, owner=cast.outsider),
        factories.dataset("shared_secret", domain=Domain.objects.create(slug="secret", name="Secret", open_tier=0)),
    ]
    Dataset.objects.filter(pk=cast.dataset.pk).update(name="shared_users")
    refresh_search([one.pk for one in made])
    return cast, made


def links(page: str) -> set[int]:
    return {int(found) for found in re.findall(r"/datasets/(\d+)/", page)}


@pytest.mark.parametrize("persona", ["steward", "analyst", "outsider", "owner", "administrator"])
def test_every_way_of_looking_shows_the_same_datasets(
    world: tuple[factories.Cast, list[Dataset]], persona: str
) -> None:
    cast, made = world
    principal: Principal = getattr(cast, persona)
    rows = Dataset.objects.select_related("domain")
    expected = {row.pk for row in rows if expected_tier(principal, row) >= Tier.DISCOVER}
    client = Client()
    client.force_login(principal.user)

    def page(url: str) -> str:
        answer = client.get(url)
        assert answer.status_code == 200, url
        return b"".join(answer).decode()

    sources = set(re.findall(r"source=([a-z0-9-]+)", page("/browse/")))
    browsed = set().union(*(links(page(f"/browse/?source={source}&branch=1")) for source in sources))
    exported = {int(row["id"]) for row in csv.DictReader(io.StringIO(page("/search/export.csv?q=shared")))}
    ways = {
        "detail": {one.pk for one in made if client.get(f"/datasets/{one.pk}/").status_code == 200},
        "list": links(page("/search/")),
        "search": links(page("/search/?q=shared")),
        "suggestions": links(page("/search/suggest/?q=shared")),
        "home": links(page("/")),
        "tree": browsed,
        "export": exported,
        "REST list": {row["id"] for row in client.get("/api/v2/datasets/").json()["results"]},
        "REST search": {row["id"] for row in client.get("/api/v2/search/?q=shared").json()["results"]},
        "REST detail": {one.pk for one in made if client.get(f"/api/v2/datasets/{one.pk}/").status_code == 200},
    }
    assert ways == dict.fromkeys(ways, expected)
    assert client.get("/api/v2/search/facets/?q=shared").json()["total"] == len(expected)


def test_a_condition_on_datasets_and_the_ids_say_the_same_of_who_answers_for_them() -> None:
    cast = factories.personas()
    team = factories.group("Team")
    cast.analyst.user.groups.add(team)
    mine, ours, ended = (factories.dataset(name, domain=cast.domain) for name in ("mine", "ours", "ended"))
    factories.ownership(mine, cast.analyst)
    factories.ownership(ours, team)
    factories.ownership(ended, cast.analyst)
    Ownership.objects.filter(dataset=ended).update(valid_to=timezone.now())
    scope = scope_of(Principal.objects.get(pk=cast.analyst.pk))
    assert {mine.pk, ours.pk} == set(scope.answered_for().values_list("dataset_id", flat=True))
    assert {mine.pk, ours.pk} == set(Dataset.objects.filter(scope.answers_for()).values_list("pk", flat=True))
    others = Dataset.objects.exclude(scope.answers_for()).values_list("pk", flat=True)
    assert ended.pk in others and mine.pk not in others
