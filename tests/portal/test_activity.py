"""What happened is told to readers as far as they may know of all that it names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.actions import request_access
from access.enforcement.events import FindingResolved, LoginNamed
from accounts.models import DomainRole, Principal
from audit.recording import record
from catalog.actions import accept_proposal, grant_exception
from catalog.models import Dataset, Proposal, Schema, Tier
from catalog.proposals import Claim, propose
from lineage.merging import decide_same
from tests import factories
from tests.factories import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: None) -> Cast:
    return factories.personas()


def _told(client: Client, reader: Principal, dataset: Dataset) -> str:
    """The dataset's activity as the page and REST tell it, which tell the same."""
    client.force_login(reader.user)
    page = client.get(reverse("portal:dataset_tab", args=[dataset.pk, "activity"]))
    rest = client.get(f"/api/v2/datasets/{dataset.pk}/activity/")
    assert page.status_code == rest.status_code == 200
    sentences = [one["sentence"] for one in rest.json()["results"]]
    assert page.text.count('class="dc-timeline-item') in (0, len(sentences))
    return " ".join([page.text, *sentences])


def _words(page: str) -> str:
    """What a page says: neither addresses nor keys."""
    return re.sub(r"<[^>]*>", " ", page)


def _asks(by: Principal, dataset: Dataset, cast: Cast) -> None:
    request_access(dataset=dataset, purpose="teaching", days=5, by=by)
    owner = factories.person("olga")
    factories.role(cast.domain, owner, DomainRole.OWNER)
    grant_exception(dataset=dataset, tier=Tier.PROFILE, reason="an audit", by=owner, principal=cast.outsider)


def test_who_may_read_a_dataset_is_told_to_those_who_curate_it_and_to_themselves(client: Client, cast: Cast) -> None:
    other = factories.person("amy")
    factories.role(cast.domain, other, DomainRole.ANALYST)
    _asks(cast.analyst, cast.dataset, cast)
    for reader, sees in ((cast.steward, True), (cast.administrator, True), (cast.analyst, True), (other, False)):
        assert ("asked for all columns" in _told(client, reader, cast.dataset)) is sees, reader
    for reader, sees in ((cast.steward, True), (cast.outsider, True), (cast.analyst, False), (other, False)):
        assert ("Otto" in _told(client, factories.fresh(reader), cast.dataset)) is sees, reader


def test_a_merge_with_a_hidden_dataset_is_not_told_by_its_name(client: Client, cast: Cast) -> None:
    hidden = factories.dataset("salaries", domain=factories.domain("Payroll", open_tier=Tier.NONE))
    seen = factories.dataset("persons", domain=cast.domain)
    for other in (hidden, seen):
        decide_same(first=cast.dataset, second=other, same=False, by=cast.administrator)
    claim = Claim(cast.dataset.pk, {"dataset": hidden.pk}, seen.first_seen)
    propose(kind=Proposal.Kind.SAME_AS, claims=[claim], about=[cast.dataset.pk])
    accept_proposal(proposal=Proposal.objects.get(), by=cast.administrator)
    decide_same(first=cast.dataset, second=hidden, same=False, by=cast.administrator)
    told = _told(client, cast.steward, cast.dataset)
    assert "salaries" not in told
    assert "persons" in told
    assert "salaries" in _told(client, cast.administrator, cast.dataset)


def test_a_source_tells_of_no_schema_and_no_number_of_datasets_beyond_what_is_seen(client: Client, cast: Cast) -> None:
    payroll = factories.domain("Payroll", open_tier=Tier.NONE)
    for name, domain in (("teaching", cast.domain), ("payroll", payroll)):
        schema = Schema.objects.create(source=cast.source, path=["ontrack", name], dataset_count=410_041)
        row = factories.dataset(f"{name}_rows", source=cast.source, domain=domain)
        Dataset.objects.filter(pk=row.pk).update(schema=schema)
    type(cast.source).objects.filter(pk=cast.source.pk).update(dataset_count=820_082, exclude=["payroll.salaries_*"])
    page, listed = reverse("ingestion:source", args=[cast.source.slug]), reverse("ingestion:source_list")
    client.force_login(cast.outsider.user)
    told = client.get(page).text + client.get(listed).text
    assert "ontrack.teaching" in told
    for betraying in ("payroll", "410", "820"):
        assert betraying not in _words(told), betraying
    rest = client.get(f"/api/v2/sources/{cast.source.slug}/").json()
    assert (rest["dataset_count"], rest["include"], rest["exclude"]) == (None, None, None)
    client.force_login(cast.analyst.user)
    assert client.get(f"/api/v2/sources/{cast.source.slug}/").json()["exclude"] == ["payroll.salaries_*"]
    client.force_login(cast.administrator.user)
    everything = client.get(page).text
    assert "ontrack.payroll" in everything
    assert "820" in _words(everything)


def test_what_happened_to_a_source_is_told_by_role(client: Client, cast: Cast) -> None:
    login: dict[str, Any] = {"person_id": cast.owner.pk, "person": "Owen", "before": {}, "after": {"login": "owen_db"}}
    source = {"source_id": cast.source.pk, "source": cast.source.name}
    record(LoginNamed(**source, **login, login="owen_db", concerned_ids=[]), by=cast.administrator)
    found = FindingResolved(**source, finding_id=1, what="salaries is read by PUBLIC", resolution="accepted")
    record(found, by=cast.administrator)
    address = reverse("ingestion:source_activity", args=[cast.source.slug])
    client.force_login(cast.outsider.user)
    assert client.get(address).status_code == 403
    assert address not in client.get(reverse("ingestion:source", args=[cast.source.slug])).text
    for reader, sees in ((cast.analyst, False), (cast.steward, True), (cast.administrator, True)):
        client.force_login(reader.user)
        page = client.get(address)
        assert page.status_code == 200
        assert ("owen_db" in page.text) is sees
        assert ("salaries" in page.text) is sees
