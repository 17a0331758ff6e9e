"""What the role that runs the application may do: everything with rows, nothing with tables, and no second thoughts about
the record, which it may only add to and read."""

from __future__ import annotations

from django.conf import settings
from django.db import connections
from psycopg import sql

_APPEND_ONLY = ("audit_record", "audit_recordsubject")


def grant(using: str = "default") -> bool:
    """Give the runtime role its rights, where the role exists and another one owns the tables; returns whether it did."""
    connection = connections[using]
    role = sql.Identifier(settings.DATABASE_APP_ROLE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname <> current_user FROM pg_roles WHERE rolname = %s", [settings.DATABASE_APP_ROLE])
        row = cursor.fetchone()
        if row is None or not row[0]:
            return False
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {role}").format(role=role))
        # Only what this role owns: extensions keep views and functions of their own in the same schema.
        cursor.execute(
            """
            SELECT relname, relkind = 'S' FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
              AND pg_get_userbyid(relowner) = current_user ORDER BY relname
            """
        )
        owned = cursor.fetchall()
        for sequences, statement in (
            (False, "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {names} TO {role}"),
            (True, "GRANT USAGE, SELECT ON SEQUENCE {names} TO {role}"),
        ):
            names = sql.SQL(", ").join(sql.Identifier(name) for name, is_sequence in owned if is_sequence == sequences)
            cursor.execute(sql.SQL(statement).format(names=names, role=role))
        for table in _APPEND_ONLY:
            cursor.execute(
                sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}").format(
                    table=sql.Identifier(table), role=role
                )
            )
    return True
