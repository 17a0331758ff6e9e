"""What people are told, in tests."""

from __future__ import annotations

from accounts.models import Principal
from alerts.models import Notification
from alerts.reading import lines_of
from audit.delivery import deliver_pending


def told(person: Principal) -> list[str]:
    """The sentences of a person's notifications, oldest first, after everything recorded was delivered."""
    deliver_pending()
    fresh = Principal.objects.select_related("user").get(pk=person.pk)
    rows = Notification.objects.of(fresh).select_related("record__actor").order_by("pk")
    return [line.sentence for line in lines_of(fresh, rows)]
