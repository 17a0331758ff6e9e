"""Reads of notifications that chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, OuterRef, Q

from alerts.registry import every_about

if TYPE_CHECKING:
    from accounts.models import Principal
    from alerts.models import Notification


class NotificationQuerySet(models.QuerySet["Notification"]):
    def visible_to(self, principal: Principal) -> NotificationQuerySet:
        """One's own, about what one may still see: every read that shows or sends notifications passes here."""
        seen = Q(pk__in=[])
        for about in every_about():
            rows = about.visible_to(principal).filter(pk=OuterRef("about_id"))
            seen |= Q(about_kind=about.name) & Q(Exists(rows))
        return self.filter(seen, receiver=principal)

    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at__isnull=True)
