"""What columns carry down lineage, and what is to be looked at again: the state of `classification.propagation`.

Columns are those of `lineage`, whether the catalog knows a field of that name or not. Nothing here is history: labels have it.
"""

from __future__ import annotations

from django.db import models


class CarriedLabel(models.Model):
    """The label that a column carries on: its own, or the best that reaches it. See `classification.propagation.spread`."""

    column_id = models.BigIntegerField(primary_key=True)
    rank = models.PositiveSmallIntegerField(help_text="Of the level.")
    cost = models.BigIntegerField()
    source_id = models.BigIntegerField(help_text="The column on which the label stands.")
    via_id = models.BigIntegerField(help_text="The column from which it came in one hop; 0 on the source.")
    job_id = models.BigIntegerField(help_text="The job of that hop; 0 on the source.")
    category_id = models.BigIntegerField(null=True, blank=True, help_text="Of the label at the source.")

    class Meta:
        indexes = [models.Index(name="carried_through", fields=["via_id"], condition=~models.Q(via_id=0))]

    def __str__(self) -> str:
        return f"{self.rank} on {self.column_id}"


class HeldMasking(models.Model):
    """Masking by a pipeline's word that would lower a level which holds: it does not count until a steward believes it."""

    pk = models.CompositePrimaryKey("downstream_id", "upstream_id", "job_id")
    upstream_id = models.BigIntegerField()
    downstream_id = models.BigIntegerField()
    job_id = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="held_out_of", fields=["upstream_id"])]

    def __str__(self) -> str:
        return f"{self.upstream_id} to {self.downstream_id}"


class StaleDataset(models.Model):
    """A note that labels of a dataset's fields changed, or its fields; without a dataset, that everything did."""

    dataset_id = models.BigIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return "everything" if self.dataset_id is None else str(self.dataset_id)
