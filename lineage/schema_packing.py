"""Keep old schema observations in a fifth of the space, without losing one.

None may be forgotten: whatever comes late between two that say the same makes the second a version of its own, from its own
time on. So what repeats goes into arrays, many to a row: 24 bytes each in place of about 120 with its index. What is derived
reads both. A pass looks at some datasets and remembers how far it came, so that it takes little of any hour.
"""

from __future__ import annotations

import time

from django.core.cache import cache
from django.db import connection, transaction

from catalog.models import Dataset
from lineage import statements

LEAST = 64
"""So many observations of one content are packed at least: fewer would not pay for their row."""
MOST = 1000
_DATASETS_AT_ONCE = 500
_PLACE = "lineage:schemas-packed-up-to"


def pack_schemas(*, least: int = LEAST, seconds: float = 30.0) -> int:
    """Pack what is old, going on where the last pass stopped, for about so many seconds; returns how many observations."""
    until = time.monotonic() + seconds
    place = cache.get(_PLACE) or 0
    packed = 0
    while True:
        rows = Dataset.objects.filter(pk__gt=place).order_by("pk").values_list("pk", flat=True)
        ids = list(rows[:_DATASETS_AT_ONCE])
        if not ids:
            cache.delete(_PLACE)
            return packed
        packed += pack_schemas_of(ids, least=least)
        place = ids[-1]
        if time.monotonic() >= until:
            cache.set(_PLACE, place, timeout=None)
            return packed


@transaction.atomic
def pack_schemas_of(dataset_ids: list[int], *, least: int = LEAST) -> int:
    """Pack what is old of these datasets; one statement. Returns how many observations moved."""
    with connection.cursor() as cursor:
        cursor.execute(statements.PACK_SCHEMAS, {"datasets": dataset_ids, "least": least, "most": MOST})
        moved: int = cursor.fetchone()[0]
    return moved
