"""Whether servers of one's own do: the PostgreSQL of DATABASE_URL and the Redis or Valkey of REDIS_URL.

Asked before anything starts. Later a wrong address would only show in the logs of processes that start over and over, and a
missing right in the middle of the migrations.
"""

from __future__ import annotations

import os

import psycopg
import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import ConnectionHandler

from config.settings import database

OLDEST = 15
EXTENSIONS = ("btree_gin", "btree_gist", "pg_trgm")
"""What the migrations make where it is missing."""
_PREPARE = 'docs/operations.md says under "Servers of your own" how to prepare a database.'
_ANSWER_SECONDS = 10

_LACKING = """
    SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
        has_database_privilege(current_database(), 'CREATE'),
        ARRAY(SELECT name FROM unnest(%s::text[]) AS name WHERE name NOT IN (SELECT extname FROM pg_extension)),
        current_user, current_database()
"""


def check_servers() -> None:
    """Return where all of them do; raise ImproperlyConfigured with a sentence about the first that does not."""
    _connect("DATABASE_URL").close()
    owner = "DATABASE_OWNER_URL" if os.environ.get("DATABASE_OWNER_URL") else "DATABASE_URL"
    with _connect(owner) as connection:
        _check_rights(connection, owner)
    _check_broker()


def _connect(variable: str) -> psycopg.Connection:
    """A connection to the database that the variable names, opened as Django opens its own."""
    address = database(variable)
    address["OPTIONS"].setdefault("connect_timeout", _ANSWER_SECONDS)
    parameters = ConnectionHandler({"default": address})["default"].get_connection_params()
    try:
        connection = psycopg.connect(**parameters, autocommit=True)
    except psycopg.Error as error:
        raise ImproperlyConfigured(
            f"The database of {variable} cannot be reached. Start it, or correct {variable}. What was heard: "
            f"{_in_one_line(error)}"
        ) from None
    major = connection.info.server_version // 10_000
    if major < OLDEST:
        connection.close()
        raise ImproperlyConfigured(
            f"{variable} names a PostgreSQL {major}. The catalog needs PostgreSQL {OLDEST} or newer."
        )
    return connection


def _check_rights(connection: psycopg.Connection, variable: str) -> None:
    """What migrates a fresh database makes tables and extensions in it. One that is migrated may be locked again."""
    if connection.execute("SELECT to_regclass('django_migrations') IS NOT NULL").fetchall() == [(True,)]:
        return
    ((makes_tables, makes_extensions, extensions, role, name),) = connection.execute(_LACKING, [list(EXTENSIONS)])
    if not makes_tables:
        raise ImproperlyConfigured(
            f"{role}, the role of {variable}, may not make tables in the database {name}. {_PREPARE}"
        )
    if extensions and not makes_extensions:
        raise ImproperlyConfigured(
            f"The database {name} lacks the extensions {', '.join(extensions)}, and {role}, the role of {variable},"
            f" may not make them. {_PREPARE}"
        )


def _check_broker() -> None:
    patience = {"socket_timeout": _ANSWER_SECONDS, "socket_connect_timeout": _ANSWER_SECONDS}
    try:
        with redis.Redis.from_url(settings.REDIS_URL, **patience) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise ImproperlyConfigured(
            "The Redis or Valkey of REDIS_URL cannot be reached. Start it, or correct REDIS_URL. What was heard: "
            f"{_in_one_line(error)}"
        ) from None


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
