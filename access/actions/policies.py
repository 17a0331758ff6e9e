"""Every write of policies: draft, edit, publish, end. A rule that was published is never changed, only followed by another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import Max, Model, Q
from django.utils import timezone
from django.utils.text import slugify

from access.events import PolicyDiscarded, PolicyDrafted, PolicyEdited, PolicyEnded, PolicyPublished
from access.models import Policy, PolicyVersion, Purpose
from access.permissions import check_can_edit_policies, check_can_edit_policy
from access.policies.rules import Effect, Rule, problems_of, read_rule, stored_form
from access.policy_queries import etag_of_policy, sources_of
from accounts.models import Principal
from audit.recording import record
from catalog.models import Dataset, Domain, Field, Source
from classification.models import Category, Level
from common.errors import Conflict, Invalid

_IN_DOMAIN: Mapping[type[Model], Callable[[Domain], Q]] = {
    Source: sources_of,
    Dataset: lambda domain: Q(domain=domain),
    Field: lambda domain: Q(dataset__domain=domain),
}
_NARROWING = (Effect.DENY, Effect.RESTRICT, Effect.APPROVAL)


@transaction.atomic
def draft_policy(
    *, name: str, rule: Rule, by: Principal, description: str = "", domain: Domain | None = None, reason: str = ""
) -> PolicyVersion:
    """A new policy with its first draft, which says nothing until it is published.

    Raises `Invalid` for a rule that makes no sense or names what is not there, and `Conflict` for a name in use.
    """
    check_can_edit_policies(by, domain)
    name = _checked_name(name)
    _check(rule, domain)
    try:
        with transaction.atomic():
            policy = Policy.objects.create(
                slug=_free_slug(name), name=name, description=description.strip(), domain=domain, created_by=by
            )
    except IntegrityError:
        raise Conflict(f"There is a policy called {name} already. Choose another name, or edit that one.") from None
    version = PolicyVersion.objects.create(
        policy=policy, number=1, name=name, rule=stored_form(rule), reason=reason.strip(), made_by=by
    )
    record(PolicyDrafted(**_told(version)), by=by)
    return version


@transaction.atomic
def draft_version(*, policy: Policy, by: Principal, like: PolicyVersion | None = None) -> PolicyVersion:
    """A draft of the policy's next version that begins as `like` says, else as what it said last.

    An existing draft is given back as it is: there is one at most.
    """
    policy = _locked(policy)
    check_can_edit_policy(by, policy)
    draft = policy.versions.filter(state=PolicyVersion.State.DRAFT).first()
    if draft is not None:
        return draft
    begun = like or policy.versions.filter(state=PolicyVersion.State.PUBLISHED).order_by("-number").first()
    begun = begun or policy.versions.order_by("-number").first()
    if begun is None or begun.policy_id != policy.pk:
        raise Conflict("There is no version of this policy to begin with.")
    last = policy.versions.aggregate(last=Max("number"))["last"]
    version = PolicyVersion.objects.create(
        policy=policy, number=last + 1, name=policy.name, rule=begun.rule, made_by=by
    )
    record(PolicyDrafted(**_told(version)), by=by)
    return version


@transaction.atomic
def edit_policy(
    *, policy: Policy, seen: str, by: Principal, like: PolicyVersion | None = None, **changes: Any
) -> PolicyVersion:
    """Edit the policy's draft, or make one that begins as `like` says; `changes` are those of `edit_draft`.

    Raises `Conflict` where the policy is not any more as it was when its `etag_of_policy` was `seen`.
    """
    policy = _locked(policy)
    check_can_edit_policy(by, policy)
    if seen != etag_of_policy(policy):
        raise Conflict(
            "Somebody changed this policy since you opened it, and saving would undo that. Open it once more, look at"
            " the change, then repeat yours."
        )
    return edit_draft(version=draft_version(policy=policy, by=by, like=like), by=by, **changes)


@transaction.atomic
def edit_draft(
    *,
    version: PolicyVersion,
    by: Principal,
    rule: Rule | None = None,
    name: str | None = None,
    description: str | None = None,
    reason: str | None = None,
) -> PolicyVersion:
    """Change a draft; what is None stays. Raises `Conflict` for a version that is no draft any more."""
    version = _locked_draft(version)
    policy = version.policy
    check_can_edit_policy(by, policy)
    before = {"rule": version.rule, "name": version.name}
    if name is not None and (name := _checked_name(name)) != policy.name:
        policy.name = name
    if description is not None:
        policy.description = description.strip()
    if rule is not None:
        _check(rule, policy.domain)
        version.rule = stored_form(rule)
    if reason is not None:
        version.reason = reason.strip()
    version.name, version.edited_at = policy.name, timezone.now()
    try:
        with transaction.atomic():
            policy.save(update_fields=["name", "description"])
            version.save(update_fields=["rule", "reason", "name", "edited_at"])
    except IntegrityError:
        raise Conflict(f"There is a policy called {policy.name} already. Choose another name.") from None
    record(PolicyEdited(**_told(version), before=before, after={"rule": version.rule, "name": version.name}), by=by)
    return version


@transaction.atomic
def publish_policy(
    *,
    version: PolicyVersion,
    by: Principal,
    valid_from: dt.datetime | None = None,
    seen: str | None = None,
    ends_refused: bool = True,
) -> PolicyVersion:
    """Put a draft into force, now or from a later moment on, in place of what the policy said before.

    `ends_refused`: the standing grants that it refuses end as it comes into force (`compare_grants_with_policies`);
    without it whoever answers for the data is asked about them first.

    Raises `Invalid` for a moment in the past or where what it names is gone, and `Conflict` where it is no draft, or the
    policy is not any more as it was when its `etag_of_policy` was `seen`.
    """
    version = _locked_draft(version)
    policy = version.policy
    check_can_edit_policy(by, policy)
    if seen is not None and seen != etag_of_policy(policy):
        raise Conflict("The draft was changed since you looked. Look at the preview again.")
    _check(version.contents, policy.domain)
    now = timezone.now()
    begins = valid_from or now
    if begins < now:
        raise Invalid("A policy holds from now or later on.", {"valid_from": ["Choose a moment that is to come."]})
    others = policy.versions.filter(state=PolicyVersion.State.PUBLISHED)
    # What would begin later is taken back; what holds then ends when this begins.
    for other in others.filter(valid_from__gte=begins):
        other.valid_to = other.valid_from
        other.save(update_fields=["valid_to"])
    others.filter(valid_from__lt=begins, valid_to__isnull=True).update(valid_to=begins)
    others.filter(valid_from__lt=begins, valid_to__gt=begins).update(valid_to=begins)
    version.state = PolicyVersion.State.PUBLISHED
    version.published_at, version.published_by, version.valid_from = now, by, begins
    version.ends_refused = ends_refused
    version.save(update_fields=["state", "published_at", "published_by", "valid_from", "ends_refused"])
    record(
        PolicyPublished(
            **_told(version), since=begins.isoformat(), rule=version.rule, ends_refused=version.ends_refused
        ),
        by=by,
    )
    return version


@transaction.atomic
def end_policy(*, policy: Policy, reason: str, by: Principal) -> Policy:
    """Take a policy out of force now; any version of it may be published again."""
    policy = _locked(policy)
    check_can_edit_policy(by, policy)
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why it no longer holds.", {"reason": ["Say why."]})
    now = timezone.now()
    open_ones = list(policy.versions.filter(state=PolicyVersion.State.PUBLISHED).exclude(valid_to__lte=now))
    if not open_ones:
        raise Conflict("This policy is not in force.")
    for version in open_ones:
        version.valid_to = max(now, version.valid_from or now)
        version.save(update_fields=["valid_to"])
    record(PolicyEnded(**_told(open_ones[0]), reason=reason), by=by)
    return policy


@transaction.atomic
def discard_draft(*, version: PolicyVersion, by: Principal) -> PolicyVersion:
    """Drop a draft. Its policy stays as it is."""
    version = _locked_draft(version)
    check_can_edit_policy(by, version.policy)
    version.state = PolicyVersion.State.DISCARDED
    version.save(update_fields=["state"])
    record(PolicyDiscarded(**_told(version)), by=by)
    return version


def rule_from(sent: Any) -> Rule:
    """The rule of sent JSON; raises `Invalid`."""
    try:
        return read_rule(sent)
    except ValueError as error:
        raise Invalid(str(error), {"rule": [str(error)]}) from None


def _check(rule: Rule, domain: Domain | None) -> None:
    found: dict[str, list[str]] = {member: list(texts) for member, texts in problems_of(rule).items()}
    for member, sentence in _missing(rule, domain):
        found.setdefault(member, []).append(sentence)
    if domain is not None:
        if rule.effect not in _NARROWING or rule.fallback:
            found.setdefault("effect", []).append(
                "A domain's own policy denies, masks or asks for approval. Ask an administrator for one that allows."
            )
        if rule.resources.domains != (domain.pk,):
            found.setdefault("domains", []).append(f"A policy of {domain} is about datasets of {domain} alone.")
    if found:
        first = next(iter(found.values()))[0]
        raise Invalid(first, found)


def _missing(rule: Rule, domain: Domain | None) -> list[tuple[str, str]]:
    """What a rule names and is not there, by the member that names it; a statement for each kind of thing named.

    For a domain's own policy there is nothing outside of the domain: whoever writes it may not know of that, and would read
    in words what every id stands for.
    """
    columns = [rule.resources, *(mask.columns for mask in rule.masks)]
    levels = [level for one in columns for level in (one.level_from, one.level_to) if level is not None]
    named: list[tuple[str, type[Model], set[int]]] = [
        ("people", Principal, {*rule.subjects.people, *rule.exceptions.people}),
        (
            "groups",
            Group,
            {*rule.subjects.groups, *rule.exceptions.groups, *(step.group for step in rule.steps if step.group)},
        ),
        ("domains", Domain, set(rule.resources.domains)),
        ("sources", Source, set(rule.resources.sources)),
        ("datasets", Dataset, set(rule.resources.datasets)),
        ("fields", Field, {pk for one in columns for pk in one.fields}),
        ("categories", Category, {pk for one in columns for pk in one.categories}),
        ("levels", Level, set(levels)),
    ]
    found = []
    for member, model, ids in named:
        if ids:
            rows = model._default_manager.filter(pk__in=ids)
            if domain is not None and model in _IN_DOMAIN:
                rows = rows.filter(_IN_DOMAIN[model](domain))
            there = set(rows.values_list("pk", flat=True))
            if ids - there:
                found.append((member, f"There is nothing with the id {min(ids - there)} among {member}."))
    slugs = {*rule.conditions.purposes, *rule.conditions.other_purposes_than}
    unknown = slugs - set(Purpose.objects.filter(slug__in=slugs).values_list("slug", flat=True)) if slugs else set()
    if unknown:
        found.append(("conditions", f"There is no purpose {min(unknown)}."))
    return found


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise Invalid("Give the policy a name.", {"name": ["Give it a name."]})
    if len(name) > 150 or "\x00" in name:
        raise Invalid("A name has at most 150 letters.", {"name": ["At most 150 letters, and no NUL."]})
    return name


def _free_slug(name: str) -> str:
    base = slugify(name)[:70] or "policy"
    taken = set(Policy.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for n in range(len(taken) + 1) if (slug := f"{base}-{n}" if n else base) not in taken)


def _locked(policy: Policy) -> Policy:
    return Policy.objects.select_for_update(of=("self",)).select_related("domain").get(pk=policy.pk)


def _locked_draft(version: PolicyVersion) -> PolicyVersion:
    policy = _locked(version.policy)
    version = PolicyVersion.objects.select_for_update().get(pk=version.pk)
    version.policy = policy
    if version.state != PolicyVersion.State.DRAFT:
        raise Conflict(f"Version {version.number} is {version.state} already. Draft the next one.")
    return version


def _told(version: PolicyVersion) -> Mapping[str, Any]:
    return {
        "policy_id": version.policy_id,
        "version_id": version.pk,
        "policy": version.name,
        "version": version.number,
    }
