"""Where governed data is held, who owns it, and who has a grant to it: categories, labels and grants in one view.

What sources let people read, with a grant or without, is `access.effective`'s to say.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from access.models import Grant
from access.permissions import unexplained
from catalog.models import Dataset, Tier
from classification.label_csv import safe
from classification.models import Category, Label
from common.errors import NotFound
from common.pagination import MAX_PAGE_SIZE, Page, page_of

if TYPE_CHECKING:
    from accounts.models import Principal
    from catalog.models import Field


@dataclass(frozen=True, slots=True)
class Group:
    """Categories that one list shows."""

    slug: str
    name: str
    text: str
    condition: Q


GROUPS = {
    group.slug: group
    for group in (
        Group(
            "special",
            "Special categories",
            "Special under GDPR (Art. 9 and 10), or sensitive information under the Australian Privacy Act 1988, s 6.",
            Q(special=True),
        ),
        Group(
            "health",
            "Health",
            "Health, disability, genetic and biometric data.",
            Q(slug__in=("health", "disability", "genetic", "biometric")),
        ),
        Group("personal", "Personal data", "Whatever is about persons.", Q(personal=True)),
        Group("australian", "Australian identifiers", "Government identifiers of Australia.", Q(jurisdiction="AU")),
    )
}


@dataclass(frozen=True, slots=True)
class Held:
    """A dataset that holds data of the group: which columns, whose it is, and who has a grant to any of them.

    `suggested` are columns about which nobody has decided. `may_explain` says that the reader may ask who can read the dataset
    in its source.
    """

    dataset: Dataset
    columns: Sequence[Label]
    suggested: Sequence[Label]
    grants: Sequence[Grant]
    may_explain: bool


def group_of(slug: str) -> tuple[Group, list[Category]]:
    """A group, or a single category by its slug, with its categories. Raises `NotFound`."""
    group = GROUPS.get(slug)
    if group is not None:
        return group, list(Category.objects.filter(group.condition).order_by("name"))
    category = Category.objects.filter(slug=slug).first()
    if category is None:
        raise NotFound("There is no such list. Choose one of those above, or a category.")
    return Group(slug, category.name, category.description, Q(pk=category.pk)), [category]


def held_of(
    principal: Principal, categories: Sequence[Category], *, cursor: str | None = None, size: int = 50
) -> tuple[list[Held], Page[Dataset]]:
    """The datasets of a page whose metadata the principal reads and that hold such data, by name; five statements at most
    besides visibility.

    Grants are those that the principal may see: its own, those of datasets it answers for, or for administrators all.
    """
    labels = _labels(categories)
    holding = Dataset.objects.standing().visible_to(principal, Tier.METADATA).select_related("domain")
    holding = holding.filter(Exists(labels.filter(dataset=OuterRef("pk"))))
    page = page_of(holding, order=("qualified_name", "pk"), cursor=cursor, size=size)
    ids = [dataset.pk for dataset in page.rows]
    columns: dict[int, dict[int, Label]] = defaultdict(dict)
    for label in (
        labels.filter(dataset__in=ids).select_related("field", "level", "category").order_by("field__position", "pk")
    ):
        known = columns[label.dataset_id].get(label.field_id or 0)
        if known is None or known.state == Label.State.SUGGESTED:
            columns[label.dataset_id][label.field_id or 0] = label
    grants: dict[int, list[Grant]] = defaultdict(list)
    live = Grant.objects.live().visible_to(principal).filter(dataset__in=ids)
    for grant in live.select_related("principal__user").order_by("pk"):
        grants[grant.dataset_id].append(grant)
    closed = unexplained(principal, ids)
    rows = [
        _held(dataset, list(columns[dataset.pk].values()), grants[dataset.pk], dataset.pk not in closed)
        for dataset in page.rows
    ]
    return rows, page


def _labels(categories: Sequence[Category]) -> QuerySet[Label]:
    """What says that columns that are there hold such data, by whomever and however surely."""
    states = (Label.State.CONFIRMED, Label.State.INHERITED, Label.State.SUGGESTED)
    return Label.objects.current().filter(category__in=categories, state__in=states, field__gone_since__isnull=True)


def _held(dataset: Dataset, labels: Sequence[Label], grants: Sequence[Grant], may_explain: bool) -> Held:
    ids = {label.field_id for label in labels if label.field_id}
    return Held(
        dataset=dataset,
        columns=[label for label in labels if label.state != Label.State.SUGGESTED],
        suggested=[label for label in labels if label.state == Label.State.SUGGESTED],
        # A grant without columns is one to the whole dataset.
        grants=[grant for grant in grants if not grant.field_ids or ids & set(grant.field_ids)],
        may_explain=may_explain,
    )


def exported(principal: Principal, categories: Sequence[Category]) -> Iterator[str]:
    """Lines of CSV, a column each, the header first."""
    yield _line(
        ("namespace", "dataset", "column", "category", "level", "state", "domain", "owners", "have a catalog grant")
    )
    for held in _all_of(principal, categories):
        for label in (*held.columns, *held.suggested):
            yield _line(
                (
                    held.dataset.namespace,
                    held.dataset.qualified_name,
                    str(label.field or ""),
                    label.category.slug if label.category else "",
                    label.level.slug,
                    label.state,
                    held.dataset.domain.name if held.dataset.domain else "",
                    "; ".join(held.dataset.owner_names),
                    "; ".join(grant.principal.name for grant in held.grants if _covers(grant, label.field)),
                )
            )


def _all_of(principal: Principal, categories: Sequence[Category]) -> Iterator[Held]:
    cursor: str | None = None
    while True:
        rows, page = held_of(principal, categories, cursor=cursor, size=MAX_PAGE_SIZE)
        yield from rows
        cursor = page.next_cursor
        if cursor is None:
            return


def _covers(grant: Grant, field: Field | None) -> bool:
    return not grant.field_ids or (field is not None and field.pk in grant.field_ids)


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([safe(cell) for cell in cells])
    return written.getvalue()
