"""The statements that read PostgreSQL's catalog. Each is constant text; names and patterns are parameters.

All assume `search_path = pg_catalog`, so that every type, default and view definition names its schema.
"""

from __future__ import annotations

LIST = """
SELECT n.nspname::text,
       has_schema_privilege(n.oid, 'USAGE'),
       coalesce(array_agg(c.oid ORDER BY c.relname) FILTER (WHERE c.oid IS NOT NULL), '{}')
FROM pg_namespace n
LEFT JOIN (
    SELECT c.oid, c.relname, c.relnamespace
    FROM pg_class c
    JOIN pg_namespace s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT c.relispartition
      AND NOT EXISTS (
          SELECT FROM pg_depend d
          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      AND (cardinality(%(include_schemas)s::text[]) = 0 OR EXISTS (
          SELECT FROM unnest(%(include_schemas)s::text[], %(include_datasets)s::text[]) p (s, d)
          WHERE s.nspname LIKE p.s ESCAPE '|' AND c.relname LIKE p.d ESCAPE '|'))
      AND NOT EXISTS (
          SELECT FROM unnest(%(exclude_schemas)s::text[], %(exclude_datasets)s::text[]) p (s, d)
          WHERE s.nspname LIKE p.s ESCAPE '|' AND c.relname LIKE p.d ESCAPE '|')
) c ON c.relnamespace = n.oid
WHERE n.nspname NOT LIKE 'pg|_%%' ESCAPE '|'
  AND n.nspname <> 'information_schema'
  AND NOT EXISTS (
      SELECT FROM pg_depend d
      WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
  AND (cardinality(%(include_schemas)s::text[]) = 0 OR EXISTS (
      SELECT FROM unnest(%(include_schemas)s::text[]) p WHERE n.nspname LIKE p ESCAPE '|'))
  AND NOT EXISTS (SELECT FROM unnest(%(exclude_whole)s::text[]) p WHERE n.nspname LIKE p ESCAPE '|')
GROUP BY n.oid, n.nspname
ORDER BY n.nspname
"""

# Row types of tables are types too, twice as many as there are tables: only those that some column uses are
# read.
TYPES = """
WITH used AS MATERIALIZED (
    SELECT DISTINCT refobjid FROM pg_depend
    WHERE refclassid = 'pg_type'::regclass AND classid = 'pg_class'::regclass AND deptype = 'n'
), own AS MATERIALIZED (
    SELECT t.* FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typtype IN ('e', 'd', 'r', 'm')
       OR (t.typtype = 'c' AND (c.relkind = 'c' OR t.oid IN (TABLE used) OR t.typarray IN (TABLE used)))
)
SELECT t.oid, format_type(t.oid, NULL), t.typtype::text,
       CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
       CASE WHEN t.typtype = 'c' THEN (
           SELECT json_agg(json_build_array(
                      a.attname, format_type(a.atttypid, a.atttypmod), a.attnum,
                      col_description(a.attrelid, a.attnum))
                  ORDER BY a.attnum)
           FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)::text
       WHEN t.typtype = 'e' THEN (
           SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e
           WHERE e.enumtypid = t.oid)::text END
FROM own t
UNION ALL
SELECT a.oid, format_type(a.oid, NULL), 'a', format_type(t.oid, NULL), NULL
FROM own t JOIN pg_type a ON a.oid = t.typarray
"""

_STRUCTURE = """
json_build_array(
    c.relkind, c.relpersistence,
    CASE WHEN c.relkind IN ('v', 'm') AND %(definitions)s THEN pg_get_viewdef(c.oid) END,
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
    c.partitions,
    CASE WHEN c.relkind = 'f' THEN (
        SELECT s.srvname FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
        WHERE f.ftrelid = c.oid) END,
    a.columns,
    CASE WHEN a.defaults THEN (
        SELECT json_agg(json_build_array(d.adnum, pg_get_expr(d.adbin, d.adrelid)) ORDER BY d.adnum)
        FROM pg_attrdef d WHERE d.adrelid = c.oid) END,
    (SELECT json_agg(json_build_array(d.objsubid, d.description) ORDER BY d.objsubid)
     FROM pg_description d WHERE d.objoid = c.oid AND d.classoid = 'pg_class'::regclass),
    CASE WHEN c.relhasindex THEN (
        SELECT json_agg(json_build_array(
                   x.relname, i.indisprimary, (i.indkey::int2[])[0:i.indnkeyatts - 1])
               ORDER BY x.relname)
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
          AND i.indpred IS NULL AND i.indexprs IS NULL) END,
    (SELECT json_agg(json_build_array(
                f.conname, rn.nspname, r.relname, f.conkey,
                (SELECT array_agg(a.attname ORDER BY k.n)
                 FROM unnest(f.confkey) WITH ORDINALITY k (attnum, n)
                 JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum))
            ORDER BY f.conname)
     FROM pg_constraint f
     JOIN pg_class r ON r.oid = f.confrelid
     JOIN pg_namespace rn ON rn.oid = r.relnamespace
     WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.conparentid = 0)
)::text
"""

# Estimates come from the statistics. Only for a table that has rows but was never analysed is the disk
# asked: that takes a lock for a moment. 16384 is the first oid that is not PostgreSQL's own.
_SELECT = """
WITH leaves AS MATERIALIZED (
    SELECT pg_partition_root(p.oid) AS root, count(*) AS partitions,
           sum(CASE WHEN p.reltuples >= 0 THEN p.reltuples
                    ELSE pg_stat_get_live_tuples(p.oid) END)::bigint AS rows,
           sum(p.relpages::bigint) AS pages
    FROM pg_class p WHERE p.relispartition AND p.relkind IN ('r', 'f') GROUP BY 1
)
SELECT c.n, c.relname::text, {columns}, a.types,
       CASE WHEN c.relkind = 'p' THEN coalesce(c.rows, 0)
            WHEN c.reltuples >= 0 AND c.relkind <> 'v' THEN c.reltuples::bigint
            WHEN c.relkind IN ('r', 'm') THEN pg_stat_get_live_tuples(c.oid) END,
       CASE WHEN c.relkind = 'p' THEN coalesce(c.pages, 0)::bigint * c.block
            WHEN c.relkind NOT IN ('r', 'm') THEN NULL
            WHEN c.reltuples >= 0 THEN
                (c.relpages + coalesce(
                    (SELECT t.relpages FROM pg_class t WHERE t.oid = c.reltoastrelid), 0))::bigint * c.block
            WHEN %(sizes)s AND pg_stat_get_live_tuples(c.oid) > 0 THEN pg_table_size(c.oid) END
FROM (
    SELECT c.*, u.n, l.partitions, l.rows, l.pages, current_setting('block_size')::bigint AS block
    FROM unnest(%(oids)s::oid[]) WITH ORDINALITY u (oid, n)
    JOIN pg_class c ON c.oid = u.oid
    LEFT JOIN LATERAL (SELECT * FROM leaves l WHERE c.relkind = 'p' AND l.root = c.oid) l ON true
    ORDER BY u.n
    OFFSET 0
) c
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(
                   a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                   a.attidentity, a.attgenerated)
               ORDER BY a.attnum) AS columns,
           bool_or(a.atthasdef) AS defaults,
           array_agg(DISTINCT a.atttypid) FILTER (WHERE a.atttypid >= 16384) AS types
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) a
{structure}
ORDER BY c.n
"""
# OFFSET 0 keeps the subqueries above the sort: rows leave the server one by one and nothing wide is sorted.

FINGERPRINTS = _SELECT.format(columns="md5(" + _STRUCTURE + "), NULL::text", structure="")
DETAILS = _SELECT.format(
    columns="md5(s.structure), s.structure",
    structure="CROSS JOIN LATERAL (SELECT " + _STRUCTURE + " AS structure OFFSET 0) s",
)
"""Rows (n, name, md5 of the structure, the structure as JSON, oids of own types, rows, bytes) in the order
of `oids`, n counting from 1. A dataset that is no longer there has no row."""
