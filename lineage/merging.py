"""Several names of one dataset: merge what pipelines say is the same, keep what each told, and let a merge be undone.

Observations keep the dataset that their name belongs to. A merge only says which dataset stands for which, and derives the
edges of the jobs that touch them again; so does undoing it. Of what is governed pipelines only propose merges.

Whoever works here holds the lock of `lineage.reduction`: one at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record_many
from catalog.actions.pushed import push_merges
from catalog.governed import governed
from catalog.identity import find_own_names
from catalog.models import Dataset, Proposal
from catalog.naming import DatasetKey
from catalog.permissions import check_can_curate
from catalog.proposals import Claim, propose
from common.errors import Invalid, NotFound
from lineage import merge_statements as statements
from lineage.deriving import derive_again
from lineage.events import DatasetsMerged, DatasetsSeparated, SameDatasetDecided
from lineage.models import Decision, SameAs
from lineage.rows import encoded
from lineage.told import other_names

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper


class _Link(NamedTuple):
    first: int
    second: int
    said: bool
    decision: str
    by_person: bool


class _Member(NamedTuple):
    """A dataset with what decides whether it stands for others: crawled before told, in a domain, then by name."""

    id: int
    merged_into: int | None
    crawled: bool
    in_domain: bool
    namespace: str
    name: str

    @property
    def rank(self) -> tuple[bool, bool, str, str]:
        return not self.crawled, not self.in_domain, self.namespace, self.name


def tell_names(dataset_ids: Collection[int]) -> set[int]:
    """Take up what symlinks and renames say of these datasets; gives every dataset whose place has changed.

    Inside the reduction's transaction.
    """
    if not dataset_ids:
        return set()
    _note_told(dataset_ids)
    return settle(dataset_ids, by=Principal.objects.system())


@transaction.atomic
def decide_same(*, first: Dataset, second: Dataset, same: bool, by: Principal) -> None:
    """Say whether two datasets are one: merges them, or undoes their merge; either can be said again, the other way.

    Whatever pipelines tell afterwards, the decision stands. Raises `Forbidden` for those who may not curate what of the two
    is governed, or both where neither is.
    """
    held = governed([first.pk, second.pk])
    check_can_curate(by, [dataset for dataset in (first, second) if not held or dataset.pk in held])
    if first.pk == second.pk:
        raise Invalid("Choose two different datasets.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [statements.LOCK])
    low, high = sorted((first, second), key=lambda dataset: dataset.pk)
    decision = Decision.ACCEPTED if same else Decision.REJECTED
    SameAs.objects.update_or_create(
        first_id=low.pk,
        second_id=high.pk,
        defaults={"decision": decision, "decided_by": by, "decided_at": timezone.now()},
    )
    told = SameDatasetDecided(
        first_id=low.pk, first=low.qualified_name, second_id=high.pk, second=high.qualified_name,
        decision="decided" if same else "denied",
    )  # fmt: skip
    record_many([told], by=by)
    changed = settle([low.pk, high.pk], by=by)
    _note(changed)


def follow_proposal(proposal: Proposal, by: Principal) -> None:
    """What deciding a proposal of the kind `same_as` does."""
    other = Dataset.objects.get(pk=proposal.payload["dataset"])
    decide_same(first=proposal.dataset, second=other, same=proposal.state == Proposal.State.ACCEPTED, by=by)


def separate(*, dataset: Dataset, by: Principal) -> None:
    """Undo whatever merged this dataset into others, link by link. Raises `NotFound` where nothing did."""
    links = SameAs.objects.filter(first=dataset) | SameAs.objects.filter(second=dataset)
    standing = list(links.exclude(decision=Decision.REJECTED).select_related("first", "second"))
    if not standing:
        raise NotFound(f"{dataset.qualified_name} is not merged with another dataset.")
    for link in standing:
        decide_same(first=link.first, second=link.second, same=False, by=by)


def settle(dataset_ids: Iterable[int], *, by: Principal) -> set[int]:
    """Bring the merges around these datasets in line with what is told and decided; gives the datasets that are affected."""
    with connection.cursor() as cursor:
        cursor.execute(statements.AROUND, {"ids": sorted(set(dataset_ids))})
        around = [dataset_id for (dataset_id,) in cursor.fetchall()]
        # Whoever adds an observation of one of these holds a lighter lock on it; what they write is seen afterwards.
        cursor.execute(statements.LOCK_DATASETS, [around])
        members = {row[0]: _Member(*row) for row in cursor.fetchall()}
        cursor.execute(statements.LINKS, {"ids": around})
        links = [_Link(*row) for row in cursor.fetchall()]
        standing = _standing(members, _effective(cursor, links))
    changed = {pk for pk, other in standing.items() if other != (members[pk].merged_into or pk)}
    if not changed:
        return set()
    push_merges({pk: standing[pk] for pk in changed})
    affected = changed | {standing[pk] for pk in changed} | {members[pk].merged_into or pk for pk in changed}
    affected |= {pk for pk in members if standing[pk] in affected}
    derive_again(affected)
    with connection.cursor() as cursor:
        cursor.execute(statements.WRITTEN_AGAIN, {"ids": sorted(affected)})
    _record(members, standing, changed, by)
    return affected


def _effective(cursor: CursorWrapper, links: Iterable[_Link]) -> list[_Link]:
    """The links that hold. One that nobody governs is accepted when it is told, and stays so while it is told."""
    every = list(links)
    ends = {pk for link in every for pk in (link.first, link.second)}
    held = governed(ends)
    found, accepted, asked = [], [], []
    for link in every:
        if link.decision == Decision.REJECTED:
            continue
        if link.decision == Decision.ACCEPTED:
            if link.by_person or link.said:
                found.append(link)
        elif link.said and not {link.first, link.second} & held:
            found.append(link)
            accepted.append({"first_id": link.first, "second_id": link.second})
        elif link.said:
            first, second = (link.first, link.second) if link.first in held else (link.second, link.first)
            asked.append(Claim(first, {"dataset": second}, timezone.now()))
    propose(kind=Proposal.Kind.SAME_AS, claims=asked, about=ends)
    if accepted:
        cursor.execute(statements.ACCEPT, [encoded(accepted)])
    return found


def _standing(members: Mapping[int, _Member], links: Iterable[_Link]) -> dict[int, int]:
    """For each dataset the one that stands for its group; a dataset without links stands for itself."""
    # 30 MB, and merges are rare: processes that never merge do without it.
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(members)
    graph.add_edges_from((link.first, link.second) for link in links)
    found: dict[int, int] = {}
    for group in nx.connected_components(graph):
        first = min(group, key=lambda pk: members[pk].rank)
        found |= dict.fromkeys(group, first)
    return found


def _note_told(dataset_ids: Collection[int]) -> None:
    """Which pairs the standing symlinks facets name, for all pairs that these datasets are in."""
    with connection.cursor() as cursor:
        cursor.execute(statements.NEIGHBOURS, {"ids": sorted(dataset_ids)})
        every = {pk for row in cursor.fetchall() for pk in row} | set(dataset_ids)
        cursor.execute(statements.SYMLINKS, [sorted(every)])
        named: dict[int, list[DatasetKey]] = {}
        for pk, facet in cursor.fetchall():
            value = msgspec.json.decode(facet) if isinstance(facet, str) else facet
            named[pk] = other_names({"symlinks": value})
        ids = find_own_names({key for keys in named.values() for key in keys})
        told = {
            (min(pk, ids[key]), max(pk, ids[key]))
            for pk, keys in named.items()
            for key in keys
            if key in ids and ids[key] != pk
        }
        rows = [{"first_id": first, "second_id": second} for first, second in sorted(told)]
        given = encoded(rows)
        cursor.execute(statements.NOTE_UNTOLD, {"ids": sorted(dataset_ids), "rows": given})
        cursor.execute(statements.NOTE_TOLD, [given])


def _note(dataset_ids: Collection[int]) -> None:
    """Have the reduction tell the catalog about these datasets again."""
    with connection.cursor() as cursor:
        cursor.execute(statements.NOTE_AGAIN, [sorted(dataset_ids)])


def _record(members: Mapping[int, _Member], standing: Mapping[int, int], changed: Iterable[int], by: Principal) -> None:
    merged: list[DatasetsMerged] = []
    for pk in sorted(changed):
        before, after = members[pk].merged_into or pk, standing[pk]
        kind, other = (DatasetsSeparated, before) if after == pk else (DatasetsMerged, after)
        known = members.get(other)
        merged.append(
            kind(standing_id=other, standing=known.name if known else "", merged_id=pk, merged=members[pk].name)
        )
    record_many(merged, by=by)
