"""Marquez's graph of jobs and datasets."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection

from common.errors import Invalid, NotFound
from lineage import graph as cores
from lineage.marquez import datasets, runs, shapes
from lineage.marquez.addresses import Node, dataset_node, job_node
from lineage.marquez.jobs import times_of
from lineage.marquez.names import FoundNode, find_node
from lineage.marquez.shapes import DatasetName, Json
from lineage.models import Direction, Job, JobDataset, JobFacet, Run, RunDataset
from lineage.queries import CURRENT, MAX_NODES, Slice
from lineage.queries.disclosure import Readable, check_lineage_told, told_uses
from lineage.queries.steps import steps
from lineage.reading import visible_run

if TYPE_CHECKING:
    from accounts.models import Principal

Arrow = tuple[int, int, int]
"""The job, the direction of its use, the dataset."""


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a walk begins: it goes up from what is read and down from what is written, along the edges of the slice."""

    read: frozenset[int]
    written: frozenset[int]
    slice: Slice = CURRENT
    focus: int = 0
    jobs: frozenset[int] = frozenset()
    arrows: frozenset[Arrow] = frozenset()


def lineage(principal: Principal, nodes: Sequence[Node], *, depth: int, as_of: dt.datetime | None = None) -> list[Json]:
    """The nodes up- and downstream of a dataset, a job or a run, up to `depth` datasets away, with their edges.

    Against the edges on one side and along them on the other: what merely shares a source is not lineage. A dataset that
    the principal may not know of is a node without a name. A statement for each step (two for whoever does not see
    everything), and a fixed number beside them. Raises `NotFound` for a node that is not known, and `Forbidden` for a dataset
    that may be discovered and not read.
    """
    found = find_node(principal, nodes)
    if found.dataset is not None:
        check_lineage_told(found.dataset)
    readable = Readable(principal)
    start = _start(principal, readable, found, as_of)
    walked = cores.walk(
        readable.telling(steps(start.focus, start.slice)),
        up_from=start.read, down_from=start.written, depth=depth, limit=MAX_NODES,
    )  # fmt: skip
    arrows = set(start.arrows)
    for upstream, downstream, job in walked.edges:
        arrows |= {(job, Direction.INPUT, upstream), (job, Direction.OUTPUT, downstream)}
    ids = walked.nodes | {pk for _, _, pk in arrows}
    if start.slice is CURRENT and depth:
        arrows |= _at_the_ends(_told(readable, ids))
    return _drawn(principal, ids, start.jobs | {job for job, _, _ in arrows}, arrows)


def _start(principal: Principal, readable: Readable, found: FoundNode, as_of: dt.datetime | None) -> _Start:
    slice_ = Slice(as_of=as_of) if as_of else CURRENT
    version = found.node.version
    if found.job is not None:
        return (
            _of_job_version(principal, found.job, version)
            if version
            else _of_job(principal, readable, found.job, slice_)
        )
    if found.dataset is not None:
        if version:
            text, until = datasets.told_text(found.dataset, version)
            slice_ = Slice(version=text) if text else Slice(as_of=until) if until else CURRENT
        here = frozenset({found.dataset.pk})
        return _Start(read=here, written=here, slice=slice_, focus=found.dataset.pk)
    return _of_run(principal, visible_run(principal, UUID(found.node.name)))


def _told(readable: Readable, ids: Iterable[int]) -> frozenset[int]:
    """Those whose lineage may be told."""
    return frozenset(pk for pk, _ in readable.told([(pk, pk) for pk in ids]))


def _of_job(principal: Principal, readable: Readable, job: Job, slice_: Slice) -> _Start:
    """What the job's edges of the slice join; of one that only reads or only writes, all that it uses."""
    links = list(JobDataset.objects.filter(job=job).values_list("direction", "dataset_id"))
    written = [pk for direction, pk in links if direction == Direction.OUTPUT]
    rows = [row for row in readable.told(steps(0, slice_)(written, ())) if row[2] == job.pk]
    uses = {(Direction.INPUT.value, row[0]) for row in rows} | {(Direction.OUTPUT.value, row[1]) for row in rows}
    if not rows:
        uses = _told_of(principal, job.pk, links)
    return _between(job.pk, uses, slice_)


def _of_run(principal: Principal, run: Run) -> _Start:
    links = RunDataset.objects.filter(run=run).values_list("direction", "dataset_id", "dataset__merged_into_id")
    uses = {(direction, into or pk) for direction, pk, into in links}
    return _between(run.job_id, _told_of(principal, run.job_id, uses), Slice(run=run.pk))


def _told_of(principal: Principal, job: int, uses: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Of what a job reads and writes (direction and dataset), what may be told."""
    listed = list(uses)
    told = told_uses(principal, [(job, pk) for _, pk in listed])
    return {(direction, pk) for direction, pk in listed if (job, pk) in told}


def _of_job_version(principal: Principal, job: Job, version: str) -> _Start:
    """What the latest run of the version did, for all of them did the same."""
    found = (
        Run.objects.filter(job=job, version=_uuid(version), completed_at__isnull=False).order_by("-began_at").first()
    )
    if found is None:
        raise NotFound("The job has no such version.")
    return _of_run(principal, found)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("This is no version of a job.", {"nodeId": [f"{text[:100]} is no UUID."]}) from None


def _between(job: int, uses: set[tuple[int, int]], slice_: Slice) -> _Start:
    return _Start(
        read=frozenset(pk for direction, pk in uses if direction == Direction.INPUT),
        written=frozenset(pk for direction, pk in uses if direction == Direction.OUTPUT),
        slice=slice_,
        jobs=frozenset({job}),
        arrows=frozenset((job, direction, pk) for direction, pk in uses),
    )


# Jobs that only read, or only write, are on no edge between datasets.
_AT_THE_ENDS = """
    SELECT link.job_id, link.direction, link.dataset_id FROM lineage_jobdataset AS link
    JOIN lineage_job AS job ON job.id = link.job_id
    WHERE link.dataset_id = ANY(%s) AND (job.deleted_at IS NULL OR job.deleted_at < link.last_seen)
      AND NOT EXISTS (SELECT FROM lineage_datasetedge AS edge WHERE edge.job_id = link.job_id AND edge.current)
"""


def _at_the_ends(ids: Collection[int]) -> set[Arrow]:
    with connection.cursor() as cursor:
        cursor.execute(_AT_THE_ENDS, [list(ids)])
        return set(cursor.fetchall())


def _drawn(principal: Principal, ids: Collection[int], jobs: Collection[int], arrows: Iterable[Arrow]) -> list[Json]:
    """The nodes, sorted by their ids as Marquez sorts them."""
    known = datasets.for_graph(principal, ids)
    uses: dict[int, set[tuple[int, int]]] = defaultdict(set)
    used_by: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for job, direction, pk in arrows:
        uses[job].add((direction, pk))
        used_by[pk].add((direction, job))
    rows = {row.pk: row for row in Job.objects.filter(pk__in=list(jobs))}
    job_ids = {pk: job_node(row.namespace, row.name) for pk, row in rows.items()}
    hidden = sorted((pk for pk in ids if pk not in known), key=lambda pk: sorted(used_by[pk]))
    names = {pk: DatasetName("hidden", str(number)) for number, pk in enumerate(hidden, start=1)}
    names |= {pk: named for pk, (named, _) in known.items()}
    dataset_ids = {pk: dataset_node(named.namespace, named.name) for pk, named in names.items()}
    nodes = []
    for pk, id_ in dataset_ids.items():
        of = [(direction, job_ids[job]) for direction, job in used_by[pk] if job in job_ids]
        data = known[pk][1] if pk in known else shapes.hidden_dataset(names[pk])
        nodes.append(
            shapes.node(
                id_,
                "DATASET",
                data,
                sorted((job, id_) for direction, job in of if direction == Direction.OUTPUT),
                sorted((id_, job) for direction, job in of if direction == Direction.INPUT),
            )
        )
    latest = _latest_runs(principal, rows)
    kinds = _kinds(rows)
    times = times_of(rows.values())
    for pk, row in rows.items():
        read = sorted((names[one] for direction, one in uses[pk] if direction == Direction.INPUT), key=_key)
        written = sorted((names[one] for direction, one in uses[pk] if direction == Direction.OUTPUT), key=_key)
        data = shapes.job(
            DatasetName(row.namespace, row.name),
            created_at=times[pk][0], updated_at=times[pk][1], inputs=read, outputs=written,
            facets=kinds.get(pk, {}), latest_runs=[latest[pk]] if pk in latest else [], version=None, parent=None,
        )  # fmt: skip
        nodes.append(
            shapes.node(
                job_ids[pk],
                "JOB",
                data,
                [(dataset_node(*_key(one)), job_ids[pk]) for one in read],
                [(job_ids[pk], dataset_node(*_key(one))) for one in written],
            )
        )
    return sorted(nodes, key=lambda one: str(one["id"]))


def _key(named: DatasetName) -> tuple[str, str]:
    return named.namespace, named.name


def _latest_runs(principal: Principal, jobs: Mapping[int, Job]) -> dict[int, Json]:
    rows = list(Run.objects.filter(pk__in=[row.latest_run for row in jobs.values() if row.latest_run]))
    for run in rows:
        run.job = jobs.get(run.job_id) or run.job
    told = runs.shown(principal, rows, whole=(), open_=())
    return {run.job_id: one for run, one in zip(rows, told, strict=True)}


def _kinds(jobs: Collection[int]) -> dict[int, dict[str, object]]:
    rows = JobFacet.objects.filter(job_id__in=list(jobs), name="jobType", content__isnull=False).select_related(
        "content"
    )
    return {row.job_id: {"jobType": row.content.value} for row in rows if row.content is not None}
