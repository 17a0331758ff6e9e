"""How PostgreSQL shows a masked column. Every function is of pg_catalog, which is the session's whole search path."""

from __future__ import annotations

from psycopg import sql

from access.provisioning.desired import Mask, MaskedColumn

_HASH = "encode(sha256(convert_to((SELECT salt FROM {salt}) || {column}::text, 'UTF8')), 'hex')"
_PARTIAL = (
    "CASE WHEN length({column}::text) > 8 THEN repeat('*', length({column}::text) - 4) || right({column}::text, 4)"
    " ELSE repeat('*', length({column}::text)) END"
)
_NULL = "CASE WHEN false THEN {column} END"
_FIRST_LETTER = "left({column}::text, 1) || '…'"
_MAGNITUDE = (
    "CASE WHEN {column} = 0 THEN 0::numeric"
    " ELSE sign({column}::numeric) * power(10::numeric, floor(log(abs({column}::numeric)))) END"
)
_GENERALISED = {
    "date": "date_trunc('year', {column}::timestamp)::date",
    "timestamp": "date_trunc('year', {column})",
    "integer": _MAGNITUDE,
    "decimal": _MAGNITUDE,
    "float": _MAGNITUDE,
}


def shown(column: MaskedColumn, salt: sql.Composable) -> sql.Composable:
    """What a view selects for a column: itself, or a masked expression under its name.

    `hash` is keyed by the salt, which readers of the view cannot read; equal values stay equal. `partial` leaves the
    last four of more than eight letters. `generalise` leaves the year of a date, the power of ten of a number, the
    first letter of anything else. NULL stays NULL.
    """
    name = sql.Identifier(column.name)
    if column.mask is None:
        return name
    template = {
        Mask.HASH: _HASH,
        Mask.PARTIAL: _PARTIAL,
        Mask.NULL: _NULL,
        Mask.GENERALISE: _GENERALISED.get(column.value_type, _FIRST_LETTER),
    }[column.mask]
    return sql.SQL("{} AS {}").format(sql.SQL(template).format(column=name, salt=salt), name)
