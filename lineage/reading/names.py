"""The names of a dataset, why it is one with others, and what somebody keeps apart from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
from django.db import connection
from django.db.models import Q

from accounts.models import Principal
from catalog.governed import governed
from catalog.models import Dataset, DatasetName
from lineage.models import Decision, LifeChange, LifeKind, SameAs
from lineage.told import other_names

if TYPE_CHECKING:
    from catalog.naming import DatasetKey

_SYMLINKS = """
    SELECT facet.dataset_id, facet.at, content.value, (
        SELECT event.principal_id FROM lineage_event AS event WHERE event.digest = facet.digest LIMIT 1
    )
    FROM lineage_datasetfacet AS facet JOIN lineage_content AS content ON content.digest = facet.content_id
    WHERE facet.dataset_id = ANY(%s) AND facet.name = 'symlinks'
"""

TieState = Literal["merged", "apart", "asked"]


@dataclass(frozen=True, slots=True)
class Tie:
    """That two datasets are one, or are kept apart: who says so and since when.

    `told_at` is when a symlinks facet that stands said so, `told_by` whose event it was, where the log still has it;
    `renamed_at` when a pipeline told that one was renamed to the other.
    """

    first: Dataset
    second: Dataset
    state: TieState
    told_at: dt.datetime | None
    told_by: Principal | None
    renamed_at: dt.datetime | None
    decided_by: Principal | None
    decided_at: dt.datetime | None

    def other(self, dataset: Dataset) -> Dataset:
        return self.second if self.first.pk == dataset.pk else self.first


@dataclass(frozen=True, slots=True)
class Identity:
    """The names of a dataset that stands, now and before, the datasets merged into it, and its ties to others.

    Ties to datasets that the reader may not know of are left out.
    """

    names: Sequence[DatasetName]
    merged: Sequence[Dataset]
    ties: Sequence[Tie]

    def within(self) -> list[Tie]:
        """The ties that hold the group together."""
        return [tie for tie in self.ties if tie.state == "merged"]

    def apart(self) -> list[Tie]:
        return [tie for tie in self.ties if tie.state == "apart"]

    def asked(self) -> list[Tie]:
        """What pipelines say of datasets that somebody governs, and that waits for a decision."""
        return [tie for tie in self.ties if tie.state == "asked"]


def identity_of(principal: Principal, dataset: Dataset) -> Identity:
    """Seven statements for any number of names."""
    own = Dataset.objects.filter(Q(pk=dataset.pk) | Q(merged_into=dataset)).defer("search", "definition")
    members = {row.pk: row for row in own.order_by("qualified_name")}
    names = DatasetName.objects.filter(dataset__in=members).order_by("valid_to", "-is_main", "namespace", "name")
    links = list(
        SameAs.objects.filter(Q(first__in=members) | Q(second__in=members))
        .select_related("decided_by__user")
        .order_by("first_id", "second_id")
    )
    ends = {pk for link in links for pk in (link.first_id, link.second_id)}
    seen = Dataset.objects.visible_to(principal).defer("search", "definition").in_bulk(ends - members.keys()) | members
    listed = list(names)
    told, renamed = _told(ends, seen.values()), _renamed(ends)
    held = governed(ends)
    ties = []
    for link in links:
        state = _state(link, held)
        if state is None or link.first_id not in seen or link.second_id not in seen:
            continue
        pair = (link.first_id, link.second_id)
        told_at, told_by = told.get(pair, (None, None))
        ties.append(
            Tie(
                seen[link.first_id], seen[link.second_id], state, told_at, told_by, renamed.get(pair), link.decided_by,
                link.decided_at,
            )
        )  # fmt: skip
    merged = [row for pk, row in members.items() if pk != dataset.pk]
    return Identity(sorted(listed, key=lambda name: name.valid_to is not None), merged, ties)


def _state(link: SameAs, held: Collection[int]) -> TieState | None:
    """None for what nobody says any longer and nobody decided."""
    said = link.told or link.renamed
    if link.decision == Decision.REJECTED:
        return "apart"
    if link.decision == Decision.ACCEPTED:
        return "merged" if said or link.decided_by_id else None
    if not said:
        return None
    return "asked" if link.first_id in held or link.second_id in held else "merged"


def _pair(one: int, other: int) -> tuple[int, int]:
    return (min(one, other), max(one, other))


def _told(
    ends: Collection[int], datasets: Iterable[Dataset]
) -> dict[tuple[int, int], tuple[dt.datetime, Principal | None]]:
    """By pair, when a facet last named the one as the other, and whose event it was."""
    ids: dict[DatasetKey | tuple[str, str], int] = {(row.namespace, row.qualified_name): row.pk for row in datasets}
    for name in DatasetName.objects.filter(dataset__in=ends, valid_to=None):
        ids[name.namespace, name.name] = name.dataset_id
    with connection.cursor() as cursor:
        cursor.execute(_SYMLINKS, [sorted(ends)])
        rows = cursor.fetchall()
    senders = Principal.objects.in_bulk({sender for *_, sender in rows if sender})
    found: dict[tuple[int, int], tuple[dt.datetime, Principal | None]] = {}
    for pk, at, value, sender in rows:
        facet = msgspec.json.decode(value) if isinstance(value, str) else value
        for key in other_names({"symlinks": facet}):
            other = ids.get((key.namespace, key.name))
            if other is not None and other != pk:
                pair = _pair(pk, other)
                if pair not in found or at > found[pair][0]:
                    found[pair] = at, senders.get(sender)
    return found


def _renamed(ends: Collection[int]) -> dict[tuple[int, int], dt.datetime]:
    rows = LifeChange.objects.filter(dataset__in=ends, kind=LifeKind.RENAME, previous__in=ends).order_by("last_at")
    return {_pair(pk, previous): at for pk, previous, at in rows.values_list("dataset_id", "previous", "last_at")}
