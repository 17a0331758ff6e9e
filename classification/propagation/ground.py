"""Lineage and labels as the database has them, for the pure cores; one statement a question, for any number of columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, connections

from classification.propagation import statements
from classification.propagation.spread import Carried, Edge, Own
from common.arrays import array_of

T = TypeVar("T")

MOST = 20_000
"""Columns that a change is followed through; where more are in doubt, starting again costs less."""


class TooFar(Exception):
    """A change reaches so much that all labels are better carried anew."""


class Ground:
    """What `classification.propagation.changes` asks."""

    def into(self, columns: Collection[int]) -> list[Edge]:
        return [Edge._make(row) for row in rows(statements.EDGES_INTO, {"columns": array_of(columns)})]

    def out_of(self, columns: Collection[int]) -> list[Edge]:
        """Raises `TooFar` where more than `MOST` columns changed at once."""
        if len(columns) > MOST:
            raise TooFar
        return [Edge._make(row) for row in rows(statements.EDGES_OUT_OF, {"columns": array_of(columns)})]

    def own(self, columns: Collection[int]) -> dict[int, Own]:
        return {column: Own(*label) for column, *label in rows(statements.OWN_OF, [array_of(columns)])}

    def carried(self, columns: Collection[int]) -> dict[int, Carried]:
        return {column: Carried(*label) for column, *label in rows(statements.CARRIED_BY, [array_of(columns)])}

    def carried_through(self, columns: Collection[int]) -> dict[int, Carried]:
        """Raises `TooFar` where these are more than `MOST`."""
        if not columns:
            return {}
        found = rows(statements.CARRIED_THROUGH, [array_of(columns), MOST + 1])
        if len(found) > MOST:
            raise TooFar
        return {column: Carried(*label) for column, *label in found}


def every_edge() -> Iterator[tuple[int, int, int, int]]:
    """All hops that carry, as an `Edge` has them, streamed. Inside a transaction."""
    return streamed(statements.EDGES)


def every_own() -> dict[int, Own]:
    """All labels that were put on columns themselves."""
    return {column: Own(*label) for column, *label in rows(statements.OWN)}


def every_carried() -> dict[int, Carried]:
    """All that was carried before."""
    return {column: Carried(*label) for column, *label in streamed(statements.CARRIED)}


def rows(statement: str, parameters: Any = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def streamed(statement: str, parameters: Any = None) -> Iterator[Any]:
    """The rows of a statement as of its start, some at a time. Inside a transaction.

    All will be read: planned for the first tenth, as of cursors, reading lineage took nearly three times as long.
    """
    database = connections["default"]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
    with database.connection.cursor(name="propagation") as cursor:
        cursor.execute(statement, parameters)
        while some := cursor.fetchmany(10_000):
            yield from some


def batches(found: Iterable[T], size: int = 10_000) -> Iterator[list[T]]:
    """So many at a time, so that what is sent in one statement stays small."""
    waiting = iter(found)
    while batch := list(islice(waiting, size)):
        yield batch
