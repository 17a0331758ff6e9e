from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from common.management.answering import AnsweringCommand
from portal.demo.databases import Places, read_as

_ROWS = 20


class Command(AnsweringCommand):
    help = (
        "Read OnTrack's database with the login of the demo's analyst, who reads there what the catalog granted and"
        f" nothing else: read_ontrack 'TABLE units'. At most {_ROWS} rows are shown."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("statement", help="what to read; nothing can be changed")
        parser.add_argument(
            "--database", default="ontrack", help="name of OnTrack's database on the embedded PostgreSQL"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object: the columns and the rows")

    def handle(self, *args: Any, **options: Any) -> None:
        superuser_url = os.environ.get("EMBEDDED_POSTGRES_URL") or None
        if superuser_url is None:
            raise CommandError("There is no embedded PostgreSQL here: the demo's OnTrack is a file without logins.")
        places = Places(Path(settings.VAR_DIR) / "files", superuser_url, options["database"])
        try:
            columns, rows = read_as(places, places.analyst_role, options["statement"], limit=_ROWS)
        except psycopg.errors.InsufficientPrivilege as error:
            raise CommandError(
                f"OnTrack's database refused {places.analyst_role}: {error.diag.message_primary}."
            ) from None
        except psycopg.errors.UndefinedObject:
            raise CommandError(
                "The demo's analyst has no login yet. Load the demo first: bin/manage load_demo"
            ) from None
        except psycopg.Error as error:
            raise CommandError(f"That could not be read: {error}") from None
        if options["json"]:
            self.stdout.write(json.dumps({"columns": columns, "rows": rows}, default=str))
            return
        self.stdout.write("\t".join(columns))
        for row in rows:
            self.stdout.write("\t".join("" if value is None else str(value) for value in row))
