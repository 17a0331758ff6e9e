"""How MariaDB and MySQL show a masked column: the same as `access.provisioning.postgres.masking` does."""

from __future__ import annotations

from access.provisioning.desired import Mask, MaskedColumn
from access.provisioning.mysql.quoting import quoted

_PARTIAL = (
    "CASE WHEN CHAR_LENGTH({c}) > 8 THEN CONCAT(REPEAT('*', CHAR_LENGTH({c}) - 4), RIGHT({c}, 4))"
    " ELSE REPEAT('*', CHAR_LENGTH({c})) END"
)
_MAGNITUDE = "CASE WHEN {c} = 0 THEN 0 ELSE SIGN({c}) * POW(10, FLOOR(LOG10(ABS({c})))) END"
_YEAR = "MAKEDATE(YEAR({c}), 1)"
_GENERALISED = {
    "date": _YEAR,
    "timestamp": f"CAST({_YEAR} AS DATETIME)",
    "integer": _MAGNITUDE,
    "decimal": _MAGNITUDE,
    "float": _MAGNITUDE,
}
_FIRST_LETTER = "CONCAT(LEFT(CAST({c} AS CHAR), 1), '…')"
_TEMPLATES = {
    Mask.HASH: "SHA2(CONCAT((SELECT salt FROM {salt}), CAST({c} AS CHAR)), 256)",
    Mask.PARTIAL: _PARTIAL.replace("{c}", "CAST({c} AS CHAR)"),
    Mask.NULL: "NULLIF({c}, {c})",
}


def shown(column: MaskedColumn, salt: str) -> str:
    """What a view selects for a column: itself, or a masked expression under its name. `salt` is its table, quoted.

    `hash` is keyed by the salt, which readers of the view cannot read; equal values stay equal. `partial` leaves the
    last four of more than eight letters. `generalise` leaves the year of a date, the power of ten of a number, the
    first letter of anything else. NULL stays NULL.
    """
    name = quoted(column.name)
    if column.mask is None:
        return name
    template = _TEMPLATES.get(column.mask) or _GENERALISED.get(column.value_type, _FIRST_LETTER)
    # The name goes in last: it may itself look like a place of the template.
    return f"{template.replace('{salt}', salt).replace('{c}', name)} AS {name}"
