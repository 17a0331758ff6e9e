"""What pages and REST show of recertifications."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from access.enforcement.offering import unmaskable
from access.models import Campaign, CampaignItem, Grant
from access.queries import GrantRow, grant_rows
from accounts.models import Principal
from classification.models import Level


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A grant in a campaign with its columns. `may_decide` says whether the reader may keep or remove it now, and mask it
    where the policy does; `is_unmaskable` that the policy does and the source cannot.
    """

    item: CampaignItem
    row: GrantRow
    may_decide: bool
    is_unmaskable: bool = False
    level: Level | None = None
    """The level that was the highest when the campaign began, where there is still one of that name."""

    @property
    def may_mask(self) -> bool:
        return self.may_decide and bool(self.item.masks) and not self.is_unmaskable


@dataclass(frozen=True, slots=True)
class Progress:
    """How many grants a campaign looks at, and what became of them, by outcome."""

    total: int
    by_outcome: Mapping[str, int]

    @property
    def open(self) -> int:
        return self.by_outcome.get(CampaignItem.Outcome.OPEN, 0)

    @property
    def answered(self) -> int:
        return self.total - self.open

    @property
    def outcomes(self) -> Sequence[tuple[str, int]]:
        """Words and counts of what there is, in the order of the outcomes."""
        return [(one.label, self.by_outcome[one]) for one in CampaignItem.Outcome if self.by_outcome.get(one)]


def progress_of(campaign: Campaign) -> Progress:
    counted = dict(campaign.items.order_by().values_list("outcome").annotate(rows=Count("pk")))
    return Progress(sum(counted.values()), counted)


def with_progress(campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """Each with `answered`, on how many of its grants nothing waits."""
    # Counted for the rows of a page alone: a join would count those of all campaigns before the page is cut.
    waits = CampaignItem.objects.open().filter(campaign=OuterRef("pk")).order_by().values("campaign")
    counted = Subquery(waits.values(rows=Count("pk")), output_field=IntegerField())
    return campaigns.annotate(answered=F("size") - Coalesce(counted, 0))


def item_rows(items: Sequence[CampaignItem], principal: Principal, levels: Iterable[Level] = ()) -> list[ItemRow]:
    """Items with their columns, which of `levels` they had, and whether `principal` may decide on them; four statements at
    most for any number.
    """
    grants = [item.grant for item in items]
    may = set(
        Grant.objects.filter(pk__in=[one.pk for one in grants]).recertifiable_by(principal).values_list("pk", flat=True)
    )
    rows = grant_rows(grants)
    without = unmaskable({item.grant.dataset_id for item in items if item.masks and item.is_open})
    named = {level.name: level for level in levels}
    return [
        ItemRow(
            item,
            row,
            item.is_open and item.grant_id in may,
            bool(item.masks) and item.grant.dataset_id in without,
            named.get(item.level_name),
        )
        for item, row in zip(items, rows, strict=True)
    ]
