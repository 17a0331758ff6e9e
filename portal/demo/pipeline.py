"""The nightly pipeline: rows from OnTrack and SplashKit into the warehouse, and the events that tell of it. No Django.

This stands for a program of another team. It knows the databases, the catalog's address and a token, and names tables by
OpenLineage's naming rules, as any pipeline would: that its names meet those of the crawls is the point of the demo.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import psycopg
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    JobFacet,
    RunFacet,
    column_lineage_dataset,
    documentation_job,
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
    sql_job,
)
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport
from openlineage.client.uuid import generate_new_uuid

from portal.demo.steps import STEPS, Column, Step

JOB_NAMESPACE = "thoth-pipelines"
NIGHTLY = "nightly"
PRODUCER = "https://pipelines.example.org/nightly"

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Database:
    """A database that the pipeline reads: its OpenLineage namespace, what stands before a table's name, how to open it."""

    namespace: str
    prefix: str
    open: Callable[[], sqlite3.Connection | psycopg.Connection[Row]]
    dialect: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """`databases` are the sources by name; `warehouse` is the DuckDB file that is written."""

    databases: dict[str, Database]
    warehouse: Path
    url: str
    token: str
    steps: tuple[Step, ...] = field(default=STEPS)

    def run(self) -> dict[str, int]:
        """Run every step; returns the rows that each wrote.

        Raises what a step raises, after telling of the failure, and `requests.RequestException` where the catalog does not
        take an event.
        """
        transport = HttpTransport(HttpConfig(url=self.url, auth=ApiKeyTokenProvider({"apiKey": self.token})))
        client = OpenLineageClient(transport=transport)
        whole = _Told(client, NIGHTLY, {"documentation": _documentation("Loads the warehouse every night.")})
        written: dict[str, int] = {}
        try:
            with whole.run():
                for step in self.steps:
                    written[step.name] = self._step(client, step, whole)
        finally:
            client.close()
        return written

    def _step(self, client: OpenLineageClient, step: Step, whole: _Told) -> int:
        dialect = self.databases[step.source].dialect if step.source else "duckdb"
        facets: dict[str, JobFacet] = {
            "sql": sql_job.SQLJobFacet(query=step.query.strip(), dialect=dialect),
            "documentation": _documentation(step.description),
        }
        told = _Told(client, f"{NIGHTLY}.{step.name}", facets, parent=whole)
        told.inputs = [InputDataset(*self.named(reference)) for reference in step.reads]
        told.outputs = [OutputDataset(*self.named(step.writes), facets={"columnLineage": self._columns(step)})]
        with told.run():
            rows, columns = self._move(step)
            (output,) = told.outputs
            output.facets = {**(output.facets or {}), "schema": schema_dataset.SchemaDatasetFacet(fields=columns)}
            output.outputFacets = {
                "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
            }
        return rows

    def named(self, reference: str) -> tuple[str, str]:
        """The OpenLineage namespace and name of `database:table`."""
        database, _, table = reference.partition(":")
        if database == "warehouse":
            return f"duckdb://{self.warehouse}", table
        source = self.databases[database]
        return source.namespace, source.prefix + table

    def _move(self, step: Step) -> tuple[int, list[schema_dataset.SchemaDatasetFacetFields]]:
        """Replace the rows of the step's table; returns how many there are now, and the table's columns."""
        with duckdb.connect(str(self.warehouse)) as warehouse:
            warehouse.begin()
            warehouse.execute(step.empty)
            if step.source:
                with closing(self.databases[step.source].open()) as connection:
                    cursor = connection.cursor()
                    cursor.execute(step.query)
                    values = [list(column) for column in zip(*map(step.prepared, cursor.fetchall()), strict=True)]
                if values:
                    warehouse.execute(step.insert, values)
            else:
                warehouse.execute(step.query)
            warehouse.commit()
            ((rows,),) = warehouse.execute(step.count).fetchall()
            described = warehouse.execute(step.describe).fetchall()
        return rows, [schema_dataset.SchemaDatasetFacetFields(name=row[0], type=row[1]) for row in described]

    def _columns(self, step: Step) -> column_lineage_dataset.ColumnLineageDatasetFacet:
        def inputs(columns: Iterable[Column]) -> list[column_lineage_dataset.InputField]:
            found = []
            for column in columns:
                namespace, name = self.named(column.table)
                transformation = column_lineage_dataset.Transformation(
                    type=column.type, subtype=column.subtype, masking=column.masking
                )
                found.append(column_lineage_dataset.InputField(namespace, name, column.name, [transformation]))
            return found

        return column_lineage_dataset.ColumnLineageDatasetFacet(
            fields={name: column_lineage_dataset.Fields(inputs(columns)) for name, columns in step.columns.items()},
            dataset=inputs(step.influences),
        )


class _Told:
    """A run of a job and the events that tell of it: START, then COMPLETE, or FAIL with the reason."""

    def __init__(
        self, client: OpenLineageClient, name: str, facets: dict[str, JobFacet], parent: _Told | None = None
    ) -> None:
        kind = job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="PYTHON", jobType="TASK" if parent else "DAG"
        )
        self.client = client
        self.name = name
        self.run_id = str(generate_new_uuid())
        self.job_facets: dict[str, JobFacet] = {"jobType": kind, **facets}
        self.run_facets: dict[str, RunFacet] = {}
        if parent is not None:
            self.run_facets["parent"] = parent_run.ParentRunFacet(
                run=parent_run.Run(parent.run_id), job=parent_run.Job(JOB_NAMESPACE, parent.name)
            )
        self.inputs: Sequence[InputDataset] = []
        self.outputs: Sequence[OutputDataset] = []

    @contextmanager
    def run(self) -> Iterator[None]:
        self._tell(RunState.START)
        try:
            yield
        except Exception as error:
            self.run_facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(str(error), "PYTHON")
            self._tell(RunState.FAIL)
            raise
        self._tell(RunState.COMPLETE)

    def _tell(self, state: RunState) -> None:
        self.client.emit(
            RunEvent(
                eventType=state,
                eventTime=dt.datetime.now(dt.UTC).isoformat(),
                run=Run(self.run_id, facets=dict(self.run_facets)),
                job=Job(JOB_NAMESPACE, self.name, facets=dict(self.job_facets)),
                inputs=list(self.inputs),
                outputs=list(self.outputs),
                producer=PRODUCER,
            )
        )


def _documentation(text: str) -> documentation_job.DocumentationJobFacet:
    return documentation_job.DocumentationJobFacet(description=text)
