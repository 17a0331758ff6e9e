from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from accounts.models import Principal
from catalog.models import Domain, SamplingAmount, Source, System
from catalog.visibility import told_of_no_domain
from common.errors import CatalogError
from common.management.answering import AnsweringCommand
from connections.addresses import parse_address
from ingestion.connectors.protocol import Check
from ingestion.management.addresses import TLS_CA_HELP, URL_HELP, certificate_in, refused
from ingestion.sources import add_crawled_source, check_source


class Command(AnsweringCommand):
    help = (
        "Add a source to crawl, as in: add_source shop postgres://reader:password@db.example.org:5432/shop."
        " Its connection is tested; a source that does not answer is not added, and the exit status is 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("url", help=URL_HELP)
        parser.add_argument(
            "--public-address", default="", help="host:port that pipelines use, where it is another one"
        )
        parser.add_argument("--tls-ca", type=Path, help=TLS_CA_HELP)
        parser.add_argument("--system", help="slug of the system that the source belongs to")
        parser.add_argument("--domain", help="slug of the domain that its datasets begin in")
        parser.add_argument("--include", action="append", default=[], help="pattern such as public.*; may be repeated")
        parser.add_argument("--exclude", action="append", default=[], help="pattern such as *.tmp_*; may be repeated")
        parser.add_argument(
            "--sampling",
            choices=SamplingAmount.values,
            default=SamplingAmount.OFF.value,
            help="whether crawls read rows, to profile and classify them (default: off)",
        )
        parser.add_argument("--unchecked", action="store_true", help="add it without testing its connection")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        check = None
        try:
            with transaction.atomic():
                source = self._add(options)
                if not options["unchecked"]:
                    check = check_source(source)
                    _refuse_unreachable(check)
        except CatalogError as error:
            raise refused(error, options["url"]) from None
        except (System.DoesNotExist, Domain.DoesNotExist) as error:
            raise CommandError(f"{error} Use the slug that its page shows.") from None
        warning = "" if source.domain else told_of_no_domain()
        if options["json"]:
            answer = {
                "name": source.name,
                "slug": source.slug,
                "namespace": source.namespace,
                "reachable": check.ok if check else None,
                "reason": check.reason if check else "not tested",
                "warnings": [warning] if warning else [],
            }
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(f"Added {source.name}; pipelines call it {source.namespace}.")
        self.stdout.write(f"Connection: {check.reason}" if check else "The connection was not tested.")
        if warning:
            self.stderr.write(f"{warning} Choose one on the source's page, or add sources with --domain.")
        self.stdout.write(f"Next: crawl {source.slug}")

    def _add(self, options: dict[str, Any]) -> Source:
        return add_crawled_source(
            name=options["name"],
            address=parse_address(options["url"]),
            public_address=options["public_address"],
            tls_ca=certificate_in(options["tls_ca"]) if options["tls_ca"] else "",
            system=System.objects.get(slug=options["system"]) if options["system"] else None,
            domain=Domain.objects.get(slug=options["domain"]) if options["domain"] else None,
            include=options["include"],
            exclude=options["exclude"],
            sampling=options["sampling"],
            by=Principal.objects.system(),
        )


def _refuse_unreachable(check: Check) -> None:
    if not check.ok:
        raise CatalogError(
            f"The source was not added: its connection fails. {check.reason} With --unchecked it is added all the same."
        )
