"""Commands that scripts ask with --json."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class AnsweringCommand(BaseCommand):
    """A command whose --json prints one JSON object, also where it fails: `{"error": "a sentence"}`.

    Standard error has the sentence too, and the exit status is the one of the failure.
    """

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if options.get("json"):
                self.stdout.write(json.dumps({"error": str(error)}))
            raise
