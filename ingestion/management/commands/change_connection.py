from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import Principal
from common.errors import CatalogError
from common.management.answering import AnsweringCommand
from connections.addresses import parse_address
from ingestion.management.addresses import TLS_CA_HELP, URL_HELP, certificate_in, refused
from ingestion.queries import source_called
from ingestion.sources import change_source_connection


class Command(AnsweringCommand):
    help = (
        "Change how a source is reached, as in: change_connection shop postgres://reader:password@db.example.org:5432/shop."
        " The connection is tested first; where it does not answer, nothing is changed, and the exit status is 1."
        " Without a password in the address the present one stays, unless server, account or TLS change. A source that was"
        " only pushed to gets its first connection, which must lead to its namespace."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the source's name or slug")
        parser.add_argument("url", help=URL_HELP)
        parser.add_argument("--tls-ca", type=Path, help=f"{TLS_CA_HELP} (default: the present one)")
        parser.add_argument("--no-tls-ca", action="store_true", help="trust what this machine trusts from now on")
        parser.add_argument("--unchecked", action="store_true", help="change it without testing the connection")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        source = source_called(options["name"])
        if source is None:
            raise CommandError(f"There is no source called {options['name']}. Add it with add_source.")
        kept = "" if options["no_tls_ca"] else None
        try:
            changed = change_source_connection(
                source=source,
                address=parse_address(options["url"]),
                tls_ca=certificate_in(options["tls_ca"]) if options["tls_ca"] else kept,
                unchecked=options["unchecked"],
                by=Principal.objects.system(),
            )
        except CatalogError as error:
            raise refused(error, options["url"]) from None
        check = changed.check
        if options["json"]:
            answer = {
                "name": source.name,
                "slug": source.slug,
                "namespace": source.namespace,
                "reachable": check.ok if check else None,
                "reason": check.reason if check else "not tested",
                "warnings": list(changed.told),
            }
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(f"Changed the connection of {source.name}; pipelines call it {source.namespace}.")
        self.stdout.write(f"Connection: {check.reason}" if check else "The connection was not tested.")
        for text in changed.told:
            self.stderr.write(text)
