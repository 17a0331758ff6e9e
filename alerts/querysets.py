"""Reads of notifications that chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from accounts.models import Principal
    from alerts.models import Notification


class NotificationQuerySet(models.QuerySet["Notification"]):
    def of(self, principal: Principal) -> NotificationQuerySet:
        """One's own. What stands in them is checked row by row: `alerts.reading.lines_of`."""
        return self.filter(receiver=principal)

    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at__isnull=True)
