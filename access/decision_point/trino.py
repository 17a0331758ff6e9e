"""What Trino's OPA plugin asks: allow, batch, row filters, column masks. Whatever is not known is not allowed.

https://trino.io/docs/current/security/opa-access-control.html

A catalog of Trino's is a source of this catalog's where `EngineCatalog` says so. Trino's groups are passed over: people are in
the groups in which the catalog has them. Statements that make, change or drop tables are not allowed by any policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from django.db.models import Exists, OuterRef

from access.decision_point.evaluating import check_bearer, fields_named
from access.decision_point.expressions import HIDDEN, expression_for
from access.decision_point.shapes import NotAsDescribed, check_storable, read
from access.gathering import Found, Gathered, Named, gather
from access.models import EngineCatalog
from access.policies.deciding import Decision, decide
from access.policies.facts import Question
from access.policies.masking import strictest
from access.policies.rules import Action
from access.policies_in_sql import Setting, datasets_for
from access.searching import subject_everywhere
from accounts.bearers import Bearer
from catalog.models import Schema

NOTHING = "false"
"""The row filter that shows no row."""
MOST_RESOURCES = 20_000
_SYSTEM = "system"
_OPEN_SYSTEM_SCHEMAS = frozenset({"jdbc", "metadata", "information_schema"})
"""What Trino fills these with it asks about item by item."""
_BUILTIN = "builtin"
_READING = frozenset({"SelectFromColumns", "FilterColumns"})
_SHOWING = frozenset({"FilterTables", "ShowColumns", "ShowCreateTable"})
_WRITING = frozenset({"InsertIntoTable", "DeleteFromTable", "TruncateTable", "UpdateTableColumns"})
_ON_CATALOGS = frozenset({"AccessCatalog", "FilterCatalogs", "ShowSchemas"})
_ON_SCHEMAS = frozenset({"FilterSchemas", "ShowTables", "ShowFunctions"})
_ON_FUNCTIONS = frozenset({"ExecuteFunction", "FilterFunctions"})
_ON_QUERIES = frozenset({"ViewQueryOwnedBy", "FilterViewQueryOwnedBy", "KillQueryOwnedBy"})
_FREE = frozenset({"ExecuteQuery", "SetSystemSessionProperty"})


class Table(msgspec.Struct, frozen=True):
    catalog: str = msgspec.field(name="catalogName")
    schema: str = msgspec.field(name="schemaName")
    name: str = msgspec.field(name="tableName")
    columns: list[str] = []

    def __post_init__(self) -> None:
        check_storable("table", self.catalog, self.schema, self.name)


class Column(msgspec.Struct, frozen=True):
    catalog: str = msgspec.field(name="catalogName")
    schema: str = msgspec.field(name="schemaName")
    table: str = msgspec.field(name="tableName")
    name: str = msgspec.field(name="columnName")
    type: str = msgspec.field(name="columnType", default="")

    def __post_init__(self) -> None:
        check_storable("column", self.catalog, self.schema, self.table)


class SchemaName(msgspec.Struct, frozen=True):
    catalog: str = msgspec.field(name="catalogName")
    name: str = msgspec.field(name="schemaName")

    def __post_init__(self) -> None:
        check_storable("schema", self.catalog, self.name)


class CatalogName(msgspec.Struct, frozen=True):
    name: str

    def __post_init__(self) -> None:
        check_storable("catalog", self.name)


class Function(msgspec.Struct, frozen=True):
    catalog: str = msgspec.field(name="catalogName")
    schema: str = msgspec.field(name="schemaName")
    name: str = msgspec.field(name="functionName")


class User(msgspec.Struct, frozen=True):
    user: str


class SessionProperty(msgspec.Struct, frozen=True):
    catalog: str = msgspec.field(name="catalogName")

    def __post_init__(self) -> None:
        check_storable("session property", self.catalog)


class Resource(msgspec.Struct, frozen=True):
    """What an operation is about: one of these."""

    table: Table | None = None
    column: Column | None = None
    schema: SchemaName | None = None
    catalog: CatalogName | None = None
    function: Function | None = None
    user: User | None = None
    session_property: SessionProperty | None = msgspec.field(name="catalogSessionProperty", default=None)


class Identity(msgspec.Struct, frozen=True):
    user: str

    def __post_init__(self) -> None:
        check_storable("user", self.user)


class Context(msgspec.Struct, frozen=True):
    identity: Identity


class Operation(msgspec.Struct, frozen=True):
    operation: str
    resource: Resource = Resource()
    resources: list[Resource] = msgspec.field(name="filterResources", default=[])


class Input(msgspec.Struct, frozen=True):
    context: Context
    action: Operation


class Sent(msgspec.Struct, frozen=True):
    input: Input


Answered: TypeAlias = tuple[dict[str, Any], Bearer]


def allow(sent: Mapping[str, Any], *, token: bytes) -> Answered:
    """Whether one operation may be done."""
    asked = read(sent, Sent).input
    known = _Known(asked, [asked.action.resource], token)
    return {"result": known.allows(asked.action.operation, asked.action.resource)}, known.bearer


def batch(sent: Mapping[str, Any], *, token: bytes) -> Answered:
    """The indices of the resources with which an operation may be done; of columns of one table, those of the columns."""
    asked = read(sent, Sent).input
    resources = _checked(asked.action.resources)
    operation = asked.action.operation
    if operation == "FilterColumns" and len(resources) == 1 and resources[0].table is not None:
        table = resources[0].table
        known = _Known(asked, resources, token)
        each = [msgspec.structs.replace(table, columns=[column]) for column in table.columns]
        allowed = [known.allows(operation, Resource(table=one)) for one in each]
    else:
        known = _Known(asked, resources, token)
        allowed = [known.allows(operation, resource) for resource in resources]
    return {"result": [n for n, allows in enumerate(allowed) if allows]}, known.bearer


def row_filters(sent: Mapping[str, Any], *, token: bytes) -> Answered:
    """The conditions that rows of a table must meet; of what may not be read no row does."""
    asked = read(sent, Sent).input
    known = _Known(asked, [asked.action.resource], token)
    table = asked.action.resource.table
    if table is None:
        raise NotAsDescribed("input.action.resource.table says of which table the row filters are asked for.")
    if _is_of_system(table.catalog, table.schema):
        return {"result": []}, known.bearer
    decision = known.decision(Action.READ, (table.catalog, table.schema, table.name))
    if decision is None or not decision.readable:
        return {"result": [{"expression": NOTHING}]}, known.bearer
    return {"result": [{"expression": decision.row_filter}] if decision.row_filter else []}, known.bearer


def column_mask(sent: Mapping[str, Any], *, token: bytes) -> Answered:
    """How one column is shown; no member `result` where it is shown as it is."""
    asked = read(sent, Sent).input
    known = _Known(asked, [asked.action.resource], token)
    shown = known.shown(asked.action.resource.column)
    return {"result": {"expression": shown}} if shown is not None else {}, known.bearer


def column_masks(sent: Mapping[str, Any], *, token: bytes) -> Answered:
    """How several columns are shown, by their indices; those that are shown as they are are left out."""
    asked = read(sent, Sent).input
    resources = _checked(asked.action.resources)
    known = _Known(asked, resources, token)
    masks = [(n, known.shown(resource.column)) for n, resource in enumerate(resources)]
    result = [{"index": n, "viewExpression": {"expression": shown}} for n, shown in masks if shown is not None]
    return {"result": result}, known.bearer


def _checked(resources: Sequence[Resource]) -> Sequence[Resource]:
    if len(resources) > MOST_RESOURCES:
        raise NotAsDescribed(f"At most {MOST_RESOURCES} resources at once.")
    return resources


def _is_of_system(catalog: str, schema: str) -> bool:
    return schema == "information_schema" or (catalog == _SYSTEM and schema in _OPEN_SYSTEM_SCHEMAS)


TableKey: TypeAlias = tuple[str, str, str]


class _Known:
    """What is known of a user and of all the tables that a request mentions, read at once."""

    def __init__(self, asked: Input, resources: Iterable[Resource], token: bytes) -> None:
        self.user = asked.context.identity.user
        tables = list(dict.fromkeys(key for key in map(_table_of, resources) if key is not None))
        wanted = [
            Named("user", self.user, catalog=catalog, schema=schema, name=name) for catalog, schema, name in tables
        ]
        self.gathered: Gathered = gather(wanted or [Named("user", self.user)], token=token)
        self.bearer = check_bearer(self.gathered.bearer)
        self.found: dict[TableKey, Found] = dict(zip(tables, self.gathered.found, strict=False))
        self.subject = self.gathered.found[0].subject
        self._decisions: dict[tuple[Action, TableKey, frozenset[int]], Decision] = {}
        self._schemas: dict[str, frozenset[str]] = {}

    def allows(self, operation: str, resource: Resource) -> bool:
        if self.subject is None or not self.subject.is_active:
            return False
        if operation in _FREE:
            return True
        for operations, judge in self._judges():
            if operation in operations:
                return judge(operation, resource)
        return False

    def _judges(self) -> tuple[tuple[frozenset[str], Callable[[str, Resource], bool]], ...]:
        return (
            (_READING | _SHOWING | _WRITING, self._on_table),
            (_ON_CATALOGS, lambda _, one: one.catalog is not None and self._sees_catalog(one.catalog.name)),
            (_ON_SCHEMAS, lambda _, one: one.schema is not None and self._sees_schema(one.schema)),
            (_ON_FUNCTIONS, lambda _, one: one.function is not None and _is_builtin(one.function)),
            (_ON_QUERIES, lambda _, one: one.user is not None and one.user.user == self.user),
            (
                frozenset({"SetCatalogSessionProperty"}),
                lambda _, one: one.session_property is not None and self._sees_catalog(one.session_property.catalog),
            ),
        )

    def _on_table(self, operation: str, resource: Resource) -> bool:
        table = resource.table
        if table is None:
            return False
        if _is_of_system(table.catalog, table.schema):
            return operation not in _WRITING and self._sees_catalog(table.catalog)
        key = (table.catalog, table.schema, table.name)
        action = Action.WRITE if operation in _WRITING else Action.READ
        if operation in _SHOWING or (operation == "SelectFromColumns" and not table.columns):
            # To count rows no column is read; whoever may read none is told nothing.
            decision = self.decision(action, key)
            return decision is not None and bool(decision.readable)
        decision = self.decision(action, key, table.columns)
        return decision is not None and decision.allowed

    def decision(self, action: Action, key: TableKey, columns: Sequence[str] = ()) -> Decision | None:
        """The decision on these columns (none: all) of a table; None where the table or one of them is not known."""
        found = self.found.get(key)
        if found is None or found.dataset is None or found.subject is None:
            return None
        asked = fields_named(columns, found)
        if asked is None:
            return None
        known = self._decisions.get((action, key, asked))
        if known is None:
            question = Question(
                subject=found.subject,
                action=action,
                dataset=found.dataset,
                at=self.gathered.at,
                asked=asked,
                grants=found.grants,
                ranks=self.gathered.ranks,
            )
            known = self._decisions[action, key, asked] = decide(question, self.gathered.policies)
        return known

    def shown(self, column: Column | None) -> str | None:
        """The expression that stands in for a column; None where it is shown as it is."""
        if column is None:
            raise NotAsDescribed("A column mask is asked for a column.")
        if _is_of_system(column.catalog, column.schema):
            return None
        decision = self.decision(Action.READ, (column.catalog, column.schema, column.table), [column.name])
        if decision is None or not decision.allowed:
            return HIDDEN
        mask = strictest(decision.masks.values())
        return expression_for(mask, column.name, column.type) if mask is not None else None

    def _sees_catalog(self, name: str) -> bool:
        return name == _SYSTEM or bool(self._readable_schemas(name))

    def _sees_schema(self, schema: SchemaName) -> bool:
        if _is_of_system(schema.catalog, schema.name):
            return self._sees_catalog(schema.catalog)
        return schema.name in self._readable_schemas(schema.catalog)

    def _readable_schemas(self, catalog: str) -> frozenset[str]:
        """The schemas of an engine's catalog in which the user may read at least one column; six statements."""
        if catalog not in self._schemas:
            self._schemas[catalog] = self._read_schemas(catalog)
        return self._schemas[catalog]

    def _read_schemas(self, name: str) -> frozenset[str]:
        engine = EngineCatalog.objects.filter(name=name).first()
        subject = subject_everywhere(self.subject.principal_id) if self.subject else None
        if engine is None or subject is None:
            return frozenset()
        setting = Setting(Action.READ, self.gathered.at, ranks=self.gathered.ranks)
        readable = datasets_for(subject, self.gathered.policies, setting, whole=False)
        inside = Schema.objects.filter(source=engine.source_id, path__len=len(engine.prefix) + 1)
        if engine.prefix:
            inside = inside.filter(**{f"path__0_{len(engine.prefix)}": engine.prefix})
        paths = inside.filter(Exists(readable.filter(schema=OuterRef("pk")))).values_list("path", flat=True)
        return frozenset(path[-1] for path in paths)


def _table_of(resource: Resource) -> TableKey | None:
    if resource.table is not None:
        return resource.table.catalog, resource.table.schema, resource.table.name
    if resource.column is not None:
        return resource.column.catalog, resource.column.schema, resource.column.table
    return None


def _is_builtin(function: Function) -> bool:
    return function.catalog == _SYSTEM and function.schema == _BUILTIN
