"""Proposals: who sees them, who decides, what a decision does, in pages and in REST."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Principal
from audit.models import Record
from catalog.actions import accept_proposal, decline_proposal
from catalog.models import Dataset, Ownership, Proposal
from catalog.proposals import Claim, propose
from catalog.queries.members import members_called
from catalog.queries.proposals import ProposalLine, lines_of
from common.errors import Conflict, Forbidden, Invalid, NotFound
from tests import factories

pytestmark = pytest.mark.django_db


def waiting_for(principal: Principal) -> list[ProposalLine]:
    rows = Proposal.objects.open().decidable_by(principal).select_related("dataset", "told_by")
    return lines_of(principal, rows, may_decide=True)


@pytest.fixture
def cast() -> factories.Cast:
    return factories.personas()


def proposed(about: Dataset, kind: str, /, **payload: Any) -> Proposal:
    propose(kind=kind, claims=[Claim(about.pk, payload, timezone.now())], about=[about.pk])
    return Proposal.objects.get(dataset=about, kind=kind, state="open")


def post(client: Client, by: Principal, name: str, proposal: Proposal, **values: str) -> Any:
    assert by.user is not None
    client.force_login(by.user)
    return client.post(reverse(f"catalog:proposal_{name}", args=[proposal.pk]), values, follow=True)


def test_only_those_who_answer_for_the_dataset_decide(cast: factories.Cast) -> None:
    proposal = proposed(cast.dataset, "description", text="People.")
    for who in (cast.analyst, cast.outsider):
        with pytest.raises(Forbidden):
            accept_proposal(proposal=proposal, by=who)
    hidden = factories.dataset(domain=factories.domain(open_tier=0))
    with pytest.raises(NotFound):
        decline_proposal(proposal=proposed(hidden, "description", text="Pay."), by=cast.steward)
    accept_proposal(proposal=proposal, by=cast.owner)


def test_decision_is_made_once_and_recorded(cast: factories.Cast) -> None:
    proposal = proposed(cast.dataset, "tag", tag="gold", field="")
    decided = decline_proposal(proposal=proposal, by=cast.steward, reason="It is silver.")
    assert (decided.state, decided.decided_by, decided.reason) == ("declined", cast.steward, "It is silver.")
    with pytest.raises(Conflict):
        accept_proposal(proposal=proposal, by=cast.steward)
    record = Record.objects.get(event="catalog.proposal_declined")
    assert record.actor == cast.steward


def test_withdrawn_proposal_cannot_be_decided(cast: factories.Cast) -> None:
    proposal = proposed(cast.dataset, "description", text="People.")
    propose(kind="description", claims=[], about=[cast.dataset.pk])
    with pytest.raises(Conflict):
        accept_proposal(proposal=proposal, by=cast.steward)


def test_owner_that_nobody_is_called_is_kept_as_told_and_cannot_be_accepted(cast: factories.Cast) -> None:
    proposal = proposed(cast.dataset, "owner", **{"owner": "team:nobody", "as": "owner"})
    with pytest.raises(Invalid, match="team:nobody"):
        accept_proposal(proposal=proposal, by=cast.steward)
    proposal.refresh_from_db()
    assert proposal.is_open
    (line,) = waiting_for(cast.steward)
    assert "team:nobody is owner of users" in line.sentence
    assert line.unknown_owner


def test_tag_of_a_column_that_is_not_known_cannot_be_accepted(cast: factories.Cast) -> None:
    with pytest.raises(Invalid, match="no column nothing"):
        accept_proposal(proposal=proposed(cast.dataset, "tag", tag="pii", field="nothing"), by=cast.steward)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("stella", "person"), ("user:STELLA", "person"), ("stella@example.org", "person"), ("Stella", "person"),
        ("team:Data", "group"), ("data", "group"), ("user:data", ""), ("team:stella", ""), ("application:stella", ""),
        ("", ""), (":", ""),
    ],
)  # fmt: skip
def test_text_means_a_person_or_a_group(cast: factories.Cast, text: str, found: str) -> None:
    group = factories.group("Data")
    meant = members_called([text]).called(text)
    assert meant == {"person": cast.steward, "group": group, "": None}[found]


def test_text_that_means_several_means_nobody(cast: factories.Cast) -> None:
    factories.group("stella")
    assert members_called(["stella"]).called("stella") is None


def test_inactive_person_is_not_meant(cast: factories.Cast) -> None:
    assert cast.steward.user is not None
    cast.steward.user.is_active = False
    cast.steward.user.save()
    assert members_called(["stella"]).called("stella") is None


def test_inbox_and_dataset_page_ask_and_decide(client: Client, cast: factories.Cast) -> None:
    proposal = proposed(cast.dataset, "owner", **{"owner": "stella", "as": "steward"})
    assert cast.steward.user is not None
    client.force_login(cast.steward.user)
    accept = reverse("catalog:proposal_accept", args=[proposal.pk])
    for url in (reverse("access:inbox"), reverse("portal:dataset", args=[cast.dataset.pk])):
        text = client.get(url).content.decode()
        assert accept in text
        assert "stella is steward of users" in text
    answer = post(client, cast.steward, "accept", proposal, next=reverse("access:inbox"))
    assert "Accepted." in answer.content.decode()
    assert accept not in answer.content.decode()
    assert Ownership.objects.filter(
        dataset=cast.dataset, principal=cast.steward, kind="steward", valid_to=None
    ).exists()


def test_page_says_why_it_could_not_be_done_and_goes_nowhere_else(client: Client, cast: factories.Cast) -> None:
    proposal = proposed(cast.dataset, "owner", **{"owner": "nobody", "as": "owner"})
    answer = post(client, cast.steward, "accept", proposal, next="https://elsewhere.example.org/")
    assert answer.redirect_chain[-1][0] == reverse("portal:dataset", args=[cast.dataset.pk])
    assert "Nobody here is called nobody" in answer.content.decode()


@pytest.mark.parametrize("who", ["analyst", "outsider"])
def test_others_are_not_asked(client: Client, cast: factories.Cast, who: str) -> None:
    accept = reverse("catalog:proposal_accept", args=[proposed(cast.dataset, "description", text="People.").pk])
    principal: Principal = getattr(cast, who)
    assert principal.user is not None
    client.force_login(principal.user)
    for url in (reverse("access:inbox"), reverse("portal:dataset", args=[cast.dataset.pk])):
        assert accept not in client.get(url).content.decode()


def test_name_of_a_hidden_dataset_is_not_told(cast: factories.Cast) -> None:
    hidden = factories.dataset("salaries", domain=factories.domain(open_tier=0))
    proposed(cast.dataset, "same_as", dataset=hidden.pk)
    (line,) = waiting_for(cast.steward)
    assert "salaries" not in line.sentence
    assert "a dataset that you may not see" in line.sentence


def test_rest_lists_and_decides(client: Client, cast: factories.Cast) -> None:
    proposal = proposed(cast.dataset, "description", text="People.")
    headers = factories.bearer(cast.steward)
    listed = client.get("/api/v2/proposals/?state=open&mine=true", headers=headers).json()
    assert [one["payload"] for one in listed["results"]] == [{"text": "People."}]
    url = f"/api/v2/proposals/{proposal.pk}/"
    etag = client.get(url, headers=headers).headers["ETag"]
    sent: Any = {"data": {}, "content_type": "application/json"}
    assert client.post(f"{url}accept/", headers=headers, **sent).status_code == 428
    answer = client.post(f"{url}accept/", headers=headers | {"If-Match": etag}, **sent)
    assert (answer.status_code, answer.json()["state"]) == (200, "accepted")
    again = client.post(f"{url}decline/", headers=headers | {"If-Match": etag}, **sent)
    assert again.status_code == 412
    outside = client.get("/api/v2/proposals/", headers=factories.bearer(cast.outsider)).json()
    assert outside["results"] == []


def test_asking_takes_as_many_statements_for_many_as_for_one(cast: factories.Cast) -> None:
    counts = []
    for number in range(3):
        for one in range(3):
            dataset = factories.dataset(f"table_{number}_{one}", domain=cast.domain)
            proposed(dataset, "owner", **{"owner": f"user:{number}", "as": "owner"})
            proposed(dataset, "same_as", dataset=cast.dataset.pk)
        principal = Principal.objects.get(pk=cast.steward.pk)
        with CaptureQueriesContext(connection) as captured:
            assert len(waiting_for(principal)) == 6 * (number + 1)
        counts.append(len(captured))
    assert len(set(counts)) == 1
