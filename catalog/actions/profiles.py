"""Keep what samples came to, and take away of it what may no longer be kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record
from catalog.events import ProfilesKept
from catalog.models import Dataset, FieldProfile, Profile, Sampling, Source
from catalog.permissions import check_can_crawl_source
from catalog.profiling import ColumnProfile

FEWEST_KEPT = 3
"""So many profiles of a dataset stay, however old."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What became of one dataset: its fields' profiles by id, or why there are none."""

    dataset: Dataset
    rows: int | None = None
    rows_exact: bool = False
    rows_sampled: int = 0
    fields: Mapping[int, ColumnProfile] = field(default_factory=dict)
    failure: str = ""


@transaction.atomic
def keep_profiles(*, source: Source, sampled: Sequence[Sampled], amount: str, rules: int, by: Principal) -> None:
    """Keep the profiles of these datasets, for now and in their history, and note those that could not be sampled.

    What is given is kept: whoever calls this has left out what the fields' levels do not allow. A fixed number of statements.
    """
    check_can_crawl_source(by, source)
    now = timezone.now()
    profiled = [one for one in sampled if not one.failure]
    Sampling.objects.bulk_create(
        [
            Sampling(
                dataset=one.dataset,
                tried_at=now,
                version=one.dataset.version,
                amount=amount,
                rules=rules,
                failure=one.failure,
            )
            for one in sampled
        ],
        update_conflicts=True,
        unique_fields=["dataset"],
        update_fields=["tried_at", "version", "amount", "rules", "failure"],
    )
    Profile.objects.bulk_create(
        Profile(
            dataset=one.dataset,
            taken_at=now,
            version=one.dataset.version,
            row_count=one.rows,
            row_count_exact=one.rows_exact,
            rows_sampled=one.rows_sampled,
            fields={str(pk): _in_short(profile) for pk, profile in one.fields.items()},
        )
        for one in profiled
    )
    FieldProfile.objects.bulk_create(
        [
            FieldProfile(field_id=pk, dataset=one.dataset, taken_at=now, **_content(profile))
            for one in profiled
            for pk, profile in one.fields.items()
        ],
        update_conflicts=True,
        unique_fields=["field"],
        update_fields=["taken_at", *_content(ColumnProfile())],
    )
    if profiled:
        record(
            ProfilesKept(source_id=source.pk, source=source.name, datasets=len(profiled), amount=amount),
            by=by,
            changes={"dataset": {"profiled": [one.dataset.pk for one in profiled]}},
        )


def _content(profile: ColumnProfile) -> dict[str, object]:
    return {
        "null_share": profile.null_share,
        "distinct": profile.distinct,
        "distinct_exact": profile.distinct_exact,
        "shortest": profile.shortest,
        "longest": profile.longest,
        "mean_length": profile.mean_length,
        "shapes": [list(shape) for shape in profile.shapes],
        "minimum": profile.minimum or "",
        "maximum": profile.maximum or "",
        "exemplars": list(profile.exemplars),
    }


def _in_short(profile: ColumnProfile) -> dict[str, float | int]:
    told = {
        "nulls": round(profile.null_share, 4) if profile.null_share is not None else None,
        "distinct": profile.distinct,
        "length": profile.mean_length,
    }
    return {name: value for name, value in told.items() if value is not None}


def withdraw_values(*, exemplars_of: Collection[int], bounds_of: Collection[int]) -> None:
    """Forget the exemplars, and the least and greatest values, of these fields (ids). For `classification`; one statement.

    No audit: it follows from levels, whose changes were recorded.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE catalog_fieldprofile
            SET exemplars = CASE WHEN field_id = ANY(%(exemplars)s) THEN '{}' ELSE exemplars END,
                minimum = CASE WHEN field_id = ANY(%(bounds)s) THEN '' ELSE minimum END,
                maximum = CASE WHEN field_id = ANY(%(bounds)s) THEN '' ELSE maximum END
            WHERE field_id = ANY(%(exemplars)s) OR field_id = ANY(%(bounds)s)
            """,
            {"exemplars": list(exemplars_of), "bounds": list(bounds_of)},
        )


def forget_old_profiles(*, days: int, now: dt.datetime | None = None, most: int = 50_000) -> int:
    """Delete profiles older than so many days, but for the latest three of each dataset; `days=0` keeps all.

    What is known of fields that are gone goes too. Returns how many profiles went, at most `most`: more are there when it is.
    No audit: it is kept by a rule that the installation sets.
    """
    moment = now or timezone.now()
    FieldProfile.objects.filter(field__gone_since__isnull=False).delete()
    if not days:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM catalog_profile WHERE id IN (
                SELECT old.id FROM catalog_profile AS old
                WHERE old.taken_at < %(limit)s AND (
                    SELECT count(*) FROM (
                        SELECT FROM catalog_profile AS newer
                        WHERE newer.dataset_id = old.dataset_id
                          AND (newer.taken_at, newer.id) > (old.taken_at, old.id)
                        LIMIT %(kept)s
                    ) AS kept
                ) >= %(kept)s
                ORDER BY old.taken_at LIMIT %(most)s
            )
            """,
            {"limit": moment - dt.timedelta(days=days), "kept": FEWEST_KEPT, "most": most},
        )
        return cursor.rowcount
