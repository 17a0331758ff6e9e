import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("catalog", "0003_key_that_points_nowhere"),
        ("lineage", "0003_schema_observations"),
    ]

    operations = [
        migrations.CreateModel(
            name="Column",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                (
                    "dataset",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.dataset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Explanation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content", models.UUIDField(help_text="The facet or the code, by digest.")),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("event", "Told by a pipeline"),
                            ("sql", "Read from the job's SQL"),
                            ("view", "Read from the view's definition"),
                        ],
                        db_default="event",
                        max_length=5,
                    ),
                ),
                ("current", models.BooleanField(db_default=False)),
                ("problem", models.TextField(blank=True, db_default="", help_text="What of it could not be read.")),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="explanations", to="catalog.dataset"
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="explanations",
                        to="lineage.job",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ColumnEdge",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "explanation_id",
                        "downstream_id",
                        "upstream_id",
                        "type",
                        "subtype",
                        "masking",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("type", models.PositiveSmallIntegerField(choices=[(0, "unknown"), (1, "DIRECT"), (2, "INDIRECT")])),
                ("subtype", models.TextField(blank=True, db_default="")),
                ("masking", models.BooleanField(db_default=False)),
                ("description", models.TextField(blank=True, db_default="")),
                ("current", models.BooleanField(db_default=False, help_text="As its explanation is.")),
                (
                    "downstream",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="lineage.column",
                    ),
                ),
                (
                    "upstream",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="lineage.column",
                    ),
                ),
                (
                    "explanation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="edges",
                        to="lineage.explanation",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="JobEdge",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "downstream_id", "upstream_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("first_seen", models.DateTimeField()),
                ("last_seen", models.DateTimeField()),
                (
                    "downstream",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="waits_for",
                        to="lineage.job",
                    ),
                ),
                (
                    "upstream",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lineage.job"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SameAs",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "first_id", "second_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("told", models.BooleanField(db_default=False, help_text="A symlinks facet that stands says so.")),
                (
                    "renamed",
                    models.BooleanField(
                        db_default=False, help_text="One was renamed to the other, which no facet takes back."
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        choices=[("open", "Waits for a decision"), ("accepted", "Accepted"), ("rejected", "Rejected")],
                        db_default="open",
                        max_length=8,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.principal",
                    ),
                ),
                (
                    "first",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.dataset",
                    ),
                ),
                (
                    "second",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.dataset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ToldInput",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run_id",
                        "job_id",
                        "dataset_id",
                        "digest",
                        "input_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("run_id", models.UUIDField()),
                ("digest", models.UUIDField(help_text="Of the event.")),
                (
                    "dataset",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.dataset",
                    ),
                ),
                (
                    "input",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.dataset",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="lineage.job"
                    ),
                ),
            ],
        ),
        migrations.RemoveIndex(
            model_name="datasetedge",
            name="edge_by_upstream",
        ),
        migrations.RemoveIndex(
            model_name="datasetedge",
            name="edge_by_job",
        ),
        migrations.RemoveIndex(
            model_name="rundataset",
            name="run_dataset_by_dataset",
        ),
        migrations.AddField(
            model_name="datasetedge",
            name="current",
            field=models.BooleanField(db_default=True),
        ),
        migrations.AddField(
            model_name="datasetedge",
            name="origin",
            field=models.CharField(
                choices=[
                    ("event", "Told by a pipeline"),
                    ("sql", "Read from the job's SQL"),
                    ("view", "Read from the view's definition"),
                ],
                db_default="event",
                max_length=5,
            ),
        ),
        migrations.AddField(
            model_name="datasetedge",
            name="run_id",
            field=models.UUIDField(blank=True, help_text="The latest run, or declaration, that has it.", null=True),
        ),
        migrations.AddField(
            model_name="dirtydataset",
            name="facets",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                default=list,
                help_text="Facets that `lineage.telling` passes on.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="deleted_at",
            field=models.DateTimeField(
                blank=True,
                help_text="What was seen until then no longer counts; the latest deletion stands.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="origin",
            field=models.CharField(
                choices=[("pipeline", "Told by a pipeline"), ("view", "The definition of a view")],
                db_default="pipeline",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="usual_seconds",
            field=models.FloatField(blank=True, help_text="Median duration of the last 20 completed runs.", null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="code",
            field=models.UUIDField(
                blank=True, help_text="What it executed: a content of `lineage.openlineage.code_of`.", null=True
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="code_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="code_digest",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="version",
            field=models.UUIDField(
                blank=True, help_text="Of the job: equal for runs that read, wrote and executed the same.", null=True
            ),
        ),
        migrations.AddField(
            model_name="rundataset",
            name="columns",
            field=models.UUIDField(
                blank=True, help_text="The content that tells its column lineage, by digest.", null=True
            ),
        ),
        migrations.AddField(
            model_name="rundataset",
            name="columns_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="rundataset",
            name="columns_digest",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="rundataset",
            name="told_at",
            field=models.DateTimeField(
                blank=True, help_text="When its inputs were told one by one: `ToldInput`.", null=True
            ),
        ),
        migrations.AddField(
            model_name="rundataset",
            name="told_digest",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="rundataset",
            name="version",
            field=models.TextField(blank=True, help_text="What the version facet calls it.", null=True),
        ),
        migrations.AddField(
            model_name="rundataset",
            name="version_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="rundataset",
            name="version_digest",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="rundataset",
            name="run",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="links",
                to="lineage.run",
            ),
        ),
        migrations.AddIndex(
            model_name="datasetedge",
            index=models.Index(
                condition=models.Q(("current", True)), fields=["downstream", "upstream", "job"], name="edge_downstream"
            ),
        ),
        migrations.AddIndex(
            model_name="datasetedge",
            index=models.Index(
                condition=models.Q(("current", True)), fields=["upstream", "downstream", "job"], name="edge_upstream"
            ),
        ),
        migrations.AddIndex(
            model_name="datasetedge",
            index=models.Index(fields=["job", "downstream"], name="edge_by_job"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("completed_at__isnull", False)),
                fields=["job", "version", "began_at"],
                name="run_by_version",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("ended_state__isnull", True)), fields=["began_at"], name="run_without_end"
            ),
        ),
        migrations.AddIndex(
            model_name="rundataset",
            index=models.Index(fields=["dataset", "direction", "job", "-last_at"], name="run_dataset_by_dataset"),
        ),
        migrations.AddConstraint(
            model_name="column",
            constraint=models.UniqueConstraint(fields=("dataset", "name"), name="column_name_unique"),
        ),
        migrations.AddConstraint(
            model_name="explanation",
            constraint=models.UniqueConstraint(
                fields=("job", "dataset", "content", "origin"), name="explanation_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="columnedge",
            index=models.Index(fields=["downstream", "current"], name="column_edge_downstream"),
        ),
        migrations.AddIndex(
            model_name="columnedge",
            index=models.Index(fields=["upstream", "current"], name="column_edge_upstream"),
        ),
        migrations.AddIndex(
            model_name="jobedge",
            index=models.Index(fields=["upstream", "downstream"], name="job_edge_by_upstream"),
        ),
        migrations.AddIndex(
            model_name="sameas",
            index=models.Index(fields=["second", "first"], name="same_as_second"),
        ),
        migrations.AddConstraint(
            model_name="sameas",
            constraint=models.CheckConstraint(
                condition=models.Q(("first__lt", models.F("second"))), name="same_as_in_order"
            ),
        ),
    ]
