"""What Marquez's clients say that no event of OpenLineage could."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import Principal


class MarquezNote(models.Model):
    """What `PUT /api/v1/` told of a namespace, a source or a tag: an owner's name, an address, a description.

    It is answered as it was told and means nothing to lineage, access or the catalog.
    """

    class Kind(models.TextChoices):
        NAMESPACE = "namespace", "Namespace"
        SOURCE = "source", "Source"
        TAG = "tag", "Tag"

    kind = models.CharField(max_length=9, choices=Kind)
    name = models.TextField()
    told = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    told_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(name="marquez_note_once", fields=["kind", "name"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
