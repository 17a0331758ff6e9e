"""What a view of MariaDB or MySQL reads, from its definition as the server writes it out."""

from __future__ import annotations

from functools import lru_cache

from access.provisioning.facts import Path


@lru_cache(maxsize=4096)
def reads_of(definition: str, database: str) -> tuple[Path, ...]:
    """The columns that a definition names, each as (database, relation, column), and as (database, relation) the
    relations of which it names none; what cannot be parsed reads nothing that is known.

    The server writes every name out in full, so a column's relation is found without knowing the tables.
    """
    import sqlglot  # tens of megabytes, for those alone who inspect a source with views
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(definition, dialect="mysql")
    except sqlglot.errors.SqlglotError:
        return ()
    bound = {one.alias for one in tree.find_all(exp.CTE)}
    relations: dict[str, set[Path]] = {}
    for table in tree.find_all(exp.Table):
        if table.db or table.name not in bound:
            path = (table.db or database, table.name)
            for name in {table.alias_or_name, table.name}:
                relations.setdefault(name, set()).add(path)
    found: set[Path] = set()
    for column in tree.find_all(exp.Column):
        owners = relations.get(column.table, set())
        if column.db:
            owners = {path for path in owners if path[0] == column.db} or {(column.db, column.table)}
        found |= {(*path, column.name) for path in owners if column.name != "*"}
    named = {path[:2] for path in found}
    found |= {path for paths in relations.values() for path in paths if path not in named}
    return tuple(sorted(found))
