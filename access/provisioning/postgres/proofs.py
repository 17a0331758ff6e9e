"""What a login can read as the server itself judges, and the end of sessions that could read on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from access.provisioning.adapter import SessionsEnded, Unreadable
from access.provisioning.desired import Reading

# One row for each column asked about ("" is the whole relation); the first obstacle on the way to it, or none.
_JUDGED = """
WITH asked AS (
    SELECT * FROM unnest(%(grants)s::bigint[], %(logins)s::text[], %(schemas)s::text[], %(names)s::text[], %(columns)s::text[])
        AS a (grant_id, login, schema_name, relation_name, column_name)
)
SELECT a.grant_id, a.column_name,
    CASE
        WHEN l.oid IS NULL THEN 'login'
        WHEN NOT has_database_privilege(l.oid, current_database(), 'CONNECT') THEN 'connect'
        WHEN c.oid IS NULL THEN 'relation'
        WHEN NOT has_schema_privilege(l.oid, n.oid, 'USAGE') THEN 'usage'
        WHEN a.column_name = '' AND NOT has_table_privilege(l.oid, c.oid, 'SELECT') THEN 'select'
        WHEN a.column_name <> '' AND (t.attnum IS NULL OR NOT has_column_privilege(l.oid, c.oid, t.attnum, 'SELECT'))
            THEN 'select'
    END AS obstacle
FROM asked a
LEFT JOIN pg_roles l ON l.rolname = a.login
LEFT JOIN pg_namespace n ON n.nspname = a.schema_name
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = a.relation_name
LEFT JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = a.column_name AND NOT t.attisdropped
"""
_OBSTACLES = {
    "login": "the login {login} is gone",
    "connect": "{login} may not connect to the database: GRANT it CONNECT",
    "relation": "{relation} is gone",
    "usage": "{login} may not use the schema of {relation}",
    "select": "{login} cannot read {what} of {relation}; a login without INHERIT has no rights through roles",
}
_END = """
SELECT s.usename, CASE
    WHEN me.rolsuper OR NOT l.rolsuper
        AND (pg_has_role(current_user, 'pg_signal_backend', 'USAGE') OR pg_has_role(current_user, l.oid, 'USAGE'))
    THEN pg_terminate_backend(s.pid) ELSE false END
FROM pg_stat_activity s JOIN pg_roles l ON l.oid = s.usesysid, (SELECT * FROM pg_roles WHERE rolname = current_user) me
WHERE s.usename = ANY(%(logins)s) AND s.datname = current_database() AND s.pid <> pg_backend_pid()
"""


def unreadable(connection: psycopg.Connection[Any], readings: Iterable[Reading]) -> Sequence[Unreadable]:
    """Readings of which something cannot be read, each with the first reason; one statement."""
    listed = {reading.grant_id: reading for reading in readings}
    found: dict[int, Unreadable] = {}
    for grant_id, column, obstacle in _judged(connection, listed.values()):
        if obstacle and grant_id not in found:
            reading = listed[grant_id]
            words = _OBSTACLES[obstacle].format(
                login=reading.login, relation=".".join(reading.path), what=column or "the whole"
            )
            found[grant_id] = Unreadable(grant_id, words[0].upper() + words[1:] + ".")
    return list(found.values())


def readable(connection: psycopg.Connection[Any], readings: Iterable[Reading]) -> Sequence[int]:
    """Grants of whose readings something can be read still; one statement."""
    return sorted({grant_id for grant_id, _, obstacle in _judged(connection, readings) if obstacle is None})


def end_sessions(connection: psycopg.Connection[Any], logins: Iterable[str]) -> SessionsEnded:
    """End sessions of these logins in this database. Open cursors, and before 16 SET ROLE, outlive a REVOKE."""
    ended = 0
    left: dict[str, int] = {}
    for login, done in connection.execute(_END, {"logins": sorted(set(logins))}):
        ended += done
        if not done:
            left[login] = left.get(login, 0) + 1
    if not left:
        return SessionsEnded(ended)
    told = ", ".join(f"{count} of {login}" for login, count in sorted(left.items()))
    return SessionsEnded(
        ended,
        f"Open sessions that could not be ended: {told}. A cursor that is open there reads on until it is closed."
        " GRANT pg_signal_backend to the catalog's account, or end them yourself.",
    )


def _judged(connection: psycopg.Connection[Any], readings: Iterable[Reading]) -> Sequence[tuple[int, str, str | None]]:
    rows: list[tuple[int, str, str, str, str]] = []
    for reading in readings:
        names = [""] if reading.whole else reading.columns
        rows += [(reading.grant_id, reading.login, reading.path[0], reading.path[1], name) for name in names]
        rows += [
            (reading.grant_id, reading.login, reading.view[0], reading.view[1], name) for name in reading.view_columns
        ]
    if not rows:
        return []
    grants, logins, schemas, names, columns = (list(column) for column in zip(*rows, strict=True))
    values = {"grants": grants, "logins": logins, "schemas": schemas, "names": names, "columns": columns}
    return connection.execute(_JUDGED, values).fetchall()
