"""What stands of a facet: the latest that was told of a dataset under any of its names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import connection

# One event may name two members of a merge; its contents then decide, as they do in the fold.
_STANDING = """
    SELECT DISTINCT ON (wanted.id) wanted.id, facet.at, content.value, sender.principal_id
    FROM unnest(%s::bigint[]) AS wanted (id)
    JOIN catalog_dataset AS member ON member.id = wanted.id OR member.merged_into_id = wanted.id
    JOIN lineage_datasetfacet AS facet ON facet.dataset_id = member.id AND facet.name = %s
    LEFT JOIN lineage_content AS content ON content.digest = facet.content_id
    LEFT JOIN LATERAL (
        SELECT event.principal_id FROM lineage_event AS event WHERE event.digest = facet.digest LIMIT 1
    ) AS sender ON true
    ORDER BY wanted.id, facet.at DESC, facet.digest DESC, facet.content_id DESC NULLS LAST
"""


@dataclass(frozen=True, slots=True)
class StandingFacet:
    """A facet's value, when it was told, and whose event told it (None where the log no longer has the event)."""

    value: dict[str, Any]
    at: dt.datetime
    told_by_id: int | None

    def text(self, name: str) -> str:
        """A member that is a text, or ""."""
        found = self.value.get(name)
        return found.strip() if isinstance(found, str) else ""

    def members(self, name: str) -> list[dict[str, Any]]:
        """A member that is a list of objects; what else is in it is passed over."""
        found = self.value.get(name)
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def standing_facets(dataset_ids: Collection[int], name: str) -> dict[int, StandingFacet]:
    """The facet of this name by dataset, of those where it stands; one statement.

    The ids are of datasets that stand; what was told of those merged into them counts as theirs. A facet that was deleted
    last, or is no object, does not stand.
    """
    if not dataset_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [sorted(dataset_ids), name])
        rows = cursor.fetchall()
    found = {}
    for pk, at, content, told_by_id in rows:
        value = msgspec.json.decode(content) if isinstance(content, str) else content
        if isinstance(value, dict):
            found[pk] = StandingFacet(value, at, told_by_id)
    return found
