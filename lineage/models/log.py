"""The log of events as they came, and the queue in front of the fold."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from accounts.models import Principal
from lineage.packing import packed, unpacked


class PackedText(models.Field):
    """Text that is kept as `lineage.packing` packs it."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "bytea"

    def get_prep_value(self, value: str | None) -> bytes | None:
        return None if value is None else packed(value.encode())

    def from_db_value(self, value: bytes | None, expression: object, connection: BaseDatabaseWrapper) -> str | None:
        return None if value is None else unpacked(value).decode()


class Event(models.Model):
    """An event as it came, secrets masked. Partitioned by month of arrival; never read to answer about state."""

    class Kind(models.TextChoices):
        RUN = "run", "Run"
        DATASET = "dataset", "Dataset"
        JOB = "job", "Job"

    pk = models.CompositePrimaryKey("received_at", "id")
    id = models.BigIntegerField()
    received_at = models.DateTimeField()
    digest = models.UUIDField(help_text="128 bits of BLAKE2b over the canonical event: equal for equal events.")
    event_time = models.DateTimeField()
    kind = models.CharField(max_length=7, choices=Kind)
    event_type = models.CharField(max_length=8, null=True, help_text="START, COMPLETE and so on, of a run.")  # noqa: DJ001
    run_id = models.UUIDField(null=True)
    principal = models.ForeignKey(Principal, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    body = PackedText()

    class Meta:
        managed = False
        db_table = "lineage_event"


class PendingEvent(models.Model):
    """An event that no fold has taken up yet; written with its event, deleted with the state that came of it."""

    event_id = models.BigIntegerField(primary_key=True)
    received_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(db_default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(db_default="", blank=True)

    MAX_ATTEMPTS: ClassVar[int] = 5


class SetAsideEvent(models.Model):
    """An event that the fold could not take up after `PendingEvent.MAX_ATTEMPTS`; an administrator may send it again."""

    event_id = models.BigIntegerField(primary_key=True)
    received_at = models.DateTimeField()
    set_aside_at = models.DateTimeField(default=timezone.now)
    reason = models.TextField()

    def __str__(self) -> str:
        return f"event {self.event_id}"
