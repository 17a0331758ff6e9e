"""From what a path or a node id may mean to the one thing whose names are known and may be seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.db.models import F, Q

from catalog.identity import find_names
from catalog.models import Dataset, DatasetName
from catalog.naming import DatasetKey
from common.errors import NotFound
from lineage.marquez.addresses import Node, Reading
from lineage.models import Job, MarquezNote
from lineage.querysets import JobQuerySet

if TYPE_CHECKING:
    from accounts.models import Principal

Key = tuple[str, str]


def standing_jobs(principal: Principal) -> JobQuerySet:
    """The jobs that the principal may see and that nobody deleted; views, which are jobs too, among them."""
    jobs = Job.objects.visible_to(principal)
    return jobs.filter(Q(deleted_at=None) | Q(last_seen__gt=F("deleted_at")))


def visible_datasets(principal: Principal, keys: Iterable[Key]) -> dict[Key, Dataset]:
    """The datasets of these names that may be seen, each with its `tier`; two statements."""
    found = find_names(DatasetKey(*key) for key in set(keys))
    rows = Dataset.objects.filter(pk__in=set(found.values())).visible_to(principal).with_tier(principal).defer("search")
    seen = {row.pk: row for row in rows}
    return {(key.namespace, key.name): seen[pk] for key, pk in found.items() if pk in seen}


def visible_jobs(principal: Principal, keys: Iterable[Key]) -> dict[Key, Job]:
    """The standing jobs of these names; one statement."""
    wanted = set(keys)
    if not wanted:
        return {}
    rows = standing_jobs(principal).filter(
        namespace__in={namespace for namespace, _ in wanted}, name__in={name for _, name in wanted}
    )
    return {(row.namespace, row.name): row for row in rows if (row.namespace, row.name) in wanted}


def known_namespaces(names: Iterable[str], *, noted: bool = True) -> set[str]:
    """Those that a dataset or job is in, or (where `noted`) that somebody told of; three statements. Says nothing of
    visibility."""
    wanted = list(set(names))
    datasets = DatasetName.objects.filter(namespace__in=wanted, valid_to=None).order_by()
    found = set(datasets.values_list("namespace", flat=True).distinct())
    found |= set(Job.objects.filter(namespace__in=wanted).order_by().values_list("namespace", flat=True).distinct())
    if noted:
        notes = MarquezNote.objects.filter(kind=MarquezNote.Kind.NAMESPACE, name__in=wanted)
        found |= set(notes.values_list("name", flat=True))
    return found


class Found:
    """A path's meaning: its reading, and the dataset or job of its name where that is known and may be seen."""

    def __init__(self, reading: Reading, dataset: Dataset | None = None, job: Job | None = None) -> None:
        self.reading = reading
        self._dataset, self._job = dataset, job

    @property
    def dataset(self) -> Dataset:
        if self._dataset is None:
            raise NotFound("There is no such dataset, or you may not see it.")
        return self._dataset

    @property
    def job(self) -> Job:
        if self._job is None:
            raise NotFound("There is no such job, or you may not see it.")
        return self._job

    @property
    def known_dataset(self) -> Dataset | None:
        return self._dataset

    @property
    def known_job(self) -> Job | None:
        return self._job


def find(principal: Principal, readings: Sequence[Reading]) -> Found:
    """The reading of which the dataset or job is known; else the one of which the namespace is, the longest first; else
    the first. Raises `NotFound` where there is none."""
    if not readings:
        raise NotFound("There is no such address.")
    datasets = visible_datasets(principal, _named(readings, "datasets/"))
    jobs = visible_jobs(principal, _named(readings, "jobs/"))
    for reading in readings:
        key = (reading.namespace, reading.name)
        if reading.what.startswith("datasets/") and key in datasets:
            return Found(reading, dataset=datasets[key])
        if reading.what.startswith("jobs/") and key in jobs:
            return Found(reading, job=jobs[key])
    if len(readings) == 1:
        return Found(readings[0])
    known = known_namespaces(reading.namespace for reading in readings)
    among = [reading for reading in readings if reading.namespace in known]
    # What is in a namespace is asked for more often than a namespace that has such a name; of equals the first counts.
    among.sort(key=lambda reading: (reading.what == "namespace", -len(reading.namespace)))
    return Found(among[0] if among else readings[0])


def _named(readings: Sequence[Reading], kind: str) -> set[Key]:
    return {(one.namespace, one.name) for one in readings if one.name and one.what.startswith(kind)}


class FoundNode:
    """A node id's meaning, with what it names."""

    def __init__(self, node: Node, dataset: Dataset | None = None, job: Job | None = None) -> None:
        self.node = node
        self.dataset, self.job = dataset, job


def find_node(principal: Principal, nodes: Sequence[Node]) -> FoundNode:
    """The first of these that is known and may be seen; raises `NotFound`. Runs are not looked for here."""
    if nodes[0].kind == "run":
        return FoundNode(nodes[0])
    keys = {(node.namespace, node.name) for node in nodes}
    if nodes[0].kind == "job":
        jobs = visible_jobs(principal, keys)
        for node in nodes:
            if (node.namespace, node.name) in jobs:
                return FoundNode(node, job=jobs[node.namespace, node.name])
    else:
        datasets = visible_datasets(principal, keys)
        for node in nodes:
            if (node.namespace, node.name) in datasets:
                return FoundNode(node, dataset=datasets[node.namespace, node.name])
    raise NotFound("There is no such node, or you may not see it.")
