"""Column lineage from SQL: view bodies found by crawls, and the texts that pipelines send in their `sql` facets.

sqlglot parses; names are resolved here, in one walk over the tree. sqlglot's own `lineage()` walks once for each column and
its `qualify()` refuses a query as a whole for one unknown name, where a catalog wants everything that can be said.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from lineage.sql.naming import KnownTables
    from lineage.sql.texts import MAX_LENGTH, lineage_of

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

_WITH_THE_PARSER = {
    "KnownTables": "lineage.sql.naming",
    "MAX_LENGTH": "lineage.sql.texts",
    "lineage_of": "lineage.sql.texts",
}


def __getattr__(name: str) -> Any:
    """What needs the parser is loaded when it is asked for: it takes 35 MB, which a worker without SQL to read goes without."""
    if name not in _WITH_THE_PARSER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WITH_THE_PARSER[name]), name)
