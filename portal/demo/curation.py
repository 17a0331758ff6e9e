"""What the demo's people say of its datasets and ask of each other, through the actions behind the pages.

Whatever somebody has said already, or taken back, is left alone: a second load never overrules a person.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from access.actions import approve_request, delegate_decisions, publish_terms, request_access, start_campaign
from access.agreements import terms_for
from access.models import AccessRequest, Campaign, Delegation, Terms
from access.recertifying import Chosen
from accounts.models import Principal
from catalog.actions import add_tag, assign_owner, describe
from catalog.models import Dataset, Description, Domain, Field, Origin, Ownership, Tag, TagAssignment
from classification.actions import set_level
from classification.models import Category, Label, Level
from common.errors import Conflict
from portal.demo.organisation import (
    ANALYST,
    APPROVED_REQUESTS,
    AWAY,
    OPEN_REQUEST,
    PRODUCT_OWNER,
    RECERTIFICATION,
    SAID,
    STEWARD,
    TERMS,
    Person,
    Said,
)
from portal.demo.people import principal
from portal.demo.sources import IN_CHARGE, WAREHOUSE


def dataset_of(source: str, name: str) -> Dataset:
    """A crawled dataset by the end of its path: `users`, `marts.student_progress`. Raises `Conflict` where none is there."""
    parts = name.split(".")
    for dataset in Dataset.objects.filter(source__slug=source, name=parts[-1], gone_since=None):
        if dataset.path[-len(parts) :] == parts:
            return dataset
    raise Conflict(
        f"The crawl of {source} found no {name}, which the demo speaks of. Crawl {source} again, then load_demo."
    )


def describe_datasets() -> int:
    """Descriptions, tags and owners; how many things were said."""
    return sum(_describe(said, dataset_of(said.source, said.name)) for said in SAID)


def _describe(said: Said, dataset: Dataset) -> int:
    by = principal(_curator(said.source))
    done = 0
    spoken = Description.objects.filter(dataset=dataset, origin=Origin.PERSON)
    if not spoken.filter(field=None).exists():
        describe(dataset=dataset, text=said.description, by=by)
        done += 1
    for name, text in said.columns.items():
        field = Field.objects.get(dataset=dataset, path=[name])
        if not spoken.filter(field=field).exists():
            describe(dataset=dataset, field=field, text=text, by=by)
            done += 1
    for tag_name in said.tags:
        tag, _ = Tag.objects.get_or_create(slug=slugify(tag_name), defaults={"name": tag_name})
        if not TagAssignment.objects.filter(tag=tag, dataset=dataset).exists():
            add_tag(datasets=[dataset], tag=tag, by=by)
            done += 1
    if not Ownership.objects.filter(dataset=dataset).exists():
        _assign(dataset, said.source, by)
        done += 1
    return done


def _assign(dataset: Dataset, source: str, by: Principal) -> None:
    assign_owner(datasets=[dataset], principal=principal(IN_CHARGE[source]), by=by)
    if source == WAREHOUSE:
        assign_owner(datasets=[dataset], principal=principal(STEWARD), kind=Ownership.Kind.STEWARD, by=by)


def _curator(source: str) -> Person:
    return PRODUCT_OWNER if source == "splashkit" else STEWARD


@transaction.atomic
def set_levels() -> int:
    """Levels on columns and datasets; how many labels were set.

    All or none: labels that travel along lineage meanwhile would raise a mart above what is said of it a moment later.
    """
    levels = {level.slug: level for level in Level.objects.all()}
    done = 0
    for said in SAID:
        dataset = dataset_of(said.source, said.name)
        spoken = set(Label.objects.said_by_people().filter(dataset=dataset).values_list("field_id", flat=True))
        suggested = Label.objects.suggested().filter(dataset=dataset).select_related("category")
        kinds = {label.field_id: label.category for label in suggested}
        by = principal(_curator(said.source))
        for labelled in said.labels:
            how: dict[str, Any] = {"level": levels[labelled.level], "reason": labelled.why, "by": by}
            if not labelled.columns and None not in spoken:
                done += len(set_level(datasets=[dataset], **how))
            # What a column holds the detectors have said; how sensitive that is here people say.
            alike: dict[Category | None, list[Field]] = defaultdict(list)
            for field in Field.objects.filter(dataset=dataset, gone_since=None):
                if ".".join(field.path) in labelled.columns and field.pk not in spoken:
                    alike[kinds.get(field.pk)].append(field)
            for category, fields in alike.items():
                done += len(set_level(fields=fields, category=category, **how))
    return done


def publish_terms_of_domain() -> int:
    """What whoever asks for data about students accepts; 1 where it was missing."""
    name, domain, text = TERMS
    if Terms.objects.filter(slug=slugify(name)).exists():
        return 0
    publish_terms(name=name, text=text, domain=Domain.objects.get(slug=domain), by=principal(STEWARD))
    return 1


def request_accesses() -> int:
    """Requests that were approved, and one that waits for its owner; how many were made."""
    done = 0
    for source, name, columns, purpose, days in (*APPROVED_REQUESTS, OPEN_REQUEST):
        dataset = dataset_of(source, name)
        by = principal(ANALYST)
        if AccessRequest.objects.filter(requester=by, dataset=dataset).exists():
            continue
        fields = [Field.objects.get(dataset=dataset, path=[column]) for column in columns]
        accepts = [terms.pk for terms in terms_for(dataset, fields)]
        request = request_access(dataset=dataset, purpose=purpose, days=days, fields=fields, accepts=accepts, by=by)
        if name != OPEN_REQUEST[1]:
            approve_request(request=request, by=principal(IN_CHARGE[source]), reason="The report needs no names.")
        done += 1
    return done


def delegate_and_recertify() -> int:
    """The owner's leave, and a look at what was granted in the warehouse; how many were made."""
    owner, now = principal(PRODUCT_OWNER), timezone.now()
    done = 0
    days, reason = AWAY
    if not Delegation.objects.filter(giver=owner).exists():
        delegate_decisions(
            giver=owner,
            receiver=principal(STEWARD),
            valid_from=now,
            valid_to=now + dt.timedelta(days=days),
            reason=reason,
            by=owner,
        )
        done += 1
    name, domain, due_in = RECERTIFICATION
    if not Campaign.objects.filter(name=name).exists():
        chosen = Chosen(domain=Domain.objects.get(slug=domain))
        start_campaign(name=name, chosen=chosen, due_at=now + dt.timedelta(days=due_in), by=owner)
        done += 1
    return done
