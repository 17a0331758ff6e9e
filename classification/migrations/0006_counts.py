"""Sums of what waits and of what is covered, and an index by which a sample of a group is read in its order."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("catalog", "0007_profiles"),
        ("classification", "0005_level_approvals"),
    ]

    operations = [
        migrations.CreateModel(
            name="CoverageSum",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(help_text="A digest of what is counted together.")),
                ("source_id", models.BigIntegerField(blank=True, null=True)),
                ("domain_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "owners",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                ("columns", models.BigIntegerField()),
                ("decided", models.BigIntegerField()),
                ("suggested", models.BigIntegerField()),
                ("clear", models.BigIntegerField()),
                ("settled", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="DatasetCount",
            fields=[
                (
                    "dataset",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="catalog.dataset",
                    ),
                ),
                ("source_id", models.BigIntegerField(blank=True, null=True)),
                ("domain_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "owners",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                ("columns", models.PositiveIntegerField(default=0, help_text="With nested ones.")),
                ("decided", models.PositiveIntegerField(default=0)),
                ("suggested", models.PositiveIntegerField(default=0, help_text="Of those not decided.")),
                ("clear", models.PositiveIntegerField(default=0)),
                (
                    "waiting",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Its suggestions by category, level, phrase and type: how many, and the sum of their confidence.",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UncountedDataset",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("dataset_id", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="WaitingSum",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "by",
                    models.CharField(
                        choices=[("all", "Everywhere"), ("domain", "In a domain"), ("place", "In a source and domain")],
                        max_length=10,
                    ),
                ),
                ("key", models.UUIDField(help_text="A digest of what is counted together.")),
                ("source_id", models.BigIntegerField(blank=True, null=True)),
                ("domain_id", models.BigIntegerField(blank=True, null=True)),
                ("category_id", models.BigIntegerField()),
                ("level_id", models.BigIntegerField()),
                ("phrase", models.TextField()),
                ("type", models.TextField()),
                ("columns", models.BigIntegerField()),
                ("datasets", models.BigIntegerField()),
                ("confidence", models.BigIntegerField(help_text="The sum, in ten-thousandths.")),
                ("settled", models.BooleanField(default=False)),
            ],
        ),
        migrations.RemoveIndex(
            model_name="label",
            name="label_waiting",
        ),
        migrations.AddIndex(
            model_name="label",
            index=models.Index(
                condition=models.Q(("state", "suggested"), ("valid_to__isnull", True)),
                fields=["level", "category", "phrase", "confidence", "id"],
                name="label_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="coveragesum",
            index=models.Index(condition=models.Q(("settled", False)), fields=["id"], name="coverage_sum_to_settle"),
        ),
        migrations.AddConstraint(
            model_name="coveragesum",
            constraint=models.UniqueConstraint(
                condition=models.Q(("settled", True)), fields=("key",), name="coverage_sum_settled_once"
            ),
        ),
        migrations.AddIndex(
            model_name="waitingsum",
            index=models.Index(condition=models.Q(("settled", False)), fields=["id"], name="waiting_sum_to_settle"),
        ),
        migrations.AddIndex(
            model_name="waitingsum",
            index=models.Index(fields=["by", "domain_id", "source_id"], name="waiting_sum_by_place"),
        ),
        migrations.AddConstraint(
            model_name="waitingsum",
            constraint=models.UniqueConstraint(
                condition=models.Q(("settled", True)), fields=("key",), name="waiting_sum_settled_once"
            ),
        ),
    ]
