"""The record of what happened, and its delivery to handlers.

A record's row is never changed: the runtime role may only insert and select. Personal data stands in a row of its own,
which can be erased while the record, holding its salted digest, stays as it was.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone


class CurrentTransactionId(models.Func):
    """PostgreSQL's 64-bit id of the writing transaction: a sealer reads only what every older transaction has committed."""

    function = "pg_current_xact_id"
    template = "%(function)s()"


class TransactionIdField(models.Field):
    """xid8."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class Record(models.Model):
    """One thing that happened. `payload` is canonical JSON (RFC 8785) of the whole event."""

    event = models.CharField(max_length=100)
    actor = models.ForeignKey("accounts.Principal", on_delete=models.PROTECT, related_name="+")
    occurred_at = models.DateTimeField()
    payload = models.TextField()
    xid = TransactionIdField(db_default=CurrentTransactionId(), editable=False)

    class Meta:
        indexes = [
            models.Index(name="record_by_time", fields=["-id"]),
            models.Index(name="record_by_event", fields=["event", "-id"]),
            models.Index(name="record_by_actor", fields=["actor", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.event} #{self.pk}"

    @property
    def values(self) -> dict[str, Any]:
        """The event's own values, without what identifies the record."""
        loaded: dict[str, Any] = json.loads(self.payload)["values"]
        return loaded


class RecordSubject(models.Model):
    """What a record is about. `change` is one word where a record means different things to its subjects: added, gone."""

    pk = models.CompositePrimaryKey("kind", "object_id", "record_id")
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="subjects")
    kind = models.CharField(max_length=30)
    object_id = models.BigIntegerField()
    change = models.CharField(max_length=20, default="", blank=True)

    class Meta:
        indexes = [models.Index(name="record_subject_by_record", fields=["record"])]


class PersonalDetail(models.Model):
    """The personal data of a record, and the salt of the digests that stand for it there."""

    record = models.OneToOneField(Record, primary_key=True, on_delete=models.PROTECT, related_name="personal")
    salt = models.BinaryField(max_length=16)
    values = models.JSONField()


class Delivery(models.Model):
    """A record on its way to one handler."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="deliveries")
    handler = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    last_error = models.TextField(default="", blank=True)

    MAX_ATTEMPTS: ClassVar[int] = 12

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(name="delivery_once_per_handler", fields=["record", "handler"])]
        indexes = [
            models.Index(
                name="delivery_waiting", fields=["next_attempt_at", "id"], condition=models.Q(state="pending")
            ),
            models.Index(name="delivery_undone", fields=["state"], condition=models.Q(state__in=["pending", "failed"])),
        ]
