"""Who is meant: the functions that rules name in `to`. Each takes a fixed number of statements
for any number of records.

The two that ask what each person may read, `watchers_of_changes` and `watchers_of_job`, take up to four more a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from access.models import AccessRequest, Delegation
from access.policy import Reviewer, StepFacts, may_review
from access.querysets import roles_now
from access.reviewing import answerable_for, facts_of_steps, people_by
from accounts.models import Principal
from alerts.registry import Receiver, Receivers, Told
from catalog.models import Dataset, Source, Tier

Found = Iterable[Iterable[Receiver]]


def people(*names: str) -> Receivers:
    """The principals whose ids are these values of the event."""

    def find(told: Sequence[Told]) -> Found:
        return [one.each(one.values.get(name) for name in names) for one in told]

    return find


def people_listed(name: str) -> Receivers:
    """The principals whose ids are in this list of the event."""

    def find(told: Sequence[Told]) -> Found:
        return [one.each(one.values.get(name, ())) for one in told]

    return find


def people_themselves(*names: str) -> Receivers:
    """As `people`, each told of no row but of their own account."""

    def find(told: Sequence[Told]) -> Found:
        return [[Receiver(pk, pk) for name in names if (pk := one.values.get(name)) is not None] for one in told]

    return find


def people_listed_themselves(name: str) -> Receivers:
    """As `people_listed`, each told of no row but of their own account."""

    def find(told: Sequence[Told]) -> Found:
        return [[Receiver(pk, pk) for pk in one.values.get(name, ())] for one in told]

    return find


def administrators(told: Sequence[Told]) -> Found:
    """Everybody who administers the catalog."""
    found = _administrators()
    return [one.each(found) for one in told]


def administrators_themselves(told: Sequence[Told]) -> Found:
    """Everybody who administers the catalog, told of no row but of the catalog itself."""
    found = [Receiver(pk, pk) for pk in _administrators()]
    return [found for _ in told]


def _administrators() -> list[int]:
    found = Principal.objects.filter(kind=Principal.Kind.PERSON, user__is_superuser=True, user__is_active=True)
    return sorted(found.values_list("pk", flat=True))


def answerable(told: Sequence[Told]) -> Found:
    """Owners of the event's dataset, owners and stewards of its domain."""
    datasets = Dataset.objects.filter(pk__in={one.values["dataset_id"] for one in told})
    found = {pk: sorted(each.everyone) for pk, each in answerable_for(datasets).items()}
    return [one.each(found.get(one.values["dataset_id"], ())) for one in told]


def stewards_of_source(told: Sequence[Told]) -> Found:
    """Stewards and owners of the domain of the event's source; administrators where there is none of them."""
    sources = Source.objects.filter(pk__in={one.values["source_id"] for one in told}, domain__isnull=False)
    domain_of = dict(sources.values_list("pk", "domain_id"))
    roles = roles_now().filter(domain__in=set(domain_of.values()))
    stewards = people_by(roles.values_list("domain_id", "principal_id", "group_id"))
    found = [stewards.get(domain_of.get(one.values["source_id"], 0), set()) for one in told]
    others = _administrators() if not all(found) else []
    return [one.each(each or others) for one, each in zip(told, found, strict=True)]


def reviewers(told: Sequence[Told]) -> Found:
    """Everybody who may decide now on the event's request, at the step at which it stands."""
    pending = AccessRequest.objects.pending().select_related("dataset", "step__group")
    may = _who_may_review(list(pending.filter(pk__in={one.values["request_id"] for one in told})))
    return [one.each(may.get(one.values["request_id"], ())) for one in told]


def _who_may_review(requests: Sequence[AccessRequest]) -> Mapping[int, Sequence[int]]:
    """By the request, those who may decide on it; at most eight statements."""
    answerable = answerable_for({request.dataset_id: request.dataset for request in requests}.values())
    facts = facts_of_steps([request.step for request in requests if request.step])
    step_of = {one.pk: facts[one.step_id] if one.step_id else StepFacts() for one in requests}
    audience_of = {one.pk: set(step_of[one.pk].people(answerable[one.dataset_id])) for one in requests}
    everybody = set().union(*audience_of.values())
    mandates: dict[int, set[int]] = defaultdict(set)
    for giver, receiver in (
        Delegation.objects.holding().filter(giver__in=everybody).values_list("giver_id", "receiver_id")
    ):
        mandates[receiver].add(giver)
    administrators = set(_administrators())
    candidates = Principal.objects.select_related("user").filter(
        pk__in={*everybody, *mandates, *administrators}, kind=Principal.Kind.PERSON
    )
    known = {one.pk: one for one in candidates.order_by("pk")}

    def may(one: Principal, request: AccessRequest) -> bool:
        decision = may_review(
            Reviewer(one.pk, is_active=one.is_active, is_administrator=one.is_administrator),
            requester_id=request.requester_id,
            answerable=answerable[request.dataset_id],
            step=step_of[request.pk],
            delegators=frozenset(mandates[one.pk] & audience_of[request.pk]),
        )
        return bool(decision)

    found = {}
    for request in requests:
        audience = audience_of[request.pk]
        stand_ins = {receiver for receiver, givers in mandates.items() if givers & audience}
        asked = sorted((audience | stand_ins | administrators) & known.keys())
        found[request.pk] = [pk for pk in asked if may(known[pk], request)]
    return found


_WATCHERS = """
    WITH meant (told_of, dataset_id) AS ({which}),
    watched AS (
        SELECT meant.told_of, dataset.id, dataset.id AS stands
        FROM meant JOIN catalog_dataset AS dataset ON dataset.id = meant.dataset_id AND dataset.merged_into_id IS NULL
        UNION ALL
        SELECT meant.told_of, merged.id, meant.dataset_id
        FROM meant JOIN catalog_dataset AS merged ON merged.merged_into_id = meant.dataset_id
    )
    SELECT watched.told_of, follow.principal_id, watched.stands
    FROM alerts_follow AS follow JOIN watched ON watched.id = follow.dataset_id
    UNION
    SELECT watched.told_of, held.principal_id, watched.stands
    FROM catalog_ownership AS held JOIN watched ON watched.id = held.dataset_id
    WHERE held.valid_to IS NULL AND held.principal_id IS NOT NULL
    UNION
    SELECT watched.told_of, member.id, watched.stands
    FROM catalog_ownership AS held JOIN watched ON watched.id = held.dataset_id
    JOIN accounts_user_groups AS joined ON joined.group_id = held.group_id
    JOIN accounts_principal AS member ON member.user_id = joined.user_id
    WHERE held.valid_to IS NULL
"""
"""Who follows or owns datasets, or is their steward, by themselves or through a group."""

_OF_RECORDS = _WATCHERS.format(
    which="SELECT record_id, object_id FROM audit_recordsubject"
    " WHERE record_id = ANY(%s) AND kind = 'dataset' AND change = ANY(%s)"
)
_OF_JOBS = _WATCHERS.format(
    which="SELECT job_id, dataset_id FROM lineage_jobdataset WHERE job_id = ANY(%s) AND direction = 2"
)


def watchers_of_changes(*changes: str) -> Receivers:
    """Owners and followers of those subjects of the record to which it means one of these changes.

    Each hears of one dataset, and how many others are meant.
    """

    def find(told: Sequence[Told]) -> Found:
        ids = [one.record.pk for one in told]
        return _told_of_one(ids, _rows(_OF_RECORDS, [ids, list(changes)]))

    return find


def watchers_of_job(told: Sequence[Told]) -> Found:
    """Owners and followers of what the event's job writes."""
    ids = [one.values["job_id"] for one in told]
    return _told_of_one(ids, _rows(_OF_JOBS, [ids]))


def _rows(statement: str, parameters: list[Any]) -> dict[int, dict[int, set[int]]]:
    """By the person, by what they are told of, the datasets."""
    found: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for told_of, principal_id, dataset_id in cursor.fetchall():
            found[principal_id][told_of].add(dataset_id)
    return found


def _told_of_one(ids: Sequence[int], datasets: Mapping[int, Mapping[int, set[int]]]) -> Found:
    """Of each of these, each person with the first dataset whose metadata they read, and how many others there are of these."""
    found: dict[int, list[Receiver]] = {told_of: [] for told_of in ids}
    for person in Principal.objects.select_related("user").filter(pk__in=datasets).order_by("pk"):
        seen = _seen(person, set().union(*datasets[person.pk].values()))
        for told_of, which in datasets[person.pk].items():
            if mine := sorted(which & seen):
                found[told_of].append(Receiver(person.pk, mine[0], len(mine) - 1))
    return [found[told_of] for told_of in ids]


def _seen(person: Principal, dataset_ids: Collection[int]) -> set[int]:
    rows = Dataset.objects.visible_to(person, Tier.METADATA).filter(pk__in=dataset_ids)
    return set(rows.values_list("pk", flat=True))
