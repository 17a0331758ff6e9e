from __future__ import annotations

import dataclasses
import ipaddress
import json
import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
import requests
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from common.errors import CatalogError
from common.management.answering import AnsweringCommand
from portal.demo.databases import Places
from portal.demo.loading import Kept, Loading


class Command(AnsweringCommand):
    help = "Load the demo into the running catalog; a second time it does what is missing and changes nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default=settings.SITE_URL, help="where the catalog answers (SITE_URL)")
        parser.add_argument(
            "--database", default="ontrack", help="name of OnTrack's database on the embedded PostgreSQL"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object, the logins among it")

    def handle(self, *args: Any, **options: Any) -> None:
        answer_file = Path(settings.VAR_DIR) / "demo.json"
        superuser_url = os.environ.get("EMBEDDED_POSTGRES_URL") or None
        if superuser_url is None:
            self.stderr.write("There is no embedded PostgreSQL here, so OnTrack's database is an SQLite file.")
        # The pipeline's own library announces how it sends; the steps below say what is sent.
        logging.getLogger("openlineage").setLevel(logging.WARNING)
        loading = Loading(
            places=Places(Path(settings.VAR_DIR) / "files", superuser_url, options["database"]),
            url=options["url"],
            only_here=is_loopback(options["url"]) and is_loopback(f"//{os.environ.get('HOST', '127.0.0.1')}"),
            note=self._note,
            kept=read_answer(answer_file),
        )
        try:
            loading.run()
        except CatalogError as error:
            raise CommandError(error.message) from None
        except requests.RequestException as error:
            raise CommandError(
                f"The catalog at {options['url']} did not take the pipeline's events ({error}). "
                "Start it with bin/run, or name its address with --url."
            ) from None
        except (psycopg.Error, duckdb.Error, OSError) as error:
            raise CommandError(f"The demo's databases could not be made or read: {error}") from None
        answer = {
            "address": options["url"],
            "changes": loading.changes,
            "logins": [dataclasses.asdict(login) for login in loading.logins],
            "token": loading.token,
            "rows": loading.rows,
        }
        write_answer(answer_file, answer)
        if options["json"]:
            self.stdout.write(json.dumps(answer))
            return
        if not loading.changes:
            self.stdout.write("The demo was there already; nothing was changed.")
        self.stdout.write(f"The catalog is at {options['url']}. Sign in as:")
        for login in loading.logins:
            self.stdout.write(f"  {login.username:<12} {login.password or '(as it was)':<24} {login.role}")
        self.stdout.write(f"The pipeline's token is in {answer_file}, which only you may read.")

    def _note(self, step: str, changes: int, seconds: float) -> None:
        self.stderr.write(f"  {step:<44} {seconds:5.1f} s{'' if changes else '  (was there)'}")


def is_loopback(url: str) -> bool:
    """Whether only this machine reaches the host of a URL."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_answer(path: Path) -> Kept:
    """What the last load knew; nothing where it left nothing that can be read."""
    try:
        answer = json.loads(path.read_text())
        passwords = {login["username"]: login["password"] for login in answer["logins"]}
        return Kept(passwords, answer.get("token", ""))
    except (OSError, ValueError, KeyError, TypeError):
        return Kept()


def write_answer(path: Path, answer: dict[str, Any]) -> None:
    """Keep the answer where only its owner reads it: there are passwords and a token in it."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        json.dump(answer, target, indent=1)
    unfinished.rename(path)
