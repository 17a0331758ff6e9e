"""Keep the search index true: one column on the dataset, one table of the words that it knows."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

_REFRESH = """
    UPDATE catalog_dataset AS dataset
    SET search = catalog_search_document(
        dataset.name, dataset.qualified_name, concat_ws(' ', dataset.description, dataset.comment),
        coalesce((
            SELECT string_agg(array_to_string(field.path, ' '), ' ' ORDER BY field.position) FROM catalog_field AS field
            WHERE field.dataset_id = dataset.id AND field.gone_since IS NULL
        ), ''),
        array_to_string(dataset.tag_names, ' ')
    )
    WHERE dataset.id = ANY(%s)
"""

_WORDS = """
    INSERT INTO catalog_searchword (word)
    SELECT DISTINCT word FROM catalog_dataset AS dataset
    CROSS JOIN LATERAL unnest(tsvector_to_array(dataset.search)) AS found (word)
    WHERE dataset.id = ANY(%s) AND length(word) < 100
    ORDER BY word
    ON CONFLICT (word) DO NOTHING
"""


def refresh_search(dataset_ids: Sequence[int]) -> None:
    """Recompute the search documents of these datasets: two statements for any number."""
    ids = list(dataset_ids)
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, [ids])
        cursor.execute(_WORDS, [ids])
