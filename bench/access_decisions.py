"""What is asked and decided in the world of `bench.access`.

Of everything that waits for somebody's decision 500 are open, 10 in each domain. Behind them lies what was decided: a request
for each grant, and two recertifications of all grants.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.utils import timezone

from access.models import (
    AccessRequest,
    ApprovalStep,
    Campaign,
    CampaignItem,
    EmergencyReview,
    Finding,
    Grant,
    Vote,
)
from bench.access_rows import DATASETS, NUMBER, OWNERS_APPROVE, PEOPLE, PERSON, insert
from catalog.models import Proposal
from classification.counting import count
from classification.models import Label

_OPEN = 500


def leave_open(system: int) -> None:
    """As the actions would leave it: of each kind `_OPEN`, each about another dataset, spread evenly over the domains."""

    def about(kind: int) -> str:
        """Somebody and a dataset `_OPEN` times: 211 shares no factor with the number of domains."""
        return f"""generate_series(0, {_OPEN - 1}) AS n
            JOIN {PERSON} ON person.n = (n.n * 13 + {kind}) %% {PEOPLE}
            JOIN (SELECT id, source_id, {NUMBER} FROM catalog_dataset) AS dataset
              ON dataset.n = (n.n * 211 + {kind}) %% {DATASETS}"""

    asked = {
        "requester": "person.id",
        "dataset": "dataset.id",
        "purpose": "'To see what sells'",
        "ruling": """'{"outcome": "steps", "reasons": ["A policy asks for approval."], "masks": {}}'::jsonb""",
        "created_at": "now() - interval '1 day'",
        "submitted_at": "now() - interval '1 day'",
    }
    of_level = "JOIN classification_level AS level ON level.rank = dataset.level"
    insert(
        CampaignItem,
        {
            "campaign": str(_campaign(system)),
            "grant": "held.id",
            "holder": "held.principal_id",
            "level_name": "level.name",
            "silence_revokes": "level.rank = (SELECT max(rank) FROM classification_level)",
        },
        f"""(SELECT id, principal_id, dataset_id, {NUMBER} FROM access_grant) AS held
            JOIN catalog_dataset AS dataset ON dataset.id = held.dataset_id {of_level}
            WHERE held.n %% 199 = 0 AND held.n < {_OPEN} * 199""",
    )
    insert(
        AccessRequest,
        {**asked, "days": "30", "state": "'pending'", "decide_by": "now() + interval '29 days'"},
        about(1),
    )
    insert(
        ApprovalStep,
        {
            "request": "request.id",
            "position": "1",
            "audience": f"CASE WHEN domain.n < {OWNERS_APPROVE} THEN 'owners' ELSE 'answerable' END",
            "needed": "level.approvals",
            "opened_at": "request.submitted_at",
            "escalate_at": "request.submitted_at + interval '3 days'",
        },
        f"""access_accessrequest AS request JOIN catalog_dataset AS dataset ON dataset.id = request.dataset_id {of_level}
            JOIN (SELECT id, {NUMBER} FROM catalog_domain) AS domain ON domain.id = dataset.domain_id""",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE access_accessrequest AS request SET step_id = step.id FROM access_approvalstep AS step"
            " WHERE step.request_id = request.id"
        )
    insert(
        AccessRequest,
        {
            **asked,
            "days": "1",
            "hours": "4",
            "is_emergency": "true",
            "state": "'approved'",
            "decided_at": "now() - interval '1 day'",
            "decided_by": str(system),
        },
        about(2),
    )
    taken = "access_accessrequest AS request WHERE request.is_emergency"
    insert(
        Grant,
        {
            "principal": "request.requester_id",
            "dataset": "request.dataset_id",
            "request": "request.id",
            "is_emergency": "true",
            "state": "'expired'",
            "valid_from": "request.decided_at",
            "valid_to": "request.decided_at + interval '4 hours'",
            "granted_by": str(system),
        },
        taken,
    )
    insert(
        EmergencyReview,
        {
            "request": "request.id",
            "requester": "request.requester_id",
            "opened_at": "request.decided_at",
            "due_at": "request.decided_at + interval '3 days'",
        },
        taken,
    )
    insert(
        Proposal,
        {
            "dataset": "dataset.id",
            "kind": "'description'",
            "payload": "jsonb_build_object('text', 'What sold, by day: ' || n.n)",
            "digest": "md5(n.n::text)::uuid",
            "at": "now() - interval '1 day'",
        },
        about(3),
    )
    insert(
        Finding,
        {
            "source": "dataset.source_id",
            "kind": "'privilege'",
            "key": "left(md5(n.n::text), 24)",
            "sentence": "'person_' || person.n || ' may read a table, and no grant says so.'",
            "grantee": "'person_' || person.n",
            "principal": "person.id",
            "dataset": "dataset.id",
        },
        about(4),
    )
    insert(
        Label,
        {
            "dataset": "dataset.id",
            "field": "field.id",
            "level": "level.id",
            "category": "category.id",
            "state": "'suggested'",
            "origin": "'code'",
            "author": str(system),
            "reason": "'Found by the detectors.'",
            "confidence": "0.8",
            "phrase": "'column'",
        },
        f"""{about(5)} JOIN catalog_field AS field ON field.dataset_id = dataset.id AND field.position = 1
            JOIN classification_level AS level ON level.slug = 'restricted'
            JOIN (SELECT id, {NUMBER}, count(*) OVER () AS many FROM classification_category) AS category
              ON category.n = n.n %% category.many""",
    )
    count(Label.objects.suggested().values_list("dataset", flat=True))


def decide_before(system: int) -> None:
    """What led to the grants, and what looked at them since."""
    earlier = "now() - interval '40 days'"
    insert(
        AccessRequest,
        {
            "requester": "held.principal_id",
            "dataset": "held.dataset_id",
            "purpose": "'To see what sells'",
            "days": "365",
            "state": "'approved'",
            "created_at": earlier,
            "submitted_at": earlier,
            "decided_at": earlier,
            "decided_by": str(system),
        },
        "(SELECT * FROM access_grant WHERE NOT is_emergency ORDER BY id) AS held",
    )
    decided = "access_accessrequest AS request WHERE request.state = 'approved' AND NOT request.is_emergency"
    asked = {"request": "id", "position": "1", "audience": "'answerable'", "needed": "1"}
    insert(ApprovalStep, {**asked, "opened_at": earlier, "passed_at": earlier}, decided)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE access_accessrequest AS request SET step_id = step.id FROM access_approvalstep AS step"
            " WHERE step.request_id = request.id AND request.step_id IS NULL"
        )
    insert(
        Vote,
        {"step": "step_id", "by": "steward", "acting_for": "steward", "approves": "true", "at": earlier},
        f"""(
            SELECT request.step_id, (
                SELECT held.principal_id FROM catalog_domainmembership AS held
                WHERE held.domain_id = dataset.domain_id AND held.role = 'steward' AND held.principal_id <> request.requester_id
                ORDER BY md5(held.id::text || request.id) LIMIT 1
            ) AS steward
            FROM (SELECT * FROM {decided}) AS request JOIN catalog_dataset AS dataset ON dataset.id = request.dataset_id
        ) AS voted WHERE steward IS NOT NULL""",
    )
    for name in ("Autumn", "Winter"):
        insert(
            CampaignItem,
            {
                "campaign": str(_campaign(system, name)),
                "grant": "id",
                "holder": "principal_id",
                "outcome": "'kept'",
                "silence_revokes": "false",
                "decided_by": str(system),
                "decided_at": earlier,
            },
            "access_grant",
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE access_campaign AS campaign SET closed_at = CASE WHEN name <> 'Spring' THEN now() END, size ="
            " (SELECT count(*) FROM access_campaignitem AS item WHERE item.campaign_id = campaign.id)"
        )


def _campaign(system: int, name: str = "Spring") -> int:
    now = timezone.now()
    due = now + dt.timedelta(days=30)
    return Campaign.objects.create(name=name, scope="all grants", started_by_id=system, started_at=now, due_at=due).pk
