"""Who would gain and lose by a policy, before it is published: pairs of people and datasets, counted and sampled.

People whom all policies see alike (the same groups, roles and attributes as far as any rule asks) are taken together, so the
number of statements depends on how many kinds of people there are, not on how many people. Grants are counted in: who holds
one gains nothing by a policy that allows the same, and loses by one that denies it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from access.models import Grant, Policy, PolicyVersion, PrincipalAttribute
from access.policies.facts import SubjectFacts
from access.policies.matching import is_named
from access.policies.rules import KIND, Action, Effect, InForce, Role, Rule
from access.policies.standing import may_turn
from access.policies.words import left_out_of_previews, showing_in_words
from access.policies_in_sql import (
    Setting,
    conditions_on_fields,
    covered_by_grant,
    datasets_about,
    holding_now,
    ranked_fields,
)
from access.querysets import memberships_now, owners_now
from access.standing import StandingPreview, datasets_of, preview_of_standing, standing_grants
from accounts.models import Principal
from catalog.models import Dataset, Field
from classification.models import Level

MOST_KINDS = 50
"""So many kinds of people are counted, the largest first; beyond that the counts are lower bounds."""
SAMPLES = 8


@dataclass(frozen=True, slots=True)
class Pair:
    who: str
    dataset: Dataset


@dataclass(slots=True)
class Side:
    """How many pairs of somebody and a dataset, in how many datasets at most for one, and a few of them."""

    pairs: int = 0
    people: int = 0
    samples: list[Pair] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would change for reading. `concerned` are the people whom the policy is about, before or after.

    `decides` says that it is about requests: then `concerned` people's requests of `datasets` datasets are decided by it.
    `shown` says in words how what is read would be shown, and `left_out` what is not counted; both may be empty.
    `is_capped`: there are more kinds of people than were counted. `standing` are grants that would be decided otherwise.
    """

    gains: Side
    losses: Side
    concerned: int
    datasets: int
    decides: bool
    shown: str
    left_out: str
    is_capped: bool
    standing: StandingPreview


@dataclass(frozen=True, slots=True)
class _Kind:
    """People whom the policies see alike; the facts are those of one of them."""

    facts: SubjectFacts
    ids: list[int]


def preview_of(policy: Policy, after: Rule | None) -> Preview:
    """What changes if from now on the policy says `after`, or nothing more where that is None."""
    before_all = [version.in_force() for version in PolicyVersion.objects.in_force().order_by("id")]
    own = set(PolicyVersion.objects.in_force().filter(policy=policy).values_list("pk", flat=True))
    before = [version.rule for version in before_all if version.version_id in own]
    after_all = [version for version in before_all if version.version_id not in own]
    if after is not None:
        after_all.append(InForce(0, 0, policy.name, after, narrows=policy.domain_id is not None))
    changed = [*before, *([after] if after is not None else [])]
    ranks = dict(Level.objects.values_list("pk", "rank"))
    setting = Setting(Action.READ, timezone.now(), ranks=ranks)
    every = list(_everybody())
    concerned = [facts for facts in every if any(_may_concern(rule, facts) for rule in changed)]
    datasets = datasets_of(changed)
    gains, losses, capped = Side(), Side(), False
    if any(rule.effect in (Effect.ALLOW, Effect.DENY) and Action.READ in rule.actions for rule in changed):
        kinds = _kinds(concerned, [one.rule for one in (*before_all, *after_all[-1:])])
        capped = len(kinds) > MOST_KINDS
        names = dict(
            Principal.objects.filter(pk__in=[one.ids[0] for one in kinds[:MOST_KINDS]]).values_list("pk", "name")
        )
        for kind in kinds[:MOST_KINDS]:
            old = conditions_on_fields(kind.facts, before_all, setting)
            new = conditions_on_fields(kind.facts, after_all, setting)
            _count(gains, kind, datasets, since=old, then=new, name=names.get(kind.ids[0], ""))
            _count(losses, kind, datasets, since=new, then=old, name=names.get(kind.ids[0], ""))
    return Preview(
        gains=gains,
        losses=losses,
        concerned=len(concerned),
        datasets=datasets_about(changed, ranks).count(),
        decides=any(rule.decides_requests or Action.REQUEST in rule.actions for rule in changed),
        shown=showing_in_words(after) if after is not None else "",
        left_out=left_out_of_previews(changed),
        is_capped=capped,
        standing=_standing(policy, changed, ranks, before_all, after_all),
    )


def _standing(
    policy: Policy,
    changed: Sequence[Rule],
    ranks: Mapping[int, int],
    before: Sequence[InForce],
    after: Sequence[InForce],
) -> StandingPreview:
    if not any(may_turn(rule) for rule in changed):
        return StandingPreview()
    return preview_of_standing(standing_grants(changed, ranks), before, after, title=f"“{policy.name}”")


def _count(
    side: Side, kind: _Kind, datasets: QuerySet[Dataset], *, since: tuple[Q, Q], then: tuple[Q, Q], name: str
) -> None:
    """Add the datasets of which this kind may read a column by `then` and not by `since`, each as (allowed, denied)."""
    (allowed, denied), (was_allowed, was_denied) = then, since
    fields = _fields().filter(dataset__in=datasets)
    fresh = fields.filter(allowed).exclude(denied).exclude(was_allowed & ~was_denied)
    new = Dataset.objects.filter(pk__in=fresh.values("dataset"))
    found = new.count()
    grants = Grant.objects.filter(principal__in=kind.ids, dataset__in=datasets, **holding_now())
    covered = covered_by_grant()
    own = _fields().filter(dataset=OuterRef("dataset_id"))
    by_grant = own.filter(allowed | covered).exclude(denied).exclude((was_allowed | covered) & ~was_denied)
    held = grants.filter(dataset__in=new).values("principal", "dataset").distinct().count() if found else 0
    of_holders = grants.filter(Exists(by_grant)).values("principal", "dataset").distinct()
    gained = of_holders.count()
    pairs = found * len(kind.ids) - held + gained
    if not pairs:
        return
    side.pairs += pairs
    side.people += len(kind.ids) if found else of_holders.values("principal").distinct().count()
    room = SAMPLES - len(side.samples)
    if found and held < found * len(kind.ids):
        side.samples += [Pair(name, one) for one in new.order_by("pk")[: min(room, 3)]]
    elif gained:
        rows = grants.filter(Exists(by_grant)).select_related("principal", "dataset").order_by("pk")[: min(room, 3)]
        side.samples += [Pair(row.principal.name, row.dataset) for row in rows]


def _fields() -> QuerySet[Field]:
    return ranked_fields().filter(dataset__gone_since__isnull=True)


def _may_concern(rule: Rule, facts: SubjectFacts) -> bool:
    if is_named(rule.exceptions, facts):
        return False
    if is_named(rule.subjects, facts):
        return True
    held = {role for roles in facts.roles.values() for role in roles}
    return any(role is Role.DATASET_OWNER or role.value in held for role in rule.subjects.roles)


def _kinds(people: Sequence[SubjectFacts], rules: Sequence[Rule]) -> list[_Kind]:
    """The people in kinds that no rule tells apart, the largest first."""
    asking = [rule for rule in rules if rule.effect in (Effect.ALLOW, Effect.DENY) and Action.READ in rule.actions]
    by_owner = any(Role.DATASET_OWNER in (*rule.subjects.roles, *rule.exceptions.roles) for rule in asking)
    owners = (
        set(owners_now().filter(principal__isnull=False).values_list("principal", flat=True)) if by_owner else set()
    )
    groups = set(owners_now().filter(group__isnull=False).values_list("group", flat=True)) if by_owner else set()
    alike: dict[tuple[object, ...], _Kind] = {}
    for facts in people:
        owns = by_owner and (facts.principal_id in owners or not facts.groups.isdisjoint(groups))
        key = (facts.principal_id if owns else 0, *(_seen(rule, facts) for rule in asking))
        alike.setdefault(key, _Kind(facts, [])).ids.append(facts.principal_id)
    return sorted(alike.values(), key=lambda kind: -len(kind.ids))


def _seen(rule: Rule, facts: SubjectFacts) -> tuple[object, ...]:
    """All that a rule asks about a subject."""
    return (
        is_named(rule.subjects, facts),
        is_named(rule.exceptions, facts),
        *(
            frozenset(domain for domain, held in facts.roles.items() if {role.value for role in roles} & held)
            for roles in (rule.subjects.roles, rule.exceptions.roles)
        ),
    )


def _everybody() -> Iterator[SubjectFacts]:
    """Every active person, service and pipeline, with what policies ask about them; four statements."""
    groups: dict[int, set[int]] = defaultdict(set)
    attributes: dict[int, set[tuple[str, str]]] = defaultdict(set)
    roles: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    of_groups: dict[int, list[tuple[int, str]]] = defaultdict(list)
    active = Principal.objects.filter(Q(user__isnull=True) | Q(user__is_active=True), disabled_at__isnull=True).exclude(
        kind=Principal.Kind.SYSTEM
    )
    for principal, group in Principal.objects.filter(user__groups__isnull=False).values_list("pk", "user__groups"):
        groups[principal].add(group)
    for principal, name, value in PrincipalAttribute.objects.filter(valid_to__isnull=True).values_list(
        "principal", "name", "value"
    ):
        attributes[principal].add((name, value))
    for principal, group, domain, role in memberships_now().values_list("principal", "group", "domain", "role"):
        if principal is not None:
            roles[principal][domain].add(role)
        else:
            of_groups[group].append((domain, role))
    for pk, kind in active.order_by("pk").values_list("pk", "kind"):
        held = roles[pk]
        for group in groups[pk]:
            for domain, role in of_groups.get(group, ()):
                held[domain].add(role)
        yield SubjectFacts(
            principal_id=pk,
            groups=frozenset(groups[pk]),
            roles={domain: frozenset(names) for domain, names in held.items()},
            attributes=frozenset({(KIND, kind), *attributes[pk]}),
        )
