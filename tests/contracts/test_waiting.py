"""What waits is counted by statements that were composed once; they say what the conditions say of each person."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from access.actions import delegate_decisions
from access.inbox import KINDS, count_waiting, counted_list
from accounts.models import Principal
from catalog.models import Dataset, Ownership
from classification import review
from classification.models import Label
from tests.contracts.world import World
from tests.factories import ownership, person

pytestmark = pytest.mark.django_db


def _counted(principal: Principal) -> tuple[int, int]:
    principal = Principal.objects.get(pk=principal.pk)
    # The list tells the same as the count, also where it is read beyond its end.
    assert counted_list(principal)[1] == counted_list(principal, skip=900)[1] == count_waiting(principal)
    return count_waiting(principal), sum(kind.of(principal).count() for kind in KINDS)


def test_the_count_is_that_of_the_conditions_for_everybody(world: World) -> None:
    owners = Group.objects.create(name="Owners of users")
    ownership(world.users, owners)
    member, deputy, newcomer = person("Member"), person("Deputy"), person("Newcomer")
    assert member.user is not None
    member.user.groups.add(owners)
    now = timezone.now()
    delegate_decisions(
        giver=world.cast.owner,
        receiver=deputy,
        valid_from=now,
        valid_to=now + dt.timedelta(days=1),
        reason="On leave.",
        by=world.cast.owner,
    )
    found = {}
    cast = [world.persona(name) for name in ("outsider", "analyst", "steward", "owner", "administrator")]
    for one in (*cast, member, deputy, newcomer):
        counted, conditions = _counted(one)
        assert counted == conditions, one
        found[one.name] = counted
    assert min(found[one.name] for one in (world.cast.owner, member, deputy, world.cast.administrator)) > 0
    assert found[newcomer.name] == 0


def test_the_count_holds_for_whoever_answers_for_thousands(world: World) -> None:
    owners = Group.objects.create(name="Owners of everything")
    member = person("Member")
    assert member.user is not None
    member.user.groups.add(owners)
    ownership(world.users, owners)
    others = Dataset.objects.bulk_create(
        Dataset(name=f"t{n}", path=[f"t{n}"], qualified_name=f"t{n}", namespace="many") for n in range(5_001)
    )
    held = {"kind": Ownership.Kind.OWNER, "origin": "person", "asserted_by": Principal.objects.system()}
    Ownership.objects.bulk_create(Ownership(dataset=one, group=owners, **held) for one in others)
    counted, conditions = _counted(member)
    assert counted == conditions > 0


def test_the_count_of_suggestions_is_that_of_the_condition_for_everybody(world: World) -> None:
    owners = Group.objects.create(name="Owners of a suggestion")
    label = Label.objects.current().suggested().order_by("pk").first()
    assert label is not None
    ownership(label.dataset, owners)
    member, newcomer = person("Member"), person("Newcomer")
    assert member.user is not None
    member.user.groups.add(owners)
    found = {}
    cast = [world.persona(name) for name in ("outsider", "analyst", "steward", "owner", "administrator")]
    for one in (*cast, member, newcomer, Principal.objects.system()):
        fresh = Principal.objects.get(pk=one.pk)
        found[one.name] = review.count_waiting(fresh)
        assert found[one.name] == review.waiting_for(fresh).count(), one
    assert min(found[one.name] for one in (member, world.cast.steward, world.cast.administrator)) > 0
    assert found[newcomer.name] == 0
