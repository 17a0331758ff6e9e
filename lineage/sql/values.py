"""What a SQL text says about where data comes from, in OpenLineage's words. Pure values.

The types and subtypes are those of https://openlineage.io/docs/spec/facets/dataset-facets/column_lineage_facet.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from catalog.snapshots import Path


class Kind(StrEnum):
    DIRECT = "DIRECT"
    INDIRECT = "INDIRECT"


class Subtype(StrEnum):
    IDENTITY = "IDENTITY"
    TRANSFORMATION = "TRANSFORMATION"
    AGGREGATION = "AGGREGATION"
    JOIN = "JOIN"
    FILTER = "FILTER"
    GROUP_BY = "GROUP_BY"
    SORT = "SORT"
    WINDOW = "WINDOW"
    CONDITIONAL = "CONDITIONAL"


class Transformation(NamedTuple):
    """How an input reaches an output. `masking` is true where the value cannot be read back: hashes, masks, counts."""

    kind: Kind
    subtype: Subtype
    masking: bool = False


class FieldName(NamedTuple):
    """A column of a table, both exactly as they are called."""

    table: Path
    column: str


class FieldInput(msgspec.Struct, frozen=True):
    """A column that something comes from, with every way in which it does, sorted."""

    table: Path
    column: str
    transformations: tuple[Transformation, ...]


class FieldLineage(msgspec.Struct, frozen=True):
    """An output column with the columns that it comes from; no inputs: a constant, or `count(*)`."""

    name: str
    inputs: tuple[FieldInput, ...]


class TableRead(msgspec.Struct, frozen=True):
    """A table that is read, with those of its columns that are; none for `SELECT count(*) FROM t`."""

    table: Path
    columns: tuple[str, ...]


class Written(msgspec.Struct, frozen=True):
    """A table or view that is written: what it is made of, column by column, and what influences all of it.

    An update reads what it writes: then the table is among its own inputs.
    """

    table: Path
    inputs: tuple[TableRead, ...]
    columns: tuple[FieldLineage, ...]
    influences: tuple[FieldInput, ...]


class Doubt(StrEnum):
    """Why something could not be resolved."""

    UNKNOWN_TABLE = "unknown table"
    UNKNOWN_COLUMN = "unknown column"
    AMBIGUOUS_COLUMN = "ambiguous column"
    STAR = "star"
    TARGET_COLUMNS = "target columns"
    STATEMENT = "statement"


_SENTENCES = {
    Doubt.UNKNOWN_TABLE: "The columns of {} are not known; crawl it to complete the lineage.",
    Doubt.UNKNOWN_COLUMN: "No table of the query is known to have a column {}.",
    Doubt.AMBIGUOUS_COLUMN: "{} may belong to more than one table of the query; write the table before its name.",
    Doubt.STAR: "{} stands for columns that are not known.",
    Doubt.TARGET_COLUMNS: "The columns of {} are not known, so they are taken to be called as the query calls them.",
    Doubt.STATEMENT: "A statement that starts with {} is not understood and was left out.",
}


class Unresolved(msgspec.Struct, frozen=True):
    """Something that the lineage lacks, as the text names it."""

    doubt: Doubt
    name: str

    @property
    def sentence(self) -> str:
        return _SENTENCES[self.doubt].format(self.name)


class SqlLineage(msgspec.Struct, frozen=True):
    """The lineage of a text: everything read, everything written, what is missing; `problem` where nothing could be said.

    Sorted throughout but for an output's columns, which keep their order, so equal lineages are equal values.
    """

    inputs: tuple[TableRead, ...] = ()
    outputs: tuple[Written, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    problem: str = ""
