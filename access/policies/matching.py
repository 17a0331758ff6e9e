"""Whether a rule concerns a question: its subject, its dataset, its moment; and which of its fields."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from access.policies.facts import DatasetFacts, FieldFacts, Question, SubjectFacts
from access.policies.rules import Action, Columns, Conditions, Effect, Resources, Role, Rule, Subjects

_FIRM = frozenset({Effect.DENY, Effect.RESTRICT, Effect.APPROVAL})
"""Effects that hold something back: what they name and is not known any more counts as concerned."""


def concerns(rule: Rule, question: Question, *actions: Action) -> bool:
    """Whether the rule is about this subject, one of these actions, and this dataset or some of its fields, now."""
    return (
        any(action in rule.actions for action in actions)
        and holds_at(rule.conditions, question.at, question.purpose)
        and is_subject(rule, question.subject, question.dataset)
        and is_dataset(rule.resources, question.dataset)
    )


def is_subject(rule: Rule, subject: SubjectFacts, dataset: DatasetFacts) -> bool:
    """Whether the subject is one of the rule's and none of its exceptions, with regard to this dataset."""
    return _is_one_of(rule.subjects, subject, dataset) and not _is_one_of(rule.exceptions, subject, dataset)


def _is_one_of(subjects: Subjects, subject: SubjectFacts, dataset: DatasetFacts) -> bool:
    return is_named(subjects, subject) or any(has_role(role, subject, dataset) for role in subjects.roles)


def is_named(subjects: Subjects, subject: SubjectFacts) -> bool:
    """Whether the subject is one of them whatever the dataset: by itself, a group or an attribute."""
    return (
        subjects.everyone
        or subject.principal_id in subjects.people
        or not subject.groups.isdisjoint(subjects.groups)
        or any((one.name, one.value) in subject.attributes for one in subjects.attributes)
    )


def has_role(role: Role, subject: SubjectFacts, dataset: DatasetFacts) -> bool:
    if role is Role.DATASET_OWNER:
        return subject.principal_id in dataset.owners or not subject.groups.isdisjoint(dataset.owner_groups)
    return role.value in subject.roles.get(dataset.domain_id or 0, frozenset())


def is_dataset(resources: Resources, dataset: DatasetFacts) -> bool:
    """Whether the selectors of whole datasets select it."""
    return (
        (not resources.domains or dataset.domain_id in resources.domains)
        and (not resources.sources or dataset.source_id in resources.sources)
        and (not resources.datasets or dataset.dataset_id in resources.datasets)
    )


def is_column(columns: Columns, one: FieldFacts, question: Question, *, firm: bool) -> bool:
    """Whether the selectors of fields select it. `firm`: a level that is not there any more selects everything."""
    return (
        (not columns.fields or one.field_id in columns.fields)
        and (not columns.categories or not one.categories.isdisjoint(columns.categories))
        and is_between(columns, one.rank, question, firm=firm)
    )


def is_between(columns: Columns, rank: int, question: Question, *, firm: bool) -> bool:
    """Whether a rank is within the levels of the selector; 0, no level, is below all of them."""
    for level, at_least in ((columns.level_from, True), (columns.level_to, False)):
        if level is None:
            continue
        known = question.ranks.get(level)
        if known is None:
            if not firm:
                return False
        elif rank < known if at_least else rank > known:
            return False
    return True


def is_firm(rule: Rule) -> bool:
    """Whether the rule holds something back, so that what is not known counts as concerned. To let somebody ask is not."""
    return rule.effect in _FIRM


def selects(rule: Rule, one: FieldFacts, question: Question) -> bool:
    return is_column(rule.resources, one, question, firm=is_firm(rule))


def holds_at(conditions: Conditions, moment: dt.datetime, purpose: str) -> bool:
    """Whether the conditions hold at a moment, which has a time zone, for a purpose ("": none was told)."""
    if conditions.purposes and purpose not in conditions.purposes:
        return False
    if conditions.other_purposes_than and purpose in conditions.other_purposes_than:
        return False
    if not conditions.is_of_hours:
        return True
    local = moment.astimezone(zoneinfo.ZoneInfo(conditions.timezone))
    day, time = local.weekday(), local.time()
    if conditions.begin is not None and conditions.end is not None:
        if conditions.begin <= conditions.end:
            within = conditions.begin <= time < conditions.end
        else:
            # Over midnight: the hours after it belong to the day on which they began.
            within = time >= conditions.begin or time < conditions.end
            day = (day - 1) % 7 if time < conditions.end else day
        if not within:
            return False
    return not conditions.weekdays or day in conditions.weekdays
