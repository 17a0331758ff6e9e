"""How many of everything there are in the world of `bench.access`, and how its rows are made: a statement a table."""

from __future__ import annotations

from django.db import connection
from django.db.models import Model

PEOPLE, DATASETS, GRANTS = 10_000, 100_000, 100_000
OWNERS_APPROVE = 7
"""In so many domains a policy has the owners decide, and nobody else who answers."""

NUMBER = "row_number() OVER (ORDER BY id) - 1 AS n"
PERSON = f"(SELECT id, {NUMBER} FROM accounts_principal WHERE kind = 'person') AS person"


def insert(model: type[Model], columns: dict[str, str], rows: str) -> None:
    """Rows of a model by one statement: these columns as SQL says, all others as the model does where nobody says."""
    quote = connection.ops.quote_name
    names, values, constants = [], [], []
    blank = model()
    for field in model._meta.concrete_fields:
        if field.name in columns:
            names.append(quote(field.column))
            values.append(columns[field.name])
        elif not (field.primary_key or field.generated or field.null or field.has_db_default()):
            names.append(quote(field.column))
            values.append("%s")
            constants.append(field.get_db_prep_save(field.pre_save(blank, add=True), connection))
    with connection.cursor() as cursor:
        table = quote(model._meta.db_table)
        cursor.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {rows}", constants)
