"""Trino's OPA plugin, with the requests that it sends."""

from __future__ import annotations

from typing import Any

import pytest

from access.decision_point.expressions import HIDDEN, expression_for
from access.models import EngineCatalog
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Effect, MaskOf, Resources, Rule, Subjects
from catalog.models import Schema
from tests.access.decision_point.conftest import Ask, grant
from tests.factories import Cast, dataset, publish, source

pytestmark = pytest.mark.django_db

ALLOW = "/access/v1/trino/allow"
BATCH = "/access/v1/trino/batch"
ROWS = "/access/v1/trino/row-filters"
MASK = "/access/v1/trino/column-mask"
MASKS = "/access/v1/trino/column-masks"
EVERYBODY = Subjects(everyone=True)


@pytest.fixture
def cast(cast: Cast) -> Cast:
    """Trino calls the database ontrack of the source `ontrack` by the name warehouse."""
    EngineCatalog.objects.create(name="warehouse", source=cast.source, prefix=["ontrack"])
    schema = Schema.objects.create(source=cast.source, path=["ontrack", "public"])
    cast.dataset.schema = schema
    cast.dataset.save()
    return cast


def table(name: str = "users", *columns: str, catalog: str = "warehouse", schema: str = "public") -> dict[str, Any]:
    named: dict[str, Any] = {"catalogName": catalog, "schemaName": schema, "tableName": name}
    return {"table": named | ({"columns": list(columns)} if columns else {})}


def column(name: str, kind: str = "varchar", of: str = "users") -> dict[str, Any]:
    place = {"catalogName": "warehouse", "schemaName": "public", "tableName": of}
    return {"column": place | {"columnName": name, "columnType": kind}}


def sent(operation: str, resource: Any = None, *, user: str = "ana", each: Any = None) -> dict[str, Any]:
    action: dict[str, Any] = {"operation": operation}
    if resource is not None:
        action["resource"] = resource
    if each is not None:
        action["filterResources"] = each
    context = {
        "identity": {"user": user, "groups": ["admins"]},
        "queryId": "20261128_000000_00001_abcde",
        "softwareStack": {"trinoVersion": "478"},
    }
    return {"input": {"context": context, "action": action}}


def test_columns_may_be_selected_that_are_granted(ask: Ask, cast: Cast):
    grant(cast.analyst, cast.dataset, cast.field("id"), cast.field("name"))
    assert ask(ALLOW, sent("SelectFromColumns", table("users", "id", "name"))).json == {"result": True}
    assert ask(ALLOW, sent("SelectFromColumns", table("users", "id", "email"))).json == {"result": False}
    assert ask(ALLOW, sent("SelectFromColumns", table("users"))).json == {"result": True}
    assert ask(ALLOW, sent("SelectFromColumns", table("users", "id"), user="otto")).json == {"result": False}
    assert ask(ALLOW, sent("SelectFromColumns", table("users"), user="otto")).json == {"result": False}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (ALLOW, sent("SelectFromColumns", table(), user="an\x00a")),
        (ALLOW, sent("SelectFromColumns", table("users\x00"))),
        (ALLOW, sent("SelectFromColumns", table(catalog="\x00"))),
        (ALLOW, sent("ShowTables", {"schema": {"catalogName": "warehouse\x00", "schemaName": "public"}})),
        (ALLOW, sent("AccessCatalog", {"catalog": {"name": "\x00"}})),
        (ALLOW, sent("SetCatalogSessionProperty", {"catalogSessionProperty": {"catalogName": "\x00"}})),
        (BATCH, sent("FilterTables", each=[table("\x00")])),
        (MASK, sent("GetColumnMask", column("id", of="\x00"))),
    ],
)
def test_a_name_that_cannot_be_is_400(ask: Ask, cast: Cast, path: str, asked: Any):
    got = ask(path, asked)
    assert got.status == 400
    assert "NUL" in got.json


@pytest.mark.parametrize(
    "place",
    [{"catalog": "elsewhere"}, {"schema": "private"}, {"name": "nothing"}],
)
def test_what_the_catalog_does_not_know_is_not_allowed(ask: Ask, cast: Cast, place: dict[str, str]):
    publish("all", Rule(Effect.ALLOW, tuple(Action), EVERYBODY))
    assert ask(ALLOW, sent("SelectFromColumns", table())).json["result"]
    assert not ask(ALLOW, sent("SelectFromColumns", table(**place))).json["result"]
    assert not ask(ALLOW, sent("SelectFromColumns", table(), user="nobody")).json["result"]


@pytest.mark.parametrize(
    ("operation", "resource", "allowed"),
    [
        ("ExecuteQuery", None, True),
        ("AccessCatalog", {"catalog": {"name": "warehouse"}}, True),
        ("AccessCatalog", {"catalog": {"name": "system"}}, True),
        ("AccessCatalog", {"catalog": {"name": "elsewhere"}}, False),
        ("ShowSchemas", {"catalog": {"name": "warehouse"}}, True),
        ("ShowTables", {"schema": {"catalogName": "warehouse", "schemaName": "public"}}, True),
        ("ShowTables", {"schema": {"catalogName": "warehouse", "schemaName": "private"}}, False),
        ("ShowColumns", table(), True),
        ("SelectFromColumns", table("tables", "table_name", schema="information_schema"), True),
        ("SelectFromColumns", table("queries", "query", catalog="system", schema="runtime"), False),
        (
            "ExecuteFunction",
            {"function": {"catalogName": "system", "schemaName": "builtin", "functionName": "abs"}},
            True,
        ),
        ("ExecuteFunction", {"function": {"catalogName": "system", "schemaName": "x", "functionName": "y"}}, False),
        ("ViewQueryOwnedBy", {"user": {"user": "ana"}}, True),
        ("KillQueryOwnedBy", {"user": {"user": "otto"}}, False),
        ("InsertIntoTable", table(), False),
        ("CreateTable", table("new"), False),
        ("DropTable", table(), False),
        ("CreateViewWithSelectFromColumns", table("users", "id"), False),
        ("ImpersonateUser", {"user": {"user": "ada"}}, False),
        ("ReadSystemInformation", None, False),
        ("SomethingThatIsNewInTrino", table(), False),
    ],
)
def test_operations(ask: Ask, cast: Cast, operation: str, resource: Any, allowed: bool):
    grant(cast.analyst, cast.dataset)
    assert ask(ALLOW, sent(operation, resource)).json == {"result": allowed}


def test_who_may_write_is_said_by_policies_alone(ask: Ask, cast: Cast):
    grant(cast.analyst, cast.dataset)
    assert not ask(ALLOW, sent("InsertIntoTable", table())).json["result"]
    publish("writers", Rule(Effect.ALLOW, (Action.WRITE,), Subjects(people=(cast.analyst.pk,))))
    for operation in ("InsertIntoTable", "DeleteFromTable", "TruncateTable"):
        assert ask(ALLOW, sent(operation, table())).json["result"]
    assert ask(ALLOW, sent("UpdateTableColumns", table("users", "email"))).json["result"]


def test_batches_answer_the_indices_of_what_is_allowed(ask: Ask, cast: Cast):
    dataset("units", domain=cast.domain, source=cast.source)
    grant(cast.analyst, cast.dataset, cast.field("id"), cast.field("email"))
    each = [table("units"), table("users"), table("nothing")]
    assert ask(BATCH, sent("FilterTables", each=each)).json == {"result": [1]}
    one_table = [table("users", "id", "name", "email")]
    assert ask(BATCH, sent("FilterColumns", each=one_table)).json == {"result": [0, 2]}
    catalogs = [{"catalog": {"name": name}} for name in ("elsewhere", "system", "warehouse")]
    assert ask(BATCH, sent("FilterCatalogs", each=catalogs)).json == {"result": [1, 2]}
    schemas = [{"schema": {"catalogName": "warehouse", "schemaName": name}} for name in ("public", "private")]
    assert ask(BATCH, sent("FilterSchemas", each=schemas)).json == {"result": [0]}
    assert ask(BATCH, sent("FilterTables", each=each, user="otto")).json == {"result": []}


def test_rows_are_filtered_and_none_is_shown_of_what_may_not_be_read(ask: Ask, cast: Cast):
    assert ask(ROWS, sent("GetRowFilters", table())).json == {"result": [{"expression": "false"}]}
    publish("some", Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, row_filter="campus = 'Geelong'"))
    assert ask(ROWS, sent("GetRowFilters", table())).json == {"result": [{"expression": "campus = 'Geelong'"}]}
    grant(cast.analyst, cast.dataset)
    assert ask(ROWS, sent("GetRowFilters", table())).json == {"result": []}
    assert ask(ROWS, sent("GetRowFilters", table(schema="information_schema"))).json == {"result": []}


def test_columns_are_masked_and_hidden_where_they_may_not_be_read(ask: Ask, cast: Cast):
    email = cast.field("email")
    grant(cast.analyst, cast.dataset, cast.field("id"), email)
    assert ask(MASK, sent("GetColumnMask", column("email"))).json == {}
    masked = Rule(Effect.RESTRICT, (Action.READ,), EVERYBODY, masks=(MaskOf(Mask.NULL, Columns((email.pk,))),))
    publish("hide", masked)
    assert ask(MASK, sent("GetColumnMask", column("email"))).json == {"result": {"expression": HIDDEN}}
    assert ask(MASK, sent("GetColumnMask", column("name"))).json == {"result": {"expression": HIDDEN}}
    each = [column("id"), column("email"), column("gone")]
    assert ask(MASKS, sent("GetColumnMask", each=each)).json == {
        "result": [{"index": n, "viewExpression": {"expression": HIDDEN}} for n in (1, 2)]
    }


@pytest.mark.parametrize(
    ("mask", "kind", "wanted"),
    [
        (Mask.NULL, "varchar", "NULL"),
        (Mask.HASH, "varchar(12)", 'CAST(lower(to_hex(sha256(to_utf8(CAST("a""b" AS varchar))))) AS varchar(12))'),
        (Mask.HASH, "integer", "NULL"),
        (Mask.PARTIAL, "date", "NULL"),
        (
            Mask.GENERALISE,
            "timestamp(3) with time zone",
            'CAST(date_trunc(\'year\', "a""b") AS timestamp(3) with time zone)',
        ),
        (Mask.GENERALISE, "varchar", "NULL"),
        (Mask.HASH, "varchar) || (SELECT 1", "NULL"),
    ],
)
def test_expressions_quote_the_column_and_have_its_type(mask: Mask, kind: str, wanted: str):
    assert expression_for(mask, 'a"b', kind) == wanted


@pytest.mark.parametrize("body", [{}, {"input": {}}, {"input": {"context": {}, "action": {}}}, {"input": []}])
def test_what_trino_does_not_send_fails_the_query(ask: Ask, cast: Cast, body: Any):
    for path in (ALLOW, BATCH, ROWS, MASK, MASKS):
        assert ask(path, body).status == 400


def test_a_batch_takes_as_many_statements_for_more(ask: Ask, cast: Cast, django_assert_num_queries):
    names = [dataset(domain=cast.domain, source=cast.source).name for _ in range(30)]
    ask(BATCH, sent("FilterTables", each=[table("users")]))
    with django_assert_num_queries(2):
        ask(BATCH, sent("FilterTables", each=[table(name) for name in names]))


def test_sources_are_known_by_their_own_catalog_only(ask: Ask, cast: Cast):
    other = source("other")
    dataset("users", domain=cast.domain, source=other)
    EngineCatalog.objects.create(name="second", source=other, prefix=["other"])
    publish("one", Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, resources=Resources(sources=(other.pk,))))
    assert ask(ALLOW, sent("SelectFromColumns", table(catalog="second"))).json["result"]
    assert not ask(ALLOW, sent("SelectFromColumns", table(catalog="warehouse"))).json["result"]
