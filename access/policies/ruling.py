"""What becomes of a request: refused, granted at once, or by whose approvals; for how long, and with which masks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from access.policies.deciding import mask_for
from access.policies.facts import FieldFacts, Question
from access.policies.masking import Mask, strictest
from access.policies.matching import concerns, selects
from access.policies.rules import Action, Effect, InForce
from access.policy import Audience, Duration, LevelLimit, StepWanted, longest_duration


class Outcome(StrEnum):
    REFUSED = "refused"
    AUTOMATIC = "automatic"
    STEPS = "steps"


@dataclass(frozen=True, slots=True)
class LevelTerms:
    """What a level asks of whoever is granted it."""

    name: str
    rank: int
    approvals: int
    days: int


@dataclass(frozen=True, slots=True)
class Ruling:
    """What policy says of a request. `reasons` are sentences, `versions` ids of the policy versions it rests on.

    `steps` are those to pass, in order; none unless the outcome is `steps`. `masks` are by field id: how columns must be
    shown to whoever is granted them. `filtering` are the titles of the policies that choose rows, which no grant does.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    duration: Duration
    steps: tuple[StepWanted, ...] = ()
    masks: Mapping[int, Mask] = field(default_factory=dict)
    versions: tuple[int, ...] = ()
    filtering: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        return self.outcome is Outcome.REFUSED

    @property
    def is_automatic(self) -> bool:
        return self.outcome is Outcome.AUTOMATIC


def rule_on(question: Question, policies: Iterable[InForce], levels: Iterable[LevelTerms]) -> Ruling:
    """What becomes of a request for these fields (none: the whole dataset). The question's action is `request`.

    Whatever would be denied to the reader is refused, except what is denied only at some hours. Each column is decided by
    the policies that are about it: those that ask for approval before those that grant at once, and only where there are
    neither by fallbacks. What several ask for is asked for together.
    """
    policies = list(policies)
    terms = {one.rank: one for one in levels}
    ranks = {one.rank for one in question.fields} | (set() if question.asked else {question.dataset.rank})
    concerned = [terms[rank] for rank in sorted(ranks, reverse=True) if rank in terms]
    refusal = _refusal(question, policies, longest_duration(LevelLimit(one.name, one.days) for one in concerned))
    if refusal is not None:
        return refusal
    matching = [policy for policy in policies if concerns(policy.rule, question, Action.REQUEST)]
    deciding: dict[int, InForce] = {}
    undecided = False
    for one in question.fields:
        chosen, narrowing = _deciding_on(one, question, matching)
        undecided = undecided or not chosen
        deciding |= {policy.version_id: policy for policy in (*chosen, *narrowing)}
    needs_people = undecided or any(policy.rule.effect is Effect.APPROVAL for policy in deciding.values())
    using = [deciding[pk] for pk in sorted(deciding)]
    approvals = max((one.approvals for one in concerned), default=1)
    limits = [LevelLimit(one.name, one.days) for one in concerned]
    limits += [LevelLimit(f"Policy {one.title}", one.rule.max_days) for one in using if one.rule.max_days is not None]
    restricting = [
        policy
        for policy in policies
        if policy.rule.effect is Effect.RESTRICT
        and not policy.rule.conditions.is_of_hours
        and concerns(policy.rule, question, Action.READ)
    ]
    masks, masking = _masks(question, [*using, *restricting])
    return Ruling(
        outcome=Outcome.STEPS if needs_people else Outcome.AUTOMATIC,
        reasons=_reasons(using, undecided),
        duration=longest_duration(limits),
        steps=_steps(using, approvals, undecided) if needs_people else (),
        masks=masks,
        versions=tuple(sorted({*deciding, *masking})),
        filtering=tuple(
            policy.title
            for policy in restricting
            if policy.rule.row_filter and any(selects(policy.rule, one, question) for one in question.fields)
        ),
    )


def _refusal(question: Question, policies: Sequence[InForce], duration: Duration) -> Ruling | None:
    denying = [
        policy
        for policy in policies
        if policy.rule.effect is Effect.DENY
        and not policy.rule.conditions.is_of_hours
        and concerns(policy.rule, question, Action.REQUEST, Action.READ)
        and any(selects(policy.rule, one, question) for one in question.fields)
    ]
    if not denying:
        return None
    return Ruling(
        Outcome.REFUSED,
        tuple(f"Policy {policy.title} does not let you have this." for policy in denying),
        duration,
        versions=tuple(sorted(policy.version_id for policy in denying)),
    )


def _deciding_on(
    one: FieldFacts, question: Question, matching: Sequence[InForce]
) -> tuple[list[InForce], list[InForce]]:
    """The policies that say how this column's part of the request is decided, and those that ask for more than they do."""
    about = [policy for policy in matching if policy.rule.decides_requests and selects(policy.rule, one, question)]
    narrowing = [policy for policy in about if policy.narrows and policy.rule.effect is Effect.APPROVAL]
    others = [policy for policy in about if not policy.narrows]
    own = [policy for policy in others if not policy.rule.fallback]
    chosen = _strictest_kind(own) or _strictest_kind([policy for policy in others if policy.rule.fallback])
    return chosen, narrowing


def _strictest_kind(policies: Sequence[InForce]) -> list[InForce]:
    approving = [policy for policy in policies if policy.rule.effect is Effect.APPROVAL]
    return approving or list(policies)


def _steps(using: Sequence[InForce], approvals: int, undecided: bool) -> tuple[StepWanted, ...]:
    """Each audience once, in the order of the policies, with as many approvals as the strictest of them wants."""
    needed: dict[tuple[Audience, int | None], int] = {}
    for policy in using:
        for step in policy.rule.steps:
            key = (step.audience, step.group)
            needed[key] = max(needed.get(key, 0), step.needed or approvals)
    if undecided:
        key = (Audience.ANSWERABLE, None)
        needed[key] = max(needed.get(key, 0), approvals)
    return tuple(StepWanted(audience, count, group) for (audience, group), count in needed.items())


def _masks(question: Question, policies: Sequence[InForce]) -> tuple[dict[int, Mask], set[int]]:
    """How these policies want columns shown, by field id, and the versions that say so."""
    found: dict[int, Mask] = {}
    saying: set[int] = set()
    for one in question.fields:
        for policy in policies:
            mask = mask_for(one, policy.rule.masks, question) if selects(policy.rule, one, question) else None
            if mask is not None:
                found[one.field_id] = strictest((found.get(one.field_id), mask)) or mask
                saying.add(policy.version_id)
    return found, saying


def _reasons(using: Sequence[InForce], undecided: bool) -> tuple[str, ...]:
    reasons = [
        f"Policy {policy.title} asks for approval."
        if policy.rule.effect is Effect.APPROVAL
        else f"Policy {policy.title} grants it without approval."
        for policy in using
    ]
    if undecided:
        reasons.append("No policy says how this is decided, so whoever answers for the dataset does.")
    return tuple(reasons)
