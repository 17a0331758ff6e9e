"""The policies as conditions in SQL, for searches: who may read, and what somebody may read.

They say of every principal and dataset what `access.policies.deciding.decide` says of one; a property test holds the two
equal. What does not depend on the rows searched (conditions, named subjects) is worked out beforehand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, SmallIntegerField, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull
from django.utils import timezone

from access.models import Grant, PrincipalAttribute
from access.policies.facts import NO_FIELD, DatasetFacts, FieldFacts, Question, SubjectFacts
from access.policies.matching import holds_at, is_dataset, is_firm, is_named, selects
from access.policies.rules import KIND, Action, Columns, Effect, InForce, Resources, Role, Rule, Subjects
from access.querysets import memberships_now, owners_now
from access.states import GRANT_ALLOWS
from accounts.models import DomainRole, Principal
from catalog.models import Dataset, Field
from classification.models import Label

NEVER = Q(pk__in=())
"""A condition that no row meets."""
EVERY = Q(pk__isnull=False)
"""One that all rows meet; an empty `Q` would vanish from an OR."""
_ALLOWING = sorted(state.value for state in GRANT_ALLOWS)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for every row of a search: what is done, when, what for, and the ranks of levels by id."""

    action: Action
    at: dt.datetime
    purpose: str = ""
    ranks: Mapping[int, int] = field(default_factory=dict)

    def of(self, policies: Iterable[InForce], effect: Effect) -> list[Rule]:
        """The rules of an effect that are about the action and hold now."""
        return [
            policy.rule
            for policy in policies
            if policy.rule.effect is effect
            and self.action in policy.rule.actions
            and holds_at(policy.rule.conditions, self.at, self.purpose)
        ]


def datasets_for(
    subject: SubjectFacts, policies: Sequence[InForce], setting: Setting, *, whole: bool = True
) -> QuerySet[Dataset]:
    """The datasets of which `subject` may read every field, or, unless `whole`, at least one.

    The subject's roles are those on all domains. A subject whose account is closed may read none.
    """
    if not subject.is_active:
        return Dataset.objects.none()
    allows = [_Selection(rule, subject, setting) for rule in setting.of(policies, Effect.ALLOW)]
    denies = [_Selection(rule, subject, setting) for rule in setting.of(policies, Effect.DENY)]
    allowed = any_of(one.of_dataset() for one in allows if one.is_whole)
    some_allow = [one for one in allows if not (one.is_whole or one.is_nothing)]
    some_deny = [one for one in denies if not (one.is_whole or one.is_nothing)]
    by_field = any_of(one.of_field() for one in some_allow)
    # Where some columns may be read by what is about columns; elsewhere no column is looked at.
    candidates = any_of(one.of_dataset() for one in some_allow)
    if setting.action is Action.READ:
        grants = _grants_of(subject)
        allowed |= Q(pk__in=grants.filter(field_ids=[]).values("dataset"))
        candidates |= Q(pk__in=grants.exclude(field_ids=[]).values("dataset"))
        named = grants.exclude(field_ids=[]).annotate(one=Func(F("field_ids"), function="unnest"))
        by_field |= Q(pk__in=named.values("one"))
    fields = Field.objects.filter(dataset=OuterRef("pk"), gone_since__isnull=True).annotate(
        rank=Coalesce("level", OuterRef("level"), Value(0), output_field=SmallIntegerField())
    )
    has_none = ~_some(fields)
    forbidden = any_of(one.of_field() for one in some_deny)
    if whole:
        each = candidates & ~has_none & ~_some(fields.exclude(by_field))
        found = Dataset.objects.filter(allowed | each | _bare(some_allow, has_none))
        if some_deny:
            found = found.exclude(_some(fields.filter(forbidden)))
    else:
        readable = fields.exclude(forbidden) if some_deny else fields
        one = candidates & _some(readable.filter(by_field))
        any_one = allowed & (_some(readable) | has_none) if some_deny else allowed
        found = Dataset.objects.filter(any_one | one | _bare(some_allow, has_none))
    if some_deny:
        found = found.exclude(_bare(some_deny, has_none))
    return found.exclude(any_of(one.of_dataset() for one in denies if one.is_whole))


def datasets_about(rules: Iterable[Rule], ranks: Mapping[int, int]) -> QuerySet[Dataset]:
    """The present datasets some field of which one of the rules is about, whoever asks; without fields, the dataset itself.

    A field without a level has that of its dataset. `ranks` are those of levels, by id.
    """
    fields = ranked_fields()
    has_none = ~Q(Exists(Field.objects.filter(dataset=OuterRef("pk"), gone_since__isnull=True)))
    about = NEVER
    for rule in rules:
        one = _datasets(rule.resources, "")
        if not rule.resources.is_all:
            of_field = _columns(rule, ranks, "rank", OuterRef("dataset_id"), OuterRef("pk"))
            some = Q(pk__in=fields.filter(_datasets(rule.resources, "dataset__"), of_field).values("dataset"))
            if not rule.resources.fields:
                some |= _columns(rule, ranks, "level", OuterRef("pk"), None) & has_none
            one &= some
        about |= one
    return Dataset.objects.filter(about, gone_since__isnull=True, merged_into__isnull=True)


def grants_about(rules: Iterable[Rule], ranks: Mapping[int, int]) -> Q:
    """The condition that one of the rules may bear on what a grant gives: on its holder, what it was asked for, its dataset
    and a column of it that it covers; a rule that only masks, on one that it masks. `ranks` are those of levels, by id.

    Every grant that a rule bears on meets it, and some others do: a role on any domain counts as one on the dataset's, and
    roles that are excepted are not looked at.
    """
    return any_of(_grants_about(rule, ranks) for rule in rules)


def _grants_about(rule: Rule, ranks: Mapping[int, int]) -> Q:
    if rule.exceptions.everyone:
        return NEVER
    found = _datasets(rule.resources, "dataset__") & _holders(rule.subjects)
    excepted = msgspec.structs.replace(rule.exceptions, roles=())
    if not excepted.is_empty:
        found &= ~_holders(excepted)
    if rule.conditions.purposes:
        found &= Q(request__purpose_kind__slug__in=rule.conditions.purposes)
    if rule.conditions.other_purposes_than:
        found &= ~Q(request__purpose_kind__slug__in=rule.conditions.other_purposes_than)
    return found & _covering(rule, ranks)


def _holders(subjects: Subjects) -> Q:
    """The grant's holder is one of the subjects, or has the role on some domain."""
    if subjects.everyone:
        return EVERY
    held = _subjects(msgspec.structs.replace(subjects, roles=()), DatasetFacts(0))
    domain_roles = [DomainRole(role.value) for role in subjects.roles if role is not Role.DATASET_OWNER]
    if domain_roles:
        roles = memberships_now().filter(role__in=domain_roles)
        held |= Q(pk__in=roles.filter(principal__isnull=False).values("principal"))
        held |= _in_groups(roles.filter(group__isnull=False).values("group"))
    found = Q(principal__in=Principal.objects.filter(held).values("pk"))
    if Role.DATASET_OWNER in subjects.roles:
        mine = Q(principal=OuterRef("principal_id")) | Q(group__user__principal=OuterRef("principal_id"))
        found |= Q(Exists(owners_now().filter(mine, dataset=OuterRef("dataset_id"))))
    return found


def _covering(rule: Rule, ranks: Mapping[int, int]) -> Q:
    """The grant covers a column that the rule selects, or the dataset has none."""
    masked = [mask.columns for mask in rule.masks] if rule.effect is Effect.RESTRICT else [Columns()]
    if rule.resources.is_all and any(columns.is_all for columns in masked):
        return EVERY
    firm = is_firm(rule)
    outer = (OuterRef("dataset_id"), OuterRef("pk"))
    one_of = any_of(_selected(columns, ranks, "rank", *outer, firm=firm) or EVERY for columns in masked)
    fields = ranked_fields().filter(covered_by_grant(), dataset=OuterRef("dataset_id"))
    selected = _some(fields.filter(_columns(rule, ranks, "rank", *outer), one_of))
    if rule.resources.fields:
        return selected
    return selected | ~_some(Field.objects.filter(dataset=OuterRef("dataset_id"), gone_since__isnull=True))


def covered_by_grant() -> Q:
    """The condition on a field that the grant outside names it, or names none, which is all."""
    none_named = Func(OuterRef("field_ids"), template="(cardinality(%(expressions)s) = 0)", output_field=BooleanField())
    named = Func(
        F("pk"),
        OuterRef("field_ids"),
        template="(%(expressions)s))",
        arg_joiner=" = ANY (",
        output_field=BooleanField(),
    )
    return Q(none_named) | Q(named)


def _some(fields: QuerySet[Field]) -> Q:
    """There is such a field, asked for each dataset by itself.

    A scalar: among alternatives PostgreSQL would answer an EXISTS once for all datasets, by reading all columns of the catalog.
    """
    return Q(IsNull(Subquery(fields.values("pk")[:1]), False))


def conditions_on_fields(subject: SubjectFacts, policies: Sequence[InForce], setting: Setting) -> tuple[Q, Q]:
    """What policies allow and what they deny the subject, as conditions on fields that have their `rank`; grants apart."""
    allows = (_Selection(rule, subject, setting) for rule in setting.of(policies, Effect.ALLOW))
    denies = (_Selection(rule, subject, setting) for rule in setting.of(policies, Effect.DENY))
    return any_of(one.of_field() for one in allows), any_of(one.of_field() for one in denies)


def ranked_fields() -> QuerySet[Field]:
    """The present fields with the `rank` of their level; one without a level has that of its dataset."""
    return Field.objects.filter(gone_since__isnull=True).annotate(
        rank=Coalesce("level", "dataset__level", Value(0), output_field=SmallIntegerField())
    )


def fields_for(
    subject: SubjectFacts, policies: Sequence[InForce], setting: Setting, *, after: int = 0, most: int
) -> list[int]:
    """The first ids after `after` of the fields that `subject` may read, ascending, at most so many; one statement.

    The subject's roles are those on all domains. What policies allow and what grants do are looked for apart: where one
    condition asked for either, PostgreSQL would look at every field of the catalog.
    """
    if not subject.is_active:
        return []
    allowed, denied = conditions_on_fields(subject, policies, setting)
    ways = [allowed]
    if setting.action is Action.READ:
        grants = _grants_of(subject)
        named = grants.exclude(field_ids=[]).annotate(one=Func(F("field_ids"), function="unnest"))
        ways += [Q(dataset__in=grants.filter(field_ids=[]).values("dataset")), Q(pk__in=named.values("one"))]
    fields = ranked_fields().filter(pk__gt=after)
    first, *others = [
        fields.filter(way).exclude(denied).order_by("pk").values_list("pk", flat=True)[:most] for way in ways
    ]
    return list(first.union(*others).order_by("pk")[:most] if others else first)


def _bare(selections: Iterable[_Selection], has_none: Q) -> Q:
    """The dataset has no fields, and one of these is about what stands for them."""
    return any_of(one.of_bare_dataset() for one in selections) & has_none


def principals_for(
    dataset: DatasetFacts, asked: frozenset[int], policies: Sequence[InForce], setting: Setting
) -> QuerySet[Principal]:
    """The principals that may read every one of these fields (none: all) of the dataset."""
    question = Question(SubjectFacts(0), setting.action, dataset, setting.at, asked, (), setting.purpose, setting.ranks)
    if question.asks_for_what_is_gone:
        return Principal.objects.none()
    about = {
        effect: [rule for rule in setting.of(policies, effect) if is_dataset(rule.resources, dataset)]
        for effect in (Effect.ALLOW, Effect.DENY)
    }
    alike: dict[tuple[tuple[int, ...], tuple[int, ...]], list[FieldFacts]] = {}
    for one in question.fields:
        key = tuple(
            tuple(n for n, rule in enumerate(about[effect]) if selects(rule, one, question)) for effect in about
        )
        alike.setdefault((key[0], key[1]), []).append(one)
    reads = setting.action is Action.READ
    granted = Grant.objects.filter(principal=OuterRef("pk"), dataset_id=dataset.dataset_id, **holding_now())
    found = Principal.objects.filter(Q(user__isnull=True) | Q(user__is_active=True), disabled_at__isnull=True)
    if reads:
        columns = granted.annotate(one=Func(F("field_ids"), function="unnest")).values("one")
        found = found.alias(covered=ArraySubquery(columns))
    for (allowing, denying), fields in alike.items():
        may = any_of(_principals(about[Effect.ALLOW][n], dataset) for n in allowing)
        if reads:
            may |= Q(Exists(granted.filter(field_ids=[])))
            if fields[0].field_id != NO_FIELD:
                may |= Q(covered__contains=[one.field_id for one in fields])
        found = found.filter(may)
        for n in denying:
            found = found.exclude(_principals(about[Effect.DENY][n], dataset))
    return found


def any_of(conditions: Iterable[Q]) -> Q:
    """One of these conditions, or never where there are none."""
    found = NEVER
    for condition in conditions:
        found = condition if found is NEVER else found | condition
    return found


def holding_now() -> dict[str, Any]:
    """What a grant must be to let its holder read now, as lookups."""
    now = timezone.now()
    return {"state__in": _ALLOWING, "valid_from__lte": now, "valid_to__gt": now}


def _grants_of(subject: SubjectFacts) -> QuerySet[Grant]:
    return Grant.objects.filter(principal_id=subject.principal_id, **holding_now())


class _Selection:
    """What of all datasets a rule concerns for one subject, as conditions."""

    def __init__(self, rule: Rule, subject: SubjectFacts, setting: Setting) -> None:
        self.rule = rule
        self.subject = subject
        self.setting = setting
        self.named = is_named(rule.subjects, subject)
        self.is_nothing = is_named(rule.exceptions, subject) or not (self.named or rule.subjects.roles)
        self.is_whole = rule.resources.is_all

    def of_dataset(self, prefix: str = "") -> Q:
        """The dataset is one of the rule's. `prefix` leads from the row to the dataset."""
        if self.is_nothing:
            return NEVER
        selected = _datasets(self.rule.resources, prefix)
        if not self.named:
            selected &= self._by_role(self.rule.subjects, prefix)
        if self.rule.exceptions.roles:
            selected &= ~self._by_role(self.rule.exceptions, prefix)
        return selected

    def of_field(self) -> Q:
        """The field, which has its `rank`, is one of the rule's."""
        return self.of_dataset("dataset__") & _columns(
            self.rule, self.setting.ranks, "rank", OuterRef("dataset_id"), OuterRef("pk")
        )

    def of_bare_dataset(self) -> Q:
        """The dataset, which has no fields, is one of the rule's."""
        if self.rule.resources.fields:
            return NEVER
        return self.of_dataset() & _columns(self.rule, self.setting.ranks, "level", OuterRef("pk"), None)

    def _by_role(self, subjects: Subjects, prefix: str) -> Q:
        roles = {role.value for role in subjects.roles}
        domains = [domain for domain, held in self.subject.roles.items() if roles & held]
        found = Q(**{f"{prefix}domain_id__in": domains})
        if Role.DATASET_OWNER in subjects.roles:
            held_by = Q(principal_id=self.subject.principal_id) | Q(group_id__in=self.subject.groups)
            outer = OuterRef("dataset_id" if prefix else "pk")
            found |= Q(Exists(owners_now().filter(held_by, dataset=outer)))
        return found


def _datasets(resources: Resources, prefix: str) -> Q:
    """The selectors of whole datasets."""
    found = EVERY
    for name, ids in (("domain_id", resources.domains), ("source_id", resources.sources), ("id", resources.datasets)):
        if ids:
            found &= Q(**{f"{prefix}{name}__in": ids})
    return found


def _columns(rule: Rule, ranks: Mapping[int, int], rank: str, dataset: OuterRef, field_id: OuterRef | None) -> Q:
    """The rule's selectors of fields."""
    return _selected(rule.resources, ranks, rank, dataset, field_id, firm=is_firm(rule))


def _selected(
    columns: Columns, ranks: Mapping[int, int], rank: str, dataset: OuterRef, field_id: OuterRef | None, *, firm: bool
) -> Q:
    """These selectors of fields. `rank` names the row's own rank, which may be null for none."""
    found = Q()
    if columns.fields:
        found &= Q(pk__in=columns.fields)
    if columns.categories:
        labels = Label.objects.current().counting().filter(dataset=dataset, category_id__in=columns.categories)
        of_dataset = Q(field__isnull=True)
        found &= Q(Exists(labels.filter(of_dataset if field_id is None else of_dataset | Q(field=field_id))))
    for level, lookup in ((columns.level_from, "gte"), (columns.level_to, "lte")):
        if level is None:
            continue
        known = ranks.get(level)
        if known is None:
            found &= Q() if firm else NEVER
        elif lookup == "gte":
            found &= Q(**{f"{rank}__gte": known})
        else:
            found &= Q(**{f"{rank}__lte": known}) | Q(**{f"{rank}__isnull": True})
    return found


def _principals(rule: Rule, dataset: DatasetFacts) -> Q:
    """The rule's subjects and none of its exceptions, with regard to the dataset."""
    found = _subjects(rule.subjects, dataset)
    return found if rule.exceptions.is_empty else found & ~_subjects(rule.exceptions, dataset)


def _subjects(subjects: Subjects, dataset: DatasetFacts) -> Q:
    if subjects.everyone:
        return EVERY
    found = Q(pk__in=subjects.people)
    if subjects.groups:
        found |= _in_groups(subjects.groups)
    for attribute in subjects.attributes:
        if attribute.name == KIND:
            found |= Q(kind=attribute.value)
        else:
            having = PrincipalAttribute.objects.filter(
                name=attribute.name, value=attribute.value, valid_to__isnull=True
            )
            found |= Q(pk__in=having.values("principal"))
    domain_roles = [DomainRole(role.value) for role in subjects.roles if role is not Role.DATASET_OWNER]
    if domain_roles and dataset.domain_id is not None:
        holders = memberships_now().filter(domain_id=dataset.domain_id, role__in=domain_roles)
        found |= Q(pk__in=holders.filter(principal__isnull=False).values("principal"))
        found |= _in_groups(holders.filter(group__isnull=False).values("group"))
    if Role.DATASET_OWNER in subjects.roles:
        found |= Q(pk__in=dataset.owners) | _in_groups(dataset.owner_groups)
    return found


def _in_groups(groups: Any) -> Q:
    """Its user is in one of these groups: ids, or a query that finds them."""
    return Q(pk__in=Principal.objects.filter(user__groups__in=groups).values("pk"))
