"""What columns carry down lineage, which masking is held, and what is to be looked at again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("classification", "0003_categories_and_suggestions")]

    operations = [
        migrations.CreateModel(
            name="CarriedLabel",
            fields=[
                ("column_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("rank", models.PositiveSmallIntegerField(help_text="Of the level.")),
                ("cost", models.BigIntegerField()),
                ("source_id", models.BigIntegerField(help_text="The column on which the label stands.")),
                (
                    "via_id",
                    models.BigIntegerField(help_text="The column from which it came in one hop; 0 on the source."),
                ),
                ("job_id", models.BigIntegerField(help_text="The job of that hop; 0 on the source.")),
                (
                    "category_id",
                    models.BigIntegerField(blank=True, help_text="Of the label at the source.", null=True),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("via_id", 0), _negated=True), fields=["via_id"], name="carried_through"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HeldMasking",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "downstream_id",
                        "upstream_id",
                        "job_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("upstream_id", models.BigIntegerField()),
                ("downstream_id", models.BigIntegerField()),
                ("job_id", models.BigIntegerField()),
                ("since", models.DateTimeField()),
            ],
            options={"indexes": [models.Index(fields=["upstream_id"], name="held_out_of")]},
        ),
        migrations.CreateModel(
            name="StaleDataset",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("dataset_id", models.BigIntegerField(blank=True, null=True)),
            ],
        ),
    ]
