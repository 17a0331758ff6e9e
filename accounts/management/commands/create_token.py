from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.actions import create_token, pipeline_principal
from accounts.models import Principal
from accounts.tokens import Scope
from common.errors import CatalogError
from common.management.answering import AnsweringCommand

MAX_DAYS = 36_500


class Command(AnsweringCommand):
    help = "Create a token for a pipeline and print it this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the pipeline's name; the token gets the same")
        parser.add_argument("--scope", action="append", required=True, choices=list(Scope), help="may be repeated")
        parser.add_argument("--namespace", action="append", default=[], help="events may mention only these; repeat")
        parser.add_argument("--days", type=int, help="expires after so many days; without it, never")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--days is a number from 1 to {MAX_DAYS}. Leave it out for a token that never expires.")
        expires_at = timezone.now() + dt.timedelta(days=days) if days is not None else None
        try:
            issued = create_token(
                principal=pipeline_principal(options["name"]),
                name=options["name"],
                scopes=options["scope"],
                namespaces=options["namespace"],
                expires_at=expires_at,
                by=Principal.objects.system(),
            )
        except CatalogError as error:
            raise CommandError(error.message) from None
        answer = {
            "name": issued.token.name,
            "token": issued.text,
            "scopes": issued.token.scopes,
            "expires_at": expires_at.isoformat() if expires_at else None,
        }
        self.stdout.write(json.dumps(answer) if options["json"] else issued.text)
