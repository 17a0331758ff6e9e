"""Write what SQL says: table and column edges that come from a view's definition or a job's SQL, where nobody told them.

One content explains one output of one job; writing it again replaces what an older content said. In the caller's
transaction, with the jobs locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from catalog.snapshots import Path
from lineage import sql_statements as statements
from lineage.deriving import column_ids
from lineage.models import EdgeOrigin
from lineage.rows import encoded
from lineage.sql import SqlLineage, Transformation
from lineage.told import DIRECT, INDIRECT

_TYPES = {"DIRECT": DIRECT, "INDIRECT": INDIRECT}


class SqlRead(NamedTuple):
    """What a text says of one output: `datasets` are those of its tables that the catalog knows, `target` its own path."""

    job_id: int
    dataset_id: int
    content: UUID
    target: Path
    datasets: dict[Path, int]
    lineage: SqlLineage

    @property
    def upstream(self) -> dict[Path, int]:
        """The datasets that the output is made of, without itself."""
        inputs = [read.table for own in self.lineage.outputs if own.table == self.target for read in own.inputs]
        return {
            path: self.datasets[path] for path in inputs if self.datasets.get(path, self.dataset_id) != self.dataset_id
        }

    @property
    def problem(self) -> str:
        return self.lineage.problem or " ".join(one.sentence for one in self.lineage.unresolved[:20])


def forget(job_ids: Iterable[int], origin: EdgeOrigin) -> None:
    """Delete what SQL said for these jobs."""
    _forget(sorted(job_ids), None, origin)


def forget_outputs(outputs: Sequence[tuple[int, int]], origin: EdgeOrigin) -> None:
    """Delete what SQL said for these outputs alone, each with its job before it."""
    _forget([job_id for job_id, _ in outputs], [dataset_id for _, dataset_id in outputs], origin)


def _forget(job_ids: list[int], dataset_ids: list[int] | None, origin: EdgeOrigin) -> None:
    with connection.cursor() as cursor:
        for statement in statements.FORGET:
            cursor.execute(statement, {"jobs": job_ids, "datasets": dataset_ids, "origin": origin.value})


def write(reads: Sequence[SqlRead], origin: EdgeOrigin) -> None:
    """Write edges and explanations; those of the same jobs and outputs were forgotten before."""
    edges = [
        {"downstream_id": read.dataset_id, "upstream_id": upstream, "job_id": read.job_id, "origin": origin.value}
        for read in reads
        for upstream in sorted(set(read.upstream.values()))
    ]
    explanations = [
        {"job_id": read.job_id, "dataset_id": read.dataset_id, "content": read.content, "origin": origin.value,
         "problem": read.problem}
        for read in reads
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statements.EDGES, [encoded(edges)])
        cursor.execute(statements.EXPLANATIONS, [encoded(explanations)])
        made = {(job_id, dataset_id): explanation for job_id, dataset_id, explanation in cursor.fetchall()}
    facts = [(made[read.job_id, read.dataset_id], *fact) for read in reads for fact in _facts(read)]
    ids = column_ids({key for _, down, up, _ in facts for key in (down, up)})
    rows = [
        {"explanation_id": explanation, "downstream_id": ids[down], "upstream_id": ids[up],
         "type": _TYPES[how.kind], "subtype": str(how.subtype), "masking": how.masking}
        for explanation, down, up, how in facts
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statements.COLUMN_EDGES, [encoded(rows)])


def _facts(read: SqlRead) -> Iterator[tuple[tuple[int, str], tuple[int, str], Transformation]]:
    upstream = read.upstream
    for written in read.lineage.outputs:
        if written.table != read.target:
            continue
        told = [(column.name, source) for column in written.columns for source in column.inputs]
        told += [("", source) for source in written.influences]
        for name, source in told:
            if source.table in upstream:
                for how in source.transformations:
                    yield (read.dataset_id, name), (upstream[source.table], source.column), how
