"""REST of the catalog: tiers, preconditions, problems, pages, and a description that is true."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Principal
from accounts.tokens import Scope
from catalog.models import Dataset, Key, SchemaVersion, Tag, Tier
from catalog.search_index import refresh_search
from tests import factories

pytestmark = pytest.mark.django_db

API = "/api/v2"


@pytest.fixture
def cast() -> factories.Cast:
    cast = factories.personas()
    refresh_search([cast.dataset.pk])
    return cast


class Caller:
    """Calls the API with a principal's token."""

    def __init__(self, principal: Principal, *scopes: str) -> None:
        self.client, self.headers = Client(), factories.bearer(principal, *scopes)

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        answer = self.client.generic(
            method,
            f"{API}{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}},
        )
        assert answer.status_code == status, answer.content
        if status >= 400:
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["status"] == status
            assert answer.json()["detail"]
        self.etag = answer.headers.get("ETag", "")
        return answer.json() if answer.content else None


def test_without_a_token_or_session_nothing_is_answered(cast: factories.Cast) -> None:
    answer = Client().get(f"{API}/datasets/")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:catalog:problem:not_signed_in"


def test_a_token_without_the_scope_is_refused(cast: factories.Cast) -> None:
    call = Caller(cast.steward, Scope.CATALOG_READ)
    call("GET", f"/datasets/{cast.dataset.pk}/")
    call("PUT", f"/datasets/{cast.dataset.pk}/tags/x/", status=403)


def test_each_tier_reads_more_of_a_dataset(cast: factories.Cast) -> None:
    Dataset.objects.filter(pk=cast.dataset.pk).update(definition="SELECT 1", comment="Who signs in")
    path = f"/datasets/{cast.dataset.pk}/"
    outsider = Caller(cast.outsider)("GET", path)
    assert (outsider["tier"], outsider["title"], outsider["owners"]) == (1, "users", ["Owen"])
    assert outsider["comment"] is outsider["keys"] is outsider["definition"] is None
    analyst = Caller(cast.analyst)("GET", path)
    assert (analyst["tier"], analyst["comment"], analyst["definition"]) == (2, "Who signs in", None)
    assert Caller(cast.steward)("GET", path)["definition"] == "SELECT 1"
    for sub in ("fields", "versions", "names", "tags", "activity"):
        Caller(cast.outsider)("GET", f"{path}{sub}/", status=403)


def test_a_change_needs_the_etag_of_what_was_read(cast: factories.Cast) -> None:
    call, path = Caller(cast.steward), f"/datasets/{cast.dataset.pk}/"
    call("GET", path)
    etag = call.etag
    call("PATCH", path, {"description": "People"}, status=428)
    changed = call("PATCH", path, {"description": "People"}, if_match=etag)
    assert changed["description"] == "People"
    assert call.etag not in ("", etag)
    call("PATCH", path, {"description": "Others"}, status=412, if_match=etag)
    call("PATCH", path, {"domain": "nowhere"}, status=422, if_match="*")
    call("PATCH", path, {"description": "nul\u0000"}, status=422, if_match="*")
    Caller(cast.analyst)("PATCH", path, {"description": "x"}, status=403, if_match="*")


def test_a_field_is_described_with_its_own_etag(cast: factories.Cast) -> None:
    call = Caller(cast.steward)
    path = f"/datasets/{cast.dataset.pk}/fields/{cast.field('email').pk}/"
    assert call("GET", path)["description"] == ""
    assert call("PATCH", path, {"description": "Mail"}, if_match=call.etag)["description"] == "Mail"
    assert [row["path"] for row in call("GET", f"/datasets/{cast.dataset.pk}/fields/")["results"]] == [
        ["id"],
        ["name"],
        ["email"],
    ]


def test_owners_and_tags_are_given_and_taken(cast: factories.Cast) -> None:
    call, path = Caller(cast.steward), f"/datasets/{cast.dataset.pk}"
    Tag.objects.create(slug="personal", name="Personal")
    call("PUT", f"{path}/tags/personal/", status=204)
    assert [tag["asserted_by"]["name"] for tag in call("GET", f"{path}/tags/")] == ["Stella"]
    call("DELETE", f"{path}/tags/personal/", status=204)
    assert call("GET", f"{path}/tags/") == []
    owners = call("POST", f"{path}/owners/", {"member": "ana"}, status=201)
    assert {one["principal"]["name"] for one in owners} == {"Owen", "Ana"}
    call("POST", f"{path}/owners/", {"member": "nobody"}, status=422)
    for one in owners:
        call("DELETE", f"{path}/owners/{one['id']}/", status=204)
    call("DELETE", f"{path}/owners/{owners[0]['id']}/", status=404)


def test_versions_are_listed_and_compared_without_hidden_names(cast: factories.Cast) -> None:
    hidden = factories.dataset("payroll", domain=factories.domain("H", open_tier=Tier.NONE), source=cast.source)
    key = {"kind": "foreign", "name": "fk", "columns": ["id"], "references": hidden.path, "referenced_columns": ["id"]}
    Key.objects.create(
        dataset=cast.dataset, kind="foreign", name="fk", columns=["id"], references=hidden, references_path=hidden.path
    )
    for number, fields in ((1, []), (2, [{"path": ["id"], "position": 1, "native_type": "int", "type": "integer"}])):
        content = {"kind": "table", "comment": None, "definition_digest": "", "fields": fields, "keys": [key]}
        SchemaVersion.objects.create(dataset=cast.dataset, number=number, origin="crawl", content=content)
    call, path = Caller(cast.analyst), f"/datasets/{cast.dataset.pk}"
    assert [row["number"] for row in call("GET", f"{path}/versions/")["results"]] == [2, 1]
    version = call("GET", f"{path}/versions/2/")
    assert "payroll" not in str(version)
    assert "payroll" not in str(call("GET", f"{path}/"))
    assert call("GET", f"{path}/versions/2/diff/")["summary"] == "1 field added"
    call("GET", f"{path}/versions/1/diff/", status=404)
    call("GET", f"{path}/versions/2/diff/?against=x", status=422)


def test_domains_are_made_changed_and_peopled(cast: factories.Cast) -> None:
    call = Caller(cast.administrator)
    made = call("POST", "/domains/", {"slug": "research", "name": "Research", "open_tier": 2}, status=201)
    assert made["open_tier"] == 2
    call("POST", "/domains/", {"slug": "research", "name": "Research"}, status=409)
    call("GET", "/domains/research/")
    assert call("PATCH", "/domains/research/", {"open_tier": 1}, if_match=call.etag)["open_tier"] == 1
    given = call("POST", "/domains/research/members/", {"member": "otto", "role": "owner"}, status=201)
    assert [one["id"] for one in call("GET", "/domains/research/members/")] == [given["id"]]
    call("DELETE", f"/domains/research/members/{given['id']}/", status=204)
    call("DELETE", f"/domains/research/members/{given['id']}/", status=404)
    Caller(cast.steward)("POST", "/domains/", {"slug": "x", "name": "X"}, status=403)


def test_search_answers_as_the_page_does(cast: factories.Cast) -> None:
    call = Caller(cast.analyst)
    found = call("GET", "/search/?q=emial")
    assert found["corrected"] == "email"
    assert [(row["title"], row["columns"]) for row in found["results"]] == [("users", ["email"])]
    assert Caller(cast.outsider)("GET", "/search/?q=email")["results"] == []
    facets = call("GET", "/search/facets/?domain=teaching")
    assert facets["total"] == 1
    assert facets["facets"]["domain"][0]["chosen"] is True


def test_pages_are_walked_by_their_links(cast: factories.Cast) -> None:
    for _ in range(7):
        factories.dataset(domain=cast.domain)
    call, seen, path = Caller(cast.analyst), [], "/datasets/?limit=3"
    while path:
        page = call("GET", path)
        seen += [row["id"] for row in page["results"]]
        path = page["next"].split(API, 1)[1] if page["next"] else ""
    assert seen == sorted(Dataset.objects.values_list("pk", flat=True))


NONSENSE = (
    "/datasets/?limit=0", "/datasets/?limit=999999999999999999999", "/datasets/?cursor=%00", "/datasets/?cursor=zzzz",
    "/datasets/?cursor=WyJuIiwgIngiXQ", "/datasets/?cursor=WyJuIixJbmZpbml0eV0", "/datasets/?cursor=WyJuIix7fV0",
    "/datasets/?kind=planet", "/datasets/?owner=%00", "/datasets/?level=1e9", "/datasets/?schema=-1",
    "/search/?q=%00", "/search/?cursor=WyJuIiwiYVx1MDAwMCIsMV0", "/search/?q=a&cursor=WyJuIixOYU4sMV0", "/search/?sort=x",
)  # fmt: skip


@pytest.mark.parametrize("path", NONSENSE)
def test_nonsense_is_refused_with_a_problem(cast: factories.Cast, path: str) -> None:
    Caller(cast.analyst)("GET", path, status=422)


ABSENT = ("/datasets/0/", "/datasets/999999999999999999/", "/datasets/x/", "/domains/nope/", "/nothing/")


@pytest.mark.parametrize("path", ABSENT)
def test_what_is_not_there_is_a_problem_too(cast: factories.Cast, path: str) -> None:
    Caller(cast.analyst)("GET", path, status=404)


def test_bodies_that_are_no_json_or_no_object_are_refused(cast: factories.Cast) -> None:
    headers = factories.bearer(cast.administrator)
    for body, status in ((b"{", 400), (b"[]", 422), (b"null", 422), (b'"x"', 422), (b"{}", 422)):
        answer = Client().post(f"{API}/domains/", body, content_type="application/json", headers=headers)
        assert answer.status_code == status, body


def test_the_description_is_openapi_3_1_and_tells_every_refusal(cast: factories.Cast) -> None:
    schema = Caller(cast.analyst)("GET", "/openapi.json")
    assert schema["openapi"].startswith("3.1")
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if method in ("get", "post", "put", "patch", "delete"):
                assert {"401", "403", "404", "422"} <= set(operation["responses"]), (method, path)


def test_the_browsable_page_tells_of_every_operation_without_a_script(cast: factories.Cast) -> None:
    client = Client()
    assert client.get(f"{API}/docs/")["Location"].startswith("/accounts/login/")
    client.force_login(cast.analyst.user)
    page = client.get(f"{API}/docs/").content.decode()
    described = client.get(f"{API}/openapi.json").json()
    operations = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(operations) > 50
    assert [name for name in operations if f'id="{name}"' not in page] == []


def test_tags_are_created_and_renamed(cast: factories.Cast) -> None:
    call = Caller(cast.steward)
    assert call("POST", "/tags/", {"name": "Exam period"}, status=201) == {"slug": "exam-period", "name": "Exam period"}
    etag = call.etag
    assert (
        "exam period" in call("POST", "/tags/", {"name": "exam PERIOD", "slug": "other"}, status=409)["detail"].lower()
    )
    call("POST", "/tags/", {"name": "試験"}, status=422)
    call("PUT", f"/datasets/{cast.dataset.pk}/tags/exam-period/", status=204)
    call("PATCH", "/tags/exam-period/", {"name": "Exams"}, status=428)
    assert call("PATCH", "/tags/exam-period/", {"name": "Exams"}, If_Match=etag)["name"] == "Exams"
    call("PATCH", "/tags/exam-period/", {"name": "Tests"}, status=412, If_Match=etag)
    assert call("GET", f"/datasets/{cast.dataset.pk}/")["tags"] == ["Exams"]
    call("PATCH", "/tags/exam-period/", {"slug": "exams"}, status=422, If_Match="*")
    analyst = Caller(cast.analyst)
    analyst("POST", "/tags/", {"name": "Mine"}, status=403)
    analyst("PATCH", "/tags/exam-period/", {"name": "Mine"}, status=403, If_Match="*")
    assert set(Tag.objects.values_list("name", flat=True)) == {"Exams"}
