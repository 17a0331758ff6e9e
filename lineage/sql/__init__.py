"""Column lineage from SQL: view bodies found by crawls, and the texts that pipelines send in their `sql` facets.

sqlglot parses; names are resolved here, in one walk over the tree. sqlglot's own `lineage()` walks once for each column and
its `qualify()` refuses a query as a whole for one unknown name, where a catalog wants everything that can be said.
"""

from __future__ import annotations

from lineage.sql.naming import KnownTables
from lineage.sql.texts import MAX_LENGTH, lineage_of
from lineage.sql.values import (
    Doubt,
    FieldInput,
    FieldLineage,
    Kind,
    SqlLineage,
    Subtype,
    TableRead,
    Transformation,
    Unresolved,
    Written,
)

__all__ = [
    "MAX_LENGTH",
    "Doubt",
    "FieldInput",
    "FieldLineage",
    "Kind",
    "KnownTables",
    "SqlLineage",
    "Subtype",
    "TableRead",
    "Transformation",
    "Unresolved",
    "Written",
    "lineage_of",
]
