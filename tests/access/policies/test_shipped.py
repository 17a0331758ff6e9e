"""The drafts that ship: they hold nothing until they are published, and then what their names say."""

from __future__ import annotations

import pytest

from access.actions.policies import publish_policy
from access.asking import ruling_for
from access.models import PolicyVersion, Purpose
from access.policy import Audience, StepWanted
from classification.actions import set_level
from tests.factories import Cast, standard_levels

pytestmark = pytest.mark.django_db


def label(cast: Cast, level: str, *columns: str) -> None:
    set_level(
        fields=[cast.field(name) for name in columns],
        level=standard_levels()[level],
        reason="So it is",
        by=cast.administrator,
    )
    cast.dataset.refresh_from_db()


def publish(cast: Cast, slug: str) -> None:
    publish_policy(version=PolicyVersion.objects.get(policy__slug=slug), by=cast.administrator)


def test_drafts_that_ship_decide_nothing(cast: Cast):
    drafts = PolicyVersion.objects.filter(policy__shipped=True, state=PolicyVersion.State.DRAFT)
    assert sorted(drafts.values_list("policy__slug", flat=True)) == [
        "not-for-development",
        "restricted-takes-two",
    ]
    label(cast, "restricted", "id")
    ruling = ruling_for(
        cast.outsider, cast.dataset, [cast.field("id")], purpose=Purpose.objects.get(slug="development")
    )
    assert [step.audience for step in ruling.steps] == [Audience.ANSWERABLE]


def test_confidential_columns_are_refused_for_development_alone(cast: Cast):
    publish(cast, "not-for-development")
    label(cast, "internal", "id")
    label(cast, "restricted", "email")
    development, reporting = (Purpose.objects.get(slug=slug) for slug in ("development", "reporting"))
    assert ruling_for(cast.outsider, cast.dataset, [cast.field("email")], purpose=development).is_refused
    assert not ruling_for(cast.outsider, cast.dataset, [cast.field("email")], purpose=reporting).is_refused
    assert not ruling_for(cast.outsider, cast.dataset, [cast.field("id")], purpose=development).is_refused


def test_restricted_columns_take_an_owner_and_then_a_steward(cast: Cast):
    publish(cast, "restricted-takes-two")
    label(cast, "confidential", "id")
    label(cast, "restricted", "email")
    ruling = ruling_for(cast.outsider, cast.dataset, [cast.field("email")])
    assert ruling.steps == (StepWanted(Audience.OWNERS, 1), StepWanted(Audience.STEWARDS, 1))
    assert [step.audience for step in ruling_for(cast.outsider, cast.dataset, [cast.field("id")]).steps] == [
        Audience.ANSWERABLE
    ]
