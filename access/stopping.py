"""Who stopped a recertification before its end, and why, as the record tells it."""

from __future__ import annotations

from dataclasses import dataclass

from access.events import CampaignStopped
from access.models import Campaign
from accounts.models import Principal
from audit.models import Record
from audit.queries import values_of


@dataclass(frozen=True, slots=True)
class Stop:
    """Who ended a campaign before its time, and why."""

    by: Principal
    reason: str


def stop_of(campaign: Campaign) -> Stop | None:
    """None of one that is open or closed by itself. Two statements at most."""
    if campaign.is_open:
        return None
    told = Record.objects.filter(
        event=CampaignStopped.name, subjects__kind="campaign", subjects__object_id=campaign.pk
    ).select_related("actor__user")
    record = told.first()
    return Stop(record.actor, values_of([record])[record.pk]["reason"]) if record else None
