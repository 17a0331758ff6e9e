"""The platforms that can be connected to. A platform's value is the scheme of its datasets' namespaces."""

from __future__ import annotations

from enum import StrEnum


class Platform(StrEnum):
    POSTGRES = "postgres"
    MYSQL = "mysql"
    SQLITE = "sqlite"
    DUCKDB = "duckdb"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def is_file(self) -> bool:
        return self in (Platform.SQLITE, Platform.DUCKDB)

    @property
    def default_port(self) -> int | None:
        return _PORTS.get(self)


_LABELS = {
    Platform.POSTGRES: "PostgreSQL",
    Platform.MYSQL: "MariaDB or MySQL",
    Platform.SQLITE: "SQLite",
    Platform.DUCKDB: "DuckDB",
}
_OTHERS = {
    "abfss": "Azure Data Lake Storage",
    "awsathena": "Amazon Athena",
    "azurecosmos": "Azure Cosmos DB",
    "bigquery": "BigQuery",
    "cassandra": "Cassandra",
    "gs": "Google Cloud Storage",
    "hdfs": "HDFS",
    "hive": "Hive",
    "kafka": "Kafka",
    "mssql": "SQL Server",
    "oracle": "Oracle",
    "pubsub": "Google Cloud Pub/Sub",
    "redshift": "Amazon Redshift",
    "s3": "Amazon S3",
    "snowflake": "Snowflake",
    "spanner": "Spanner",
    "teradata": "Teradata",
    "trino": "Trino",
    "wasbs": "Azure Blob Storage",
}
"""Names of what has a scheme in OpenLineage's naming, and is filled by pushed snapshots and by events."""


def label_of(platform: str) -> str:
    """A platform as people write it; as it was told where its name is not known."""
    return Platform(platform).label if platform in set(Platform) else _OTHERS.get(platform, platform)


_PORTS = {Platform.POSTGRES: 5432, Platform.MYSQL: 3306}

SCHEMES = {
    "postgres": Platform.POSTGRES,
    "postgresql": Platform.POSTGRES,
    "mysql": Platform.MYSQL,
    "mariadb": Platform.MYSQL,
    "sqlite": Platform.SQLITE,
    "duckdb": Platform.DUCKDB,
}
"""The schemes that `add_source` accepts."""
