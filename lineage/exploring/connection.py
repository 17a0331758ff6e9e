"""What is behind one line of a picture: the jobs that make it, their code and runs, and column by column how."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

from catalog.models import Dataset, Tier
from common.errors import NotFound
from lineage.exploring.neighbourhood import Neighbourhood
from lineage.models import DatasetEdge, EdgeOrigin, Influence, Job, JobFacet, Run
from lineage.queries.steps import Slice

if TYPE_CHECKING:
    from accounts.models import Principal

MOST_FLOWS = 500


@dataclass(frozen=True, slots=True)
class ColumnStep:
    """How a column makes or influences another. None stands for the whole dataset, an empty name for one that the reader
    may not know. `description` is empty for whoever may not read the code on both ends."""

    source: str | None
    target: str | None
    type: str
    subtype: str
    is_masking: bool
    description: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Maker:
    """A job that makes a connection. `sql` is empty where there is none or the reader may not read it: `is_open` tells.

    `run` is the latest run that has the connection, None where it is declared, read from code, or not current any more.
    """

    job: Job
    origin: EdgeOrigin
    is_current: bool
    first_seen: dt.datetime
    last_seen: dt.datetime
    run: Run | None
    is_open: bool
    sql: str
    columns: Sequence[ColumnStep]


@dataclass(frozen=True, slots=True)
class Connection:
    """Rows flow from one dataset to another; an end is None where the reader may not know of it."""

    source: Dataset | None
    target: Dataset | None
    makers: Sequence[Maker]

    @property
    def is_masking(self) -> bool:
        return any(step.is_masking for maker in self.makers for step in maker.columns)


def connection_between(
    principal: Principal, focus: Dataset, source: str, target: str, *, slice_: Slice | None = None
) -> Connection:
    """The connection between two nodes of the picture around `focus`, by their keys, a fixed number of statements.

    It is told to whoever may read the metadata of one of its ends. Raises `NotFound` where there is none that may be told.
    """
    around = Neighbourhood(principal, focus, slice_ or Slice())
    upstream, downstream = _ends(around, source, target)
    rows = DatasetEdge.objects.filter(upstream_id=upstream, downstream_id=downstream).select_related("job")
    edges = sorted(rows, key=lambda edge: (not edge.current, edge.job.name, edge.job_id))
    if not edges:
        raise _none()
    jobs = [edge.job_id for edge in edges]
    runs = Run.objects.in_bulk([edge.run_id for edge in edges if edge.run_id is not None])
    is_open = set(Job.objects.open_to(principal).filter(pk__in=jobs).values_list("pk", flat=True))
    code = _code(is_open)
    columns = _columns(around, upstream, downstream)
    known = Dataset.objects.visible_to(principal).defer("search").in_bulk([upstream, downstream])
    if focus.pk in (upstream, downstream):
        known[focus.pk] = focus
    view = known[downstream].definition if around.known(downstream).tier >= Tier.PROFILE else ""
    return Connection(
        known.get(upstream),
        known.get(downstream),
        [
            Maker(
                job=edge.job,
                origin=EdgeOrigin(edge.origin),
                is_current=edge.current,
                first_seen=edge.first_seen,
                last_seen=edge.last_seen,
                run=runs.get(edge.run_id) if edge.run_id else None,
                is_open=edge.job_id in is_open,
                sql=view if edge.origin == EdgeOrigin.VIEW else code.get(edge.job_id, ""),
                columns=columns.get(edge.job_id, ()),
            )
            for edge in edges
        ],
    )


def _none() -> NotFound:
    return NotFound("There is no such connection, or you may not see it.")


def _ends(around: Neighbourhood, source: str, target: str) -> tuple[int, int]:
    """The datasets of two keys. That of a hidden one is found among the neighbours of the other, which has to be readable."""
    found = [int(key) if key.isdecimal() and len(key) < 19 else None for key in (source, target)]
    around.learn(pk for pk in found if pk is not None)
    readable = [pk is not None and around.known(pk).tier >= Tier.METADATA for pk in found]
    if not any(readable) or any(pk is not None and around.known(pk).tier < Tier.DISCOVER for pk in found):
        raise _none()
    upstream, downstream = found
    if upstream is None and downstream is not None:
        beside = around.neighbours([downstream], ()).get((downstream, "up"), set())
        upstream = next((pk for pk in beside if around.key(pk) == source), None)
    elif downstream is None and upstream is not None:
        beside = around.neighbours((), [upstream]).get((upstream, "down"), set())
        downstream = next((pk for pk in beside if around.key(pk) == target), None)
    if upstream is None or downstream is None:
        raise _none()
    return upstream, downstream


def _code(jobs: Iterable[int]) -> dict[int, str]:
    facets = JobFacet.objects.filter(job_id__in=list(jobs), name="sql", content__isnull=False).select_related("content")
    return {facet.job_id: text for facet in facets if isinstance(text := _query_of(facet.content), str)}


def _query_of(content: Any) -> Any:
    return content.value.get("query") if content is not None and isinstance(content.value, dict) else None


_COLUMNS = """
    SELECT explanation.job_id, up.name, down.name, edge.type, edge.subtype, edge.masking, edge.description, edge.current
    FROM lineage_explanation AS explanation
    JOIN lineage_columnedge AS edge ON edge.explanation_id = explanation.id
    JOIN lineage_column AS up ON up.id = edge.upstream_id
    JOIN lineage_column AS down ON down.id = edge.downstream_id
    WHERE explanation.dataset_id = %(downstream)s AND explanation.current
      AND up.dataset_id = %(upstream)s AND down.dataset_id = %(downstream)s
    ORDER BY down.name, up.name, edge.type, edge.subtype LIMIT %(most)s
"""


def _columns(around: Neighbourhood, upstream: int, downstream: int) -> dict[int, list[ColumnStep]]:
    """By job, the flows of columns that are current; names of columns only where their dataset's metadata may be read."""
    tiers = around.known(upstream).tier, around.known(downstream).tier
    found: dict[int, list[ColumnStep]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, {"upstream": upstream, "downstream": downstream, "most": MOST_FLOWS})
        for job, source, target, kind, subtype, masking, description, current in cursor.fetchall():
            step = ColumnStep(
                source=(source or None) if tiers[0] >= Tier.METADATA else "",
                target=(target or None) if tiers[1] >= Tier.METADATA else "",
                type=Influence(kind).label,
                subtype=subtype,
                is_masking=masking,
                description=description if min(tiers) >= Tier.PROFILE else "",
                is_current=current,
            )
            own = found.setdefault(job, [])
            if step not in own:
                own.append(step)
    return found
