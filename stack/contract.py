"""What the application is told, and how: environment variables.

Read by config/settings.py; docs/operations.md describes each for operators.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from stack import chosen, secrets
from stack.layout import Layout
from stack.postgres import OWNER, RUNTIME, SUPERUSER
from stack.servers import Servers

DEFAULT_PORT = 8000


@dataclass(frozen=True, slots=True)
class Outside:
    """Servers that the person who starts the catalog brings along, from DATABASE_URL and REDIS_URL."""

    database_url: str | None
    redis_url: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Outside":
        return cls(environment.get("DATABASE_URL") or None, environment.get("REDIS_URL") or None)

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.database_url or self.redis_url)

    def servers(self, layout: Layout) -> Servers:
        """The embedded servers that are still needed."""
        return Servers(layout, with_postgres=self.database_url is None, with_valkey=self.redis_url is None)


def web_port(environment: Mapping[str, str] = os.environ) -> int:
    """The port that PORT chooses, 8000 without it."""
    return chosen.port("PORT", environment) or DEFAULT_PORT


def site_url(environment: Mapping[str, str] = os.environ) -> str:
    """The address that people and pipelines use: SITE_URL, or 127.0.0.1 and the port."""
    return environment.get("SITE_URL") or f"http://127.0.0.1:{web_port(environment)}"


def runtime(servers: Servers, outside: Outside) -> dict[str, str]:
    """The environment of web processes, workers and beat: everything but the owner's address."""
    layout = servers.layout
    layout.prepare()
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_OWNER_URL",)}
    ours = {
        "DATABASE_URL": outside.database_url or servers.postgres.url(RUNTIME),
        "REDIS_URL": outside.redis_url or servers.valkey.url,
        "CATALOG_VAR": str(layout.state),
        "SITE_URL": site_url(),
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secrets.signing_key(layout.secrets),
        "CATALOG_ENCRYPTION_KEYS": os.environ.get("CATALOG_ENCRYPTION_KEYS") or secrets.encryption_keys(layout.secrets),
        "ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS") or "localhost,127.0.0.1,[::1]",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(layout.root),
        "PYTHONUNBUFFERED": "1",
        # More arenas than cores only hold memory that glibc never gives back.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }
    return environment | ours


def management(servers: Servers, outside: Outside) -> dict[str, str]:
    """The environment of manage.py: the runtime's, and the role that owns the schema.

    With the embedded PostgreSQL also where its programs are (for backup and restore) and, for the demo's own
    databases, the superuser's address by host and port.
    """
    environment = runtime(servers, outside)
    if outside.database_url is not None:
        owner = os.environ.get("DATABASE_OWNER_URL") or outside.database_url
        return environment | {"DATABASE_OWNER_URL": owner}
    return environment | {
        "DATABASE_OWNER_URL": servers.postgres.url(OWNER),
        "EMBEDDED_POSTGRES_URL": servers.postgres.tcp_url(SUPERUSER, "postgres"),
    }


def testing(servers: Servers) -> dict[str, str]:
    """What the tests, and the type checker's look at the settings, add to the environment."""
    servers.layout.prepare()
    return {
        "DATABASE_URL": servers.postgres.url(OWNER, "postgres"),
        "REDIS_URL": servers.valkey.url,
        "SECRET_KEY": secrets.signing_key(servers.layout.secrets),
        "CATALOG_ENCRYPTION_KEYS": secrets.encryption_keys(servers.layout.secrets),
        "CATALOG_VAR": str(servers.layout.state),
        "SITE_URL": f"http://127.0.0.1:{DEFAULT_PORT}",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1],testserver",
        # A test's web process has no workers to look after.
        "WATCH": "false",
    }


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the settings of someone's real catalog, which a test must never touch."""
    prefixes = ("DATABASE_", "REDIS_", "CATALOG_", "EMAIL_", "EMBEDDED_", "POSTGRES_", "PG")
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(prefixes) or name == "CATALOG_POSTGRES_ACCOUNT"
    }
