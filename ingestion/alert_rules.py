"""Crawls that need somebody: see `alerts.registry`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from django.urls import reverse

from alerts.kinds import Kind
from alerts.receivers import stewards_of_source
from alerts.registry import About, Receiver, Told, alert_on
from ingestion.events import PlanWaits, RunEnded
from ingestion.models import Run, RunState
from ingestion.queries import runs_for

RUN = About("crawl", runs_for, lambda run: reverse("ingestion:run", args=[run.pk]))


def _requester(told: Sequence[Told]) -> Iterable[Iterable[Receiver]]:
    runs = Run.objects.filter(pk__in=[one.about_id for one in told])
    asked = dict(runs.values_list("pk", "requested_by_id"))
    return [one.each([asked.get(one.about_id)]) for one in told]


def _ended(state: RunState) -> Callable[[Told], bool]:
    return lambda told: told.values["state"] == state


alert_on(
    RunEnded,
    kind=Kind.CRAWL,
    about=RUN,
    id="run_id",
    to=(_requester, stewards_of_source),
    when=_ended(RunState.FAILED),
    tell_actor=True,
    sentence="The crawl of {source} failed. Its page says why and what to do.",
    variant="failed",
)
alert_on(
    RunEnded,
    kind=Kind.CRAWL,
    about=RUN,
    id="run_id",
    to=(_requester, stewards_of_source),
    when=_ended(RunState.LOST),
    tell_actor=True,
    sentence="The crawl of {source} was lost, since its worker fell silent. Its page says whether it is tried again.",
    variant="lost",
)
alert_on(
    PlanWaits,
    kind=Kind.CRAWL,
    about=RUN,
    id="run_id",
    to=(_requester, stewards_of_source),
    tell_actor=True,
    sentence="The crawl of {source} would change much, and waits for somebody to confirm its plan or cancel it.",
)
