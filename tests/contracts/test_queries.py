"""Pages cost the same number of statements however many objects they show."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.actions.vocabulary import add_engine_catalog, add_purpose, set_attribute
from access.models import (
    AccessRequest,
    CampaignItem,
    DatabaseLogin,
    Delegation,
    EmergencyReview,
    Finding,
    Grant,
    TermsAcceptance,
)
from access.states import RequestState
from accounts.tokens import mint
from alerts.events import DatasetFollowed
from alerts.models import Follow, Notification
from audit.recording import record as record_event
from catalog.actions import grant_exception
from catalog.models import Dataset, Field, Ownership, Tag, TagAssignment
from catalog.search_index import refresh_search
from ingestion.models import Run, RunState
from lineage.models import DatasetEdge, Direction, Job, JobDataset
from tests import factories
from tests.contracts.world import World
from tests.factories import bearer

pytestmark = pytest.mark.django_db

FEW, MANY = 3, 20
PAGES = (
    "/",
    "/search/",
    "/search/?q=load",
    "/search/suggest/?q=load",
    "/browse/?source=ontrack",
    "/domains/",
    "/domains/teaching/",
    "/systems/",
    "/tags/",
    "/sources/",
    "/runs/",
    "/jobs/",
    "/jobs/runs/",
    "/levels/",
    "/access/",
    "/access/yours/",
    "/access/delegations/",
    "/access/terms/",
    "/access/recertification/",
    "/access/recertification/{campaign}/?show=all",
    "/access/enforcement/",
    "/access/enforcement/{enforced}/",
    "/access/people/",
    "/access/policies/",
    "/access/policies/attributes/",
    "/access/policies/purposes/",
    "/access/policies/engine-catalogs/",
    "/accounts/tokens/",
    "/notifications/?all=1",
    "/notifications/preferences/",
    "/audit/",
    "/datasets/{dataset}/schema/",
    "/datasets/{dataset}/profile/",
    "/datasets/{dataset}/lineage/",
    "/datasets/{dataset}/access/",
    "/access/datasets/{dataset}/readers/",
    "/access/people/{analyst}/reads/",
    "/datasets/{dataset}/edit/exceptions/",
    "/datasets/{dataset}/activity/",
    "/api/v2/datasets/",
    "/api/v2/datasets/{dataset}/",
    "/api/v2/datasets/{dataset}/exceptions/",
    "/api/v2/datasets/{dataset}/fields/",
    "/api/v2/datasets/{dataset}/field-profiles/",
    "/api/v2/datasets/{dataset}/profiles/",
    "/api/v2/datasets/{dataset}/lineage/",
    "/api/v2/search/?q=load",
    "/api/v2/domains/",
    "/api/v2/sources/",
    "/api/v2/systems/",
    "/api/v2/tags/",
    "/api/v2/jobs/",
    "/api/v2/jobs/?order=attention",
    "/api/v2/job-runs/",
    "/api/v2/job-runs/?order=attention",
    "/api/v2/runs/",
    "/api/v2/labels/",
    "/api/v2/levels/",
    "/api/v2/access-requests/",
    "/api/v2/grants/",
    "/api/v2/delegations/",
    "/api/v2/terms/",
    "/api/v2/emergencies/",
    "/api/v2/recertifications/",
    "/api/v2/recertification-items/",
    "/api/v2/enforcements/",
    "/api/v2/findings/",
    "/api/v2/findings/?role=reviewer",
    "/api/v2/database-logins/",
    "/api/v2/people/",
    "/api/v2/principal-attributes/",
    "/api/v2/purposes/",
    "/api/v2/engine-catalogs/",
    "/api/v2/tokens/",
    "/api/v2/notifications/",
    "/api/v2/follows/",
    "/api/v2/activity/",
)


def _grow(world: World, count: int) -> None:
    """So many more of everything that a list shows, all around the dataset `users`."""
    cast = world.cast
    for number in range(count):
        made = factories.dataset(f"load_{number}", domain=cast.domain, source=cast.source, owner=factories.person())
        refresh_search([made.pk])
        factories.field(world.users, f"extra_{number}", position=100 + number)
        tag = Tag.objects.create(slug=f"tag-{number}", name=f"tag {number}")
        TagAssignment.objects.create(tag=tag, dataset=world.users, origin="person", asserted_by=cast.steward)
        factories.ownership(world.users, factories.person(), Ownership.Kind.OWNER)
        shown: dict[str, Any] = {"dataset": world.users, "tier": 2, "reason": "Audit.", "by": cast.administrator}
        grant_exception(principal=factories.person(), **shown)
        grant_exception(group=factories.group(), **shown)
        other = factories.source(f"more-{number}", of=factories.domain(f"more-{number}"))
        Run.objects.create(source=other, state=RunState.SUCCEEDED, trigger="person", requested_by=cast.steward)
        job = Job.objects.create(
            namespace="load", name=f"load_{number}", first_seen=timezone.now(), last_seen=timezone.now()
        )
        for dataset, direction in ((world.users, Direction.INPUT), (made, Direction.OUTPUT)):
            JobDataset.objects.create(
                job=job, direction=direction, dataset=dataset, first_seen=timezone.now(), last_seen=timezone.now()
            )
        DatasetEdge.objects.create(
            upstream=world.users, downstream=made, job=job, first_seen=timezone.now(), last_seen=timezone.now()
        )
        now = timezone.now()
        _grow_access(world, made)
        AccessRequest.objects.create(
            requester=factories.person(), dataset=world.users, purpose="To see.", days=3, state=RequestState.PENDING.value,
            submitted_at=now, decide_by=now,
        )  # fmt: skip
        record = record_event(DatasetFollowed(dataset_id=made.pk, dataset=made.name), by=cast.steward)
        Notification.objects.create(
            receiver=cast.administrator, record=record, kind="schema", rule="catalog.schemas_told", about_kind="dataset",
            about_id=made.pk,
        )  # fmt: skip
        Follow.objects.create(principal=cast.administrator, dataset=made)
        mint(principal=cast.administrator, name=f"more {number}", scopes=["catalog:read"], by=cast.administrator)
    assert Field.objects.filter(dataset=world.users).count() > count


def _grow_access(world: World, made: Dataset) -> None:
    """A grant that somebody took in an emergency and one to confirm, a delegation, and terms that were accepted; another
    in a source that is enforced, with its holder's login, and what somebody can read there without."""
    by, now, holder = world.cast.administrator, timezone.now(), factories.person()
    later = now + dt.timedelta(days=3)
    taken = AccessRequest.objects.create(
        requester=holder, dataset=made, purpose="Down.", days=1, hours=1, is_emergency=True, state="approved",
        submitted_at=now, decided_at=now, decided_by=by,
    )  # fmt: skip
    EmergencyReview.objects.create(request=taken, requester=holder, due_at=later)
    TermsAcceptance.objects.create(request=taken, terms=world.terms, by=holder)
    grant = Grant.objects.create(
        principal=holder, dataset=made, state="recorded", valid_from=now, valid_to=later, granted_by=by
    )
    CampaignItem.objects.create(campaign=world.campaign, grant=grant, holder=holder, silence_revokes=False)
    Delegation.objects.create(giver=by, receiver=holder, valid_from=now, valid_to=later, created_by=by)
    set_attribute(principals=[holder], name="department", value="finance", by=by)
    add_purpose(name=f"Purpose {holder.pk}", by=by)
    add_engine_catalog(name=f"catalog-{holder.pk}", source=world.ontrack, by=by)
    login, enforced = f"login_{holder.pk}", factories.dataset(domain=world.cast.domain, source=world.ontrack)
    DatabaseLogin.objects.create(source=world.ontrack, principal=holder, name=login, set_by=by)
    for reader in (holder, factories.person()):
        Grant.objects.create(
            principal=reader, dataset=enforced, state="active", login=login, valid_from=now, valid_to=later, granted_by=by
        )  # fmt: skip
    for kind in Finding.ADOPTABLE:
        Finding.objects.create(
            source=world.ontrack, kind=kind, key=f"{kind}{made.pk}", sentence="It may be read.", principal=holder,
            dataset=made,
        )  # fmt: skip


def _costs(world: World, count: int) -> dict[str, int]:
    with transaction.atomic():
        _grow(world, count)
        found = {page: _cost(world, page) for page in PAGES}
        transaction.set_rollback(True)
    return found


def _cost(world: World, page: str) -> int:
    administrator = world.persona("administrator")
    assert administrator.user is not None
    client = Client()
    headers: dict[str, str] = {}
    if page.startswith("/api/"):
        headers = bearer(administrator)
    else:
        client.force_login(administrator.user)
    path = page.format(
        dataset=world.users.pk,
        analyst=world.cast.analyst.pk,
        campaign=world.campaign.pk,
        enforced=world.ontrack.pk,
    )
    client.get(path, headers=headers)  # What a process reads once is read now.
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path, headers=headers).status_code == 200, path
    return len(queries)


def test_no_page_or_list_costs_more_statements_for_more_objects(world: World) -> None:
    few, many = _costs(world, FEW), _costs(world, MANY)
    grown = {page: (few[page], many[page]) for page in PAGES if many[page] > few[page]}
    assert not grown, f"statements with {FEW} and with {MANY} more objects: {grown}"
    most = max(many.values())
    assert most <= 40, {page: cost for page, cost in many.items() if cost > 40}
