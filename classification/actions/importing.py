"""Labels from a file: as a person's word about many columns at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction

from accounts.models import Principal
from classification.actions.labelling import set_level
from classification.label_csv import Wanted
from classification.models import Category, Level
from classification.permissions import check_can_label
from common.errors import Invalid


@transaction.atomic
def import_labels(*, wanted: Sequence[Wanted], reason: str, by: Principal) -> int:
    """Label these columns as a file says; returns how many labels were written. All of it or, where one is refused, nothing.

    The number of statements grows with the different pairs of category and level, not with the columns.
    """
    if not wanted:
        raise Invalid("The file changes nothing. Check its lines first.")
    check_can_label(by, list({one.dataset.pk: one.dataset for one in wanted}.values()))
    groups: dict[tuple[Category | None, Level], list[Wanted]] = defaultdict(list)
    for one in wanted:
        groups[one.category, one.level].append(one)
    written = 0
    for (category, level), members in groups.items():
        fields = [one.field for one in members]
        written += len(set_level(fields=fields, level=level, category=category, reason=reason, by=by))
    return written
