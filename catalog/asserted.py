"""What pipelines say of datasets that nobody governs: in force at once, under the origin `pipeline`.

Each function is given everything that pipelines say now of the datasets that it is about, and makes that so: what they no
longer say ends. Saying the same again changes nothing. No audit, since the event that says it is in the log of events;
history stays in the rows. All lock the datasets in the order of their ids, inside the caller's transaction.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Origin, Tag, TagAssignment
from catalog.proposals import Claim
from catalog.search_index import refresh_search
from catalog.tagging import push_tag_names

_LOCK = "SELECT id FROM catalog_dataset WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

_SAID = """
    SELECT DISTINCT ON (dataset_id) dataset_id, text, at, asserted_by_id
    FROM jsonb_to_recordset(%(claims)s::jsonb)
         AS claim (dataset_id bigint, text text, at timestamptz, asserted_by_id bigint)
    ORDER BY dataset_id, at DESC, text
"""

_END = f"""
    UPDATE catalog_description AS description SET valid_to = now()
    WHERE description.dataset_id = ANY(%(about)s) AND description.field_id IS NULL
      AND description.origin = 'pipeline' AND description.valid_to IS NULL
      AND NOT EXISTS (
          SELECT FROM ({_SAID}) AS said
          WHERE said.dataset_id = description.dataset_id AND said.text = description.text
      )
"""  # noqa: S608 -- constants only

_BEGIN = f"""
    INSERT INTO catalog_description (dataset_id, text, origin, asserted_by_id, valid_from)
    SELECT said.dataset_id, said.text, 'pipeline', said.asserted_by_id, said.at FROM ({_SAID}) AS said
    ON CONFLICT (dataset_id, field_id, origin) WHERE valid_to IS NULL DO NOTHING
"""  # noqa: S608 -- constants only

_EFFECTIVE = """
    UPDATE catalog_dataset AS dataset SET description = effective.text
    FROM (
        SELECT about.id, coalesce((
            SELECT said.text FROM catalog_description AS said
            WHERE said.dataset_id = about.id AND said.field_id IS NULL AND said.valid_to IS NULL
            ORDER BY array_position(%(order)s::text[], said.origin::text) LIMIT 1
        ), '') AS text
        FROM unnest(%(about)s::bigint[]) AS about (id)
    ) AS effective
    WHERE dataset.id = effective.id AND dataset.description <> effective.text
    RETURNING dataset.id
"""


def assert_descriptions(claims: Iterable[Claim], *, about: Collection[int]) -> None:
    """What pipelines say these datasets are (`{"text": …}`, one for each); people's and code's words come first."""
    ids = sorted(about)
    if not ids:
        return
    parameters: dict[str, str | list[int] | list[str]] = {
        "about": ids,
        "claims": _rows(claims),
        "order": list(Origin.values),
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [ids])
        for statement in (_END, _BEGIN, _EFFECTIVE):
            cursor.execute(statement, parameters)
        changed = [pk for (pk,) in cursor.fetchall()]
    if changed:
        refresh_search(changed)


def _rows(claims: Iterable[Claim]) -> str:
    system: int | None = None
    rows = []
    for claim in claims:
        by = claim.told_by_id
        if by is None:
            system = by = system or Principal.objects.system().pk
        rows.append(
            {
                "dataset_id": claim.dataset_id,
                "text": claim.payload["text"],
                "at": claim.at.isoformat(),
                "asserted_by_id": by,
            }
        )
    return json.dumps(rows)


@dataclass(frozen=True, slots=True)
class ToldTag:
    """A tag that a pipeline puts on a dataset, or on one of its fields."""

    dataset_id: int
    field_id: int | None
    tag: Tag
    at: dt.datetime
    told_by_id: int | None = None

    @property
    def key(self) -> tuple[int, int | None, int]:
        return self.dataset_id, self.field_id, self.tag.pk


def assert_tags(told: Iterable[ToldTag], *, about: Collection[int]) -> None:
    """The tags that pipelines put on these datasets; a tag that somebody put there already is not put there twice."""
    ids = sorted(about)
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [ids])
    wanted = {one.key: one for one in told}
    held = {
        (row.dataset_id, row.field_id, row.tag_id): row
        for row in TagAssignment.objects.filter(dataset_id__in=ids, valid_to=None)
    }
    ended = [row for key, row in held.items() if row.origin == Origin.PIPELINE and key not in wanted]
    new = [one for key, one in wanted.items() if key not in held]
    TagAssignment.objects.filter(pk__in=[row.pk for row in ended]).update(valid_to=timezone.now())
    system = Principal.objects.system().pk if any(one.told_by_id is None for one in new) else 0
    TagAssignment.objects.bulk_create(
        TagAssignment(
            tag=one.tag,
            dataset_id=one.dataset_id,
            field_id=one.field_id,
            origin=Origin.PIPELINE,
            asserted_by_id=one.told_by_id or system,
            valid_from=one.at,
        )
        for one in sorted(new, key=lambda one: (one.dataset_id, one.field_id or 0, one.tag.pk))
    )
    changed = {row.dataset_id for row in ended} | {one.dataset_id for one in new}
    if changed:
        push_tag_names(sorted(changed))


_KINDS = """
    UPDATE catalog_dataset AS dataset SET kind = told.kind
    FROM unnest(%s::bigint[], %s::text[]) AS told (id, kind)
    WHERE dataset.id = told.id AND dataset.source_id IS NULL AND dataset.kind <> told.kind
"""

_GONE = """
    UPDATE catalog_dataset AS dataset SET gone_since = told.gone_since, changed_at = coalesce(told.gone_since, now())
    FROM unnest(%s::bigint[], %s::timestamptz[]) AS told (id, gone_since)
    WHERE dataset.id = told.id AND dataset.source_id IS NULL AND dataset.gone_since IS DISTINCT FROM told.gone_since
"""


def push_kinds(kinds: Mapping[int, str]) -> None:
    """What kind of dataset each is (`catalog.snapshots.DatasetKind`); a crawl knows better, and its word stays."""
    _push(_KINDS, kinds)


def push_gone(gone: Mapping[int, dt.datetime | None]) -> None:
    """Since when each dataset is gone, None for those that are there; of crawled ones only crawls say so."""
    _push(_GONE, gone)


def _push(statement: str, values: Mapping[int, object]) -> None:
    if not values:
        return
    ids = sorted(values)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [ids])
        cursor.execute(statement, [ids, [values[pk] for pk in ids]])
