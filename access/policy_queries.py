"""What pages and REST show of policies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Exists, Min, OuterRef, Prefetch, Q, QuerySet

from access.models import Grant, Policy, PolicyVersion, Purpose
from access.policies.rules import Rule
from access.policies.words import Names, rule_in_words
from accounts.models import Principal
from catalog.models import Dataset, Domain, Field, Source
from classification.models import Category, Level
from common.components import Change, ChangeKind
from common.http import etag_of


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy with what it says now in words, and its draft. `version` is what is in force, or else what was said last."""

    policy: Policy
    version: PolicyVersion | None
    draft: PolicyVersion | None
    words: dict[str, str]

    @property
    def state(self) -> str:
        if self.version is not None and self.version.holds:
            return "in force"
        return "draft" if self.draft is not None else "ended"


def visible_policies(principal: Principal) -> QuerySet[Policy]:
    versions = PolicyVersion.objects.select_related("made_by__user", "published_by__user", "policy").order_by("-number")
    policies = Policy.objects.visible_to(principal).select_related("domain", "created_by__user")
    return policies.prefetch_related(Prefetch("versions", versions)).order_by("name")


def sources_of(domain: Domain) -> Q:
    """The condition on a source that a policy of the domain may name it: it is of the domain, or something in it is."""
    return Q(domain=domain) | Q(Exists(Dataset.objects.filter(source=OuterRef("pk"), domain=domain)))


def count_in_force_everywhere() -> int:
    """How many policies of the whole organisation hold, which bind also those who may not see what they say."""
    return PolicyVersion.objects.in_force().filter(policy__domain__isnull=True).count()


def policy_rows(policies: Iterable[Policy]) -> list[PolicyRow]:
    """Policies with their words; a fixed number of statements."""
    listed = list(policies)
    chosen = [(policy, current_of(policy), draft_of(policy)) for policy in listed]
    shown = [version or draft for _, version, draft in chosen]
    names = names_in(one.contents for one in shown if one is not None)
    return [
        PolicyRow(policy, version, draft, rule_in_words(one.contents, names) if one else {})
        for (policy, version, draft), one in zip(chosen, shown, strict=True)
    ]


def current_of(policy: Policy) -> PolicyVersion | None:
    """The version in force, or else the one that was published last."""
    published = [version for version in policy.versions.all() if version.state == PolicyVersion.State.PUBLISHED]
    return next((version for version in published if version.holds), published[0] if published else None)


def draft_of(policy: Policy) -> PolicyVersion | None:
    return next((one for one in policy.versions.all() if one.state == PolicyVersion.State.DRAFT), None)


def count_to_compare() -> int:
    """How many grants are still to be held to policies that came into force; two statements, mostly one.

    An upper bound: what the policies are not about is passed over.
    """
    last = PolicyVersion.objects.to_compare().aggregate(last=Min("compared_up_to"))["last"]
    return Grant.objects.live().filter(pk__gt=last).count() if last is not None else 0


def etag_of_policy(policy: Policy) -> str:
    """Changes whenever something is changed about the policy, a version of it, or its draft."""
    versions = [(one.pk, one.state, one.edited_at, one.valid_to) for one in policy.versions.all()]
    return etag_of("policy", policy.pk, policy.name, policy.description, *sorted(map(str, versions)))


def names_in(rules: Iterable[Rule]) -> Names:
    """What the things that these rules name are called; nine statements at most."""
    rules = list(rules)
    columns = [columns for rule in rules for columns in (rule.resources, *(mask.columns for mask in rule.masks))]
    subjects = [subjects for rule in rules for subjects in (rule.subjects, rule.exceptions)]
    groups = {pk for one in subjects for pk in one.groups} | {
        step.group for rule in rules for step in rule.steps if step.group
    }
    levels = {level for one in columns for level in (one.level_from, one.level_to) if level is not None}
    fields = Field.objects.filter(pk__in={pk for one in columns for pk in one.fields}).select_related("dataset")
    datasets = Dataset.objects.filter(pk__in={pk for rule in rules for pk in rule.resources.datasets})
    return Names(
        people=_named(Principal.objects.filter(pk__in={pk for one in subjects for pk in one.people})),
        groups=_named(Group.objects.filter(pk__in=groups)),
        domains=_named(Domain.objects.filter(pk__in={pk for rule in rules for pk in rule.resources.domains})),
        sources=_named(Source.objects.filter(pk__in={pk for rule in rules for pk in rule.resources.sources})),
        datasets={one.pk: one.qualified_name for one in datasets},
        fields={one.pk: f"{one.dataset.qualified_name}#{one}" for one in fields},
        categories=_named(Category.objects.filter(pk__in={pk for one in columns for pk in one.categories})),
        levels=_named(Level.objects.filter(pk__in=levels)),
        purposes=dict(Purpose.objects.values_list("slug", "name")),
    )


def _named(rows: QuerySet[Any]) -> dict[int, str]:
    return dict(rows.values_list("pk", "name"))


def changes_between(old: PolicyVersion | None, new: PolicyVersion) -> Sequence[Change]:
    """What differs, line by line; against nothing, everything is new."""
    rules = [version.contents for version in (old, new) if version is not None]
    names = names_in(rules)
    before = rule_in_words(old.contents, names) if old is not None else {}
    after = rule_in_words(new.contents, names)
    if old is not None and old.name != new.name:
        before, after = {"Name": old.name, **before}, {"Name": new.name, **after}
    questions = list(dict.fromkeys([*after, *before]))
    return [
        Change(
            question,
            before.get(question, ""),
            after.get(question, ""),
            _kind(before.get(question), after.get(question)),
        )
        for question in questions
    ]


def _kind(before: str | None, after: str | None) -> ChangeKind:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "same" if before == after else "changed"
