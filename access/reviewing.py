"""Gather what `access.policy` decides on: who answers for datasets, and who wants to decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q, QuerySet

from access.models import AccessRequest, ApprovalStep, Delegation, EmergencyReview, Grant, Vote
from access.policy import (
    Answerable,
    Audience,
    Decision,
    ReviewDecision,
    Reviewer,
    StepFacts,
    may_review,
    may_revoke,
)
from access.querysets import owners_now, roles_now
from accounts.models import DomainRole, Principal
from catalog.models import Dataset, Field
from classification.models import Level


def reviewer_of(principal: Principal) -> Reviewer:
    return Reviewer(
        principal_id=principal.pk,
        is_person=principal.kind == Principal.Kind.PERSON,
        is_active=principal.is_active,
        is_administrator=principal.is_administrator,
    )


def answerable_for(datasets: Iterable[Dataset]) -> Mapping[int, Answerable]:
    """Who answers for each of these datasets, by its id; three statements for any number."""
    domain_of = {dataset.pk: dataset.domain_id for dataset in datasets}
    owned = list(owners_now().filter(dataset_id__in=domain_of).values_list("dataset_id", "principal_id", "group_id"))
    roles = list(
        roles_now()
        .filter(domain_id__in={domain for domain in domain_of.values() if domain})
        .values_list("domain_id", "role", "principal_id", "group_id")
    )
    people = _people(
        [row[1] for row in owned] + [row[2] for row in roles],
        [row[2] for row in owned] + [row[3] for row in roles],
    )
    owners: dict[int, set[int]] = defaultdict(set)
    for dataset_id, principal_id, group_id in owned:
        owners[dataset_id] |= people.of(principal_id, group_id)
    holders: dict[tuple[int, str], set[int]] = defaultdict(set)
    for domain_id, role, principal_id, group_id in roles:
        holders[domain_id, role] |= people.of(principal_id, group_id)
    return {
        pk: Answerable(
            dataset_owners=frozenset(owners[pk]),
            domain_owners=frozenset(holders[domain or 0, DomainRole.OWNER]),
            domain_stewards=frozenset(holders[domain or 0, DomainRole.STEWARD]),
        )
        for pk, domain in domain_of.items()
    }


class People:
    """Active people by themselves and by their groups."""

    def __init__(self) -> None:
        self.alone: set[int] = set()
        self.by_group: dict[int, set[int]] = defaultdict(set)

    def of(self, principal_id: int | None, group_id: int | None) -> set[int]:
        if group_id is not None:
            return self.by_group[group_id]
        return {principal_id} & self.alone if principal_id is not None else set()


def _people(principal_ids: Iterable[int | None], group_ids: Iterable[int | None]) -> People:
    """Who of these principals and of the members of these groups is an active person; one statement."""
    found = People()
    wanted_groups = {group for group in group_ids if group is not None}
    rows = Principal.objects.filter(
        Q(pk__in=[pk for pk in principal_ids if pk is not None]) | Q(user__groups__in=wanted_groups),
        kind=Principal.Kind.PERSON,
        user__is_active=True,
        disabled_at__isnull=True,
    ).values_list("pk", "user__groups")
    for pk, group_id in rows:
        found.alone.add(pk)
        if group_id is not None:
            found.by_group[group_id].add(pk)
    return found


def people_by(held_by: Iterable[tuple[int, int | None, int | None]]) -> Mapping[int, set[int]]:
    """The active people who hold something, by what they hold, themselves or through a group: its id, and pairs of principal
    and group; one statement."""
    rows = list(held_by)
    people = _people([principal for _, principal, _ in rows], [group for _, _, group in rows])
    found: dict[int, set[int]] = defaultdict(set)
    for held, principal, group in rows:
        found[held] |= people.of(principal, group)
    return found


def review_decision(by: Principal, request: AccessRequest) -> ReviewDecision:
    """Whether `by` may decide this request at its step, and why; six statements at most."""
    answerable = answerable_for([request.dataset])[request.dataset_id]
    return may_review(
        reviewer_of(by),
        requester_id=request.requester_id,
        answerable=answerable,
        step=step_facts(request.step),
        delegators=delegators_of(by),
    )


def step_facts(step: ApprovalStep | None) -> StepFacts:
    """What `may_review` asks of a step; None, of a request that was never sent, is everybody's who answers."""
    return facts_of_steps([step])[step.pk] if step is not None else StepFacts()


def facts_of_steps(steps: Sequence[ApprovalStep]) -> Mapping[int, StepFacts]:
    """The same of several steps, by their ids; two statements at most."""
    votes: dict[int, list[tuple[int, int]]] = defaultdict(list)
    of_steps = Vote.objects.filter(step__in=[step.pk for step in steps])
    for step_id, by, authority in of_steps.values_list("step_id", "by_id", "acting_for_id"):
        votes[step_id].append((by, authority))
    groups = [step.group_id for step in steps if step.group_id]
    members = _people([], groups) if groups else People()
    return {
        step.pk: StepFacts(
            audience=Audience(step.audience),
            members=frozenset(members.of(None, step.group_id) if step.group_id else ()),
            escalated=step.escalated_at is not None,
            voters=frozenset(by for by, _ in votes[step.pk]),
            spoken_for=frozenset(authority for _, authority in votes[step.pk]),
        )
        for step in steps
    }


def votes_on(request: AccessRequest) -> Sequence[Vote]:
    """Every decision at every step of the request, in the order of time; one statement."""
    return list(Vote.objects.filter(step__request=request).select_related("by__user", "acting_for__user"))


def delegators_of(principal: Principal) -> frozenset[int]:
    """In whose place `principal` may decide now; one statement."""
    return frozenset(Delegation.objects.holding().filter(receiver=principal).values_list("giver_id", flat=True))


def emergency_decision(by: Principal, review: EmergencyReview) -> ReviewDecision:
    """Whether `by` may close the review of what somebody opened in an emergency; six statements at most."""
    dataset = review.request.dataset
    return may_review(
        reviewer_of(by),
        requester_id=review.requester_id,
        answerable=answerable_for([dataset])[dataset.pk],
        step=StepFacts(escalated=review.escalated_at is not None),
        delegators=delegators_of(by),
    )


def recertify_decision(by: Principal, grant: Grant) -> ReviewDecision:
    """Whether `by` may say that a grant is still needed: whoever could decide on its holder's request."""
    return may_review(
        reviewer_of(by),
        requester_id=grant.principal_id,
        answerable=answerable_for([grant.dataset])[grant.dataset_id],
        delegators=delegators_of(by),
    )


def revoke_decision(by: Principal, grant: Grant) -> Decision:
    answerable = answerable_for([grant.dataset])[grant.dataset_id]
    return may_revoke(reviewer_of(by), holder_id=grant.principal_id, answerable=answerable)


def strictest_level(dataset: Dataset, fields: Iterable[Field]) -> Level | None:
    """The highest level of these columns (none: of the whole dataset); one statement."""
    return _levels_of(dataset, fields).first()


def _levels_of(dataset: Dataset, fields: Iterable[Field]) -> QuerySet[Level]:
    """The levels concerned, the strictest first.

    A column that nobody has labelled counts as its dataset: what is not known is not taken for harmless.
    """
    ranks = {dataset.level if field.level is None else field.level for field in fields} or {dataset.level}
    return Level.objects.filter(rank__in=[rank for rank in ranks if rank is not None]).order_by("-rank")
