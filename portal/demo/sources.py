"""The demo's sources: OnTrack, SplashKit and the warehouse with their connections, and those that nothing reads yet."""

from __future__ import annotations

from typing import Any

from catalog.actions import add_source
from catalog.models import Domain, Field, SamplingAmount, Source, System
from common.errors import Conflict
from connections.addresses import Address
from connections.platforms import Platform
from connections.tls import default_tls
from ingestion.actions import request_crawl, set_schedule
from ingestion.models import OPEN_STATES, CrawlSchedule, Run, RunState
from ingestion.sources import add_crawled_source, check_source, grants_of
from portal.demo import databases
from portal.demo.databases import Places
from portal.demo.organisation import ADMINISTRATOR, KNOWN_SOURCES, NIGHTLY_CRON, PRODUCT_OWNER, STEWARD, Person
from portal.demo.people import principal

ONTRACK, SPLASHKIT, WAREHOUSE = "ontrack", "splashkit", "warehouse"
CRAWLED = (ONTRACK, SPLASHKIT, WAREHOUSE)
IN_CHARGE: dict[str, Person] = {ONTRACK: STEWARD, SPLASHKIT: PRODUCT_OWNER, WAREHOUSE: PRODUCT_OWNER}
"""Who has each source crawled: an owner of its domain."""


def add_sources(places: Places) -> int:
    """Make the sources that are missing, and let the catalog's account read what it needs; how many were made."""
    there = set(Source.objects.values_list("slug", flat=True))
    made = 0
    for slug, values in _crawled(places).items():
        if slug not in there:
            address = _address(places, slug)
            add_crawled_source(
                slug=slug, address=address, sampling=SamplingAmount.LIGHT, by=principal(ADMINISTRATOR), **values
            )
            made += 1
    for known in KNOWN_SOURCES:
        if known.slug not in there:
            add_source(
                slug=known.slug,
                name=known.name,
                platform=known.platform,
                namespace=known.namespace,
                system=System.objects.get(slug=known.system),
                domain=Domain.objects.get(slug=known.domain),
                frequency=known.frequency,
                structure=known.structure,
                location=known.location,
                description=known.description,
                by=principal(ADMINISTRATOR),
            )
            made += 1
    for source in _never_crawled():
        if source.slug == ONTRACK and places.superuser_url is not None:
            _grant(places, source)
        check = check_source(source)
        if not check.ok:
            raise Conflict(f"{source} does not answer: {check.reason}")
        if not CrawlSchedule.objects.filter(source=source).exists():
            set_schedule(source=source, cron=NIGHTLY_CRON, by=principal(IN_CHARGE[source.slug]))
    return made


def request_crawls() -> list[Run]:
    """Queue a crawl of each source that none has read yet, by whoever is in charge of it."""
    return [_crawl_of(source) for source in _never_crawled()]


def request_crawl_after_release() -> Run | None:
    """Queue another crawl of OnTrack, unless one has seen the release already."""
    seen = Field.objects.filter(dataset__source__slug=ONTRACK, dataset__name="tasks", path=[databases.RELEASED_COLUMN])
    if seen.exists():
        return None
    return _crawl_of(Source.objects.select_related("domain").get(slug=ONTRACK))


def _crawl_of(source: Source) -> Run:
    unfinished = Run.objects.filter(source=source, state__in=OPEN_STATES).first()
    return unfinished or request_crawl(source=source, by=principal(IN_CHARGE[source.slug]))


def _never_crawled() -> list[Source]:
    read = Run.objects.filter(state=RunState.SUCCEEDED, dry_run=False).values("source_id")
    return list(Source.objects.filter(slug__in=CRAWLED).exclude(pk__in=read).select_related("connection", "domain"))


def _grant(places: Places, source: Source) -> None:
    """Give the catalog's account exactly what the connector asks for: first to come in, then what it names from inside."""
    for _ in range(2):
        databases.carry_out(places, grants_of(source))


def _address(places: Places, slug: str) -> Address:
    if slug == WAREHOUSE:
        return Address(platform=Platform.DUCKDB, path=str(places.warehouse_file))
    if slug == SPLASHKIT:
        return Address(platform=Platform.SQLITE, path=str(places.splashkit_file))
    if places.superuser_url is None:
        return Address(platform=Platform.SQLITE, path=str(places.ontrack_file))
    host, port = databases.server_address(places)
    return Address(
        platform=Platform.POSTGRES,
        host=host,
        port=port,
        database=places.ontrack_database,
        username=places.catalog_role,
        secret=databases.new_login(places, places.catalog_role),
        tls=default_tls(host),
    )


def _crawled(places: Places) -> dict[str, dict[str, Any]]:
    file = " In this demo it is an SQLite file." if places.superuser_url is None else ""
    return {
        ONTRACK: {
            "name": "OnTrack database",
            "system": System.objects.get(slug="ontrack"),
            "domain": Domain.objects.get(slug="learning"),
            "frequency": Source.Frequency.BATCH,
            "structure": Source.Structure.STRUCTURED,
            "location": "This machine",
            "description": f"What OnTrack keeps: users, units, tasks and what was handed in.{file}",
        },
        SPLASHKIT: {
            "name": "SplashKit usage metrics",
            "system": System.objects.get(slug="splashkit"),
            "domain": Domain.objects.get(slug="product"),
            "frequency": Source.Frequency.STREAM,
            "structure": Source.Structure.STRUCTURED,
            "location": "This machine",
            "description": "Proposed: a first collector writes each program run here as it is told of it.",
        },
        WAREHOUSE: {
            "name": "Warehouse",
            "system": System.objects.get(slug="data-platform"),
            "domain": Domain.objects.get(slug="insight"),
            "frequency": Source.Frequency.BATCH,
            "structure": Source.Structure.STRUCTURED,
            "location": "This machine",
            "description": "Staging and marts, made anew every night by the pipeline.",
        },
    }
