"""The columns of a dataset in a picture, page by page: those that take part in lineage first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import connection

from catalog.models import Dataset

PAGE = 10


class PictureColumn(msgspec.Struct, frozen=True, gc=False):
    """A column; `has_up` and `has_down` say that columns flow into it or out of it."""

    name: str
    type: str
    level: int | None
    has_up: bool
    has_down: bool


@dataclass(frozen=True, slots=True)
class ColumnPage:
    """`total` counts all that match; `page` is from 1."""

    columns: Sequence[PictureColumn]
    page: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


# Columns that only lineage knows stand beside those of the catalog.
_COLUMNS = """
    WITH named AS (
        SELECT array_to_string(path, '.') AS name, native_type, level, position FROM catalog_field
        WHERE dataset_id = %(dataset)s AND gone_since IS NULL
        UNION ALL
        SELECT own.name, '', NULL, NULL FROM lineage_column AS own
        WHERE own.dataset_id = %(dataset)s AND own.name <> '' AND NOT EXISTS (
            SELECT FROM catalog_field AS field WHERE field.dataset_id = own.dataset_id AND field.gone_since IS NULL
              AND array_to_string(field.path, '.') = own.name
        )
    ), linked AS (
        SELECT named.*,
            EXISTS (SELECT FROM lineage_columnedge WHERE downstream_id = own.id AND current) AS has_up,
            EXISTS (SELECT FROM lineage_columnedge WHERE upstream_id = own.id AND current) AS has_down
        FROM named LEFT JOIN lineage_column AS own ON own.dataset_id = %(dataset)s AND own.name = named.name
        WHERE strpos(lower(named.name), lower(%(text)s)) > 0
    )
    SELECT name, native_type, level, has_up, has_down, count(*) OVER ()
    FROM linked ORDER BY NOT (has_up OR has_down), position NULLS LAST, name
    LIMIT %(size)s OFFSET %(offset)s
"""


def columns_page(dataset: Dataset, *, text: str = "", page: int = 1) -> ColumnPage:
    """Ten columns whose path holds `text`, of a dataset whose metadata the reader may read; one statement."""
    values: dict[str, Any] = {"dataset": dataset.pk, "text": text, "size": PAGE, "offset": (page - 1) * PAGE}
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, values)
        rows = cursor.fetchall()
    return ColumnPage([PictureColumn(*row[:-1]) for row in rows], page, rows[0][-1] if rows else 0)
