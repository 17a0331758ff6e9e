"""Platform → connector. Importing this imports no driver; asking for a connector imports that one's."""

from __future__ import annotations

from importlib import import_module

from connections.platforms import Platform
from connections.targets import Target
from ingestion.connectors.protocol import Connector

CONNECTORS: dict[Platform, str] = {
    Platform.POSTGRES: "ingestion.connectors.postgres.connector:PostgresConnector",
    Platform.MYSQL: "ingestion.connectors.mysql.connector:MysqlConnector",
    Platform.SQLITE: "ingestion.connectors.sqlite:SqliteConnector",
    Platform.DUCKDB: "ingestion.connectors.duckdb:DuckdbConnector",
}


def connector_for(target: Target) -> Connector:
    """The connector that reads this target."""
    module, _, name = CONNECTORS[target.platform].partition(":")
    connector: Connector = getattr(import_module(module), name)(target)
    return connector
