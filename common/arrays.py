"""Many ids as one parameter of a statement."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import BooleanField, F, Func, Value


def array_of(ids: Iterable[int | None]) -> str:
    """As PostgreSQL writes an array, for `%s::bigint[]`: psycopg looks at each number of a list, which takes ten times as
    long."""
    return f"{{{','.join(['NULL' if one is None else str(one) for one in ids])}}}"


class Among(Func):
    """The condition that a column is one of these ids.

    The array is a subquery: of one that it sees, PostgreSQL weighs each element while it plans, which took half of the time of
    a statement with 5,000.
    """

    template = "%(expressions)s::bigint[])::bigint[])"
    arg_joiner = " = ANY((SELECT "
    output_field = BooleanField()
    conditional = True

    def __init__(self, column: str, ids: Iterable[int]) -> None:
        super().__init__(F(column), Value(array_of(ids)))
