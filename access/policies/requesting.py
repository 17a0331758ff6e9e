"""Whether somebody may ask for access at all, as a decision like that on reading."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from access.policies.rules import Action, Effect, InForce, Rule, Subjects

_ANYBODY_MAY_ASK = InForce(0, 0, "Anybody may ask", Rule(Effect.ALLOW, (Action.REQUEST,), Subjects(everyone=True)))


def about_requests(policies: Iterable[InForce]) -> list[InForce]:
    """The policies that decide whether a request is refused, as policies on the action `request`.

    `decide` with these allows what `access.policies.ruling` does not refuse.
    """
    denying = [
        msgspec.structs.replace(policy, rule=msgspec.structs.replace(policy.rule, actions=(Action.REQUEST,)))
        for policy in policies
        if policy.rule.effect is Effect.DENY
        and {Action.REQUEST, Action.READ} & set(policy.rule.actions)
        and not policy.rule.conditions.is_of_hours
    ]
    return [_ANYBODY_MAY_ASK, *denying]
