from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classification.detectors import classify
from classification.detectors.rows import prediction_of, read_rows, tables_of


class Command(BaseCommand):
    help = (
        "Classify columns given as JSON lines (table, column, sql_type, comment, values) and write one prediction a line, in "
        "order. Rows one after another of the same table are each other's context. Labels are not read, values not kept."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a file of JSON lines, or - for the standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        try:
            if str(file) == "-":
                self._classify(sys.stdin)
            else:
                with file.open(encoding="utf-8", errors="surrogateescape") as lines:
                    self._classify(lines)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except ValueError as error:
            raise CommandError(str(error)) from None

    def _classify(self, lines: Iterable[str]) -> None:
        for table, rows in tables_of(read_rows(lines)):
            for row, verdict in zip(rows, classify(table), strict=True):
                self.stdout.write(json.dumps(prediction_of(row, verdict)))
