from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from celery import shared_task

from access.actions import (
    close_due_campaigns,
    compare_grants_with_policies,
    compare_where_late,
    escalate_due,
    escalate_reviews,
    expire_grants,
    expire_requests,
    settle_ended_items,
    take_from_the_closed,
)
from access.actions.claiming import BATCH
from access.enforcement.leases import due_sources, ending_sources
from access.policy_queries import count_to_compare
from accounts.models import Principal

logger = logging.getLogger(__name__)


def expire_all_grants(*, by: Principal) -> int:
    """End every grant whose time is over, batch by batch: none stays longer because many end at once."""
    done = 0
    while True:
        batch = expire_grants(by=by)
        done += batch
        if batch < BATCH:
            return done


SWEEPS = (
    expire_all_grants,
    take_from_the_closed,
    expire_requests,
    escalate_due,
    escalate_reviews,
    settle_ended_items,
    close_due_campaigns,
    compare_where_late,
)
"""What time does to access, what ends it first. The others take a batch each, so that none waits long for another."""

_COMPARE_SECONDS = 15.0
"""Comparing hands over to the next task after this long, so that other work gets its turn."""

_ENFORCE_EXPIRES = 10
"""Seconds after which a message is worthless: the next tick has sent another."""


@shared_task(ignore_result=True)
def expire() -> int:
    """End what is over; scheduled every 20 seconds."""
    return sweep_each(SWEEPS, by=Principal.objects.system())


def sweep_each(sweeps: Iterable[Callable[..., int]], *, by: Principal) -> int:
    """Run these, each though another failed; returns what they did in all. The first error is raised at the end."""
    done, failed = 0, []
    for sweep in sweeps:
        try:
            done += sweep(by=by)
        except Exception as error:
            logger.exception("%s failed; the sweeps after it run all the same", sweep.__name__)
            failed.append(error)
    if failed:
        raise failed[0]
    return done


@shared_task(ignore_result=True)
def compare_with_policies() -> int:
    """Hold the grants that stand to policies that came into force, for a while; scheduled every 5 seconds.

    Far from the worker that carries grants out and ends them, which it would keep busy.
    """
    began, done, system = time.monotonic(), 0, Principal.objects.system()
    compared = compare_grants_with_policies(by=system)
    if compared is None:
        return 0
    while compared is not None and time.monotonic() - began < _COMPARE_SECONDS:
        done += compared
        compared = compare_grants_with_policies(by=system)
    done += compared or 0
    logger.info("Grants are held to policies that came into force: %d turned, %d left.", done, count_to_compare())
    return done


@shared_task(ignore_result=True)
def enforce() -> None:
    """Send the sources that are due to be reconciled. Sent after each commit that asks for one, and every 2 seconds."""
    for source_id in due_sources():
        reconcile_source.apply_async((source_id,), expires=_ENFORCE_EXPIRES)


@shared_task(ignore_result=True)
def knock_at_hanging() -> int:
    """Learn which sources that hang answer again; scheduled every 15 seconds."""
    from access.enforcement.knocking import knock

    return knock()


@shared_task(ignore_result=True)
def reconcile_source(source_id: int) -> None:
    """See to one source; where another worker has it already, or it is not its turn any more, this does nothing.

    Access that is over ends first, in whatever source: many that were sent before may keep their worker waiting.
    """
    # The engines' drivers and the planner load with the first source that is enforced.
    from access.enforcement.reconciling import reconcile

    for first in ending_sources():
        reconcile(first, in_turn=True)
    while reconcile(source_id, in_turn=True):
        pass  # what was asked for while it ran is not left to the next tick
