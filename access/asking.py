"""What policy says of a request, asked of the database: `access.policies.ruling` with its facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from access.gathering import Named, gather
from access.models import Purpose
from access.policies.facts import DatasetFacts, Question, SubjectFacts
from access.policies.rules import Action
from access.policies.ruling import LevelTerms, Ruling, rule_on
from accounts.models import Principal
from catalog.models import Dataset, Field
from classification.models import Level


def ruling_for(
    requester: Principal, dataset: Dataset, fields: Iterable[Field], *, purpose: Purpose | None = None
) -> Ruling:
    """What becomes of a request of `requester` for these columns (none: the whole dataset); two statements.

    A third one reads rules that this process has not seen yet.
    """
    gathered = gather([Named("principal", str(requester.pk), dataset.pk)])
    (found,) = gathered.found
    question = Question(
        subject=found.subject or SubjectFacts(requester.pk, is_active=False),
        action=Action.REQUEST,
        dataset=found.dataset or DatasetFacts(dataset.pk),
        at=gathered.at,
        asked=frozenset(field.pk for field in fields),
        purpose=purpose.slug if purpose else "",
        ranks=gathered.ranks,
    )
    return rule_on(question, gathered.policies, level_terms())


def level_terms() -> list[LevelTerms]:
    """What each level asks for; one statement."""
    rows = Level.objects.values_list("name", "rank", "approvals", "longest_grant_days")
    return [LevelTerms(*row) for row in rows]


def evidence_of(ruling: Ruling, at: dt.datetime) -> dict[str, Any]:
    """What is kept with a request of what policy said of it, and of which versions of policies that rests on."""
    return {
        "at": at.isoformat(),
        "outcome": ruling.outcome.value,
        "reasons": list(ruling.reasons),
        "versions": list(ruling.versions),
        "days": ruling.duration.days,
        "steps": [
            {"audience": step.audience.value, "needed": step.needed, "group": step.group_id} for step in ruling.steps
        ],
        "masks": {str(field): mask.value for field, mask in sorted(ruling.masks.items())},
        "filtering": list(ruling.filtering),
    }
