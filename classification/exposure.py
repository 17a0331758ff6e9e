"""What may be kept and shown of a column's values, by how sensitive the column is.

The least and greatest value: up to Internal. Masked exemplars: below Restricted. Where an organisation has no such level, its
lowest and its highest take their places. What is suggested of a column counts as if it were so: until somebody has
decided, the worse is assumed. A column of which nobody has said anything stands as high as the dataset itself was put, if
it was; what other columns hold does not count.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from catalog.actions import withdraw_values
from catalog.queries.profiles import fields_with_values
from classification.models import Level


@dataclass(frozen=True, slots=True)
class Exposure:
    """Whether the least and greatest value of a column may be kept, and masked exemplars."""

    bounds: bool
    exemplars: bool


_RANKS = """
    SELECT field.id, coalesce(
        greatest(field.level, (
            SELECT max(level.rank) FROM classification_label AS label
            JOIN classification_level AS level ON level.id = label.level_id
            WHERE label.field_id = field.id AND label.valid_to IS NULL AND label.state = 'suggested'
        )),
        (
            SELECT max(level.rank) FROM classification_label AS label
            JOIN classification_level AS level ON level.id = label.level_id
            WHERE label.dataset_id = field.dataset_id AND label.field_id IS NULL AND label.valid_to IS NULL
              AND label.state IN ('confirmed', 'inherited')
        ),
        0
    )
    FROM catalog_field AS field WHERE field.id = ANY(%s)
"""


def exposures_of(field_ids: Collection[int]) -> dict[int, Exposure]:
    """What may be kept of these fields as they are labelled now, by id; two statements."""
    ranks = dict(Level.objects.values_list("slug", "rank"))
    in_order = sorted(ranks.values()) or [0]
    up_to, below = ranks.get("internal", in_order[0]), ranks.get("restricted", in_order[-1])
    with connection.cursor() as cursor:
        cursor.execute(_RANKS, [list(field_ids)])
        return {pk: Exposure(bounds=rank <= up_to, exemplars=rank < below) for pk, rank in cursor.fetchall()}


def withdraw_beyond(dataset_ids: Collection[int]) -> None:
    """Forget what is kept of values in these datasets beyond what their levels allow now; four statements at most."""
    kept = fields_with_values(dataset_ids)
    if not kept:
        return
    exposures = exposures_of(kept)
    exemplars_of = [pk for pk, exposure in exposures.items() if not exposure.exemplars]
    bounds_of = [pk for pk, exposure in exposures.items() if not exposure.bounds]
    if exemplars_of or bounds_of:
        withdraw_values(exemplars_of=exemplars_of, bounds_of=bounds_of)
