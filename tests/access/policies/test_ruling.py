"""What becomes of a request, as a function of values."""

from __future__ import annotations

from typing import Any

from access.policies.facts import Question
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Conditions, Effect, InForce, MaskOf, Resources, Step
from access.policies.ruling import LevelTerms, Outcome, Ruling, rule_on
from access.policy import Audience, StepWanted
from tests.access.policies.test_deciding import ADDRESS, ANA, EMAIL, ID, NAME, NOON, RANKS, RESTRICTED, USERS, policy

LEVELS = [LevelTerms("Internal", 2, 1, 365), LevelTerms("Restricted", 4, 2, 30)]
REQUEST = (Action.REQUEST,)
FALLBACK = policy(Effect.APPROVAL, number=1, name="Levels decide", actions=REQUEST, steps=(Step(),), fallback=True)


def rule(*policies: InForce, asked: set[int] | None = None, **more: Any) -> Ruling:
    question = Question(
        subject=ANA, action=Action.REQUEST, dataset=USERS, at=NOON, ranks=RANKS, asked=frozenset(asked or ()), **more
    )
    return rule_on(question, policies, LEVELS)


def test_without_another_policy_the_levels_decide():
    ruling = rule(FALLBACK)
    assert ruling.outcome is Outcome.STEPS
    assert ruling.steps == (StepWanted(Audience.ANSWERABLE, 2),)
    assert ruling.duration.days == 30
    assert ruling.versions == (1,)
    assert rule(FALLBACK, asked={ID}).steps == (StepWanted(Audience.ANSWERABLE, 1),)
    assert rule(FALLBACK, asked={ID}).duration.days == 365


def test_without_any_policy_whoever_answers_for_the_dataset_decides():
    assert rule().steps == (StepWanted(Audience.ANSWERABLE, 2),)


def test_what_may_not_be_read_is_not_granted():
    denying = policy(Effect.DENY, number=2, resources=Resources(categories=(EMAIL,)))
    ruling = rule(FALLBACK, denying)
    assert ruling.is_refused
    assert ruling.versions == (2,)
    assert not rule(FALLBACK, denying, asked={ID}).is_refused


def test_the_policies_that_choose_rows_are_named_where_they_are_about_what_is_asked_for():
    choosing = policy(
        Effect.RESTRICT, number=2, name="Ours", resources=Resources(categories=(EMAIL,)), row_filter="region = 'AU'"
    )
    assert rule(FALLBACK, choosing, asked={ADDRESS}).filtering == ("“Ours” (version 1)",)
    assert rule(FALLBACK, choosing, asked={ID}).filtering == ()


def test_what_is_denied_at_night_only_may_be_asked_for():
    assert not rule(FALLBACK, policy(Effect.DENY, number=2, conditions=Conditions(weekdays=(6,)))).is_refused
    assert not rule(FALLBACK, policy(Effect.DENY, number=2, conditions=Conditions(weekdays=(2,)))).is_refused


def test_a_request_is_granted_at_once_where_policy_says_so_of_every_column():
    at_once = policy(Effect.ALLOW, number=2, actions=REQUEST, resources=Resources(level_to=20), max_days=14)
    ruling = rule(FALLBACK, at_once, asked={ID, NAME})
    assert ruling.is_automatic
    assert ruling.steps == ()
    assert ruling.duration.days == 14
    assert ruling.versions == (2,)
    mixed = rule(FALLBACK, at_once)
    assert mixed.outcome is Outcome.STEPS
    assert mixed.steps == (StepWanted(Audience.ANSWERABLE, 2),)
    assert mixed.versions == (1, 2)


def test_asking_for_approval_beats_granting_at_once():
    at_once = policy(Effect.ALLOW, number=2, actions=REQUEST)
    privacy = policy(
        Effect.APPROVAL, number=3, actions=REQUEST, steps=(Step(Audience.GROUP, 1, 5), Step(Audience.OWNERS, 1))
    )
    ruling = rule(FALLBACK, at_once, privacy)
    assert ruling.steps == (StepWanted(Audience.GROUP, 1, 5), StepWanted(Audience.OWNERS, 1))


def test_what_several_policies_ask_for_is_asked_for_together():
    one = policy(Effect.APPROVAL, number=2, actions=REQUEST, steps=(Step(Audience.OWNERS, 1),), max_days=60)
    other = policy(
        Effect.APPROVAL, number=3, actions=REQUEST, steps=(Step(Audience.OWNERS, 3), Step(Audience.STEWARDS, 1))
    )
    ruling = rule(FALLBACK, one, other, asked={ID})
    assert ruling.steps == (StepWanted(Audience.OWNERS, 3), StepWanted(Audience.STEWARDS, 1))
    assert ruling.duration.days == 60


def test_a_domains_policy_adds_to_what_others_ask_for_and_replaces_nothing():
    own = policy(Effect.APPROVAL, number=2, actions=REQUEST, steps=(Step(Audience.STEWARDS, 1),), narrows=True)
    assert rule(FALLBACK, own).steps == (StepWanted(Audience.ANSWERABLE, 2), StepWanted(Audience.STEWARDS, 1))
    at_once = policy(Effect.ALLOW, number=3, actions=REQUEST)
    assert rule(FALLBACK, own, at_once).steps == (StepWanted(Audience.STEWARDS, 1),)
    loose = policy(Effect.ALLOW, number=4, actions=REQUEST, narrows=True)
    assert rule(FALLBACK, loose).steps == (StepWanted(Audience.ANSWERABLE, 2),)


def test_masks_of_what_decides_and_of_restrictions_are_the_grants():
    approving = policy(
        Effect.APPROVAL,
        number=2,
        actions=REQUEST,
        steps=(Step(),),
        masks=(MaskOf(Mask.PARTIAL, Columns(fields=(ID,))),),
    )
    hiding = policy(Effect.RESTRICT, number=3, masks=(MaskOf(Mask.NULL, Columns(level_from=RESTRICTED)),))
    ruling = rule(FALLBACK, approving, hiding)
    assert ruling.masks == {ID: Mask.PARTIAL, ADDRESS: Mask.NULL}
    assert ruling.versions == (2, 3)


def test_the_purpose_matters():
    research = policy(
        Effect.ALLOW, number=2, actions=REQUEST, conditions=Conditions(purposes=("research",)), max_days=10
    )
    assert rule(FALLBACK, research, purpose="research").is_automatic
    assert not rule(FALLBACK, research, purpose="analysis").is_automatic
