from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connection

from common import folded_migrations
from common.management.answering import AnsweringCommand
from common.management.commands.backup import describe_database, server_version
from stack import archive
from stack.errors import StackError


class Command(AnsweringCommand):
    help = "Replace everything in the database by a backup, after showing what it holds and asking."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a file that `backup` wrote")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--preview", action="store_true", help="show what the file holds and change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object; needs --yes or --preview")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"].absolute()
        if options["json"] and not (options["yes"] or options["preview"]):
            raise CommandError("With --json nobody can be asked: add --yes to restore, or --preview to look.")
        try:
            manifest = archive.read_manifest(file)
        except StackError as error:
            raise CommandError(str(error)) from None
        warnings = self._warnings(manifest)
        answer = {
            "file": str(file),
            "created": manifest.created,
            "datasets": manifest.datasets,
            "migrations": len(manifest.migrations),
            "warnings": warnings,
            "restored": False,
        }
        if not options["json"]:
            self.stdout.write(
                f"{file} was written at {manifest.created} from the database {manifest.database} "
                f"(PostgreSQL {manifest.postgres}) and holds {manifest.datasets:,} datasets."
            )
            for warning in warnings:
                self.stdout.write(warning)
        if not options["preview"]:
            self._check_restorable(manifest)
            if not options["yes"]:
                self._ask()
            self._restore(file, manifest)
            answer["restored"] = True
        if options["json"]:
            self.stdout.write(json.dumps(answer))
        elif answer["restored"]:
            self.stdout.write("Restored, and brought up to date with this version.")

    def _warnings(self, manifest: archive.Manifest) -> list[str]:
        mine = {archive.fingerprint(key) for key in settings.CATALOG_ENCRYPTION_KEYS}
        if set(manifest.keys) & mine:
            return []
        return [
            "None of the encryption keys that were in use then is set now: credentials of sources would "
            "have to be entered again. Put the old keys into CATALOG_ENCRYPTION_KEYS "
            "(var/secrets/encryption_keys) first."
        ]

    def _check_restorable(self, manifest: archive.Manifest) -> None:
        applied = {(app, name) for app, _, name in (each.partition(".") for each in manifest.migrations)}
        unknown = sorted(applied - folded_migrations.known())
        if unknown:
            raise CommandError(
                f"The backup is from a newer version of the catalog: {'.'.join(unknown[0])} is unknown here. "
                "Update the catalog first."
            )
        lacking = folded_migrations.lacking(applied)
        if lacking:
            raise CommandError(
                f"The backup is from too old a version of the catalog: it stands before {'.'.join(lacking)}. "
                f"{folded_migrations.REMEDY}"
            )
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            (others,) = cursor.fetchone()
        if others:
            raise CommandError(
                f"Other programs are connected to the database ({others}). Stop the catalog (Ctrl-C in "
                "bin/run) and whatever else uses it, then restore."
            )

    def _ask(self) -> None:
        current = describe_database()
        answer = input(
            f"Everything now in {current.database} ({current.datasets:,} datasets) will be replaced. "
            "Type `yes` to go on: "
        )
        if answer.strip().lower() != "yes":
            raise CommandError("Nothing was changed.")

    def _restore(self, file: Path, manifest: archive.Manifest) -> None:
        parameters = connection.get_connection_params()
        version = server_version()
        privileges = self._roles_exist()
        connection.close()
        try:
            archive.restore(file, manifest, parameters, version, privileges=privileges)
        except (StackError, OSError) as error:
            raise CommandError(str(error)) from None
        call_command("migrate", interactive=False, verbosity=0)

    def _roles_exist(self) -> bool:
        """Whether the runtime role, to which the backup grants, exists; without it one role does all."""
        role = settings.DATABASE_APP_ROLE
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [role])
            (found,) = cursor.fetchone()
        if not found and os.environ.get("DATABASE_OWNER_URL") not in (
            None,
            "",
            os.environ.get("DATABASE_URL"),
        ):
            raise CommandError(
                f"The role {role}, to which the backup grants rights, does not exist on this server. Create it first."
            )
        return bool(found)
