"""What policy says of a request, from the database."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from access.asking import ruling_for
from access.models import PolicyVersion
from access.policies.rules import Action, Effect, Resources, Role, Rule, Step, Subjects
from access.policy import Audience, StepWanted
from classification.actions import set_level
from tests.factories import Cast, publish, standard_levels

pytestmark = pytest.mark.django_db


def test_the_shipped_policy_asks_for_what_the_levels_ask_for(cast: Cast):
    restricted = standard_levels()["restricted"]
    restricted.approvals = 2
    restricted.save()
    set_level(by=cast.administrator, fields=[cast.field("email")], level=restricted, reason="test")
    cast.dataset.refresh_from_db()
    ruling = ruling_for(cast.outsider, cast.dataset, ())
    assert ruling.steps == (StepWanted(Audience.ANSWERABLE, 2),)
    assert ruling.duration.days == 30
    shipped = PolicyVersion.objects.get(policy__slug="levels-decide")
    assert ruling.versions == (shipped.pk,)


def test_a_published_policy_holds_from_the_next_request_on_and_an_ended_one_no_more(cast: Cast):
    assert not ruling_for(cast.outsider, cast.dataset, ()).is_refused
    version = publish("no-teaching", Rule(Effect.DENY, (Action.REQUEST,), Subjects(everyone=True)))
    assert ruling_for(cast.outsider, cast.dataset, ()).is_refused
    PolicyVersion.objects.filter(pk=version.pk).update(valid_to=timezone.now())
    assert not ruling_for(cast.outsider, cast.dataset, ()).is_refused


def test_groups_roles_and_owners_are_known(cast: Cast):
    rule = Rule(
        Effect.APPROVAL,
        (Action.REQUEST,),
        Subjects(roles=(Role.ANALYST,)),
        resources=Resources(domains=(cast.domain.pk,), fields=(cast.field("email").pk,)),
        steps=(Step(Audience.STEWARDS, 1),),
    )
    publish("analysts", rule)
    assert ruling_for(cast.analyst, cast.dataset, [cast.field("email")]).steps == (StepWanted(Audience.STEWARDS, 1),)
    assert ruling_for(cast.outsider, cast.dataset, [cast.field("email")]).steps == (StepWanted(Audience.ANSWERABLE, 1),)


def test_a_ruling_takes_three_statements(cast: Cast, django_assert_num_queries):
    email = cast.field("email")
    with django_assert_num_queries(3):
        ruling_for(cast.outsider, cast.dataset, [email])


def test_the_rule_of_a_published_version_cannot_be_changed(cast: Cast):
    version = publish("frozen", Rule(Effect.DENY, (Action.READ,), Subjects(everyone=True)))
    with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(rule={"effect": "allow", "actions": ["read"]})
    PolicyVersion.objects.filter(pk=version.pk).update(valid_to=timezone.now())
