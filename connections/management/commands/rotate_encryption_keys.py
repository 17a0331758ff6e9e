"""Encrypt the stored passwords of sources with the newest key of CATALOG_ENCRYPTION_KEYS."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import Principal
from common.errors import CatalogError
from common.management.answering import AnsweringCommand
from connections.actions import rotate_encryption_keys
from connections.models import secret_box


class Command(AnsweringCommand):
    help = (
        "Put a new Fernet key first in CATALOG_ENCRYPTION_KEYS, keep the old one behind it, restart, and run"
        " this. Afterwards the old key can be removed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = rotate_encryption_keys(by=Principal.objects.system())
        except CatalogError as error:
            raise CommandError(error.message) from None
        key_id = secret_box().key_id
        if options["json"]:
            self.stdout.write(json.dumps({"rotated": count, "key_id": key_id}))
        else:
            self.stdout.write(f"{count} passwords moved to the key {key_id}; older keys can be removed.")
