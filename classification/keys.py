"""What foreign keys say: a column that refers to a labelled one holds the same values, so the same is suggested of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db import connection

from classification.models import Label
from classification.suggesting import Suggested

_CONFIDENCE = 0.95
_WEIGHT = 2.94
"""The log-odds of 0.95: the values are the same, but the label at the key may be wrong."""


class KeyLabel(NamedTuple):
    """The label of the column that a foreign key refers to: the ids of its category and level, and the category's name."""

    category: int
    level: int
    name: str


# Of several keys of one column the highest label counts. A composite key's columns refer one by one.
_LABELS = """
    SELECT DISTINCT ON (field.id) field.id, label.category_id, label.level_id, category.name
    FROM catalog_field AS field
    JOIN catalog_key AS key ON key.dataset_id = field.dataset_id AND key.kind = 'foreign' AND key.references_id IS NOT NULL
    CROSS JOIN LATERAL unnest(key.columns, key.referenced_columns) AS pair (own, referenced)
    JOIN catalog_field AS target
      ON target.dataset_id = key.references_id AND array_to_string(target.path, '.') = pair.referenced AND target.id <> field.id
    JOIN classification_label AS label
      ON label.dataset_id = target.dataset_id AND label.field_id = target.id AND label.valid_to IS NULL
    JOIN classification_level AS level ON level.id = label.level_id
    JOIN classification_category AS category ON category.id = label.category_id
    WHERE field.id = ANY(%s) AND array_to_string(field.path, '.') = pair.own
      AND (label.state = 'confirmed' OR (label.state = 'inherited' AND NOT EXISTS (
          SELECT FROM classification_label AS own
          WHERE own.dataset_id = target.dataset_id AND own.field_id = target.id AND own.valid_to IS NULL
            AND own.state = 'confirmed' AND own.origin = 'person'
      )))
    ORDER BY field.id, level.rank DESC, (label.state = 'confirmed') DESC, label.category_id
"""

_REFERRING = """
    SELECT DISTINCT field.id
    FROM catalog_key AS key
    JOIN classification_examination AS examined ON examined.dataset_id = key.dataset_id
    JOIN catalog_field AS field
      ON field.dataset_id = key.dataset_id AND array_to_string(field.path, '.') = ANY(key.columns)
         AND field.gone_since IS NULL
    WHERE key.kind = 'foreign' AND key.references_id = ANY(%s)
    ORDER BY 1
"""


def labels_by_keys(field_ids: Collection[int]) -> dict[int, KeyLabel]:
    """The label of what each of these fields refers to, of those that refer to a labelled column; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_LABELS, [list(field_ids)])
        return {field: KeyLabel(*label) for field, *label in cursor.fetchall()}


def referring_to(dataset_ids: Collection[int]) -> list[int]:
    """The fields, of datasets that detectors have examined, that foreign keys lead from to these datasets; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_REFERRING, [list(dataset_ids)])
        return [field for (field,) in cursor.fetchall()]


def key_text(label: Label | KeyLabel) -> str:
    """What the evidence of a key says, given the label at the key or the suggestion that it led to."""
    name = label.name if isinstance(label, KeyLabel) else label.category
    return f"refers to a column that is labelled {name}"


def with_key(
    found: Suggested | None, key: KeyLabel | None, *, level_of: Mapping[int, int], rule_set: int
) -> Suggested | None:
    """What is suggested of a column that refers to one with this label, where detectors found `found`.

    The key comes first: the values are those that somebody judged. What detectors found of the same category adds to it.
    """
    if key is None or key.category not in level_of:
        return found
    evidence = [{"kind": "key", "text": key_text(key), "weight": _WEIGHT}]
    confidence = _CONFIDENCE
    if found is not None and found.category == key.category:
        evidence += [dict(one) for one in found.evidence]
        confidence = max(confidence, found.confidence)
    return Suggested(key.category, key.level, confidence, evidence, rule_set)
