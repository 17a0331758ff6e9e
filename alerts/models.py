"""Who is told of what, how they want to hear of it, and which conditions hold."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Principal
from alerts.kinds import Choice, Kind
from alerts.querysets import NotificationQuerySet
from audit.models import Record
from catalog.models import Dataset


class Notification(models.Model):
    """A record that one person is told of. Its sentence is made from the record whenever it is read.

    `mail_due_at` is null where no e-mail is to be sent, or is no longer.
    """

    receiver = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+", db_index=False)
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=30)
    rule = models.CharField(max_length=150)
    about_kind = models.CharField(max_length=30)
    about_id = models.BigIntegerField()
    others = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    mail_due_at = models.DateTimeField(null=True, blank=True)
    mail_sent_at = models.DateTimeField(null=True, blank=True)
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    mail_error = models.TextField(default="", blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="notification_once_per_person", fields=["record", "receiver"]),
        ]
        indexes = [
            models.Index(name="notification_of_receiver", fields=["receiver", "-id"]),
            models.Index(name="notification_unread", fields=["receiver", "-id"], condition=Q(read_at__isnull=True)),
            models.Index(name="notification_to_mail", fields=["mail_due_at"], condition=Q(mail_due_at__isnull=False)),
            models.Index(name="notification_by_age", fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return f"notification {self.pk}"


class Preference(models.Model):
    """How a person wants to hear of a kind, where they chose."""

    principal = models.ForeignKey(Principal, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=30, choices=Kind)
    choice = models.CharField(max_length=10, choices=Choice)

    class Meta:
        constraints = [models.UniqueConstraint(name="preference_once_per_kind", fields=["principal", "kind"])]

    def __str__(self) -> str:
        return f"{self.kind}: {self.choice}"


class Follow(models.Model):
    """A person who wants to hear of a dataset without owning it."""

    principal = models.ForeignKey(Principal, on_delete=models.CASCADE, related_name="follows", db_index=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="followers")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(name="follow_once", fields=["principal", "dataset"])]

    def __str__(self) -> str:
        return f"follow {self.pk}"


class Alarm(models.Model):
    """A condition that holds of something, from the time it was noticed until it was found over.

    It is told once when it is raised, however often it is found to hold still.
    """

    condition = models.CharField(max_length=50)
    subject = models.CharField(max_length=100, help_text="The id of a row, or the name of a part of the catalog.")
    raised_at = models.DateTimeField(default=timezone.now)
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="alarm_open_once", fields=["condition", "subject"], condition=Q(cleared_at__isnull=True)
            ),
            models.CheckConstraint(
                name="alarm_ends_after_it_begins",
                condition=Q(cleared_at__isnull=True) | Q(cleared_at__gte=F("raised_at")),
            ),
        ]
        indexes = [models.Index(name="alarm_by_time", fields=["condition", "-raised_at"])]

    def __str__(self) -> str:
        return f"{self.condition} of {self.subject}"
