"""What the intake refuses is kept for the token's owner, bounded, without secrets."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken
from lineage import rejections
from lineage.models import Event, RejectedEvent
from lineage.tasks import forget_old
from tests.factories import bearer, person, pipeline
from tests.lineage.events import run_event

pytestmark = pytest.mark.django_db


def test_a_refused_event_is_kept_with_token_reason_and_field(post, sender):
    bad = run_event(run="not-a-uuid")
    assert post(bad).status_code == 422
    event = RejectedEvent.objects.get()
    assert (event.token.principal, event.status, event.field) == (sender, 422, "run.runId")
    assert "run.runId" in event.reason
    assert json.loads(event.body) == bad
    assert event.size == len(json.dumps(bad))
    assert timezone.now() - event.rejected_at < dt.timedelta(minutes=1)


def test_what_is_accepted_is_not_kept_as_refused(post):
    assert post(run_event()).status_code == 201
    assert not RejectedEvent.objects.exists()


@pytest.mark.parametrize(
    ("body", "extra", "status"),
    [
        (b'{"password": "hunter22", "a": ', {}, 400),
        (b"x", {"headers_": {"Content-Encoding": "br"}}, 415),
        (b"x" * (settings.LINEAGE_MAX_EVENT_BYTES + 1), {}, 413),
        (b"[]", {}, 422),
        (b"\x00\xff" * 100, {}, 400),
    ],
    ids=["malformed", "encoding", "large", "array", "binary"],
)
def test_every_refusal_with_a_token_is_kept(post, body, extra, status):
    assert post(body, **extra).status_code == status
    event = RejectedEvent.objects.get()
    assert event.status == status
    assert "hunter22" not in event.body
    assert "\x00" not in event.body


def test_what_came_without_a_usable_token_is_not_kept(client, sender):
    header = bearer(sender, "lineage:write")
    ApiToken.objects.update(revoked_at="2026-01-01T00:00Z")
    for headers in (header, {}, {"Authorization": "Bearer nonsense"}):
        answer = client.generic("POST", "/api/v1/lineage", b"{", "application/json", headers=headers)
        assert answer.status_code == 401
    assert not RejectedEvent.objects.exists()


def test_a_token_without_the_scope_is_told_so_first_and_its_owner_sees_it(client, sender):
    header = bearer(sender, "lineage:read")
    assert client.generic("POST", "/api/v1/lineage", b"{", "application/json", headers=header).status_code == 403
    assert "lineage:write" in RejectedEvent.objects.get().reason


def test_a_foreign_namespace_is_kept_as_403(post):
    ApiToken.objects.update(namespaces=["postgres://db:5432"])
    assert post(run_event(namespace="elsewhere")).status_code == 403
    assert "elsewhere" in RejectedEvent.objects.get().reason


def test_the_bad_events_of_a_batch_are_kept_by_their_place(post):
    assert post([run_event(), {"a": 1}, run_event(run="x")], path="/api/v1/lineage/batch").status_code == 200
    found = RejectedEvent.objects.order_by("id").values_list("batch_index", "status", "field")
    assert list(found) == [(1, 422, "eventTime"), (2, 422, "run.runId")]


def test_secrets_are_masked_and_long_bodies_are_cut(post):
    facets = {"environmentVariables": {"environmentVariables": [{"name": "DB_PASSWORD", "value": "hunter22"}]}}
    post(run_event("BEGIN", run_facets=facets, job_facets={"sql": {"query": "x" * 50_000}}))
    post(b'{"query": "' + b"x" * (rejections.KEPT_CHARACTERS - 30) + b" PASSWORD 'hunter22hunter22hunter22'")
    events = RejectedEvent.objects.all()
    assert len(events) == 2
    for event in events:
        assert len(event.body) <= rejections.KEPT_CHARACTERS
        assert "hunter" not in event.body


def test_the_oldest_of_a_token_go_when_there_are_too_many(post, client, monkeypatch):
    monkeypatch.setattr(rejections, "KEPT_OF_A_TOKEN", 5)
    client.generic("POST", "/api/v1/lineage", b"{", headers=bearer(pipeline("other"), "lineage:write"))
    for number in range(7):
        post(b"%d" % number)
    assert post([{"batch": number} for number in range(3)], path="/api/v1/lineage/batch").status_code == 200
    bodies = RejectedEvent.objects.exclude(token__principal__name="other").order_by("id").values_list("body", flat=True)
    assert list(bodies) == ["5", "6", '{"batch":0}', '{"batch":1}', '{"batch":2}']
    assert post([{"batch": number} for number in range(9)], path="/api/v1/lineage/batch").status_code == 200
    assert RejectedEvent.objects.exclude(token__principal__name="other").count() == 5
    assert RejectedEvent.objects.filter(token__principal__name="other").count() == 1


def test_old_ones_are_forgotten(post):
    post(b"{")
    post(b"[")
    old = RejectedEvent.objects.order_by("id").first()
    RejectedEvent.objects.filter(pk=old.pk).update(
        rejected_at=timezone.now() - dt.timedelta(days=rejections.KEPT_DAYS, minutes=1)
    )
    forget_old()
    assert [event.body for event in RejectedEvent.objects.all()] == ["["]


def test_a_refusal_that_cannot_be_kept_is_answered_all_the_same(post, monkeypatch):
    monkeypatch.setattr(
        rejections, "_NOTE", "SELECT 1 / 0 WHERE %(token)s = %(most)s OR %(refusals)s <> %(count)s::text"
    )
    assert post(b"{").status_code == 400
    assert post(run_event()).status_code == 201
    assert Event.objects.count() == 1


def test_owners_see_their_own_and_administrators_all(client):
    owner, other, administrator = person("mine"), person("theirs"), person(administrator=True)
    for one in (owner, other):
        client.generic("POST", "/api/v1/lineage", one.name.encode(), headers=bearer(one, "lineage:write"))
    seen = {}
    for reader in (owner, other, administrator):
        client.force_login(reader.user)
        page = client.get(reverse("lineage:rejected"))
        assert page.status_code == 200
        listed = client.get("/api/v2/rejected-events/").json()["results"]
        seen[reader] = {row["body"] for row in listed}
        assert {name for name in ("Mine", "Theirs") if f">{name}</pre>" in page.text} == seen[reader]
    assert seen == {owner: {"Mine"}, other: {"Theirs"}, administrator: {"Mine", "Theirs"}}


def test_the_list_narrows_to_a_token_and_is_read_with_a_token(client):
    owner = person()
    headers = [bearer(owner, "lineage:write", "lineage:read") for _ in range(2)]
    for number, header in enumerate(headers):
        client.generic("POST", "/api/v1/lineage", b"%d" % number, headers=header)
    token = ApiToken.objects.filter(principal=owner).order_by("id").first()
    rows = client.get(f"/api/v2/rejected-events/?token={token.pk}", headers=headers[1]).json()["results"]
    assert [(row["token"], row["status"], row["body"]) for row in rows] == [(token.pk, 422, "0")]
    client.force_login(owner.user)
    assert "Nothing of this token" in client.get(reverse("lineage:rejected"), {"token": token.pk + 10**6}).text
