"""Who is meant: the functions that rules name in `to`. Each takes a fixed number of statements a record.

The two that ask what each person may read, `watchers_of_changes` and `watchers_of_job`, take up to four more a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection

from access.models import AccessRequest, Delegation
from access.policy import Reviewer, may_review
from access.querysets import roles_now
from access.reviewing import answerable_for, people_of, step_facts
from accounts.models import Principal
from alerts.registry import Receiver, Receivers, Told
from catalog.models import Dataset, Source, Tier


def people(*names: str) -> Receivers:
    """The principals whose ids are these values of the event."""

    def find(told: Told) -> Iterable[Receiver]:
        return told.each(told.values.get(name) for name in names)

    return find


def people_listed(name: str) -> Receivers:
    """The principals whose ids are in this list of the event."""

    def find(told: Told) -> Iterable[Receiver]:
        return told.each(told.values.get(name, ()))

    return find


def people_themselves(*names: str) -> Receivers:
    """As `people`, each told of no row but of their own account."""

    def find(told: Told) -> Iterable[Receiver]:
        return [Receiver(pk, pk) for name in names if (pk := told.values.get(name)) is not None]

    return find


def people_listed_themselves(name: str) -> Receivers:
    """As `people_listed`, each told of no row but of their own account."""

    def find(told: Told) -> Iterable[Receiver]:
        return [Receiver(pk, pk) for pk in told.values.get(name, ())]

    return find


def administrators(told: Told) -> Iterable[Receiver]:
    """Everybody who administers the catalog."""
    return told.each(_administrators())


def administrators_themselves(told: Told) -> Iterable[Receiver]:
    """Everybody who administers the catalog, told of no row but of the catalog itself."""
    return [Receiver(pk, pk) for pk in _administrators()]


def _administrators() -> list[int]:
    found = Principal.objects.filter(kind=Principal.Kind.PERSON, user__is_superuser=True, user__is_active=True)
    return sorted(found.values_list("pk", flat=True))


def answerable(told: Told) -> Iterable[Receiver]:
    """Owners of the event's dataset, owners and stewards of its domain."""
    dataset = Dataset.objects.filter(pk=told.values["dataset_id"]).first()
    return told.each(answerable_for([dataset])[dataset.pk].everyone) if dataset else []


def stewards_of_source(told: Told) -> Iterable[Receiver]:
    """Stewards and owners of the domain of the event's source; administrators where there is none of them."""
    domains = Source.objects.filter(pk=told.values["source_id"]).values("domain_id")
    found = people_of(roles_now().filter(domain__in=domains).values_list("principal_id", "group_id"))
    return told.each(found or _administrators())


def reviewers(told: Told) -> Iterable[Receiver]:
    """Everybody who may decide now on the event's request, at the step at which it stands."""
    request = (
        AccessRequest.objects.pending()
        .select_related("dataset", "step__group")
        .filter(pk=told.values["request_id"])
        .first()
    )
    return told.each(_who_may_review(request)) if request else []


def _who_may_review(request: AccessRequest) -> list[int]:
    answerable = answerable_for([request.dataset])[request.dataset_id]
    step = step_facts(request.step)
    mandates: dict[int, set[int]] = defaultdict(set)
    audience = step.people(answerable)
    for giver, receiver in (
        Delegation.objects.holding().filter(giver__in=audience).values_list("giver_id", "receiver_id")
    ):
        mandates[receiver].add(giver)
    candidates = Principal.objects.select_related("user").filter(
        pk__in={*audience, *mandates, *_administrators()}, kind=Principal.Kind.PERSON
    )
    return [
        one.pk
        for one in candidates
        if may_review(
            Reviewer(one.pk, is_active=one.is_active, is_administrator=one.is_administrator),
            requester_id=request.requester_id,
            answerable=answerable,
            step=step,
            delegators=frozenset(mandates[one.pk]),
        )
    ]


_WATCHERS = """
    WITH watched AS (
        SELECT dataset.id, coalesce(dataset.merged_into_id, dataset.id) AS stands
        FROM catalog_dataset AS dataset
        WHERE coalesce(dataset.merged_into_id, dataset.id) IN ({which})
    )
    SELECT follow.principal_id, watched.stands
    FROM alerts_follow AS follow JOIN watched ON watched.id = follow.dataset_id
    UNION
    SELECT held.principal_id, watched.stands
    FROM catalog_ownership AS held JOIN watched ON watched.id = held.dataset_id
    WHERE held.valid_to IS NULL AND held.principal_id IS NOT NULL
    UNION
    SELECT member.id, watched.stands
    FROM catalog_ownership AS held JOIN watched ON watched.id = held.dataset_id
    JOIN accounts_user_groups AS joined ON joined.group_id = held.group_id
    JOIN accounts_principal AS member ON member.user_id = joined.user_id
    WHERE held.valid_to IS NULL
"""
"""Who follows or owns datasets, or is their steward, by themselves or through a group."""

_OF_RECORD = _WATCHERS.format(
    which="SELECT object_id FROM audit_recordsubject WHERE record_id = %s AND kind = 'dataset' AND change = ANY(%s)"
)
_OF_JOB = _WATCHERS.format(which="SELECT dataset_id FROM lineage_jobdataset WHERE job_id = %s AND direction = 2")


def watchers_of_changes(*changes: str) -> Receivers:
    """Owners and followers of those subjects of the record to which it means one of these changes.

    Each hears of one dataset, and how many others are meant.
    """

    def find(told: Told) -> Iterable[Receiver]:
        return _told_of_one(_rows(_OF_RECORD, [told.record.pk, list(changes)]))

    return find


def watchers_of_job(told: Told) -> Iterable[Receiver]:
    """Owners and followers of what the event's job writes."""
    return _told_of_one(_rows(_OF_JOB, [told.values["job_id"]]))


def _rows(statement: str, parameters: list[Any]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for principal_id, dataset_id in cursor.fetchall():
            found[principal_id].add(dataset_id)
    return found


def _told_of_one(datasets: dict[int, set[int]]) -> Iterable[Receiver]:
    """Each person with the first dataset whose metadata they read, and how many others there are of these."""
    for person in Principal.objects.select_related("user").filter(pk__in=datasets).order_by("pk"):
        seen = _seen(person, datasets[person.pk])
        if seen:
            yield Receiver(person.pk, seen[0], len(seen) - 1)


def _seen(person: Principal, dataset_ids: Collection[int]) -> list[int]:
    rows = Dataset.objects.visible_to(person, Tier.METADATA).filter(pk__in=dataset_ids)
    return list(rows.order_by("pk").values_list("pk", flat=True))
