"""How Trino shows a masked column: SQL expressions, by the column's type. Pure."""

from __future__ import annotations

import re

from psycopg.sql import Identifier

from access.policies.masking import Mask

_TEXT = re.compile(r"(?:varchar|char)(?:\(\d{1,10}\))?", re.ASCII)
_WHOLE_NUMBER = re.compile(r"tinyint|smallint|integer|bigint", re.ASCII)
_DECIMAL = re.compile(r"real|double|decimal(?:\(\d{1,2}(?:, ?\d{1,2})?\))?", re.ASCII)
_MOMENT = re.compile(r"date|timestamp(?:\(\d{1,2}\))?(?: with time zone)?", re.ASCII)
_KEPT = 4
"""So many characters at the end are shown of a partly masked text, and none of one that is not longer."""
_COARSE = 10
"""Numbers are rounded down to a multiple of it."""

HIDDEN = "NULL"


def expression_for(mask: Mask, column: str, column_type: str) -> str:
    """The expression that stands in for the column. What a mask cannot do with a type shows nothing."""
    name = Identifier(column).as_string()
    kind = column_type.strip().lower()
    if _TEXT.fullmatch(kind):
        if mask is Mask.HASH:
            return f"CAST(lower(to_hex(sha256(to_utf8(CAST({name} AS varchar))))) AS {kind})"
        if mask is Mask.PARTIAL:
            shown = f"concat('****', substr(CAST({name} AS varchar), -{_KEPT}))"
            return f"CAST(CASE WHEN length({name}) > {_KEPT} THEN {shown} WHEN {name} IS NOT NULL THEN '****' END AS {kind})"
    if mask is Mask.GENERALISE:
        if _MOMENT.fullmatch(kind):
            return f"CAST(date_trunc('year', {name}) AS {kind})"
        if _WHOLE_NUMBER.fullmatch(kind):
            return f"CAST(floor({name} / CAST({_COARSE} AS double)) * {_COARSE} AS {kind})"
        if _DECIMAL.fullmatch(kind):
            return f"CAST(floor({name} / {_COARSE}) * {_COARSE} AS {kind})"
    return HIDDEN
