"""What the catalog's own account needs in PostgreSQL, as exact statements."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from access.provisioning.desired import Profile, Rules
from access.provisioning.facts import Path


def service_grants(profile: Profile, rules: Rules, account: str, schemas: Sequence[Path]) -> list[str]:
    """For a superuser to run once in the database; the rights on tables again for schemas that are added later.

    The default privileges cover tables that the role which runs this makes later; run that line as each role that
    makes tables.
    """
    service = sql.Identifier(account)
    composed: list[sql.Composable] = []
    for path in schemas:
        schema = sql.Identifier(path[-1])
        composed += [
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {} WITH GRANT OPTION").format(schema, service),
            sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {} WITH GRANT OPTION").format(schema, service),
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT ON TABLES TO {} WITH GRANT OPTION").format(
                schema, service
            ),
        ]
    if profile is Profile.ROLE_MANAGING:
        composed += [
            sql.SQL("ALTER ROLE {} CREATEROLE").format(service),
            sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(
                sql.Identifier(rules.mask_schema), service
            ),
            sql.SQL("GRANT pg_signal_backend TO {}").format(service),
        ]
    return [one.as_string(None) for one in composed]
