"""Learn which of the sources that hang answer again: asked all at once, as each takes a turn alone only (`leases`)."""

from __future__ import annotations

import dataclasses
import logging
from concurrent.futures import ThreadPoolExecutor

from access.enforcement.engines import engine_of
from access.enforcement.leases import ANSWER_SECONDS, hurried
from access.models import Enforcement
from common.errors import CatalogError

logger = logging.getLogger(__name__)

_MOST = 256
_AT_ONCE = 32
"""So that all of the most are asked in 24 seconds, if none of them lets anybody in."""


def knock() -> int:
    """Put those that let the catalog in and tell it all at once back among those that answer; how many."""
    hanging = Enforcement.objects.exclude(mode=Enforcement.Mode.OFF).filter(hung_at__isnull=False)
    asked = list(hanging.select_related("source__connection").order_by("tried_at")[:_MOST])
    if len(asked) < 2:
        return 0  # its own turn comes as soon
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="knock") as pool:
        answers = list(pool.map(_answers, asked))
    answering = [one.pk for one, answered in zip(asked, answers, strict=True) if answered]
    # One that is being tried with patience meanwhile learns it by itself.
    return hanging.filter(pk__in=answering).update(hung_at=None, tried_at=None)


def _answers(one: Enforcement) -> bool:
    connection = one.source.connection
    if connection is None:
        return False
    try:
        # What it is asked is what it will be asked then, and it need not work on for longer than it is waited for.
        target = dataclasses.replace(hurried(connection.target()), statement_seconds=ANSWER_SECONDS)
        engine = engine_of(one.source)
        enforcer = engine.open(target, one.rules(wraps=engine.wraps_logins))
        try:
            enforcer.inspect()
        finally:
            enforcer.close()
    except CatalogError:
        return False
    except Exception:
        # Whatever is wrong with one source, the others are asked.
        logger.exception("%s could not be asked whether it answers again.", one.source)
        return False
    return True
