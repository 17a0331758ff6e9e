"""Compare a staged reading with the catalog: one statement, whatever the number of datasets.

The plan is rows (reading, dataset or path, change). What is merged into another dataset is compared like any other. Gone is
only what stands in a schema that was read completely, or in one that the source no longer lists; a schema that failed keeps
everything.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from catalog.models import Source
from catalog.snapshots import Path
from catalog.staging import Staged
from common.errors import Conflict


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a reading would do. `gone_share` is the share of the source's standing datasets that would go."""

    added: int = 0
    changed: int = 0
    returned: int = 0
    unchanged: int = 0
    gone: int = 0
    standing: int = 0
    samples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def gone_share(self) -> float:
        return self.gone / self.standing if self.standing else 0.0

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.returned or self.gone)


_SAMPLE = 200
"""Names of each kind of change that a plan shows; the counts are of all."""

_COMPARE = """
    INSERT INTO catalog_plannedchange (reading, dataset_id, path, change)
    SELECT %(reading)s, known.id, coalesce(staged.path, known.path),
           CASE
               WHEN known.id IS NULL THEN 'added'
               WHEN staged.path IS NULL THEN 'gone'
               WHEN known.gone_since IS NOT NULL THEN 'returned'
               ELSE 'changed'
           END
    FROM (SELECT path, fingerprint, unchanged FROM catalog_stageddataset WHERE reading = %(reading)s) AS staged
    FULL JOIN (
        SELECT id, path, fingerprint, gone_since FROM catalog_dataset WHERE source_id = %(source)s
    ) AS known ON known.path = staged.path
    WHERE CASE
        WHEN known.id IS NULL THEN true
        WHEN staged.path IS NULL THEN
            known.gone_since IS NULL
            AND NOT known.path[:cardinality(known.path) - 1] = ANY (
                SELECT ARRAY(SELECT jsonb_array_elements_text(kept)) FROM jsonb_array_elements(%(kept)s::jsonb) AS kept
            )
        ELSE known.gone_since IS NOT NULL
            OR NOT (staged.unchanged OR staged.fingerprint = known.fingerprint)
    END
"""


def kept_schemas(source: Source, staged: Staged) -> list[Path]:
    """Schemas of which nothing may be called gone: known or listed ones that this reading did not see completely.

    A schema that is known but not listed counts as seen (it is no more) only where the source listed its schemas.
    """
    known = {tuple(path) for path in source.schemas.values_list("path", flat=True)}
    doubtful = {path for path, schema in staged.schemas.items() if not schema.complete}
    if not staged.listed:
        doubtful |= known - {path for path, schema in staged.schemas.items() if schema.complete}
    return sorted(doubtful)


def compare(source: Source, reading: int, staged: Staged) -> Plan:
    """Write and summarise the plan of a staged reading. Raises `Conflict` where staged rows were lost."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_plannedchange WHERE reading = %s", [reading])
        cursor.execute("SELECT count(*) FROM catalog_stageddataset WHERE reading = %s", [reading])
        (count,) = cursor.fetchone()
        if count != staged.datasets:
            raise Conflict(
                f"Of {staged.datasets} datasets that were read, {count} are left: the database restarted. Crawl again."
            )
        kept: Sequence[Path] = kept_schemas(source, staged)
        cursor.execute(_COMPARE, {"reading": reading, "source": source.pk, "kept": json.dumps(kept)})
    return plan_of(source, reading)


def plan_of(source: Source, reading: int) -> Plan:
    """The plan that was written for a reading; three statements."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT change, count(*) FROM catalog_plannedchange WHERE reading = %s GROUP BY change", [reading]
        )
        counts = dict(cursor.fetchall())
        cursor.execute(
            """
            SELECT change, path FROM (
                SELECT change, path, row_number() OVER (PARTITION BY change ORDER BY path) AS place
                FROM catalog_plannedchange WHERE reading = %s
            ) AS numbered WHERE place <= %s ORDER BY change, place
            """,
            [reading, _SAMPLE],
        )
        samples: dict[str, list[str]] = {}
        for change, path in cursor.fetchall():
            samples.setdefault(change, []).append(".".join(path))
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM catalog_dataset
                    WHERE source_id = %(source)s AND gone_since IS NULL),
                   (SELECT count(*) FROM catalog_stageddataset WHERE reading = %(reading)s)
            """,
            {"source": source.pk, "reading": reading},
        )
        standing, staged = cursor.fetchone()
    seen = sum(counts.get(change, 0) for change in ("added", "changed", "returned"))
    return Plan(
        added=counts.get("added", 0),
        changed=counts.get("changed", 0),
        returned=counts.get("returned", 0),
        gone=counts.get("gone", 0),
        unchanged=staged - seen,
        standing=standing,
        samples=samples,
    )


def forget_plan(reading: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_plannedchange WHERE reading = %s", [reading])
