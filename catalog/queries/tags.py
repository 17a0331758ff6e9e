"""The vocabulary as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count

from catalog.models import Dataset, Tag, TagAssignment
from common.errors import NotFound

if TYPE_CHECKING:
    from accounts.models import Principal


@dataclass(frozen=True, slots=True)
class TagLine:
    """A tag and how many of the present datasets that the reader sees have it, on themselves or on a column."""

    tag: Tag
    count: int


def tag_lines(principal: Principal) -> list[TagLine]:
    """Every tag by name; two statements beside the reader's scope."""
    seen = Dataset.objects.standing().visible_to(principal).order_by().values("pk")
    held = TagAssignment.objects.filter(valid_to=None, dataset__in=seen)
    counts = dict(held.order_by().values_list("tag_id").annotate(Count("dataset_id", distinct=True)))
    return [TagLine(tag, counts.get(tag.pk, 0)) for tag in Tag.objects.order_by("name")]


def tag_called(slug: str) -> Tag:
    """A tag by its slug; raises `NotFound`."""
    found = Tag.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such tag.")
    return found
