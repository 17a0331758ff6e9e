from __future__ import annotations

import logging

from celery import shared_task

from accounts.models import Principal
from catalog.models import Source
from common.errors import CatalogError
from ingestion.actions import request_crawl
from ingestion.crawling import run_crawl
from ingestion.leases import forgotten_in_queue, give_up_silent
from ingestion.models import Run

logger = logging.getLogger(__name__)


@shared_task
def crawl(run_id: int) -> None:
    """Carry out a queued run; a second delivery finds it taken and does nothing."""
    run_crawl(run_id)


@shared_task
def crawl_scheduled_source(source_id: int) -> None:
    """A schedule has come due. While another run of the source is open there is nothing to add."""
    source = Source.objects.filter(pk=source_id).first()
    if source is None:
        return
    try:
        run = request_crawl(source=source, by=Principal.objects.system(), trigger=Run.Trigger.SCHEDULE)
    except CatalogError as error:
        logger.info("No scheduled crawl of %s: %s", source, error.message)
        return
    run_crawl(run.pk)


@shared_task
def sweep_runs() -> None:
    """Give up runs that fell silent, and send again those whose message got lost."""
    for run in give_up_silent():
        crawl.delay(run.pk)
    for run_id in forgotten_in_queue():
        crawl.delay(run_id)
