"""Derive edges from observations: for what a fold touched, or for whole jobs whose datasets merged or came apart.

Runs inside the caller's transaction, with the jobs locked. What is derived depends on the observations alone, so deriving
again changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from catalog.identity import find_names
from lineage import edge_statements as statements
from lineage.rows import bound, encoded, write
from lineage.statements import LOCK_JOBS
from lineage.told import ColumnFact, column_facts


class _Untold(NamedTuple):
    """An explanation whose edges are not written yet."""

    explanation_id: int
    dataset_id: int
    content: UUID


def derive(runs: Sequence[UUID | str], *, deleted: Collection[int] = (), columns: bool = True) -> None:
    """Bring the edges of everything that these runs (and declarations) wrote up to date, and of the jobs that were deleted.

    `columns` says whether there is column lineage among it; a fixed number of statements either way.
    """
    touched: dict[str, str | list[int]] = {"runs": encoded(runs), "jobs": sorted(deleted)}
    with bound() as cursor:
        cursor.execute(statements.EDGES, touched)
        if not columns:
            return
        cursor.execute(statements.EXPLANATIONS, touched)
        new = [_Untold(*row) for row in cursor.fetchall()]
        cursor.execute(statements.EXPLANATIONS_CURRENT, touched)
        changed = [explanation_id for (explanation_id,) in cursor.fetchall()]
        if changed:
            cursor.execute(statements.COLUMN_EDGES_CURRENT, [changed])
    if new:
        _explain(new)


def derive_again(dataset_ids: Collection[int]) -> None:
    """Everything that jobs which touch these datasets derive, from the start."""
    with bound() as cursor:
        cursor.execute(statements.JOBS_TOUCHING, {"ids": sorted(dataset_ids)})
        jobs = [job_id for (job_id,) in cursor.fetchall()]
        if not jobs:
            return
        cursor.execute(LOCK_JOBS, [encoded([{"id": job_id} for job_id in jobs])])
        for statement in (*statements.FORGET_DERIVED, statements.LINKS_AGAIN):
            cursor.execute(statement, {"jobs": jobs})
        cursor.execute(statements.RUNS_OF, {"jobs": jobs})
        runs = [run_id for (run_id,) in cursor.fetchall()]
    derive(runs)


def _explain(new: Sequence[_Untold]) -> None:
    """Write the column edges of explanations that have none yet: their contents are read once, their columns made."""
    facts = _facts_of(new)
    datasets = find_names({fact.source for told in facts.values() for fact in told})
    rows: dict[tuple[Any, ...], str] = {}
    wanted: set[tuple[int, str]] = set()
    for one in new:
        for fact in facts.get(one.content, ()):
            down, up = (one.dataset_id, fact.column), (datasets[fact.source], fact.source_column)
            key = (one.explanation_id, down, up, fact.type, fact.subtype, fact.masking)
            rows[key] = max(fact.description, rows.get(key, ""))
            wanted |= {down, up}
    ids = column_ids(wanted)
    write(
        statements.COLUMN_EDGES,
        [
            {
                "explanation_id": explanation_id, "downstream_id": ids[down], "upstream_id": ids[up],
                "type": type_, "subtype": subtype, "masking": masking, "description": description,
            }
            for (explanation_id, down, up, type_, subtype, masking), description in rows.items()
        ],
    )  # fmt: skip


def _facts_of(new: Iterable[_Untold]) -> dict[UUID, list[ColumnFact]]:
    with bound() as cursor:
        cursor.execute(statements.CONTENTS_OF, [sorted({one.content for one in new})])
        return {
            digest: list(column_facts(msgspec.json.decode(value) if isinstance(value, str) else value))
            for digest, value in cursor.fetchall()
        }


def column_ids(wanted: Collection[tuple[int, str]]) -> Mapping[tuple[int, str], int]:
    rows = [{"dataset_id": dataset_id, "name": name} for dataset_id, name in sorted(wanted)]
    found = _known_columns(rows)
    missing = [row for row in rows if (row["dataset_id"], row["name"]) not in found]
    if missing:
        write(statements.COLUMNS, missing)
        found |= _known_columns(missing)
    return found


def _known_columns(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], int]:
    with bound() as cursor:
        cursor.execute(statements.COLUMN_IDS, [encoded(rows)])
        return {(dataset_id, name): column_id for dataset_id, name, column_id in cursor.fetchall()}
