from __future__ import annotations

import json
import threading
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from accounts.models import Principal
from common.errors import CatalogError
from common.management.answering import AnsweringCommand
from ingestion.actions import request_crawl
from ingestion.crawling import run_crawl
from ingestion.models import Run, RunLogLine, RunState
from ingestion.queries import source_called


class Command(AnsweringCommand):
    help = "Crawl a source now, in this process; exits with 1 where it does not succeed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the source's name or slug")
        parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        source = source_called(options["name"])
        if source is None:
            raise CommandError(f"There is no source called {options['name']}. Add it with add_source.")
        try:
            run = request_crawl(source=source, by=Principal.objects.system(), dry_run=options["dry_run"])
        except CatalogError as error:
            raise CommandError(error.message) from None
        self._work(run, quiet=options["json"])
        run.refresh_from_db()
        # What ended the run stands in its log too.
        told = run.log.exclude(severity=RunLogLine.Severity.INFO).exclude(text=run.message)
        warnings = list(told.values_list("text", flat=True))
        if options["json"]:
            plan = {key: value for key, value in run.plan.items() if key != "staged"}
            seconds = run.duration.total_seconds() if run.duration else None
            answer = {
                "run": run.pk,
                "state": run.state,
                "message": run.message,
                "seconds": seconds,
                "plan": plan,
            }
            failure = {} if run.state == RunState.SUCCEEDED else {"error": run.message}
            self.stdout.write(json.dumps({**answer, "warnings": warnings, **failure}))
        else:
            for text in warnings:
                self.stderr.write(text)
            self.stdout.write(f"{run.get_state_display()}: {run.message}")
        if run.state != RunState.SUCCEEDED:
            raise SystemExit(1)

    def _work(self, run: Run, *, quiet: bool) -> None:
        """The crawl runs in a thread, so that this one can draw how far it is."""

        def work() -> None:
            try:
                run_crawl(run.pk)
            finally:
                connection.close()

        worker = threading.Thread(target=work)
        worker.start()
        console = Console(stderr=True)
        if quiet or not console.is_terminal:
            worker.join()
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("queued", total=None)
            while worker.is_alive():
                worker.join(timeout=0.3)
                run.refresh_from_db()
                progress.update(
                    task,
                    description=run.phase or run.state,
                    completed=run.datasets_read,
                    total=run.datasets_expected,
                )
