"""Several names of one dataset: merge what pipelines say is the same, keep what each told, and let a merge be undone.

Observations keep the dataset that their name belongs to. A merge only says which dataset stands for which, and derives the
edges of the jobs that touch them again; so does undoing it. Of what is governed pipelines only propose merges.

Whoever works here holds the lock of `lineage.reduction`: one at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from common.errors import Conflict, Invalid
from lineage import merge_statements as statements
from lineage.deriving import derive_again
from lineage.events import DatasetsMerged, DatasetsSeparated, SameDatasetDecided
from lineage.models import Decision, SameAs
from lineage.rows import encoded
from lineage.told import other_names

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from audit.models import Record


class _Link(NamedTuple):
    first: int
    second: int
    said: bool
    decision: str
    by_person: bool


class _Member(NamedTuple):
    """A dataset with what decides whether it stands for others: what a crawl finds there before what one found once, that
    before what is only told, then in a domain, then by name.
    """

    id: int
    merged_into: int | None
    found: bool
    crawled: bool
    in_domain: bool
    namespace: str
    name: str

    @property
    def rank(self) -> tuple[bool, bool, bool, str, str]:
        return not self.found, not self.crawled, not self.in_domain, self.namespace, self.name


def tell_names(dataset_ids: Collection[int]) -> set[int]:
    """Take up what symlinks and renames say of these datasets; gives every dataset whose place has changed.

    Inside the reduction's transaction.
    """
    if not dataset_ids:
        return set()
    _note_told(dataset_ids)
    return settle(dataset_ids, by=Principal.objects.system())


def note_crawled(record: Record) -> None:
    """Have the reduction settle the merges of what a crawl adopted, brought back or found gone: another may stand now."""
    with connection.cursor() as cursor:
        cursor.execute(statements.NOTE_CRAWLED, [record.pk])


def note_outranked() -> int:
    """Have the reduction settle the groups in which another dataset should stand than does; gives how many others there are."""
    with connection.cursor() as cursor:
        cursor.execute(statements.NOTE_OUTRANKED)
        return cursor.rowcount


def note_unsettled() -> int:
    """Have the reduction settle what is linked and stands apart, or merged and linked no more; gives how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(statements.NOTE_UNSETTLED)
        return cursor.rowcount


@transaction.atomic
def decide_same(*, first: Dataset, second: Dataset, same: bool, by: Principal) -> None:
    """Say whether two datasets are one: merges them, or undoes their merge; either can be said again, the other way.

    Whatever pipelines tell afterwards, the decision stands. Raises `Forbidden` for those who may not curate what of the two
    is governed, or both where neither is.
    """
    check_can_decide(by, first, second)
    if first.pk == second.pk:
        raise Invalid("Choose two different datasets.")
    wait_for_others()
    _decide([(first, second)], same=same, by=by)


def follow_proposal(proposal: Proposal, by: Principal) -> None:
    """What deciding a proposal of the kind `same_as` does."""
    other = Dataset.objects.get(pk=proposal.payload["dataset"])
    decide_same(first=proposal.dataset, second=other, same=proposal.state == Proposal.State.ACCEPTED, by=by)


@dataclass(frozen=True, slots=True)
class Separation:
    """What separating a dataset does: which links of it are cut, and which datasets the group falls into.

    `groups` are those that stand afterwards, each before the names that it keeps.
    """

    cut: Sequence[Dataset]
    groups: Sequence[Sequence[Dataset]]

    @property
    def back(self) -> Sequence[Dataset]:
        """The datasets that stand for themselves again."""
        return [group[0] for group in self.groups if group[0].merged_into_id is not None]


def separation_of(dataset: Dataset) -> Separation:
    """What `separate` would do, without doing it. Raises `Conflict` where the dataset is merged with none."""
    with connection.cursor() as cursor:
        members, links = _around(cursor, [dataset.pk], statements.MEMBERS)
    holding = _holding(links, governed(_ends(links))).links
    cut = [link for link in holding if dataset.pk in (link.first, link.second)]
    if not cut:
        raise _not_merged(dataset)
    before = _standing(members, holding)
    after = _standing(members, [link for link in holding if link not in cut])
    group = {pk for pk, standing in before.items() if standing == before[dataset.pk]}
    rows = Dataset.objects.defer("search", "definition").in_bulk(group)
    groups: dict[int, list[Dataset]] = {standing: [rows[standing]] for standing in sorted({after[pk] for pk in group})}
    for pk in sorted(group - groups.keys()):
        groups[after[pk]].append(rows[pk])
    others = [rows[link.second if link.first == dataset.pk else link.first] for link in cut]
    # The one that stood for all stays first.
    return Separation(others, sorted(groups.values(), key=lambda one: one[0].merged_into_id is not None))


@transaction.atomic
def separate(*, dataset: Dataset, by: Principal) -> None:
    """Undo whatever merged this dataset with others: all of it or nothing. What others are merged without it stays so.

    Pipelines that say so again do not merge it again; `decide_same` does. Raises `Conflict` where nothing merged it, and as
    `decide_same` does.
    """
    # First: a link that another makes meanwhile is cut too, or nothing is.
    wait_for_others()
    pairs = check_can_separate(by, dataset, separation_of(dataset))
    _decide(pairs, same=False, by=by)


def check_can_separate(by: Principal, dataset: Dataset, separation: Separation) -> list[tuple[Dataset, Dataset]]:
    """Raise unless `by` may cut every link that is to be cut; gives the pairs that are apart then."""
    pairs = [(dataset, other) for other in separation.cut]
    _check_can_decide(by, pairs)
    return pairs


def _not_merged(dataset: Dataset) -> Conflict:
    return Conflict(f"{dataset.qualified_name} is not merged with another dataset.")


def check_can_decide(by: Principal, first: Dataset, second: Dataset) -> None:
    """Raise unless `by` may say whether the two are one."""
    _check_can_decide(by, [(first, second)])


def _check_can_decide(by: Principal, pairs: Sequence[tuple[Dataset, Dataset]]) -> None:
    every = {dataset.pk: dataset for pair in pairs for dataset in pair}
    held = governed(every)
    asked = {one.pk for pair in pairs for one in pair if one.pk in held or not held & {pair[0].pk, pair[1].pk}}
    check_can_curate(by, [every[pk] for pk in sorted(asked)])


def wait_for_others() -> None:
    """Hold the lock of the reduction to the transaction's end: what is read of merges from here on stays so until then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [statements.LOCK])


def _decide(pairs: Iterable[tuple[Dataset, Dataset]], *, same: bool, by: Principal) -> None:
    """Note a decision about each pair, settle what follows from all of them at once, and record it."""
    ordered = [sorted(pair, key=lambda dataset: dataset.pk) for pair in pairs]
    decision, now = Decision.ACCEPTED if same else Decision.REJECTED, timezone.now()
    rows = [SameAs(first=low, second=high, decision=decision, decided_by=by, decided_at=now) for low, high in ordered]
    SameAs.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["first", "second"],
        update_fields=["decision", "decided_by", "decided_at"],
    )
    told = [
        SameDatasetDecided(
            first_id=low.pk, first=low.qualified_name, second_id=high.pk, second=high.qualified_name,
            decision="decided" if same else "denied",
        )
        for low, high in ordered
    ]  # fmt: skip
    record_many(told, by=by)
    _note(settle({dataset.pk for pair in ordered for dataset in pair}, by=by))


def settle(dataset_ids: Iterable[int], *, by: Principal) -> set[int]:
    """Bring the merges around these datasets in line with what is told and decided; gives the datasets that are affected."""
    with connection.cursor() as cursor:
        members, links = _around(cursor, dataset_ids, statements.LOCKED_MEMBERS)
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


def _around(cursor: CursorWrapper, dataset_ids: Iterable[int], members: str) -> tuple[dict[int, _Member], list[_Link]]:
    """Everything that a link or a merge joins with these datasets, near or far; `members` reads it, locked or not."""
    ids = set(dataset_ids)
    while True:
        cursor.execute(statements.AROUND, {"ids": sorted(ids)})
        around = [dataset_id for (dataset_id,) in cursor.fetchall()]
        cursor.execute(members, [around])
        found = {row[0]: _Member(*row) for row in cursor.fetchall()}
        cursor.execute(statements.LINKS, {"ids": around})
        links = [_Link(*row) for row in cursor.fetchall()]
        ids = _ends(links) | found.keys()
        # A fold that was waited for may have told of a further name.
        if ids == found.keys():
            return found, links


class _Holding(NamedTuple):
    """The links that hold, those of them that nobody decided about yet, and those that somebody is to be asked about."""

    links: list[_Link]
    new: list[_Link]
    asked: list[_Link]


def _holding(links: Iterable[_Link], held: Collection[int]) -> _Holding:
    """A link that nobody governs (`held` are the datasets that somebody does) holds when it is told, and while it is told."""
    found = _Holding([], [], [])
    for link in links:
        if link.decision == Decision.ACCEPTED:
            if link.by_person or link.said:
                found.links.append(link)
        elif link.decision == Decision.OPEN and link.said:
            if link.first in held or link.second in held:
                found.asked.append(link)
            else:
                found.links.append(link)
                found.new.append(link)
    return found


def _ends(links: Iterable[_Link]) -> set[int]:
    return {pk for link in links for pk in (link.first, link.second)}


def _effective(cursor: CursorWrapper, links: Sequence[_Link]) -> list[_Link]:
    """The links that hold; those that nobody governs are accepted, about the others somebody is asked."""
    ends = _ends(links)
    held = governed(ends)
    found = _holding(links, held)
    claims = []
    for link in found.asked:
        first, second = (link.first, link.second) if link.first in held else (link.second, link.first)
        claims.append(Claim(first, {"dataset": second}, timezone.now()))
    propose(kind=Proposal.Kind.SAME_AS, claims=claims, about=ends)
    if found.new:
        accepted = [{"first_id": link.first, "second_id": link.second} for link in found.new]
        cursor.execute(statements.ACCEPT, [encoded(accepted)])
    return found.links


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
