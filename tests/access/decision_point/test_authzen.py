"""OpenID AuthZEN 1.0, over the application as its server calls it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from access.actions import revoke_grant
from access.models import PolicyVersion
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Conditions, Effect, MaskOf, Resources, Role, Rule, Subjects
from accounts.models import ApiToken, Principal
from common import prepared
from tests.access.decision_point.conftest import Ask, grant
from tests.factories import Cast, bearer, dataset, pipeline, publish, service

pytestmark = pytest.mark.django_db

EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"
EVERYBODY = Subjects(everyone=True)


def question(subject: str, resource: Any, action: str = "read", **more: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": subject},
        "action": {"name": action},
        "resource": {"type": "dataset", "id": str(resource)},
    } | more


def test_who_holds_a_grant_may_read_and_nobody_else(ask: Ask, cast: Cast):
    held = grant(cast.analyst, cast.dataset)
    got = ask(EVALUATION, question("ana", cast.dataset.pk))
    assert got.status == 200
    assert got.headers["Content-Type"] == "application/json"
    assert got.json == {"decision": True, "context": {"reason": f"Grant {held.pk} allows it.", "grants": [held.pk]}}
    refused = ask(EVALUATION, question("otto", cast.dataset.pk))
    assert refused.status == 200
    assert refused.json["decision"] is False


def test_a_decision_uses_what_is_committed_now(ask: Ask, cast: Cast):
    held = grant(cast.analyst, cast.dataset)
    assert ask(EVALUATION, question("ana", cast.dataset.pk)).json["decision"]
    revoke_grant(grant=held, reason="over", by=cast.owner)
    assert not ask(EVALUATION, question("ana", cast.dataset.pk)).json["decision"]
    version = publish("all", Rule(Effect.ALLOW, (Action.READ,), EVERYBODY))
    assert ask(EVALUATION, question("ana", cast.dataset.pk)).json["context"]["policy_versions"] == [version.pk]
    PolicyVersion.objects.filter(pk=version.pk).update(valid_to=timezone.now())
    assert not ask(EVALUATION, question("ana", cast.dataset.pk)).json["decision"]
    publish("again", Rule(Effect.ALLOW, (Action.READ,), EVERYBODY))
    cast.analyst.user.is_active = False
    cast.analyst.user.save()
    assert not ask(EVALUATION, question("ana", cast.dataset.pk)).json["decision"]


def test_obligations_are_told(ask: Ask, cast: Cast):
    email = cast.field("email")
    publish("all", Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, row_filter="campus = 'Geelong'"))
    publish("mask", Rule(Effect.RESTRICT, (Action.READ,), EVERYBODY, masks=(MaskOf(Mask.HASH, Columns((email.pk,))),)))
    context = ask(EVALUATION, question("ana", cast.dataset.pk)).json["context"]
    assert context["obligations"] == {"masks": {"email": "hash"}, "row_filter": "campus = 'Geelong'"}


def test_columns_are_named_as_a_property_or_are_resources(ask: Ask, cast: Cast):
    grant(cast.analyst, cast.dataset, cast.field("id"), cast.field("name"))
    one = question("ana", cast.dataset.pk)
    assert ask(EVALUATION, one).json["context"]["columns"] == ["id", "name"]
    one["resource"]["properties"] = {"columns": ["id", "name"]}
    assert ask(EVALUATION, one).json["decision"]
    one["resource"]["properties"] = {"columns": ["id", "email"]}
    assert not ask(EVALUATION, one).json["decision"]
    one["resource"]["properties"] = {"columns": ["nothing"]}
    assert not ask(EVALUATION, one).json["decision"]
    for name, allowed in (("id", True), ("email", False)):
        column = question("ana", 0) | {"resource": {"type": "column", "id": str(cast.field(name).pk)}}
        assert ask(EVALUATION, column).json["decision"] is allowed


def test_a_dataset_answers_to_its_openlineage_name(ask: Ask, cast: Cast):
    grant(cast.analyst, cast.dataset)
    named = {
        "type": "table",
        "id": cast.dataset.qualified_name,
        "properties": {"namespace": cast.dataset.namespace},
    }
    assert ask(EVALUATION, question("ana", 0) | {"resource": named}).json["decision"]


def test_subjects_are_people_by_name_or_address_and_programs_by_name(ask: Ask, cast: Cast):
    reporter = service("reporter")
    grant(cast.analyst, cast.dataset)
    grant(reporter, cast.dataset)
    asked = question("ana@example.org", cast.dataset.pk)
    assert ask(EVALUATION, asked).json["decision"]
    for kind, key in (("service", "reporter"), ("principal", str(reporter.pk))):
        assert ask(EVALUATION, asked | {"subject": {"type": kind, "id": key}}).json["decision"]
    for kind, key in (("pipeline", "reporter"), ("user", "reporter"), ("robot", "ana"), ("principal", "x")):
        assert ask(EVALUATION, asked | {"subject": {"type": kind, "id": key}}).json["decision"] is False


def test_a_name_that_is_the_address_of_somebody_else_is_nobodys(ask: Ask, cast: Cast):
    grant(cast.analyst, cast.dataset)
    cast.outsider.user.username = "ana@example.org"
    cast.outsider.user.save()
    assert not ask(EVALUATION, question("ana@example.org", cast.dataset.pk)).json["decision"]


def test_purposes_are_told_in_the_context(ask: Ask, cast: Cast):
    only = Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, conditions=Conditions(purposes=("research",)))
    publish("research", only)
    assert not ask(EVALUATION, question("ana", cast.dataset.pk)).json["decision"]
    assert ask(EVALUATION, question("ana", cast.dataset.pk, context={"purpose": "research"})).json["decision"]


def test_who_may_ask_is_a_decision_too(ask: Ask, cast: Cast):
    assert ask(EVALUATION, question("otto", cast.dataset.pk, "request")).json["decision"]
    publish("none", Rule(Effect.DENY, (Action.READ,), Subjects(people=(cast.outsider.pk,))))
    assert not ask(EVALUATION, question("otto", cast.dataset.pk, "request")).json["decision"]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"[]",
        {},
        {"subject": {"type": "user", "id": "ana"}},
        {"subject": {"type": "user", "id": "ana"}, "action": {}, "resource": {"type": "dataset", "id": "1"}},
        {"subject": {"type": "user", "id": 7}, "action": {"name": "read"}, "resource": {"type": "dataset", "id": "1"}},
        {"subject": "ana", "action": {"name": "read"}, "resource": {"type": "dataset", "id": "1"}},
        question("ana\x00", 1),
        {**question("ana", 1), "resource": {"type": "dataset", "id": "a\x00", "properties": {"namespace": "b"}}},
        {**question("ana", 1), "resource": {"type": "dataset", "id": "a", "properties": {"namespace": "b\x00"}}},
        {"subject": {"type": "user", "id": "ana"}, "action": {"name": "read"}, "resource": {"type": "dataset"}},
    ],
)
def test_what_is_not_as_described_is_400_with_a_sentence(ask: Ask, cast: Cast, sent: Any):
    got = ask(EVALUATION, sent)
    assert got.status == 400
    assert isinstance(got.json, str)


def test_json_that_is_nested_too_deeply_is_400(ask: Ask, cast: Cast):
    got = ask(EVALUATION, b'{"a":' * 100_000 + b"1" + b"}" * 100_000)
    assert got.status == 400
    assert "deeply" in got.json


def test_a_name_that_cannot_be_spoils_no_other_evaluation(ask: Ask, cast: Cast):
    got = ask("/access/v1/evaluations", {"evaluations": [question("ana\x00", 1), question("nobody", 1)]})
    bad, good = got.json["evaluations"]
    assert bad["decision"] is False and "NUL" in bad["context"]["error"]["message"]
    assert good == {"decision": False, "context": {"reason": "The subject is not known."}}


def test_members_that_are_not_known_are_passed_over(ask: Ask, cast: Cast):
    assert ask(EVALUATION, question("ana", cast.dataset.pk, more={"x": 1})).status == 200


def test_only_json_is_read(ask: Ask, cast: Cast):
    assert ask(EVALUATION, question("ana", 1), CONTENT_TYPE="text/plain").status == 400
    assert ask(EVALUATION, question("ana", 1), CONTENT_TYPE="application/json; charset=utf-8").status == 200


def test_tokens_need_the_scope_and_are_refused_at_once_when_revoked(ask: Ask, cast: Cast):
    asked = question("ana", cast.dataset.pk)
    assert ask(EVALUATION, asked, authorization=None).status == 401
    assert ask(EVALUATION, asked, authorization="Bearer dcat_nothing").status == 401
    other = bearer(pipeline(), "catalog:read", "lineage:write")["Authorization"]
    assert ask(EVALUATION, asked, authorization=other).status == 403
    assert ask(EVALUATION, asked).status == 200
    ApiToken.objects.update(revoked_at=timezone.now())
    got = ask(EVALUATION, asked)
    assert got.status == 401
    assert got.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_id_of_a_request_comes_back(ask: Ask, cast: Cast):
    assert ask(EVALUATION, question("ana", 1), HTTP_X_REQUEST_ID="a-1").headers["X-Request-ID"] == "a-1"
    assert ask(EVALUATION, {}, HTTP_X_REQUEST_ID="a-2").headers["X-Request-ID"] == "a-2"
    assert "X-Request-ID" not in ask(EVALUATION, {}).headers


def test_without_a_database_nothing_is_decided(ask: Ask, cast: Cast, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any) -> None:
        raise OperationalError("the server is gone")

    monkeypatch.setattr(prepared, "rows", broken)
    got = ask(EVALUATION, question("ana", cast.dataset.pk))
    assert got.status == 503
    assert "decision" not in got.body.decode()
    assert got.headers["Retry-After"]


def test_evaluations_take_defaults_and_keep_their_order(ask: Ask, cast: Cast):
    grant(cast.analyst, cast.dataset)
    other = dataset(domain=cast.domain)
    sent = question("ana", cast.dataset.pk) | {
        "evaluations": [
            {},
            {"resource": {"type": "dataset", "id": str(other.pk)}},
            {"subject": {"type": "user"}},
            {"subject": {"type": "user", "id": "otto"}},
            {"action": {"name": "read"}},
        ]
    }
    got = ask(EVALUATIONS, sent)
    assert got.status == 200
    assert [one["decision"] for one in got.json["evaluations"]] == [True, False, False, False, True]
    assert got.json["evaluations"][2]["context"]["error"]["status"] == 400


@pytest.mark.parametrize(
    ("semantic", "decisions"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_evaluations_stop_where_their_semantic_says(ask: Ask, cast: Cast, semantic: str, decisions: list[bool]):
    grant(cast.analyst, cast.dataset)
    otto = {"subject": {"type": "user", "id": "otto"}}
    sent = question("ana", cast.dataset.pk, evaluations=[{}, otto, {}], options={"evaluations_semantic": semantic})
    assert [one["decision"] for one in ask(EVALUATIONS, sent).json["evaluations"]] == decisions


def test_evaluations_without_any_are_one_evaluation(ask: Ask, cast: Cast):
    grant(cast.analyst, cast.dataset)
    for sent in (question("ana", cast.dataset.pk), question("ana", cast.dataset.pk, evaluations=[])):
        assert ask(EVALUATIONS, sent).json["decision"] is True
    assert ask(EVALUATIONS, {"evaluations": []}).status == 400
    assert ask(EVALUATIONS, question("ana", 1, evaluations=[{}], options={"evaluations_semantic": "x"})).status == 400


def search(what: str, **more: Any) -> tuple[str, dict[str, Any]]:
    sent: dict[str, Any] = {
        "subject": {"type": "user", "id": "ana"},
        "action": {"name": "read"},
        "resource": {"type": "dataset", "id": "1"},
    }
    return f"/access/v1/search/{what}", sent | more


def test_resources_are_found_page_by_page_and_all_evaluate_to_true(ask: Ask, cast: Cast):
    many = [dataset(domain=cast.domain) for _ in range(5)]
    for one in many[:4]:
        grant(cast.analyst, one)
    publish("own", Rule(Effect.ALLOW, (Action.READ,), Subjects(roles=(Role.DATASET_OWNER,))))
    found: list[str] = []
    token = ""
    while True:
        path, sent = search("resource", page={"token": token, "limit": 3})
        got = ask(path, sent).json
        found += [one["id"] for one in got["results"]]
        token = got["page"]["next_token"]
        if not token:
            break
    assert found == [str(one.pk) for one in many[:4]]
    path, sent = search("resource", subject={"type": "user", "id": "owen"})
    (own,) = ask(path, sent).json["results"]
    assert own["id"] == str(cast.dataset.pk)
    assert own["properties"] == {"namespace": cast.dataset.namespace, "name": cast.dataset.qualified_name}
    for pk in found:
        assert ask(EVALUATION, question("ana", pk)).json["decision"]


def test_columns_are_found_page_by_page_and_all_evaluate_to_true(ask: Ask, cast: Cast, django_assert_num_queries: Any):
    other, hidden = dataset(domain=cast.domain), dataset(domain=cast.domain)
    grant(cast.analyst, cast.dataset, cast.field("email"))
    grant(cast.analyst, other)
    publish(
        "secret", Rule(Effect.DENY, (Action.READ,), EVERYBODY, resources=Resources(fields=(other.fields.first().pk,)))
    )
    wanted = sorted([cast.field("email").pk, *other.fields.order_by("pk").values_list("pk", flat=True)[1:]])
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        path, sent = search("resource", resource={"type": "column"}, page={"token": token, "limit": 2})
        got = ask(path, sent).json
        found += got["results"]
        token = got["page"]["next_token"]
        if not token:
            break
    assert [one["id"] for one in found] == [str(pk) for pk in wanted]
    assert next(one for one in found if one["id"] == str(cast.field("email").pk))["properties"] == {
        "dataset": str(cast.dataset.pk),
        "namespace": cast.dataset.namespace,
        "name": cast.dataset.qualified_name,
        "column": "email",
    }

    def decided(pk: int) -> bool:
        return ask(EVALUATION, question("ana", pk) | {"resource": {"type": "column", "id": str(pk)}}).json["decision"]

    every = [one.pk for of in (cast.dataset, other, hidden) for one in of.fields.all()]
    assert {pk for pk in every if decided(pk)} == set(wanted)
    path, sent = search("resource", resource={"type": "column"})
    with django_assert_num_queries(8):
        ask(path, sent)
    for _ in range(5):
        grant(cast.analyst, dataset(domain=cast.domain))
    with django_assert_num_queries(8):
        assert len(ask(path, sent).json["results"]) == 18


def test_subjects_are_found_by_their_type(ask: Ask, cast: Cast):
    reporter = service("reporter")
    for one in (cast.analyst, cast.steward, reporter):
        grant(one, cast.dataset)
    resource = {"type": "dataset", "id": str(cast.dataset.pk)}
    for kind, wanted in (
        ("user", {"ana", "stella"}),
        ("service", {"reporter"}),
        ("pipeline", set()),
        ("robot", set()),
        ("principal", {str(one.pk) for one in (cast.analyst, cast.steward, reporter)}),
    ):
        path, sent = search("subject", subject={"type": kind}, resource=resource)
        assert {one["id"] for one in ask(path, sent).json["results"]} == wanted
    path, sent = search("subject", subject={"type": "user"}, resource=resource, page={"limit": 1})
    first = ask(path, sent).json
    second = ask(path, sent | {"page": {"token": first["page"]["next_token"], "limit": 1}}).json
    assert {one["id"] for one in first["results"] + second["results"]} == {"ana", "stella"}
    assert second["page"]["next_token"] == ""


def test_actions_are_found(ask: Ask, cast: Cast):
    path, sent = search("action", resource={"type": "dataset", "id": str(cast.dataset.pk)})
    assert ask(path, sent).json["results"] == [{"name": "request"}]
    grant(cast.analyst, cast.dataset)
    assert ask(path, sent).json["results"] == [{"name": "read"}, {"name": "request"}]


def test_searches_for_what_is_not_known_find_nothing(ask: Ask, cast: Cast):
    nobody = {"type": "user", "id": "nobody"}
    nothing = {"type": "dataset", "id": "0"}
    for path, sent in (
        search("resource", subject=nobody),
        search("resource", resource={"type": "bucket"}),
        search("resource", action={"name": "fly"}),
        search("subject", resource=nothing),
        search("action", resource=nothing),
        search("action", subject=nobody),
    ):
        got = ask(path, sent)
        assert got.status == 200
        assert got.json == {"results": [], "page": {"next_token": ""}}


@pytest.mark.parametrize("page", [{"token": "x"}, {"limit": 0}, {"limit": 1001}, {"limit": "5"}])
def test_pages_that_make_no_sense_are_400(ask: Ask, cast: Cast, page: dict[str, Any]):
    path, sent = search("resource", page=page)
    assert ask(path, sent).status == 400


def test_discovery_names_every_address(client: Client):
    got = client.get("/.well-known/authzen-configuration").json()
    base = got["policy_decision_point"]
    assert got["access_evaluation_endpoint"] == f"{base}{EVALUATION}"
    assert set(got) == {
        "policy_decision_point", "access_evaluation_endpoint", "access_evaluations_endpoint", "search_subject_endpoint",
        "search_resource_endpoint", "search_action_endpoint",
    }  # fmt: skip


def test_an_evaluation_takes_one_statement(
    ask: Ask, cast: Cast, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries
):
    grant(cast.analyst, cast.dataset)
    ask(EVALUATION, question("ana", cast.dataset.pk))
    monkeypatch.setattr("access.gathering._RULES", {one.pk: one.in_force() for one in PolicyVersion.objects.all()})
    many = [{"subject": {"type": "principal", "id": str(one.pk)}} for one in Principal.objects.all()]
    with django_assert_num_queries(2):
        ask(EVALUATION, question("ana", cast.dataset.pk))
        ask(EVALUATIONS, question("ana", cast.dataset.pk, evaluations=many))


def test_resource_search_costs_the_same_for_more(ask: Ask, cast: Cast, django_assert_max_num_queries):
    publish("all", Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, resources=Resources(level_to=None)))
    for _ in range(20):
        dataset(domain=cast.domain)
    path, sent = search("resource")
    ask(path, sent)
    with django_assert_max_num_queries(7):
        assert len(ask(path, sent).json["results"]) == 21
