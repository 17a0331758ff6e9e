"""What a change of policy means for a grant that stands: what a request for the same is told before it and after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from access.policies.facts import Question
from access.policies.masking import Mask, strength
from access.policies.rules import Action, Effect, InForce, Rule
from access.policies.ruling import LevelTerms, rule_on


@dataclass(frozen=True, slots=True)
class Turn:
    """What the change turns for a grant. `masks` are by field id those that it does not carry and would be made with;
    `looser` says that it carries stricter ones than are asked for any more.
    """

    refused: bool = False
    allowed: bool = False
    masks: Mapping[int, Mask] = field(default_factory=dict)
    looser: bool = False

    @property
    def narrows(self) -> bool:
        """Whether the grant gives more than it would be made with now."""
        return self.refused or bool(self.masks)

    def __bool__(self) -> bool:
        return self.narrows or self.allowed or self.looser


def may_turn(rule: Rule) -> bool:
    """Whether a rule bears on what is granted: it refuses requests, or says how what is granted is shown.

    A denial or a mask at some hours only does neither, as `access.policies.ruling` has it, and a grant gives every row.
    """
    if rule.effect is Effect.DENY:
        return bool({Action.READ, Action.REQUEST} & set(rule.actions)) and not rule.conditions.is_of_hours
    if rule.effect is Effect.RESTRICT:
        return bool(rule.masks) and not rule.conditions.is_of_hours
    return rule.decides_requests


def turn_of(
    question: Question,
    held: Mapping[int, Mask],
    before: Iterable[InForce],
    after: Iterable[InForce],
    levels: Iterable[LevelTerms],
) -> Turn:
    """`question` is the request that the grant answers, asked now; `held` are the grant's masks.

    Only what differs between `before` and `after` counts: what was so already is not the change's doing.
    """
    terms = list(levels)
    old, new = rule_on(question, before, terms), rule_on(question, after, terms)
    if new.is_refused or old.is_refused:
        return Turn(refused=not old.is_refused, allowed=not new.is_refused)
    changed = {pk for pk in {*old.masks, *new.masks} if old.masks.get(pk) is not new.masks.get(pk)}
    return Turn(
        masks={
            pk: new.masks[pk]
            for pk in sorted(changed)
            if pk in new.masks and strength(new.masks[pk]) > strength(held.get(pk))
        },
        looser=any(strength(new.masks.get(pk)) < strength(held.get(pk)) for pk in changed),
    )
