"""Column lineage from SQL: hand-derived expectations over dialects, and generated queries."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.sql import (
    MAX_LENGTH,
    Doubt,
    FieldInput,
    Kind,
    KnownTables,
    SqlLineage,
    Subtype,
    Written,
    lineage_of,
)

TABLES = {
    "units": ["id", "name", "email", "kind", "price"],
    "orders": ["id", "unit_id", "amount", "at", "note"],
    "people": ["id", "name", "ssn"],
}
PREFIXES = {
    "postgres": ("shop", "public"), "redshift": ("shop", "public"), "duckdb": ("shop", "main"), "trino": ("hive", "shop"),
    "tsql": ("shop", "dbo"), "bigquery": ("acme-1", "shop"), "mysql": ("shop",), "mariadb": ("shop",), "sqlite": ("main",),
    "spark": ("shop",), "snowflake": ("SHOP", "PUBLIC"), "oracle": ("ORCL", "SHOP"), "plain": ("shop",),
}  # fmt: skip
LETTERS = {
    "I": Subtype.IDENTITY, "T": Subtype.TRANSFORMATION, "A": Subtype.AGGREGATION, "J": Subtype.JOIN,
    "F": Subtype.FILTER, "G": Subtype.GROUP_BY, "S": Subtype.SORT, "W": Subtype.WINDOW, "C": Subtype.CONDITIONAL,
}  # fmt: skip
ORDER = "ITAJFGSWC"
INITIALS = {subtype: letter for letter, subtype in LETTERS.items()}


def schema_of(dialect: str) -> dict[tuple[str, ...], list[str]]:
    prefix = PREFIXES[dialect]
    if prefix[0].isupper():
        return {(*prefix, table.upper()): [c.upper() for c in columns] for table, columns in TABLES.items()}
    return {(*prefix, table): columns for table, columns in TABLES.items()}


def read(sql: str, dialect: str, **extra) -> SqlLineage:
    prefix = PREFIXES[dialect]
    arguments = {"schema": schema_of(dialect), "default_path": prefix, "target": (*prefix, "v")} | extra
    return lineage_of(sql, dialect=dialect, **arguments)


def written(inputs: tuple[FieldInput, ...], prefix: tuple[str, ...]) -> str:
    """`units.id:I orders.at:FS*`: the tables under the default path are named shortly; * is masking."""
    words = []
    for each in inputs:
        table = each.table[len(prefix) :] if each.table[: len(prefix)] == prefix else each.table
        marks = {INITIALS[t.subtype] + "*" * t.masking for t in each.transformations}
        assert all((t.kind is Kind.DIRECT) == (INITIALS[t.subtype] in "ITA") for t in each.transformations)
        letters = sorted(marks, key=lambda mark: (ORDER.index(mark[0]), mark))
        words.append(f"{'.'.join((*table, each.column))}:{''.join(letters)}")
    return " ".join(words)


def told(lineage: SqlLineage, dialect: str) -> dict[str, dict[str, str]]:
    """{output: {column: inputs, "~": influences}}; a column without inputs has ""."""
    prefix = PREFIXES[dialect]

    def of(output: Written) -> dict[str, str]:
        columns = {column.name: written(column.inputs, prefix) for column in output.columns}
        influences = written(output.influences, prefix)
        return columns | ({"~": influences} if influences else {})

    return {
        ".".join(output.table[len(prefix) :] if output.table[: len(prefix)] == prefix else output.table): of(output)
        for output in lineage.outputs
    }


# (dialect, SELECT, {column: inputs, "~": what influences all of it}); the output is the view v.
SELECTS: list[tuple[str, str, dict[str, str]]] = [
    # Values
    ("postgres", "SELECT id, name AS called FROM units", {"id": "units.id:I", "called": "units.name:I"}),
    ("postgres", "SELECT u.price * 2 AS p, 1 AS one FROM units u", {"p": "units.price:T", "one": ""}),
    ("postgres", " SELECT ((kind)::text || 'x'::text) AS k\n   FROM units;", {"k": "units.kind:T"}),
    ("postgres", "SELECT email::varchar FROM public.units", {"email": "units.email:T"}),
    ("postgres", "SELECT (price) AS p, name COLLATE \"C\" AS n FROM units", {"p": "units.price:I", "n": "units.name:I"}),
    ("postgres", "SELECT CASE WHEN kind = 'a' THEN price ELSE 0 END AS p FROM units",
     {"p": "units.kind:C units.price:I"}),
    ("postgres", "SELECT CASE kind WHEN name THEN price ELSE id END AS p FROM units",
     {"p": "units.id:I units.kind:C units.name:C units.price:I"}),
    ("postgres", "SELECT COALESCE(name, email) AS c, NULLIF(kind, note) AS n FROM units, orders",
     {"c": "units.email:I units.name:IC", "n": "orders.note:C units.kind:IC"}),
    ("mysql", "SELECT IF(kind, price, id) AS a, IFNULL(name, email) AS b FROM units",
     {"a": "units.id:I units.kind:C units.price:I", "b": "units.email:I units.name:IC"}),
    ("oracle", "SELECT DECODE(kind, 1, name, email) d, NVL2(kind, price, id) n FROM units",
     {"D": "UNITS.EMAIL:I UNITS.KIND:C UNITS.NAME:I", "N": "UNITS.ID:I UNITS.KIND:C UNITS.PRICE:I"}),
    ("postgres", "SELECT u AS whole FROM people u",
     {"whole": "people.id:T people.name:T people.ssn:T"}),
    ("snowflake", "SELECT note:a.b::int AS b FROM orders", {"B": "ORDERS.NOTE:T"}),
    ("spark", "SELECT transform(note, x -> x + amount) AS t FROM orders", {"t": "orders.amount:T orders.note:T"}),
    # Masking
    ("postgres", "SELECT md5(email) AS h, sha256(ssn::bytea) AS s, digest(p.name, 'sha1') AS d FROM units, people p",
     {"h": "units.email:T*", "s": "people.ssn:T*", "d": "people.name:T*"}),
    ("postgres", "SELECT pg_catalog.md5(ssn) AS h, anon.partial(name, 1, 'x', 1) AS p FROM people",
     {"h": "people.ssn:T*", "p": "people.name:T*"}),
    ("spark", "SELECT sha2(ssn, 256) a, mask(ssn) b, crc32(ssn) c, xxhash64(ssn) d, hash(ssn) e FROM people",
     dict.fromkeys("abcde", "people.ssn:T*")),
    ("bigquery", "SELECT TO_HEX(MD5(ssn)) a, FARM_FINGERPRINT(ssn) b, SHA256(ssn) c FROM people",
     dict.fromkeys("abc", "people.ssn:T*")),
    ("tsql", "SELECT HASHBYTES('SHA2_256', ssn) AS h FROM people", {"h": "people.ssn:T*"}),
    ("oracle", "SELECT STANDARD_HASH(ssn, 'SHA256') AS h FROM people", {"H": "PEOPLE.SSN:T*"}),
    ("mysql", "SELECT sha1(ssn) AS a, upper(sha2(ssn, 256)) AS b FROM people", {"a": "people.ssn:T*", "b": "people.ssn:T*"}),
    # Aggregates and windows
    ("postgres", "SELECT kind, sum(price) AS s, count(*) AS n, count(DISTINCT id) AS d FROM units GROUP BY kind",
     {"kind": "units.kind:I", "s": "units.price:A", "n": "", "d": "units.id:A*", "~": "units.kind:G"}),
    ("postgres", "SELECT max(price) + min(id) AS m FROM units GROUP BY 1 + 1 HAVING sum(price) > 3",
     {"m": "units.id:A units.price:A", "~": "units.price:F"}),
    ("postgres", "SELECT sum(price) FILTER (WHERE kind = 'a') AS s, sum(CASE WHEN name > '' THEN id END) AS c FROM units",
     {"s": "units.kind:F units.price:A", "c": "units.id:A units.name:C"}),
    ("postgres", "SELECT string_agg(name, ',' ORDER BY id) AS a, percentile_cont(0.5) WITHIN GROUP (ORDER BY price) AS p "
     "FROM units", {"a": "units.id:S units.name:A", "p": "units.price:A"}),
    ("postgres", "SELECT jsonb_agg(name) AS j FROM units", {"j": "units.name:A"}),
    ("postgres", "SELECT row_number() OVER (PARTITION BY kind ORDER BY price) AS r, lag(name) OVER w AS l, "
     "sum(price) OVER (w) AS s FROM units WINDOW w AS (PARTITION BY email)",
     {"r": "units.kind:W units.price:W", "l": "units.email:W units.name:T", "s": "units.email:W units.price:A"}),
    ("snowflake", "SELECT id FROM units QUALIFY ROW_NUMBER() OVER (PARTITION BY kind ORDER BY price) = 1",
     {"ID": "UNITS.ID:I", "~": "UNITS.KIND:F UNITS.PRICE:F"}),
    ("duckdb", "SELECT kind, sum(price) s FROM units GROUP BY ALL",
     {"kind": "units.kind:I", "s": "units.price:A", "~": "units.kind:G"}),
    ("postgres", "SELECT kind AS k, count(email) AS n FROM units GROUP BY k ORDER BY n DESC, 1",
     {"k": "units.kind:I", "n": "units.email:A*", "~": "units.email:S* units.kind:GS"}),
    # Filters, joins, order
    ("postgres", "SELECT name FROM units WHERE price > 3 AND kind IS NULL ORDER BY id LIMIT 3",
     {"name": "units.name:I", "~": "units.id:S units.kind:F units.price:F"}),
    ("postgres", "SELECT o.amount FROM (units u JOIN orders o ON ((u.id = o.unit_id)))",
     {"amount": "orders.amount:I", "~": "orders.unit_id:J units.id:J"}),
    ("postgres", "SELECT id, people.name FROM units JOIN people USING (id)",
     {"id": "units.id:I", "name": "people.name:I", "~": "people.id:J units.id:J"}),
    ("postgres", "SELECT id FROM units RIGHT JOIN people USING (id)", {"id": "people.id:I", "~": "people.id:J units.id:J"}),
    ("postgres", "SELECT id FROM units FULL JOIN people USING (id)",
     {"id": "people.id:IC units.id:IC", "~": "people.id:J units.id:J"}),
    ("postgres", "SELECT * FROM people NATURAL JOIN (SELECT name, kind FROM units) x",
     {"name": "people.name:I", "id": "people.id:I", "ssn": "people.ssn:I", "kind": "units.kind:I",
      "~": "people.name:J units.name:J"}),
    ("duckdb", "SELECT * FROM people JOIN (SELECT name, kind FROM units) x USING (name)",
     {"id": "people.id:I", "name": "people.name:I", "ssn": "people.ssn:I", "kind": "units.kind:I",
      "~": "people.name:J units.name:J"}),
    ("spark", "SELECT name FROM people LEFT SEMI JOIN orders ON people.id = orders.unit_id",
     {"name": "people.name:I", "~": "orders.unit_id:J people.id:J"}),
    ("postgres", "SELECT DISTINCT ON (kind) kind, name FROM units ORDER BY kind, price",
     {"kind": "units.kind:I", "name": "units.name:I", "~": "units.kind:GS units.price:S"}),
    ("oracle", "SELECT name FROM units WHERE ROWNUM < 9 START WITH id = 1 CONNECT BY PRIOR id = price",
     {"NAME": "UNITS.NAME:I", "~": "UNITS.ID:J UNITS.PRICE:J"}),
    ("postgres", "SELECT a.id FROM units a, LATERAL (SELECT o.note FROM orders o WHERE o.unit_id = a.id) b WHERE b.note = ''",
     {"id": "units.id:I", "~": "orders.note:F orders.unit_id:F units.id:F"}),
    # Subqueries
    ("postgres", "SELECT (SELECT max(o.amount) FROM orders o WHERE o.unit_id = u.id) AS top, name FROM units u",
     {"top": "orders.amount:A orders.unit_id:F units.id:F", "name": "units.name:I"}),
    ("postgres", "SELECT name FROM units u WHERE EXISTS (SELECT note FROM orders o WHERE o.unit_id = u.id)",
     {"name": "units.name:I", "~": "orders.unit_id:F units.id:F"}),
    ("postgres", "SELECT name FROM units WHERE id IN (SELECT unit_id FROM orders WHERE amount > 1)",
     {"name": "units.name:I", "~": "orders.amount:F orders.unit_id:F units.id:F"}),
    ("postgres", "SELECT id IN (SELECT unit_id FROM orders) AS ordered FROM units",
     {"ordered": "orders.unit_id:F units.id:T"}),
    ("postgres", "SELECT x.a FROM (SELECT upper(name) AS a, id FROM units WHERE kind = '') x ORDER BY x.id",
     {"a": "units.name:T", "~": "units.id:S units.kind:F"}),
    ("postgres", "SELECT t.b FROM (SELECT id, name FROM units) t(a, b)", {"b": "units.name:I"}),
    ("postgres", "SELECT array(SELECT amount FROM orders) AS amounts", {"amounts": "orders.amount:T"}),
    # Common table expressions and set operations
    ("postgres", "WITH a AS (SELECT sum(amount) s FROM orders GROUP BY id), b AS (SELECT s + 1 AS t FROM a) SELECT t FROM b",
     {"t": "orders.amount:A", "~": "orders.id:G"}),
    ("postgres", "WITH units AS (SELECT * FROM units WHERE kind = '') SELECT name FROM units",
     {"name": "units.name:I", "~": "units.kind:F"}),
    ("postgres", "WITH a AS (WITH b AS (SELECT id AS i FROM units) SELECT i FROM b) SELECT i FROM a", {"i": "units.id:I"}),
    ("postgres", "WITH RECURSIVE r(i, n) AS (SELECT id, 1 FROM units UNION ALL SELECT o.amount, r.n + 1 FROM orders o "
     "JOIN r ON r.i = o.unit_id) SELECT i, n FROM r",
     {"i": "orders.amount:I units.id:I", "n": "", "~": "orders.amount:J orders.unit_id:J units.id:J"}),
    ("tsql", "WITH r AS (SELECT id, name FROM units UNION ALL SELECT r.id, upper(r.name) FROM r) SELECT name FROM r",
     {"name": "units.name:IT"}),
    ("postgres", "SELECT id, name FROM units UNION ALL SELECT unit_id, note FROM orders ORDER BY name",
     {"id": "orders.unit_id:I units.id:I", "name": "orders.note:I units.name:I", "~": "orders.note:S units.name:S"}),
    ("postgres", "SELECT id FROM units EXCEPT SELECT unit_id FROM orders", {"id": "units.id:I", "~": "orders.unit_id:F"}),
    ("duckdb", "SELECT id, name FROM units UNION BY NAME SELECT ssn AS name, id FROM people",
     {"id": "people.id:I units.id:I", "name": "people.ssn:I units.name:I"}),
    # Stars
    ("postgres", "SELECT p.*, o.note FROM people p, orders o",
     {"id": "people.id:I", "name": "people.name:I", "ssn": "people.ssn:I", "note": "orders.note:I"}),
    ("bigquery", "SELECT * EXCEPT (ssn) REPLACE (UPPER(name) AS name) FROM `acme-1.shop.people`",
     {"id": "people.id:I", "name": "people.name:T"}),
    ("snowflake", "SELECT * EXCLUDE (id) RENAME (ssn AS secret) FROM people",
     {"NAME": "PEOPLE.NAME:I", "SECRET": "PEOPLE.SSN:I"}),
    # Functions as tables
    ("postgres", "SELECT tag FROM units u, unnest(string_to_array(u.kind, ',')) AS tag", {"tag": "units.kind:T"}),
    ("postgres", "SELECT j.a FROM orders, json_to_recordset(note) AS j(a int, b text)", {"a": "orders.note:T"}),
    ("postgres", "SELECT n FROM generate_series(1, 3) AS g(n)", {"n": ""}),
    ("postgres", "SELECT v.b FROM (VALUES (1, 2)) v(a, b)", {"b": ""}),
    ("spark", "SELECT id, e FROM orders LATERAL VIEW explode(note) x AS e", {"id": "orders.id:I", "e": "orders.note:T"}),
    ("snowflake", "SELECT f.value AS v FROM orders o, LATERAL FLATTEN(input => o.note) f", {"V": "ORDERS.NOTE:T"}),
    ("snowflake", "SELECT * FROM (SELECT kind, price FROM units) PIVOT (SUM(price) FOR kind IN ('a', 'b')) AS p (x, y)",
     {"X": "UNITS.KIND:C UNITS.PRICE:A", "Y": "UNITS.KIND:C UNITS.PRICE:A"}),
    ("bigquery", "SELECT k, w FROM people UNPIVOT (w FOR k IN (name, ssn))",
     {"k": "", "w": "people.name:T people.ssn:T"}),
    # Names
    ("mariadb", "select `u`.`id` AS `id`,`shop`.`orders`.`note` AS `note` from (`shop`.`units` `u` join `shop`.`orders` "
     "on(`u`.`id` = `shop`.`orders`.`unit_id`))",
     {"id": "units.id:I", "note": "orders.note:I", "~": "orders.unit_id:J units.id:J"}),
    ("mysql", "SELECT ID, NAME AS Called FROM units", {"ID": "units.id:I", "Called": "units.name:I"}),
    ("sqlite", "SELECT Name, \"EMAIL\" AS e FROM UNITS", {"Name": "units.name:I", "e": "units.email:I"}),
    ("snowflake", "select name, \"EMAIL\" as \"e\" from shop.public.units", {"NAME": "UNITS.NAME:I", "e": "UNITS.EMAIL:I"}),
    ("bigquery", "SELECT NAME FROM shop.people", {"NAME": "people.name:I"}),
    ("trino", "SELECT \"Name\" AS n FROM hive.shop.PEOPLE", {"n": "people.name:I"}),
    ("tsql", "SELECT TOP 5 [Name] FROM shop..people", {"Name": "people.name:I"}),
    ("redshift", "SELECT name AS n, n || '!' AS loud FROM units", {"n": "units.name:I", "loud": "units.name:T"}),
    ("plain", "SELECT NAME AS n FROM Units", {"n": "units.name:I"}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "sql", "expected"), SELECTS, ids=range(len(SELECTS)))
def test_a_query_tells_where_each_column_comes_from(dialect: str, sql: str, expected: dict[str, str]):
    lineage = read(sql, dialect)

    assert not lineage.problem
    assert told(lineage, dialect)["v"] == expected
    assert lineage.unresolved == ()


# (dialect, statements, {output: {column: inputs, "~": influences}})
STATEMENTS: list[tuple[str, str, dict[str, dict[str, str]]]] = [
    ("postgres", "INSERT INTO people (ssn, id) SELECT email, id FROM units WHERE kind = ''",
     {"people": {"ssn": "units.email:I", "id": "units.id:I", "~": "units.kind:F"}}),
    ("postgres", "INSERT INTO people SELECT id, email FROM units",
     {"people": {"id": "units.id:I", "name": "units.email:I"}}),
    ("postgres", "WITH a AS (SELECT id FROM units) INSERT INTO people (id) SELECT id FROM a",
     {"people": {"id": "units.id:I"}}),
    ("postgres", "INSERT INTO people AS p (id, name) SELECT id, name FROM units ON CONFLICT (id) "
     "DO UPDATE SET name = excluded.name || p.ssn",
     {"people": {"id": "units.id:I", "name": "people.ssn:T units.name:IT"}}),
    ("mysql", "INSERT INTO people (id, name) SELECT id, name FROM units ON DUPLICATE KEY UPDATE ssn = upper(VALUES(name))",
     {"people": {"id": "units.id:I", "name": "units.name:I", "ssn": "units.name:T"}}),
    ("mysql", "REPLACE INTO people (id) SELECT unit_id FROM orders", {"people": {"id": "orders.unit_id:I"}}),
    ("duckdb", "INSERT INTO people BY NAME SELECT name, id FROM units",
     {"people": {"name": "units.name:I", "id": "units.id:I"}}),
    ("spark", "INSERT OVERWRITE TABLE people SELECT id, name, kind FROM units",
     {"people": {"id": "units.id:I", "name": "units.name:I", "ssn": "units.kind:I"}}),
    ("postgres", "CREATE TABLE Copies AS SELECT id, price + 1 AS \"Next\" FROM units",
     {"copies": {"id": "units.id:I", "Next": "units.price:T"}}),
    ("postgres", 'create table "shop"."other"."x__dbt_tmp" as (with source as (select * from "shop"."public"."units"), '
     "renamed as (select id as unit_id, name from source) select * from renamed)",
     {"shop.other.x__dbt_tmp": {"unit_id": "units.id:I", "name": "units.name:I"}}),
    ("postgres", "CREATE OR REPLACE VIEW w (a, b) AS SELECT id, name FROM units",
     {"w": {"a": "units.id:I", "b": "units.name:I"}}),
    ("postgres", "CREATE MATERIALIZED VIEW w AS SELECT id FROM units WITH DATA", {"w": {"id": "units.id:I"}}),
    ("postgres", "CREATE OR REPLACE VIEW w AS SELECT id FROM units WITH LOCAL CHECK OPTION", {"w": {"id": "units.id:I"}}),
    ("mariadb", "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `w` AS select "
     "`units`.`id` AS `id` from `units`", {"w": {"id": "units.id:I"}}),
    ("postgres", "SELECT id INTO copies FROM units", {"copies": {"id": "units.id:I"}}),
    ("postgres", "UPDATE units SET name = p.name, (email, kind) = (SELECT o.note, o.at FROM orders o) FROM people p "
     "WHERE units.id = p.id",
     {"units": {"name": "people.name:I", "email": "orders.note:I", "kind": "orders.at:I", "~": "people.id:F units.id:F"}}),
    ("mysql", "UPDATE units u JOIN people p ON u.id = p.id SET u.name = p.name",
     {"units": {"name": "people.name:I", "~": "people.id:J units.id:J"}}),
    ("tsql", "UPDATE x SET x.name = p.name FROM dbo.units x JOIN people p ON x.id = p.id",
     {"units": {"name": "people.name:I", "~": "people.id:J units.id:J"}}),
    ("postgres", "UPDATE units SET price = price + 1", {"units": {"price": "units.price:T"}}),
    ("postgres", "DELETE FROM units USING people p WHERE units.id = p.id",
     {"units": {"~": "people.id:F units.id:F"}}),
    ("mysql", "DELETE u FROM units u JOIN people p ON u.id = p.id", {"units": {"~": "people.id:J units.id:J"}}),
    ("snowflake", "MERGE INTO people t USING (SELECT id, name FROM units) s ON t.id = s.id WHEN MATCHED AND t.ssn IS NULL "
     "THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, UPPER(s.name))",
     {"PEOPLE": {"NAME": "UNITS.NAME:IT", "ID": "UNITS.ID:I", "~": "PEOPLE.ID:J PEOPLE.SSN:F UNITS.ID:J"}}),
    ("postgres", "CREATE TEMP TABLE t AS SELECT id, md5(email) AS h FROM units WHERE kind = ''; "
     "INSERT INTO people (id, ssn) SELECT id, h FROM t",
     {"people": {"id": "units.id:I", "ssn": "units.email:T*", "~": "units.kind:F"}}),
    ("tsql", "SELECT id, name INTO #t FROM units; INSERT INTO #t SELECT id, ssn FROM people; "
     "INSERT INTO orders (id, note) SELECT * FROM #t",
     {"orders": {"id": "people.id:I units.id:I", "note": "people.ssn:I units.name:I"}}),
    ("postgres", "CREATE TABLE a AS SELECT id AS i FROM units; CREATE TABLE b AS SELECT * FROM a",
     {"a": {"i": "units.id:I"}, "b": {"i": "a.i:I"}}),
    ("postgres", "CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a * 2) STORED)", {"g": {"a": "", "b": "g.a:T"}}),
    ("snowflake", "CREATE TABLE copies CLONE people",
     {"COPIES": {"ID": "PEOPLE.ID:I", "NAME": "PEOPLE.NAME:I", "SSN": "PEOPLE.SSN:I"}}),
    ("postgres", "WITH gone AS (DELETE FROM orders WHERE amount < 0 RETURNING id, note) INSERT INTO people (id, name) "
     "SELECT id, note FROM gone",
     {"orders": {"~": "orders.amount:F"}, "people": {"id": "orders.id:I", "name": "orders.note:I"}}),
    ("spark", "FROM units INSERT OVERWRITE TABLE people SELECT id, name, kind INSERT INTO orders (id) SELECT price",
     {"orders": {"id": "units.price:I"}, "people": {"id": "units.id:I", "name": "units.name:I", "ssn": "units.kind:I"}}),
    ("postgres", "TRUNCATE people", {"people": {}}),
    ("postgres", "BEGIN; SET search_path = x; EXPLAIN SELECT 1; SELECT name FROM units; COMMIT", {}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "sql", "expected"), STATEMENTS, ids=range(len(STATEMENTS)))
def test_statements_tell_what_they_write(dialect: str, sql: str, expected: dict[str, dict[str, str]]):
    lineage = read(sql, dialect, target=None)

    assert not lineage.problem
    assert told(lineage, dialect) == expected
    assert {each.doubt for each in lineage.unresolved} <= {Doubt.TARGET_COLUMNS}


def test_inputs_name_each_table_with_the_columns_that_are_read():
    lineage = read("SELECT count(*) FROM people; SELECT u.name FROM units u WHERE u.kind = ''", "postgres", target=None)

    assert {read.table[-1]: read.columns for read in lineage.inputs} == {"people": (), "units": ("kind", "name")}
    assert lineage.outputs == ()


def test_each_output_has_its_own_inputs():
    lineage = read("CREATE TABLE a AS SELECT id FROM units; CREATE TABLE b AS SELECT id FROM people", "postgres")

    tables = {output.table[-1]: [each.table[-1] for each in output.inputs] for output in lineage.outputs}
    assert tables == {"a": ["units"], "b": ["people"]}


def test_a_temporary_table_is_neither_read_nor_written():
    lineage = read("CREATE TEMP TABLE t AS SELECT id FROM units; INSERT INTO people (id) SELECT id FROM t", "postgres")

    assert [each.table[-1] for each in lineage.inputs] == ["units"]
    assert [[each.table[-1] for each in output.inputs] for output in lineage.outputs] == [["units"]]


def test_a_view_known_to_the_catalog_keeps_its_own_column_names():
    known = schema_of("sqlite") | {("main", "v"): ["Total", "Of"]}
    lineage = read("SELECT sum(price) * 2, kind FROM units GROUP BY kind", "sqlite", schema=known)

    assert told(lineage, "sqlite")["v"] == {"Total": "units.price:A", "Of": "units.kind:I", "~": "units.kind:G"}


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        ("postgres", "SELECT nme FROM units", (Doubt.UNKNOWN_COLUMN, "nme")),
        ("postgres", 'SELECT "Name" FROM units', (Doubt.UNKNOWN_COLUMN, "Name")),
        ("postgres", "SELECT u.nme FROM units u", (Doubt.UNKNOWN_COLUMN, "u.nme")),
        ("postgres", "SELECT name FROM units, people", (Doubt.AMBIGUOUS_COLUMN, "name")),
        ("postgres", "SELECT a FROM x.strangers", (Doubt.UNKNOWN_TABLE, "shop.x.strangers")),
        ("bigquery", "SELECT a FROM Units", (Doubt.UNKNOWN_TABLE, "acme-1.shop.Units")),
        ("duckdb", "PIVOT units ON kind USING sum(price)", (Doubt.STATEMENT, "PIVOT")),
        ("postgres", "SELECT a INTO FROM units", (Doubt.STATEMENT, "SELECT")),
    ],
)
def test_what_cannot_be_resolved_is_said(dialect: str, sql: str, expected: tuple[Doubt, str]):
    lineage = read(sql, dialect)

    assert expected in [(each.doubt, each.name) for each in lineage.unresolved]
    assert all(each.sentence.endswith(".") for each in lineage.unresolved)


def test_an_unknown_tables_columns_are_followed_by_name():
    sql = "WITH source AS (SELECT * FROM raw.strangers), clean AS (SELECT upper(Nick) AS n FROM source) SELECT n FROM clean"
    lineage = read(sql, "postgres")

    assert told(lineage, "postgres")["v"] == {"n": "shop.raw.strangers.nick:T"}
    assert {each.doubt for each in lineage.unresolved} == {Doubt.UNKNOWN_TABLE, Doubt.STAR}


def test_unknown_target_columns_are_said():
    lineage = read("INSERT INTO elsewhere SELECT id FROM units", "postgres")

    assert told(lineage, "postgres") == {"elsewhere": {"id": "units.id:I"}}
    assert [each.doubt for each in lineage.unresolved] == [Doubt.TARGET_COLUMNS]


@pytest.mark.parametrize(
    ("dialect", "folded"), [("postgres", "ÜnÏt"), ("snowflake", "ÜNÏT"), ("duckdb", "ÜnÏt"), ("mysql", "ÜnÏt")]
)
def test_names_with_dots_quotes_and_unicode_come_back_exactly(dialect: str, folded: str):
    quote = "`" if dialect == "mysql" else '"'
    path = (*PREFIXES[dialect], 'a.b"c`d 漢')
    doubled = path[-1].replace(quote, quote * 2)
    lineage = lineage_of(
        f"SELECT {quote}x.y{quote}, ÜnÏt FROM {quote}{doubled}{quote}",
        dialect=dialect, schema={path: ["x.y", folded]}, default_path=PREFIXES[dialect], target=("v",),
    )  # fmt: skip

    assert [(each.table, each.columns) for each in lineage.inputs] == [(path, tuple(sorted(("x.y", folded))))]


def test_tables_that_differ_in_case_alone_are_told_apart():
    known = {("shop", "T"): ["a"], ("shop", "t"): ["a"]}
    for name in ("T", "t"):
        lineage = lineage_of(f"SELECT a FROM `{name}`", dialect="mysql", schema=known, default_path=("shop",))
        assert [each.table for each in lineage.inputs] == [("shop", name)]


def test_known_tables_serve_many_texts():
    known = KnownTables(schema_of("sqlite"), "sqlite")
    lineages = [
        lineage_of(f"SELECT NAME FROM {table}", dialect="sqlite", schema=known, default_path=("main",))
        for table in ("UNITS", "People")
    ]

    assert [each.inputs[0].table for each in lineages] == [("main", "units"), ("main", "people")]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT FROM WHERE", "could not be parsed"),
        ("SELECT 'secret", "without an end"),
        ("SELECT " + "(" * 4000 + "1", "nested too deeply"),
        ("SELECT 1 " * MAX_LENGTH, "characters long"),
        ("WITH c0 AS (SELECT * FROM units)" + "".join(
            f", c{n} AS (SELECT a.*, b.* FROM c{n - 1} a, c{n - 1} b)" for n in range(1, 40)
        ) + " SELECT * FROM c39", "too many columns"),
    ],
    ids=["grammar", "quote", "brackets", "length", "explosion"],
)  # fmt: skip
def test_a_text_that_cannot_be_read_gives_a_sentence(sql: str, words: str):
    lineage = read(sql, "postgres")

    assert words in lineage.problem
    assert lineage.problem.endswith(".")
    assert "secret" not in lineage.problem
    assert (lineage.inputs, lineage.outputs, lineage.unresolved) == ((), (), ())


def test_a_parser_that_goes_back_and_forth_is_stopped():
    assert (
        "takes too long"
        in lineage_of("SELECT " + "row(" * 25 + "1", dialect="trino", schema={}, default_path=("a", "b")).problem
    )


def test_a_wide_view_over_many_joins_is_explained_whole():
    known = {("d", "s", f"t{n}"): ["id", *(f"c{m}" for m in range(40))] for n in range(6)}
    columns = ", ".join(f"upper((t{n % 6}.c{n % 40})::text) AS k{n}" for n in range(100))
    joins = "".join(f" JOIN t{n} ON (t{n - 1}.id = t{n}.id)" for n in range(1, 6))
    lineage = lineage_of(
        f"SELECT {columns} FROM t0{joins}", dialect="postgres", schema=known, default_path=("d", "s"), target=("v",)
    )
    (view,) = lineage.outputs
    assert [len(column.inputs) for column in view.columns] == [1] * 100
    assert {(each.table[-1], each.column) for each in view.influences} == {(f"t{n}", "id") for n in range(6)}


PIECES = re.findall(r"\w+|[^\w\s]", " ".join(sql for _, sql, _ in (*SELECTS, *STATEMENTS)))


@settings(max_examples=300)
@given(
    pieces=st.lists(st.sampled_from(sorted(set(PIECES))), max_size=25),
    query=st.sampled_from([sql for _, sql, _ in (*SELECTS, *STATEMENTS)]),
    cut=st.floats(0, 1),
    dialect=st.sampled_from(sorted(PREFIXES)),
)
def test_no_text_raises(pieces: list[str], query: str, cut: float, dialect: str):
    words = query.split(" ")
    at = int(cut * len(words))
    for text in (" ".join(pieces), " ".join([*words[:at], *pieces[:3], *words[at + 1 :]])):
        lineage = read(text, dialect)
        assert not lineage.problem or lineage.problem.endswith(".")


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, dict[str, set[str]]]:
    """A select-project-join query over 1 to 4 tables, wrapped some times, with the lineage that it is made to have."""
    tables = draw(st.lists(st.sampled_from(sorted(TABLES)), min_size=1, max_size=4))
    expected: dict[str, set[str]] = {}
    influences: set[str] = set()
    projections, joins = [], [f"{tables[0]} AS s0"]
    for position, table in enumerate(tables[1:], 1):
        other = draw(st.integers(0, position - 1))
        left, right = draw(st.sampled_from(TABLES[tables[other]])), draw(st.sampled_from(TABLES[table]))
        joins.append(
            f"{draw(st.sampled_from(['JOIN', 'LEFT JOIN']))} {table} s{position} ON s{other}.{left} = s{position}.{right}"
        )
        influences |= {f"{tables[other]}.{left}:J", f"{table}.{right}:J"}
    for number in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(tables) - 1))
        column = draw(st.sampled_from(TABLES[tables[at]]))
        form, letter = draw(
            st.sampled_from([("{}", "I"), ("({})", "I"), ("upper({})", "T"), ("md5({})", "T*"), ("{}::text", "T")])
        )
        projections.append(f"{form.format(f's{at}.{column}')} AS k{number}")
        expected[f"k{number}"] = {f"{tables[at]}.{column}:{letter}"}
    where = ""
    if draw(st.booleans()):
        column = draw(st.sampled_from(TABLES[tables[0]]))
        where = f" WHERE s0.{column} IS NOT NULL"
        influences.add(f"{tables[0]}.{column}:F")
    sql = f"SELECT {', '.join(projections)} FROM {' '.join(joins)}{where}"
    for level in range(draw(st.integers(0, 3))):
        sql = draw(st.sampled_from([
            f"SELECT * FROM ({sql}) w{level}",
            f"WITH w{level} AS ({sql}) SELECT {', '.join(expected)} FROM w{level}",
            f"SELECT {', '.join(f'w{level}.{name}' for name in expected)} FROM ({sql}) AS w{level}",
        ]))  # fmt: skip
    return sql, expected | {"~": influences}


@settings(max_examples=200)
@given(made=queries(), dialect=st.sampled_from(["postgres", "duckdb", "mysql", "sqlite", "redshift", "trino", "spark"]))
def test_generated_queries_have_the_lineage_they_are_made_to_have(made: tuple[str, dict[str, set[str]]], dialect: str):
    sql, expected = made
    if dialect in ("mysql", "sqlite", "spark", "trino"):
        sql = re.sub(r"(s\d\.\w+)::text", r"CAST(\1 AS CHAR)", sql)
    lineage = read(sql, dialect)

    found = {name: set(inputs.split()) for name, inputs in told(lineage, dialect)["v"].items()}
    influences: dict[str, set[str]] = {}
    for word in found.pop("~", set()):
        field, letters = word.split(":")
        influences.setdefault(field, set()).update(letters)
    wanted = dict(expected)
    assert {(field, letter) for field, letters in influences.items() for letter in letters} == {
        tuple(word.split(":")) for word in wanted.pop("~")
    }
    assert found == wanted
    assert lineage.unresolved == ()
