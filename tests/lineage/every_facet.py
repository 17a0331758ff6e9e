"""Every facet of OpenLineage, made with openlineage-python's own classes, each with a word of its own to find it by."""

from __future__ import annotations

from typing import Any

import attr
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    OutputDatasetFacet,
    base_subset_dataset,
    catalog_dataset,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    data_quality_metrics_dataset,
    data_quality_metrics_input_dataset,
    dataset_type_dataset,
    dataset_version_dataset,
    datasource_dataset,
    documentation_dataset,
    documentation_job,
    environment_variables_run,
    error_message_run,
    execution_parameters_run,
    external_query_run,
    extraction_error_run,
    hierarchy_dataset,
    input_statistics_input_dataset,
    job_dependencies_run,
    job_type_job,
    lifecycle_state_change_dataset,
    lineage,
    nominal_time_run,
    output_statistics_output_dataset,
    ownership_dataset,
    ownership_job,
    parent_run,
    processing_engine_run,
    schema_dataset,
    source_code_job,
    source_code_location_job,
    sql_job,
    storage_dataset,
    symlinks_dataset,
    tags_dataset,
    tags_job,
    tags_run,
    test_run,
)

NAMESPACE = "postgres://db:5432"
RAW, ORDERS, COPIES = "shop.raw", "shop.orders", "shop.copies"
JOB, RUN = "load_orders", "0197f3a0-0000-7000-8000-00000000aaaa"
PARENT, ROOT = "0197f3a0-0000-7000-8000-00000000bbbb", "0197f3a0-0000-7000-8000-00000000cccc"


@attr.define
class IcebergScanReport(InputDatasetFacet):
    """As the Iceberg integration sends it; openlineage-python has no class of its own for it."""

    snapshotId: int = 71_001


@attr.define
class IcebergCommitReport(OutputDatasetFacet):
    operation: str = "append-commit"


@attr.define
class HouseRules(DatasetFacet):
    """A facet that nobody knows."""

    colour: str = "viridian"


def dataset_facets() -> dict[str, Any]:
    """Of the dataset that is written."""
    source = column_lineage_dataset.InputField(
        NAMESPACE, RAW, "amount", [column_lineage_dataset.Transformation("DIRECT", "AGGREGATION", "sum", masking=False)]
    )
    column = schema_dataset.SchemaDatasetFacetFields("order_total", "numeric", "What was paid.")
    metrics = data_quality_metrics_dataset.ColumnMetrics(nullCount=3, distinctCount=40, min=1, max=4711)
    return {
        "schema": schema_dataset.SchemaDatasetFacet([column]),
        "dataSource": datasource_dataset.DatasourceDatasetFacet("warehouse-source", "postgres://db:5432/shop"),
        "documentation": documentation_dataset.DocumentationDatasetFacet("Orders, one a row."),
        "ownership": ownership_dataset.OwnershipDatasetFacet([ownership_dataset.Owner("team:orders", "MAINTAINER")]),
        "symlinks": symlinks_dataset.SymlinksDatasetFacet(
            [symlinks_dataset.Identifier("s3://lake", "warehouse/orders", "LOCATION")]
        ),
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet("VIEW", "MATERIALIZED"),
        "version": dataset_version_dataset.DatasetVersionDatasetFacet("snapshot-2026-11"),
        "lifecycleStateChange": lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(
            lifecycle_state_change_dataset.LifecycleStateChange.OVERWRITE
        ),
        "storage": storage_dataset.StorageDatasetFacet("iceberg-layer", "parquet"),
        "catalog": catalog_dataset.CatalogDatasetFacet("iceberg", "glue", "shop-catalog"),
        "hierarchy": hierarchy_dataset.HierarchyDatasetFacet(
            [hierarchy_dataset.HierarchyDatasetFacetLevel("SCHEMA", "sales-schema")]
        ),
        "tags": tags_dataset.TagsDatasetFacet([tags_dataset.TagsDatasetFacetFields("golden", "true", "dbt")]),
        "dataQualityMetrics": data_quality_metrics_dataset.DataQualityMetricsDatasetFacet(
            {"order_total": metrics}, rowCount=40
        ),
        "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(
            {"order_total": column_lineage_dataset.Fields([source])}, dataset=[]
        ),
        "houseRules": HouseRules(),
    }


def input_facets() -> dict[str, Any]:
    column = data_quality_metrics_input_dataset.ColumnMetrics(nullCount=0, max=815)
    assertion = data_quality_assertions_dataset.Assertion(
        "not_null", success=False, column="amount", severity="error", name="never-null-check", expected="0", actual="12"
    )
    condition = base_subset_dataset.LocationSubsetCondition(["/day=2026-11-01"])
    return {
        "dataQualityMetrics": data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
            {"amount": column}, rowCount=123
        ),
        "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet([assertion]),
        "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=123, size=4096),
        "subset": base_subset_dataset.InputSubsetInputDatasetFacet(condition),
        "icebergScanReport": IcebergScanReport(),
    }


def output_facets() -> dict[str, Any]:
    condition = base_subset_dataset.LocationSubsetCondition(["/written=2026-11-02"])
    return {
        "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=987, size=2048
        ),
        "subset": base_subset_dataset.OutputSubsetOutputDatasetFacet(condition),
        "icebergCommitReport": IcebergCommitReport(),
    }


def copied_facets() -> dict[str, Any]:
    """Of a second output, whose columns the newer `lineage` facet explains."""
    told = lineage.LineageDatasetInput(NAMESPACE, RAW, "DATASET", "amount")
    return {
        "lineage": lineage.LineageDatasetFacet(
            [lineage.LineageDatasetInput(NAMESPACE, RAW, "DATASET")],
            {"copied_total": lineage.LineageFieldEntry([told])},
        )
    }


def job_facets() -> dict[str, Any]:
    waited = lineage.LineageJobInput("JOB", NAMESPACE, "export_orders")
    return {
        "sql": sql_job.SQLJobFacet("SELECT 1 AS sql_marker", "postgres"),
        "sourceCode": source_code_job.SourceCodeJobFacet("python", "print('source_marker')"),
        "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet(
            "git", "https://git.example.org/orders/location_marker.py"
        ),
        "documentation": documentation_job.DocumentationJobFacet("Loads every order."),
        "ownership": ownership_job.OwnershipJobFacet([ownership_job.Owner("team:loaders")]),
        "tags": tags_job.TagsJobFacet([tags_job.TagsJobFacetFields("nightly-job", "true")]),
        "jobType": job_type_job.JobTypeJobFacet("BATCH", "HOMEGROWN", "TASK"),
        "lineage": lineage.LineageJobFacet([lineage.LineageJobEntry("JOB", inputs=[waited])]),
    }


def run_facets() -> dict[str, Any]:
    dependency = job_dependencies_run.JobDependency(job_dependencies_run.JobIdentifier("airflow", "clean_orders"))
    root = parent_run.Root(parent_run.RootRun(ROOT), parent_run.RootJob("airflow", "root-of-all"))
    failed = test_run.TestExecution("no-orphans", "fail", severity="warn", expected="0", actual="17")
    return {
        "parent": parent_run.ParentRunFacet(parent_run.Run(PARENT), parent_run.Job("airflow", "dag"), root),
        "nominalTime": nominal_time_run.NominalTimeRunFacet("2026-11-01T03:00:00Z", "2026-11-01T04:00:00Z"),
        "errorMessage": error_message_run.ErrorMessageRunFacet("table not found", "PYTHON", "at line 12 of loader"),
        "externalQuery": external_query_run.ExternalQueryRunFacet("query-4242", "bigquery"),
        "extractionError": extraction_error_run.ExtractionErrorRunFacet(
            7, 2, [extraction_error_run.Error("cannot read it", task="merge")]
        ),
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet("3.5.1", "Spark"),
        "environmentVariables": environment_variables_run.EnvironmentVariablesRunFacet(
            [environment_variables_run.EnvironmentVariable("REGION", "sydney-2")]
        ),
        "executionParameters": execution_parameters_run.ExecutionParametersRunFacet(
            [execution_parameters_run.ExecutionParameter("batch.size", value="500")]
        ),
        "jobDependencies": job_dependencies_run.JobDependenciesRunFacet([dependency]),
        "test": test_run.TestRunFacet([failed, test_run.TestExecution("no-gaps", "skip")]),
        "tags": tags_run.TagsRunFacet([tags_run.TagsRunFacetFields("backfill", "november")]),
    }


FACETS: dict[str, dict[str, Any]] = {
    "dataset": dataset_facets() | copied_facets(),
    "input": input_facets(),
    "output": output_facets(),
    "job": job_facets(),
    "run": run_facets(),
}
"""By what they are facets of."""


def event() -> RunEvent:
    """One run that has all of them."""
    return RunEvent(
        eventTime="2026-11-01T06:00:00Z",
        eventType=RunState.COMPLETE,
        run=Run(RUN, run_facets()),
        job=Job("airflow", JOB, job_facets()),
        inputs=[InputDataset(NAMESPACE, RAW, facets={}, inputFacets=input_facets())],
        outputs=[
            OutputDataset(NAMESPACE, ORDERS, facets=dataset_facets(), outputFacets=output_facets()),
            OutputDataset(NAMESPACE, COPIES, facets=copied_facets()),
        ],
    )
