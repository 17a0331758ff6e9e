"""REST of requests and grants: the same decisions as on the pages, with entity tags and problem details."""

from __future__ import annotations

import pytest
from django.test import Client

from access.models import Grant
from catalog.models import Dataset
from classification.models import Level
from tests.factories import Cast, bearer

REQUESTS = "/api/v2/access-requests/"


def post(client: Client, url: str, body: dict[str, object], **headers: str):
    return client.post(url, body, content_type="application/json", headers=headers)


@pytest.fixture
def asked(client: Client, cast: Cast) -> dict[str, object]:
    body = {"dataset": cast.dataset.pk, "columns": [cast.field("email").pk], "purpose": "A survey", "days": 20}
    answer = post(client, REQUESTS, body, **bearer(cast.analyst))
    assert answer.status_code == 201, answer.content
    return {**answer.json(), "etag": answer.headers["ETag"]}


def test_a_request_is_made_approved_and_its_grant_revoked(client: Client, cast: Cast, asked: dict[str, object]) -> None:
    owner = bearer(cast.owner)
    waiting = client.get(f"{REQUESTS}?role=reviewer&state=pending", headers=owner).json()
    assert [row["id"] for row in waiting["results"]] == [asked["id"]]
    url = f"{REQUESTS}{asked['id']}/"
    approved = post(client, f"{url}approve/", {"days": 10}, **owner, **{"If-Match": str(asked["etag"])})
    assert approved.status_code == 200, approved.content
    grant = approved.json()
    assert (grant["state"], grant["principal"]["name"], grant["columns"]) == ("recorded", "Ana", asked["columns"])
    revoked = post(
        client,
        f"/api/v2/grants/{grant['id']}/revoke/",
        {"reason": "Done"},
        **owner,
        **{"If-Match": approved.headers["ETag"]},
    )
    assert revoked.json()["state"] == "revoked"


def test_a_decision_names_the_version_that_it_read(client: Client, cast: Cast, asked: dict[str, object]) -> None:
    url, owner = f"{REQUESTS}{asked['id']}/deny/", bearer(cast.owner)
    assert post(client, url, {"reason": "No"}, **owner).status_code == 428
    assert post(client, url, {"reason": "No"}, **owner, **{"If-Match": '"old"'}).status_code == 412
    refused = post(client, url, {"reason": "No"}, **owner, **{"If-Match": str(asked["etag"])})
    assert refused.json()["state"] == "denied"
    again = post(client, url, {"reason": "No"}, **owner, **{"If-Match": refused.headers["ETag"]})
    assert (again.status_code, again.json()["type"]) == (409, "urn:catalog:problem:conflict")


def test_the_requester_is_refused_with_the_reason(client: Client, cast: Cast, asked: dict[str, object]) -> None:
    headers = {**bearer(cast.analyst), "If-Match": str(asked["etag"])}
    answer = post(client, f"{REQUESTS}{asked['id']}/approve/", {}, **headers)
    assert answer.status_code == 403
    assert "yourself" in answer.json()["detail"]
    assert not Grant.objects.exists()


def test_others_requests_do_not_exist_for_an_outsider(client: Client, cast: Cast, asked: dict[str, object]) -> None:
    headers = bearer(cast.outsider)
    assert client.get(f"{REQUESTS}{asked['id']}/", headers=headers).status_code == 404
    assert client.get(REQUESTS, headers=headers).json()["results"] == []


def test_a_token_without_the_scope_asks_for_nothing(client: Client, cast: Cast) -> None:
    body = {"dataset": cast.dataset.pk, "purpose": "x", "days": 1}
    assert post(client, REQUESTS, body, **bearer(cast.analyst, "catalog:read")).status_code == 403
    assert client.get(REQUESTS).status_code == 401


def test_wrong_values_are_named(client: Client, cast: Cast) -> None:
    answer = post(client, REQUESTS, {"dataset": cast.dataset.pk, "purpose": "x", "days": 4000}, **bearer(cast.analyst))
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["days"]


def test_pages_of_requests_go_on_where_the_last_one_ended(client: Client, cast: Cast) -> None:
    from tests.factories import dataset

    headers = bearer(cast.analyst)
    for _ in range(3):
        body = {"dataset": dataset(domain=cast.domain).pk, "purpose": "x", "days": 1}
        assert post(client, REQUESTS, body, **headers).status_code == 201
    first = client.get(f"{REQUESTS}?limit=2", headers=headers).json()
    second = client.get(first["next"], headers=headers).json()
    assert [len(first["results"]), len(second["results"]), second["next"]] == [2, 1, None]


def test_an_approval_at_a_step_changes_the_version_that_others_decide_by(client: Client, cast: Cast) -> None:
    level = Level.objects.order_by("-rank")[0]
    Level.objects.filter(pk=level.pk).update(approvals=2)
    Dataset.objects.filter(pk=cast.dataset.pk).update(level=level.rank)
    body = {"dataset": cast.dataset.pk, "purpose": "Look", "days": 5}
    made = post(client, REQUESTS, body, **bearer(cast.analyst))
    url = f"{REQUESTS}{made.json()['id']}/approve/"
    read = {"If-Match": made.headers["ETag"]}
    first = post(client, url, {}, **bearer(cast.owner), **read)
    assert (first.status_code, first.json()["state"], first.json()["steps"][0]["given"]) == (202, "pending", 1)
    assert post(client, url, {}, **bearer(cast.steward), **read).status_code == 412
    second = post(client, url, {}, **bearer(cast.steward), **{"If-Match": first.headers["ETag"]})
    assert (second.status_code, second.json()["state"]) == (200, "recorded")
