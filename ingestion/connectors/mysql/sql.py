"""The statements that read information_schema. `{scope}` stands for conditions on `{schema}` and `{dataset}`,
whose values are parameters; BINARY because information_schema compares without regard to case, and names
differ by it.
"""

from __future__ import annotations

SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")

VERSION = "SELECT VERSION(), CURRENT_USER()"

# A user sees only what some right lets it see. Only a right on the whole schema proves that what is not seen
# is not there. The grantee has an @ unless it is a role of MariaDB, and those shown to a common user are the
# enabled ones.
SCHEMAS = """
SELECT s.SCHEMA_NAME,
       EXISTS (
           SELECT 1 FROM information_schema.USER_PRIVILEGES u
           WHERE u.PRIVILEGE_TYPE = 'SELECT' AND (u.GRANTEE = %s OR u.GRANTEE NOT LIKE '%%@%%'))
       OR EXISTS (
           SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES p
           WHERE p.PRIVILEGE_TYPE = 'SELECT' AND s.SCHEMA_NAME LIKE p.TABLE_SCHEMA
             AND (p.GRANTEE = %s OR p.GRANTEE NOT LIKE '%%@%%'))
FROM information_schema.SCHEMATA s
WHERE s.SCHEMA_NAME NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
ORDER BY BINARY s.SCHEMA_NAME
"""

DATASETS = """
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE, t.ENGINE, t.TABLE_ROWS,
       t.DATA_LENGTH + coalesce(t.INDEX_LENGTH, 0), t.TABLE_COMMENT
FROM information_schema.TABLES t
WHERE t.TABLE_TYPE IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED') AND {scope}
ORDER BY BINARY t.TABLE_SCHEMA, BINARY t.TABLE_NAME
"""

COLUMNS = """
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.COLUMN_NAME, t.ORDINAL_POSITION, t.COLUMN_TYPE, t.IS_NULLABLE,
       t.COLUMN_DEFAULT, t.EXTRA, t.GENERATION_EXPRESSION, t.COLUMN_COMMENT
FROM information_schema.COLUMNS t
WHERE {scope}
ORDER BY BINARY t.TABLE_SCHEMA, BINARY t.TABLE_NAME, t.ORDINAL_POSITION
"""

KEYS = """
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, c.CONSTRAINT_TYPE, t.CONSTRAINT_NAME, t.COLUMN_NAME,
       t.REFERENCED_TABLE_SCHEMA, t.REFERENCED_TABLE_NAME, t.REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE t
JOIN information_schema.TABLE_CONSTRAINTS c
  ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME
 AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME
WHERE c.CONSTRAINT_TYPE IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY') AND {scope}
ORDER BY BINARY t.TABLE_SCHEMA, BINARY t.TABLE_NAME, BINARY t.CONSTRAINT_NAME,
         c.CONSTRAINT_TYPE, t.ORDINAL_POSITION
"""

VIEWS = "SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.VIEW_DEFINITION FROM information_schema.VIEWS t WHERE {scope}"

PARTITIONS = """
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, MIN(t.PARTITION_METHOD), MIN(t.PARTITION_EXPRESSION),
       COUNT(DISTINCT t.PARTITION_NAME)
FROM information_schema.PARTITIONS t
WHERE t.PARTITION_NAME IS NOT NULL AND {scope}
GROUP BY t.TABLE_SCHEMA, t.TABLE_NAME
"""

# MariaDB's JSON is a longtext with this check.
JSON_COLUMNS = """
SELECT t.CONSTRAINT_SCHEMA, t.TABLE_NAME, t.CONSTRAINT_NAME
FROM information_schema.CHECK_CONSTRAINTS t
WHERE t.LEVEL = 'Column' AND t.CHECK_CLAUSE LIKE 'json_valid(%%' AND {scope}
"""
