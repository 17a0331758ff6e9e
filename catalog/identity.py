"""From names to datasets: every room finds a dataset by its OpenLineage name, and makes it known by mentioning it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from catalog.naming import DatasetKey

_KNOWN = """
    SELECT wanted.namespace, wanted.name, named.dataset_id, coalesce(dataset.merged_into_id, dataset.id)
    FROM unnest(%s::text[], %s::text[]) AS wanted (namespace, name)
    JOIN catalog_datasetname AS named
      ON named.namespace = wanted.namespace AND named.name = wanted.name AND named.valid_to IS NULL
    JOIN catalog_dataset AS dataset ON dataset.id = named.dataset_id
"""

# Names are claimed first, in sorted order, against the unique index: of two transactions that mention a new dataset, one
# claims the name and the other waits for it, and neither can deadlock with the other. The foreign key is checked at commit.
_CREATE = """
    WITH wanted AS (
        SELECT namespace, name, nextval(pg_get_serial_sequence('catalog_dataset', 'id')) AS id
        FROM unnest(%(namespaces)s::text[], %(names)s::text[]) AS wanted (namespace, name)
        ORDER BY namespace, name
    ), claimed AS (
        INSERT INTO catalog_datasetname (dataset_id, namespace, name, origin, is_main, valid_from)
        SELECT id, namespace, name, %(origin)s, true, now() FROM wanted ORDER BY namespace, name
        ON CONFLICT (namespace, name) WHERE valid_to IS NULL DO NOTHING
        RETURNING dataset_id, namespace, name
    )
    INSERT INTO catalog_dataset (
        id, path, name, qualified_name, namespace, kind, owner_names, tag_names, comment, description, definition,
        properties, field_count, fingerprint, version, first_seen, last_seen, changed_at, search
    )
    SELECT dataset_id, '{}', last_part, claimed.name, namespace, %(kind)s, '{}', '{}', '', '', '',
           '{}', 0, '', 0, now(), now(), now(), catalog_search_document(last_part, claimed.name, '', '', '')
    FROM claimed
    CROSS JOIN LATERAL (
        SELECT coalesce(nullif(substring(claimed.name FROM '[^./]+$'), ''), claimed.name) AS last_part
    ) AS parts
"""


def find_names(keys: Iterable[DatasetKey]) -> dict[DatasetKey, int]:
    """The ids of the datasets that are known by these names; one statement. Merged datasets answer with the survivor."""
    return {key: standing for key, (_, standing) in _known(keys).items()}


def find_own_names(keys: Iterable[DatasetKey]) -> dict[DatasetKey, int]:
    """The ids of the datasets that these names belong to, whatever they are merged into; one statement."""
    return {key: own for key, (own, _) in _known(keys).items()}


def _known(keys: Iterable[DatasetKey]) -> dict[DatasetKey, tuple[int, int]]:
    """The dataset that has each name, and the one that stands for it."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [[key.namespace for key in wanted], [key.name for key in wanted]])
        return {DatasetKey(namespace, name): (own, standing) for namespace, name, own, standing in cursor.fetchall()}


def resolve_names(keys: Iterable[DatasetKey], *, origin: str, kind: str = "table") -> dict[DatasetKey, int]:
    """The ids of the datasets of these names, made where a name is new: at most three statements for any number.

    A name keeps its own dataset when that is merged into another, so that the merge can be undone. Must run inside a
    transaction; safe beside others that resolve the same names. `origin` is an `Origin`.
    """
    wanted = set(keys)
    found = find_own_names(wanted)
    missing = sorted(wanted - found.keys())
    if not missing:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            _CREATE,
            {
                "namespaces": [key.namespace for key in missing],
                "names": [key.name for key in missing],
                "origin": origin,
                "kind": kind,
            },
        )
    return found | find_own_names(missing)
