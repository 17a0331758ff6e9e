"""What is read from the definitions of views agrees with what PostgreSQL itself knows of them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from lineage.sql import lineage_of
from tests.servers.databases import PostgresServer

VIEWS = {
    "plain": "SELECT id, name FROM units",
    "joined": "SELECT u.name, o.amount FROM units u LEFT JOIN orders o ON o.unit_id = u.id WHERE o.note IS NOT NULL",
    "merged": "SELECT id, units.name, ssn FROM units JOIN people USING (id)",
    "grouped": "SELECT kind, count(*) AS n, sum(price) AS total FROM units GROUP BY kind HAVING max(id) > 3 ORDER BY kind",
    "cases": "SELECT CASE WHEN price > 3 THEN name ELSE email END AS c, COALESCE(kind, 'x') AS k FROM units",
    "recursive": "WITH RECURSIVE r(i) AS (SELECT id FROM units UNION SELECT o.id FROM orders o JOIN r ON o.unit_id = r.i) "
    "SELECT i FROM r",
    "windowed": "SELECT row_number() OVER (PARTITION BY unit_id ORDER BY at DESC) AS n, sum(amount) OVER w AS s FROM orders "
    "WINDOW w AS (PARTITION BY note)",
    "subqueries": "SELECT name, (SELECT max(amount) FROM orders o WHERE o.unit_id = u.id) AS top FROM units u "
    "WHERE EXISTS (SELECT 1 FROM people p WHERE p.name = u.name) AND kind IN (SELECT note FROM orders)",
    "united": "SELECT id, name FROM units UNION ALL SELECT id, ssn FROM people EXCEPT SELECT unit_id, note FROM orders",
    "lateral_": "SELECT u.id, x.t FROM units u CROSS JOIN LATERAL (SELECT sum(o.amount) AS t FROM orders o "
    "WHERE o.unit_id = u.id) x",
    "functional": "SELECT u.id, part FROM units u, unnest(string_to_array(u.email, '@')) AS part",
    "quoted": 'SELECT "I d", "x.y" AS "Z""z", Äb FROM "Odd.Names"',
    "counted": "SELECT count(*) AS n FROM people",
    "stacked": 'SELECT j.name, q."Z""z" FROM joined j, quoted q WHERE j.amount > q."I d"',
    "starred": "SELECT * FROM people p, LATERAL (SELECT o.* FROM orders o WHERE o.id = p.id) o(oid, unit, amount, at, note)",
    "full_": "SELECT id, p.ssn FROM units FULL JOIN people p USING (id)",
    "paren": "SELECT a.name FROM units a JOIN (orders b JOIN people c ON b.id = c.id) ON a.id = b.unit_id",
    "valued": "SELECT v.n, u.name FROM units u JOIN (VALUES (1, 'one'), (2, 'two')) v(i, n) ON v.i = u.id",
}


@pytest.fixture(scope="module")
def shop(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    with (
        postgres_server.database("sql_lineage") as name,
        psycopg.connect(postgres_server.url(name), autocommit=True) as connection,
    ):
        connection.execute("CREATE TABLE units (id int, name text, email text, kind text, price numeric)")
        connection.execute("CREATE TABLE orders (id int, unit_id int, amount numeric, at timestamptz, note text)")
        connection.execute("CREATE TABLE people (id int, name text, ssn text)")
        connection.execute('CREATE TABLE "Odd.Names" ("I d" int, "x.y" text, ÄB text)')
        for name, body in VIEWS.items():
            connection.execute(f"CREATE VIEW {name} AS {body}")
        yield connection


COLUMNS = """
    SELECT n.nspname, c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND a.attnum > 0 AND c.relkind IN ('r', 'v') ORDER BY c.oid, a.attnum
"""
DEPENDENCIES = """
    SELECT DISTINCT c.relname, a.attname FROM pg_rewrite r
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class c ON c.oid = d.refobjid
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
    WHERE r.ev_class = %(view)s::regclass AND d.refobjid <> r.ev_class
"""
USAGE = "SELECT table_name, column_name FROM information_schema.view_column_usage WHERE view_name = %(view)s"


def test_inputs_of_views_agree_with_postgresqls_own_catalog(shop: psycopg.Connection):
    known: dict[tuple[str, ...], list[str]] = {}
    for schema, table, column in shop.execute(COLUMNS):
        known.setdefault(("db", schema, table), []).append(column)
    for view in VIEWS:
        body = shop.execute("SELECT pg_get_viewdef(%s::regclass)", [view]).fetchall()[0][0]
        lineage = lineage_of(
            body, dialect="postgres", schema=known, default_path=("db", "public"), target=("db", "public", view)
        )
        depends = shop.execute(DEPENDENCIES, {"view": view}).fetchall()
        usage = shop.execute(USAGE, {"view": view}).fetchall()
        found = {(each.table[-1], column) for each in lineage.inputs for column in each.columns}

        assert (lineage.problem, lineage.unresolved) == ("", ()), view
        assert {each.table[-1] for each in lineage.inputs} == {table for table, _ in depends}, view
        assert found == {(table, column) for table, column in depends if column}, view
        assert set(usage) <= found, view
        assert [column.name for column in lineage.outputs[0].columns] == known[("db", "public", view)], view
