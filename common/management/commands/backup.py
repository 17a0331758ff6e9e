from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from common.management.answering import AnsweringCommand
from stack import archive
from stack.errors import StackError


class Command(AnsweringCommand):
    help = "Write everything in the database to one file; keep the encryption keys elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the file to write; an existing one is replaced")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"].absolute()
        manifest = describe_database()
        try:
            archive.write(file, manifest, connection.get_connection_params(), server_version())
        except (StackError, OSError) as error:
            raise CommandError(f"{file} was not written. {error}") from None
        size = file.stat().st_size
        answer = {
            "file": str(file),
            "bytes": size,
            "datasets": manifest.datasets,
            "keys": list(manifest.keys),
        }
        if options["json"]:
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(
            f"{file}: {size / 1e6:,.1f} MB, {manifest.datasets:,} datasets. Stored credentials "
            "can only be read with CATALOG_ENCRYPTION_KEYS (var/secrets/encryption_keys), which are not in "
            "the file."
        )


def server_version() -> int:
    """The server's version as libpq numbers it: 180006 for 18.6."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int")
        return int(cursor.fetchone()[0])


def describe_database() -> archive.Manifest:
    """The manifest of a backup made now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_database()")
        version, database = cursor.fetchone()
        cursor.execute("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname")
        extensions = tuple(name for (name,) in cursor.fetchall())
        datasets = 0
        if "catalog_dataset" in connection.introspection.table_names(cursor):
            cursor.execute("SELECT count(*) FROM catalog_dataset")
            (datasets,) = cursor.fetchone()
    applied = MigrationRecorder(connection).applied_migrations()
    return archive.Manifest(
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        postgres=version,
        database=database,
        datasets=datasets,
        migrations=tuple(sorted(f"{app}.{name}" for app, name in applied)),
        extensions=extensions,
        keys=tuple(archive.fingerprint(key) for key in settings.CATALOG_ENCRYPTION_KEYS),
    )
