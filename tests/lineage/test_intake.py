"""What the intake answers, and what is durable when it does."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import ApiToken
from audit.models import Record
from lineage import openlineage
from lineage.draining import drain
from lineage.models import Event, Job, PendingEvent
from tests.factories import bearer, pipeline
from tests.lineage.events import dataset, dataset_event, job_event, run_event

pytestmark = pytest.mark.django_db


def kept() -> list[dict]:
    return [json.loads(event.body) for event in Event.objects.order_by("id")]


@pytest.mark.parametrize("path", ["/api/v1/lineage", "/api/v1/lineage/"])
def test_an_event_is_answered_201_with_an_empty_body_and_waits_for_the_fold(post, path):
    response = post(run_event(inputs=["a.public.x"]), path=path)
    assert (response.status_code, response.content) == (201, b"")
    event = Event.objects.get()
    assert PendingEvent.objects.get().event_id == event.id
    assert event.kind == "run"


@pytest.mark.parametrize("event", [dataset_event(dataset("a.b.c")), job_event(inputs=["a.b.c"]), run_event(None)])
def test_each_kind_of_event_is_accepted(post, event):
    assert post(event).status_code == 201


def test_intake_writes_no_audit_record(post):
    before = Record.objects.count()
    post(run_event())
    assert Record.objects.count() == before


def test_the_same_event_twice_is_one_event_and_the_same_answer(post):
    event = run_event()
    reordered = json.dumps(dict(reversed(event.items())), indent=2).encode()
    assert [post(body).status_code for body in (event, event, reordered)] == [201, 201, 201]
    assert Event.objects.count() == PendingEvent.objects.count() == 1


def test_without_a_token_the_answer_is_401(client):
    response = client.post("/api/v1/lineage", run_event(), content_type="application/json")
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_is_401(post):
    ApiToken.objects.update(revoked_at="2026-01-01T00:00Z")
    assert post(run_event()).status_code == 401


def test_a_token_without_the_scope_is_403(client, sender):
    response = client.post(
        "/api/v1/lineage", run_event(), content_type="application/json", headers=bearer(sender, "lineage:read")
    )
    assert response.status_code == 403
    assert "lineage:write" in response.json()["detail"]


def test_a_session_is_no_token(client):
    from tests.factories import person

    client.force_login(person(administrator=True).user)
    assert client.post("/api/v1/lineage", run_event(), content_type="application/json").status_code == 401


def test_put_is_405(client):
    assert client.put("/api/v1/lineage").status_code == 405


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1", b"NaN", b'{"a": \xff}', b"[" * 100_000, b'{"a": 1e999}', b'"\\ud800"']
)
def test_malformed_json_is_400(post, body):
    response = post(body)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert Event.objects.count() == 0


def without(event: dict, *path: str) -> dict:
    inner = event
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return event


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ([], ""),
        ("text", ""),
        (without(run_event(), "eventTime"), "eventTime"),
        (without(run_event(), "producer"), "producer"),
        (without(run_event(), "schemaURL"), "schemaURL"),
        (without(run_event(), "run", "runId"), "run.runId"),
        (without(run_event(), "job"), "job"),
        (without(run_event(), "job", "name"), "job.name"),
        (run_event(run="not-a-uuid"), "run.runId"),
        (run_event("BEGIN"), "eventType"),
        (run_event() | {"eventTime": "yesterday"}, "eventTime"),
        (run_event() | {"eventTime": "9999-12-31T23:59:59-10:00"}, "eventTime"),
        (run_event(job=""), "job.name"),
        (run_event(job="x" * 1025), "job.name"),
        (run_event(inputs=["ok", {"namespace": "n"}]), "inputs[1].name"),
        (run_event(inputs=[{"namespace": "n", "name": 3}]), "inputs[0].name"),
        (run_event(outputs=[{"namespace": "", "name": "a"}]), "outputs[0].namespace"),
        (without(without(run_event(), "run"), "job"), ""),
        (run_event(inputs=[str(i) for i in range(400)], outputs=[str(i) for i in range(400)]), "outputs"),
    ],
)
def test_what_is_no_event_is_422_with_the_field_and_the_reason(post, event, field):
    response = post(json.dumps(event).encode())
    assert response.status_code == 422, response.content
    assert list(response.json()["errors"]) == [field]
    assert Event.objects.count() == 0


@pytest.mark.parametrize("facets", ["job", "run"])
def test_what_is_nested_deeper_than_whatever_shows_it_can_follow_is_400(post, facets):
    event = run_event()
    event[facets]["facets"]["custom"] = "deep"
    whole, most = json.dumps(event).encode(), openlineage.MAX_DEPTH - 3  # the event, the job or run, its facets
    assert post(whole.replace(b'"deep"', b"[" * most + b"]" * most)).status_code == 201
    response = post(whole.replace(b'"deep"', b"[" * (most + 1) + b"]" * (most + 1)))
    assert response.status_code == 400
    assert "nested too deeply" in response.json()["detail"]
    assert Event.objects.count() == 1


def test_null_and_unknown_members_and_facets_are_kept_whole(post):
    event = run_event(run_facets={"ours": {"a": [1, None, {"b": "c"}]}}) | {"outputs": None, "extra": {"x": 1}}
    event["job"]["facets"] = None
    assert post(event).status_code == 201
    assert kept() == [event]


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-01T06:00:00.123456789+10:00",
        "2026-11-01T06:00:00",
        "2026-11-01T06:00:00Z[UTC]",
        "2026-11-01T06:00:00.1Z",
    ],
)
def test_times_as_java_and_python_write_them_are_read(post, time):
    assert post(run_event() | {"eventTime": time}).status_code == 201


def test_gzip_is_read(post):
    event = run_event()
    response = post(gzip.compress(json.dumps(event).encode()), headers_={"Content-Encoding": "gzip"})
    assert response.status_code == 201
    assert kept() == [event]


@pytest.mark.parametrize("body", [b"plain", gzip.compress(b"{}" * 100, mtime=0)[:-9]])
def test_what_is_not_gzip_although_it_says_so_is_400(post, body):
    assert post(body, headers_={"Content-Encoding": "gzip"}).status_code == 400


def test_another_encoding_is_415(post):
    assert post(b"x", headers_={"Content-Encoding": "br"}).status_code == 415


@pytest.mark.parametrize("charset", ["utf-8", "UTF-16", "iso-8859-1"])
def test_the_charset_of_the_content_type_is_used(post, charset):
    body = json.dumps(run_event(job="Übung"), ensure_ascii=False).encode(charset)
    assert post(body, content_type=f"application/json; charset={charset}").status_code == 201
    assert kept()[0]["job"]["name"] == "Übung"


@pytest.mark.parametrize("charset", ["klingon", "rot13", "base64"])
def test_an_unknown_charset_is_415(post, charset):
    assert post(b"{}", content_type=f"application/json; charset={charset}").status_code == 415


def test_a_chunked_body_is_read_to_its_end(post):
    event = run_event()
    response = post(
        b"", **{"wsgi.input": io.BytesIO(json.dumps(event).encode()), "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    )  # fmt: skip
    assert response.status_code == 201, response.content
    assert kept() == [event]


def test_too_large_is_413_by_length_by_chunks_and_after_decompression(post):
    body = b" " * (settings.LINEAGE_MAX_EVENT_BYTES + 1)
    assert post(body).status_code == 413
    assert post(gzip.compress(body), headers_={"Content-Encoding": "gzip"}).status_code == 413
    chunked = {"wsgi.input": io.BytesIO(body), "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    assert post(b"", **chunked).status_code == 413


@pytest.mark.parametrize(
    "name",
    ["a/b/c", "a:b:c", "100%", "%2F", "données.été", "数据", "emoji 🦘", 'quote"d', "back\\slash", "a b", "'; drop"],
)
def test_names_survive(post, name):
    assert post(run_event(job=name, inputs=[name])).status_code == 201
    assert kept()[0]["inputs"][0]["name"] == name


NUL = "a\x00b"


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (run_event(job=NUL), "job.name"),
        (run_event(namespace=NUL), "job.namespace"),
        (run_event(inputs=[NUL]), "inputs[0].name"),
        (run_event(outputs=[dataset("a", namespace=NUL)]), "outputs[0].namespace"),
        (dataset_event(dataset(NUL)), "dataset.name"),
        (job_event(job=NUL), "job.name"),
        (run_event(outputs=[dataset("a", fields=["ok", NUL])]), "outputs[0].facets.schema.fields[1].name"),
        (
            run_event(outputs=[dataset("a", symlinks={"identifiers": [{"namespace": "n", "name": NUL, "type": "TABLE"}]})]),
            "outputs[0].facets.symlinks.identifiers[0].name",
        ),
        (
            run_event(run_facets={"parent": {"run": {"runId": "x"}, "job": {"namespace": NUL, "name": "p"}}}),
            "run.facets.parent.job.namespace",
        ),
    ],
)  # fmt: skip
def test_a_nul_in_a_name_is_422_with_the_field(post, event, field):
    response = post(event)
    assert response.status_code == 422
    assert "NUL" in response.json()["errors"][field][0]
    assert Event.objects.count() == 0


def test_a_nul_in_a_text_becomes_a_replacement_character(post):
    assert post(run_event(job_facets={"sql": {"query": NUL}, NUL: {"x": NUL}})).status_code == 201
    assert kept()[0]["job"]["facets"] == {"sql": {"query": "a\ufffdb"}, "a\ufffdb": {"x": "a\ufffdb"}}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps(run_event(job="a\ud800b")).encode(), "application/json"),
        (json.dumps(run_event(job_facets={"a\udfff": {}})).encode(), "application/json"),
        (json.dumps(run_event(job="J"), ensure_ascii=False).encode().replace(b"J", b"\xed\xa0\x80"), "application/json"),
        ("\ud800".encode("utf-16-le", "surrogatepass"), "application/json; charset=utf-16-le"),
        (rb'{"a": "\ud800"}', "application/json; charset=utf-7"),
    ],
)  # fmt: skip
def test_half_a_character_is_400(post, body, content_type):
    assert post(body, content_type=content_type).status_code == 400


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"])
def test_a_charset_that_no_client_writes_is_415(post, charset):
    """Some of them take time in the square of the body's length."""
    assert post(b"x" * 10_000, content_type=f"application/json; charset={charset}").status_code == 415


def test_a_name_that_its_mask_makes_too_long_is_422_rather_than_unreadable(post):
    namespace = "postgres://u:p@" + "h" * 1009
    assert len(namespace) == 1024
    assert post(run_event(inputs=[dataset("a", namespace=namespace)])).status_code == 422
    for event in Event.objects.all():
        openlineage.read(openlineage.decode(event.body.encode()))


def limited(client: Client, event: dict, *namespaces: str):
    principal = pipeline()
    header = bearer(principal, "lineage:write")
    ApiToken.objects.filter(principal=principal).update(namespaces=list(namespaces))
    return client.post("/api/v1/lineage", event, content_type="application/json", headers=header)


FOREIGN = {"namespace": "mysql://other:3306", "name": "b.secret"}


@pytest.mark.parametrize(
    "event",
    [
        run_event(namespace="elsewhere"),
        run_event(inputs=[dataset("a", namespace="mysql://other:3306")]),
        run_event(outputs=[dataset("a", namespace="mysql://other:3306")]),
        run_event(outputs=[dataset("a", symlinks={"identifiers": [FOREIGN | {"type": "TABLE"}]})]),
        run_event(
            outputs=[dataset("a", lifecycleStateChange={"lifecycleStateChange": "RENAME", "previousIdentifier": FOREIGN})]
        ),
        run_event(outputs=[dataset("a", columnLineage={"fields": {"x": {"inputFields": [FOREIGN | {"field": "y"}]}}})]),
        run_event(run_facets={"parent": {"run": {"runId": "x"}, "job": {"namespace": "elsewhere", "name": "p"}}}),
        dataset_event(dataset("a", namespace="mysql://other:3306")),
        job_event(namespace="elsewhere"),
    ],
)  # fmt: skip
def test_a_token_speaks_only_of_the_namespaces_on_its_list(client, event):
    response = limited(client, event, "airflow", "postgres://db:5432")
    assert response.status_code == 403
    assert "elsewhere" in response.json()["detail"] or "mysql://other:3306" in response.json()["detail"]
    assert Event.objects.count() == 0


def test_within_its_list_a_limited_token_is_accepted(client):
    assert limited(client, run_event(inputs=["a"]), "airflow", "postgres://db:5432").status_code == 201


def test_secrets_are_masked_before_the_event_is_kept(post):
    event = run_event(
        job_facets={"sql": {"query": "CREATE USER x IDENTIFIED BY 'hunter22'"}},
        run_facets={
            "environmentVariables": {"environmentVariables": [{"name": "DB_PASSWORD", "value": "hunter22"}]},
            "errorMessage": {"message": "cannot reach postgres://me:hunter22@db:5432/x"},
            "executionParameters": {"parameters": [{"key": "apiKey", "value": "hunter22"}]},
        },
        inputs=[dataset("password_resets", namespace="postgres://me:hunter22@db:5432", fields=["password"])],
    )
    assert post(event).status_code == 201
    body = Event.objects.get().body
    assert "hunter22" not in body
    assert kept()[0]["inputs"][0]["name"] == "password_resets"
    assert kept()[0]["inputs"][0]["facets"]["schema"]["fields"][0]["name"] == "password"


def test_a_good_batch_is_204(post):
    response = post([run_event(), run_event()], path="/api/v1/lineage/batch")
    assert response.status_code == 204
    assert Event.objects.count() == PendingEvent.objects.count() == 2


def test_a_batch_keeps_what_is_good_and_tells_what_is_not(post):
    response = post([run_event(), {"a": 1}, run_event(run="x")], path="/api/v1/lineage/batch/")
    assert response.status_code == 200
    answer = response.json()
    assert answer["status"] == "partial_success"
    assert answer["summary"] == {"received": 3, "successful": 1, "failed": 2, "retriable": 0, "non_retriable": 2}
    assert [failed["index"] for failed in answer["failed_events"]] == [1, 2]
    assert Event.objects.count() == 1


def test_an_empty_batch_is_204_and_an_object_is_422(post):
    assert post([], path="/api/v1/lineage/batch").status_code == 204
    assert post({}, path="/api/v1/lineage/batch").status_code == 422


OLDER = json.loads((Path(__file__).parent / "older_events.json").read_text())


def test_events_of_earlier_specifications_are_accepted_whole_and_folded(post):
    """Core 1-0-0 to 2-0-0: parentRun, no eventType, no facets, transformationType at the field, lists left out."""
    assert [post(event).status_code for event in OLDER] == [201] * len(OLDER)
    assert kept() == OLDER
    assert drain() == len(OLDER)
    assert set(Job.objects.values_list("name", flat=True)) >= {"nightly.load", "no_type", "copy"}


def test_a_limited_token_names_no_foreign_parent_in_the_older_way_either(client):
    assert limited(client, OLDER[0], "postgres://db:5432", "airflow").status_code == 201
    OLDER[0]["run"]["facets"]["parentRun"]["job"]["namespace"] = "elsewhere"
    try:
        assert limited(client, OLDER[0], "postgres://db:5432", "airflow").status_code == 403
    finally:
        OLDER[0]["run"]["facets"]["parentRun"]["job"]["namespace"] = "airflow"


@pytest.mark.django_db
def test_all_faults_of_an_event_are_told_at_once(post):
    answer = post(
        {"eventTime": "yesterday", "eventType": "DONE", "run": {}, "job": {"namespace": ""}, "inputs": [{"name": 3}]}
    )
    assert answer.status_code == 422
    told = answer.json()
    assert set(told["errors"]) == {
        "producer", "schemaURL", "eventTime", "eventType", "run.runId", "job.name", "job.namespace", "inputs[0].namespace",
        "inputs[0].name",
    }  # fmt: skip
    assert told["errors"]["job.name"] == ["is missing"] and told["errors"]["job.namespace"] == ["is empty"]
    assert told["detail"].startswith("This is no OpenLineage event: producer: is missing; ")
    assert "run.runId: is missing" in told["detail"]


@pytest.mark.django_db
def test_what_is_no_kind_of_event_is_told_so_beside_what_it_lacks(post):
    assert set(post({"eventTime": "2026-11-23T19:52:00Z"}).json()["errors"]) == {"producer", "schemaURL", ""}
    assert set(post([1]).json()["errors"]) == {""}


@pytest.mark.django_db
def test_of_many_faults_the_first_twenty_are_told(post):
    event = run_event() | {"inputs": [{"namespace": "x"}] * 500}
    assert len(post(event).json()["errors"]) == 20
