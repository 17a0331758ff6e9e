"""What sources told of their privileges, and when: the memory behind "who could read this on that day?"."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from catalog.models import Source


class ObservedFact(models.Model):
    """A fact (`access.provisioning.facts`) from the inspection that first told it to the one that told it no more.

    `kind` is the fact's class and `path` its object's, empty where it has none. `shows` marks relations that read
    others: views, copies and parents. Definitions of views are left out.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+", db_index=False)
    digest = models.BinaryField(help_text="Of the fact, 16 bytes.")
    kind = models.CharField(max_length=20)
    path = ArrayField(models.TextField(), default=list, blank=True)
    anywhere = models.BooleanField(default=False, help_text="Whether the path is a pattern.")
    shows = models.BooleanField(default=False)
    fact = models.TextField(help_text="As JSON.")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="observed_fact_once", fields=["source", "digest"], condition=Q(valid_to__isnull=True)
            ),
            models.CheckConstraint(
                name="observed_fact_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
        ]
        indexes = [
            models.Index(name="observed_fact_by_place", fields=["source", "kind", "path"]),
            models.Index(name="observed_fact_shows", fields=["source"], condition=Q(shows=True)),
            models.Index(name="observed_fact_anywhere", fields=["source"], condition=Q(anywhere=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in source {self.source_id}"


class Watch(models.Model):
    """A time through which a source was inspected again and again without a longer pause."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+", db_index=False)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(help_text="The last inspection so far.")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="watch_begins_once", fields=["source", "began_at"]),
            models.CheckConstraint(name="watch_ends_after_it_begins", condition=Q(ended_at__gte=F("began_at"))),
        ]

    def __str__(self) -> str:
        return f"watch of source {self.source_id}"
