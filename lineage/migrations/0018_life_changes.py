"""Every change of a dataset's life that is told, not only the latest."""

import django.db.models.deletion
from django.db import migrations, models

_KINDS = [(1, "Created"), (2, "Altered"), (3, "Overwritten"), (4, "Emptied"), (5, "Renamed"), (6, "Dropped")]


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_profiles"), ("lineage", "0017_packed_observations")]

    operations = [
        migrations.CreateModel(
            name="LifeChange",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "dataset_id", "told_in", "kind", "previous",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                ),
                (
                    "told_in",
                    models.UUIDField(help_text="The run, or the digest of an event without one, which no `Run` has."),
                ),
                ("kind", models.PositiveSmallIntegerField(choices=_KINDS)),
                (
                    "previous",
                    models.BigIntegerField(
                        help_text="Of a rename, the dataset that the former name belongs to; else 0."
                    ),
                ),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                (
                    "dataset",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="life",
                        to="catalog.dataset",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False, help_text="That of a JobEvent.", null=True,
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lineage.job",
                    ),
                ),
            ],
            options={"indexes": [models.Index(name="life_change_by_time", fields=["dataset", "-last_at"])]},
        ),
    ]  # fmt: skip
