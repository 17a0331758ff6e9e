from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Principal
from catalog.models import Domain, System
from common.errors import CatalogError
from connections.addresses import parse_address
from ingestion.sources import add_crawled_source, check_source


class Command(BaseCommand):
    help = "Add a source to crawl, as in: add_source shop postgres://reader:password@db.example.org:5432/shop"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("url", help="postgres://, mysql://, mariadb://, sqlite:/// or duckdb:/// and the address")
        parser.add_argument(
            "--public-address", default="", help="host:port that pipelines use, where it is another one"
        )
        parser.add_argument("--system", help="slug of the system that the source belongs to")
        parser.add_argument("--domain", help="slug of the domain that its datasets begin in")
        parser.add_argument("--include", action="append", default=[], help="pattern such as public.*; may be repeated")
        parser.add_argument("--exclude", action="append", default=[], help="pattern such as *.tmp_*; may be repeated")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source = add_crawled_source(
                name=options["name"],
                address=parse_address(options["url"]),
                public_address=options["public_address"],
                system=System.objects.get(slug=options["system"]) if options["system"] else None,
                domain=Domain.objects.get(slug=options["domain"]) if options["domain"] else None,
                include=options["include"],
                exclude=options["exclude"],
                by=Principal.objects.system(),
            )
            check = check_source(source)
        except CatalogError as error:
            details = [f"{name}: {text}" for name, texts in getattr(error, "fields", {}).items() for text in texts]
            raise CommandError(" ".join([error.message, *details])) from None
        except (System.DoesNotExist, Domain.DoesNotExist) as error:
            raise CommandError(f"{error} Use the slug that its page shows.") from None
        if options["json"]:
            answer = {
                "name": source.name,
                "slug": source.slug,
                "namespace": source.namespace,
                "reachable": check.ok,
                "reason": check.reason,
            }
            self.stdout.write(json.dumps(answer))
            return
        self.stdout.write(f"Added {source.name}; pipelines call it {source.namespace}.")
        self.stdout.write(f"Connection: {check.reason}")
        self.stdout.write(f"Next: crawl {source.slug}" if check.ok else "Mend the connection, then crawl it.")
