"""Which datasets somebody governs: there, what a pipeline says of owners, names or an end is a proposal, never a fact."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

# A dataset answers for those that were merged into it: what people decided about one of them binds what is told of all.
_GOVERNED = """
    SELECT wanted.id
    FROM unnest(%s::bigint[]) AS wanted (id)
    WHERE EXISTS (
        SELECT FROM catalog_dataset AS member
        WHERE (member.id = wanted.id OR member.merged_into_id = wanted.id)
          AND (
              member.domain_id IS NOT NULL OR member.level IS NOT NULL
              OR EXISTS (
                  SELECT FROM catalog_ownership AS held WHERE held.dataset_id = member.id AND held.valid_to IS NULL
              )
          )
    )
"""


def governed(dataset_ids: Collection[int]) -> set[int]:
    """Those of the datasets that have a domain, an owner, a steward or a level, themselves or one merged into them.

    One statement for any number; unknown ids are not governed.
    """
    if not dataset_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_GOVERNED, [sorted(dataset_ids)])
        return {dataset_id for (dataset_id,) in cursor.fetchall()}
