"""What the intake refused, for whoever owns the token that it came with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models.functions import Now

from accounts.models import ApiToken
from accounts.queries import visible_tokens

if TYPE_CHECKING:
    from accounts.models import Principal


class RejectedEventQuerySet(models.QuerySet["RejectedEvent"]):
    def visible_to(self, principal: Principal) -> RejectedEventQuerySet:
        """What came with tokens that `principal` may see: one's own, and as an administrator all."""
        return self.filter(token__in=visible_tokens(principal).select_related(None))


class RejectedEvent(models.Model):
    """An event, or a body that was none, which the intake refused. The newest of each token, for a time (`rejections`)."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+", db_index=False)
    rejected_at = models.DateTimeField(db_default=Now())
    status = models.PositiveSmallIntegerField(
        help_text="The HTTP status of the answer, or what it would be for it alone."
    )
    field = models.TextField(blank=True, help_text="Which member of the event, as a dotted path; empty for the whole.")
    reason = models.TextField()
    body = models.TextField(blank=True, help_text="The beginning of it, secrets masked; empty where it was not read.")
    size = models.PositiveIntegerField(help_text="Bytes of the whole body.")
    batch_index = models.PositiveIntegerField(null=True, help_text="Its place in a batch, counted from 0.")

    objects = RejectedEventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="rejected_event_by_token", fields=["token", "-id"]),
            models.Index(name="rejected_event_by_time", fields=["rejected_at"]),
        ]
