"""The tables of lineage, and the event log."""

import datetime as dt

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, Func, Value, When
from django.db.models.functions import Coalesce, Greatest, Least, Now
from django.utils import timezone

import lineage.models.log
from common.tables import CreateTables
from lineage.migrations import _event_log

STORAGE = """
-- Queues: vacuumed by count, since their size is always near nothing.
ALTER TABLE lineage_pendingevent SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE lineage_dirtydataset SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
-- Rows that each run touches again: room on the page keeps updates from touching indexes.
ALTER TABLE lineage_run SET (fillfactor = 80);
ALTER TABLE lineage_rundataset SET (fillfactor = 90);
ALTER TABLE lineage_job SET (fillfactor = 70);
ALTER TABLE lineage_jobdataset SET (fillfactor = 70);
ALTER TABLE lineage_datasetedge SET (fillfactor = 70);
ALTER TABLE lineage_jobfacet SET (fillfactor = 70);
ALTER TABLE lineage_datasetfacet SET (fillfactor = 70);
"""

# What all facets of a kind repeat, who made them and by which schema, is kept once.
CONTENT = """
CREATE VIEW lineage_content AS
SELECT body.digest,
       CASE WHEN provenance.id IS NULL THEN body.members
            ELSE body.members || jsonb_build_object('_producer', provenance.producer, '_schemaURL', provenance.schema_url)
       END AS value
FROM lineage_contentbody AS body
LEFT JOIN lineage_provenance AS provenance ON provenance.id = body.provenance_id;
"""


def _utc(moment):
    return Func(Value("UTC"), moment, function="timezone", output_field=DateTimeField())


_USUAL = ExpressionWrapper(F("usual_seconds") * Value(dt.timedelta(seconds=3)), output_field=DurationField())
_ALLOWED = Case(
    When(usual_seconds__isnull=True, then=Value(dt.timedelta(days=1), output_field=DurationField())),
    default=Greatest(Value(dt.timedelta(minutes=10), output_field=DurationField()), _USUAL),
    output_field=DurationField(),
)
_DUE = Least(
    _utc(ExpressionWrapper(_utc(F("latest_at")) + _ALLOWED, output_field=DateTimeField())),
    Value(dt.datetime(9999, 12, 31, tzinfo=dt.UTC), output_field=DateTimeField()),
    output_field=DateTimeField(),
)


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("lineage", "0002_event_log"),
        ("lineage", "0003_schema_observations"),
        ("lineage", "0004_depth"),
        ("lineage", "0010_rejected_events"),
        ("lineage", "0011_event_retention"),
        ("lineage", "0012_marquez_notes"),
        ("lineage", "0013_packed_bodies"),
        ("lineage", "0014_provenance"),
        ("lineage", "0015_changed_columns"),
        ("lineage", "0016_attention"),
        ("lineage", "0017_packed_observations"),
        ("lineage", "0018_life_changes"),
        ("lineage", "0019_known_life_changes"),
        ("lineage", "0020_run_root"),
        ("lineage", "0021_known_roots"),
        ("lineage", "0022_criticality_look"),
    ]

    dependencies = [("accounts", "0001_initial"), ("catalog", "0001_initial")]

    operations = [
        CreateTables(
            migrations.CreateModel(
                name="Job",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("namespace", models.TextField()),
                    ("name", models.TextField()),
                    (
                        "origin",
                        models.CharField(
                            choices=[("pipeline", "Told by a pipeline"), ("view", "The definition of a view")],
                            db_default="pipeline",
                            max_length=8,
                        ),
                    ),
                    (
                        "deleted_at",
                        models.DateTimeField(
                            blank=True,
                            help_text="What was seen until then no longer counts; the latest deletion stands.",
                            null=True,
                        ),
                    ),
                    (
                        "usual_seconds",
                        models.FloatField(
                            blank=True, help_text="Median duration of the last 20 completed runs.", null=True
                        ),
                    ),
                    ("first_seen", models.DateTimeField(null=True)),
                    ("last_seen", models.DateTimeField(null=True)),
                    ("latest_run", models.UUIDField(blank=True, null=True)),
                    (
                        "latest_state",
                        models.CharField(
                            blank=True,
                            choices=[
                                ("running", "Running"),
                                ("completed", "Completed"),
                                ("failed", "Failed"),
                                ("aborted", "Aborted"),
                            ],
                            default="",
                            max_length=10,
                        ),
                    ),
                    ("latest_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "due_at",
                        models.GeneratedField(
                            db_persist=True,
                            expression=Case(When(latest_state="running", then=_DUE)),
                            help_text="When its latest run should have ended; null once it has.",
                            output_field=models.DateTimeField(null=True),
                        ),
                    ),
                    (
                        "attention",
                        models.GeneratedField(
                            db_persist=True,
                            expression=models.Case(
                                models.When(latest_state="failed", then=1),
                                models.When(latest_state="running", then=2),
                                models.When(latest_state="", then=4),
                                default=3,
                            ),
                            output_field=models.SmallIntegerField(
                                choices=[(1, "Failed last"), (2, "Running"), (3, "Ended"), (4, "Never ran")]
                            ),
                        ),
                    ),
                    (
                        "recent_at",
                        models.GeneratedField(
                            db_persist=True,
                            expression=Coalesce(
                                "latest_at", "first_seen", Value(dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
                            ),
                            help_text="When its latest run began; of one that never ran, when it was first heard of.",
                            output_field=models.DateTimeField(),
                        ),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["name", "id"], name="job_by_name"),
                        models.Index(fields=["latest_state", "name", "id"], name="job_by_state"),
                        models.Index(
                            condition=models.Q(("origin", "pipeline")),
                            fields=["attention", "-recent_at", "id"],
                            name="job_by_attention",
                        ),
                        models.Index(
                            condition=models.Q(("due_at__isnull", False)), fields=["due_at", "id"], name="job_by_due"
                        ),
                    ],
                    "constraints": [models.UniqueConstraint(fields=("namespace", "name"), name="job_name_unique")],
                },
            ),
            migrations.CreateModel(
                name="Run",
                fields=[
                    ("id", models.UUIDField(primary_key=True, serialize=False)),
                    (
                        "job",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="runs", to="lineage.job"
                        ),
                    ),
                    (
                        "previous_job",
                        models.BigIntegerField(
                            help_text="The job before the last change of this row: the fold brings both up to date.",
                            null=True,
                        ),
                    ),
                    (
                        "parent",
                        models.UUIDField(
                            blank=True, help_text="The run that started this one; it may never report.", null=True
                        ),
                    ),
                    (
                        "root",
                        models.UUIDField(
                            blank=True,
                            help_text="The run at the root of its tree, where it names another than itself; it may never report.",
                            null=True,
                        ),
                    ),
                    ("first_at", models.DateTimeField()),
                    ("first_digest", models.UUIDField()),
                    ("last_at", models.DateTimeField()),
                    ("started_at", models.DateTimeField(blank=True, help_text="Of the earliest START.", null=True)),
                    (
                        "ended_at",
                        models.DateTimeField(blank=True, help_text="Of the last event that ends a run.", null=True),
                    ),
                    ("ended_digest", models.UUIDField(blank=True, null=True)),
                    (
                        "ended_state",
                        models.CharField(
                            blank=True,
                            choices=[
                                ("running", "Running"),
                                ("completed", "Completed"),
                                ("failed", "Failed"),
                                ("aborted", "Aborted"),
                            ],
                            max_length=10,
                            null=True,
                        ),
                    ),
                    (
                        "completed_at",
                        models.DateTimeField(
                            blank=True, help_text="Of the last COMPLETE, whatever came after.", null=True
                        ),
                    ),
                    (
                        "code",
                        models.UUIDField(
                            blank=True,
                            help_text="What it executed: a content of `lineage.openlineage.code_of`.",
                            null=True,
                        ),
                    ),
                    ("code_at", models.DateTimeField(blank=True, null=True)),
                    ("code_digest", models.UUIDField(blank=True, null=True)),
                    (
                        "version",
                        models.UUIDField(
                            blank=True,
                            help_text="Of the job: equal for runs that read, wrote and executed the same.",
                            null=True,
                        ),
                    ),
                    (
                        "state",
                        models.GeneratedField(
                            db_persist=True,
                            expression=Coalesce("ended_state", models.Value("running")),
                            output_field=models.CharField(
                                choices=[
                                    ("running", "Running"),
                                    ("completed", "Completed"),
                                    ("failed", "Failed"),
                                    ("aborted", "Aborted"),
                                ],
                                max_length=10,
                            ),
                        ),
                    ),
                    (
                        "began_at",
                        models.GeneratedField(
                            db_persist=True,
                            expression=Coalesce("started_at", "first_at"),
                            output_field=models.DateTimeField(),
                        ),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["job", "-began_at", "-id"], name="run_by_job"),
                        models.Index(fields=["-began_at", "-id"], name="run_by_time"),
                        models.Index(
                            condition=models.Q(("parent__isnull", False)), fields=["parent"], name="run_by_parent"
                        ),
                        models.Index(condition=models.Q(("root__isnull", False)), fields=["root"], name="run_by_root"),
                        models.Index(
                            condition=models.Q(("completed_at__isnull", False)),
                            fields=["job", "version", "began_at"],
                            name="run_by_version",
                        ),
                        models.Index(
                            condition=models.Q(("ended_state__isnull", True)),
                            fields=["began_at"],
                            name="run_without_end",
                        ),
                        models.Index(
                            condition=models.Q(("ended_state__in", ["failed", "aborted"])),
                            fields=["ended_state", "-began_at", "-id"],
                            name="run_unsuccessful",
                        ),
                    ]
                },
            ),
            migrations.CreateModel(
                name="RunDataset",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "run_id",
                            "job_id",
                            "direction",
                            "dataset_id",
                            blank=True,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    (
                        "run",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            on_delete=models.DO_NOTHING,
                            related_name="links",
                            to="lineage.run",
                        ),
                    ),
                    (
                        "job",
                        models.ForeignKey(db_index=False, on_delete=models.CASCADE, related_name="+", to="lineage.job"),
                    ),
                    ("direction", models.PositiveSmallIntegerField(choices=[(1, "reads"), (2, "writes")])),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="run_links", to="catalog.dataset"
                        ),
                    ),
                    ("first_at", models.DateTimeField()),
                    ("last_at", models.DateTimeField()),
                    (
                        "schema",
                        models.UUIDField(
                            blank=True, help_text="The content of the schema facet, by digest.", null=True
                        ),
                    ),
                    ("schema_at", models.DateTimeField(blank=True, null=True)),
                    ("schema_digest", models.UUIDField(blank=True, null=True)),
                    (
                        "columns",
                        models.UUIDField(
                            blank=True, help_text="The content that tells its column lineage, by digest.", null=True
                        ),
                    ),
                    ("columns_at", models.DateTimeField(blank=True, null=True)),
                    ("columns_digest", models.UUIDField(blank=True, null=True)),
                    ("version", models.TextField(blank=True, help_text="What the version facet calls it.", null=True)),
                    ("version_at", models.DateTimeField(blank=True, null=True)),
                    ("version_digest", models.UUIDField(blank=True, null=True)),
                    (
                        "told_at",
                        models.DateTimeField(
                            blank=True, help_text="When its inputs were told one by one: `ToldInput`.", null=True
                        ),
                    ),
                    ("told_digest", models.UUIDField(blank=True, null=True)),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["dataset", "direction", "job", "-last_at"], name="run_dataset_by_dataset")
                    ]
                },
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
                    (
                        "job",
                        models.ForeignKey(db_index=False, on_delete=models.CASCADE, related_name="+", to="lineage.job"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.dataset"
                        ),
                    ),
                    ("digest", models.UUIDField(help_text="Of the event.")),
                    (
                        "input",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.dataset"
                        ),
                    ),
                ],
            ),
            migrations.CreateModel(
                name="JobDataset",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "job_id",
                            "direction",
                            "dataset_id",
                            blank=True,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    (
                        "job",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="links", to="lineage.job"
                        ),
                    ),
                    ("direction", models.PositiveSmallIntegerField(choices=[(1, "reads"), (2, "writes")])),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="job_links", to="catalog.dataset"
                        ),
                    ),
                    ("first_seen", models.DateTimeField()),
                    ("last_seen", models.DateTimeField()),
                ],
                options={
                    "indexes": [models.Index(fields=["dataset", "direction", "job"], name="job_dataset_by_dataset")]
                },
            ),
            migrations.CreateModel(
                name="DatasetEdge",
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
                    (
                        "upstream",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.dataset"
                        ),
                    ),
                    (
                        "downstream",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.dataset"
                        ),
                    ),
                    (
                        "job",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="edges", to="lineage.job"
                        ),
                    ),
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
                    ("current", models.BooleanField(db_default=True)),
                    (
                        "run_id",
                        models.UUIDField(
                            blank=True, help_text="The latest run, or declaration, that has it.", null=True
                        ),
                    ),
                    ("first_seen", models.DateTimeField()),
                    ("last_seen", models.DateTimeField()),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("current", True)),
                            fields=["downstream", "upstream", "job"],
                            name="edge_downstream",
                        ),
                        models.Index(
                            condition=models.Q(("current", True)),
                            fields=["upstream", "downstream", "job"],
                            name="edge_upstream",
                        ),
                        models.Index(fields=["job", "downstream"], name="edge_by_job"),
                    ]
                },
            ),
            migrations.CreateModel(
                name="CriticalityLook",
                fields=[
                    ("id", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                    ("began_at", models.DateTimeField()),
                    ("seconds", models.FloatField(help_text="How long it took, with the counting if there was any.")),
                    ("edges", models.TextField(help_text="A sum over the edges that were counted last.")),
                ],
            ),
            migrations.CreateModel(
                name="JobEdge",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "downstream_id",
                            "upstream_id",
                            blank=True,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    (
                        "upstream",
                        models.ForeignKey(db_index=False, on_delete=models.CASCADE, related_name="+", to="lineage.job"),
                    ),
                    (
                        "downstream",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="waits_for", to="lineage.job"
                        ),
                    ),
                    ("first_seen", models.DateTimeField()),
                    ("last_seen", models.DateTimeField()),
                ],
                options={"indexes": [models.Index(fields=["upstream", "downstream"], name="job_edge_by_upstream")]},
            ),
            migrations.CreateModel(
                name="Column",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.dataset"
                        ),
                    ),
                    ("name", models.TextField()),
                ],
                options={
                    "constraints": [models.UniqueConstraint(fields=("dataset", "name"), name="column_name_unique")]
                },
            ),
            migrations.CreateModel(
                name="Explanation",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "job",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="explanations", to="lineage.job"
                        ),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="explanations", to="catalog.dataset"),
                    ),
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
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(
                            fields=("job", "dataset", "content", "origin"), name="explanation_unique"
                        )
                    ]
                },
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
                    (
                        "explanation",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="edges", to="lineage.explanation"
                        ),
                    ),
                    (
                        "downstream",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="lineage.column"
                        ),
                    ),
                    (
                        "upstream",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="lineage.column"
                        ),
                    ),
                    (
                        "type",
                        models.PositiveSmallIntegerField(choices=[(0, "unknown"), (1, "DIRECT"), (2, "INDIRECT")]),
                    ),
                    ("subtype", models.TextField(blank=True, db_default="")),
                    ("masking", models.BooleanField(db_default=False)),
                    ("description", models.TextField(blank=True, db_default="")),
                    ("current", models.BooleanField(db_default=False, help_text="As its explanation is.")),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["downstream", "current"], name="column_edge_downstream"),
                        models.Index(fields=["upstream", "current"], name="column_edge_upstream"),
                    ]
                },
            ),
            migrations.CreateModel(
                name="ChangedColumn",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("column", models.BigIntegerField()),
                ],
            ),
            migrations.CreateModel(
                name="Provenance",
                fields=[
                    ("id", models.AutoField(primary_key=True, serialize=False)),
                    ("producer", models.TextField()),
                    ("schema_url", models.TextField()),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(fields=("producer", "schema_url"), name="provenance_unique")
                    ]
                },
            ),
            migrations.CreateModel(
                name="ContentBody",
                fields=[
                    ("digest", models.UUIDField(primary_key=True, serialize=False)),
                    (
                        "provenance",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            null=True,
                            on_delete=models.DO_NOTHING,
                            related_name="+",
                            to="lineage.provenance",
                        ),
                    ),
                    ("members", models.JSONField()),
                ],
            ),
            migrations.CreateModel(
                name="Content",
                fields=[("digest", models.UUIDField(primary_key=True, serialize=False)), ("value", models.JSONField())],
                options={"db_table": "lineage_content", "managed": False},
            ),
            migrations.CreateModel(
                name="RunFacet",
                fields=[
                    ("name", models.TextField()),
                    ("at", models.DateTimeField()),
                    ("digest", models.UUIDField()),
                    (
                        "content",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            null=True,
                            on_delete=models.DO_NOTHING,
                            related_name="+",
                            to="lineage.content",
                        ),
                    ),
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "run_id", "name", blank=True, editable=False, primary_key=True, serialize=False
                        ),
                    ),
                    (
                        "run",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="facets", to="lineage.run"
                        ),
                    ),
                ],
                options={"abstract": False},
            ),
            migrations.CreateModel(
                name="JobFacet",
                fields=[
                    ("name", models.TextField()),
                    ("at", models.DateTimeField()),
                    ("digest", models.UUIDField()),
                    (
                        "content",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            null=True,
                            on_delete=models.DO_NOTHING,
                            related_name="+",
                            to="lineage.content",
                        ),
                    ),
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "job_id", "name", blank=True, editable=False, primary_key=True, serialize=False
                        ),
                    ),
                    (
                        "job",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="facets", to="lineage.job"
                        ),
                    ),
                ],
                options={"abstract": False},
            ),
            migrations.CreateModel(
                name="DatasetFacet",
                fields=[
                    ("name", models.TextField()),
                    ("at", models.DateTimeField()),
                    ("digest", models.UUIDField()),
                    (
                        "content",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            null=True,
                            on_delete=models.DO_NOTHING,
                            related_name="+",
                            to="lineage.content",
                        ),
                    ),
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "dataset_id", "name", blank=True, editable=False, primary_key=True, serialize=False
                        ),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="facets", to="catalog.dataset"
                        ),
                    ),
                ],
                options={"abstract": False},
            ),
            migrations.CreateModel(
                name="RunDatasetFacet",
                fields=[
                    ("name", models.TextField()),
                    ("at", models.DateTimeField()),
                    ("digest", models.UUIDField()),
                    (
                        "content",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            null=True,
                            on_delete=models.DO_NOTHING,
                            related_name="+",
                            to="lineage.content",
                        ),
                    ),
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "run_id",
                            "direction",
                            "dataset_id",
                            "name",
                            blank=True,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    (
                        "run",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="dataset_facets", to="lineage.run"
                        ),
                    ),
                    ("direction", models.PositiveSmallIntegerField(choices=[(1, "reads"), (2, "writes")])),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="run_facets", to="catalog.dataset"
                        ),
                    ),
                ],
                options={
                    "indexes": [models.Index(fields=["dataset", "name", "-at"], name="run_dataset_facet_by_dataset")]
                },
            ),
            migrations.CreateModel(
                name="SchemaObservation",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "dataset_id", "at", "digest", blank=True, editable=False, primary_key=True, serialize=False
                        ),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.dataset"
                        ),
                    ),
                    ("at", models.DateTimeField()),
                    ("digest", models.UUIDField()),
                    (
                        "content",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            on_delete=models.DO_NOTHING,
                            related_name="+",
                            to="lineage.content",
                        ),
                    ),
                ],
            ),
            migrations.CreateModel(
                name="PackedObservations",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.dataset"
                        ),
                    ),
                    (
                        "content",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            on_delete=models.DO_NOTHING,
                            related_name="+",
                            to="lineage.content",
                        ),
                    ),
                    ("first_at", models.DateTimeField()),
                    ("last_at", models.DateTimeField()),
                    ("times", ArrayField(base_field=models.DateTimeField(), size=None)),
                    ("digests", ArrayField(base_field=models.UUIDField(), size=None)),
                ],
                options={"indexes": [models.Index(fields=["dataset", "last_at"], name="packed_by_dataset")]},
            ),
            migrations.CreateModel(
                name="LifeChange",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "dataset_id",
                            "told_in",
                            "kind",
                            "previous",
                            blank=True,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="life", to="catalog.dataset"
                        ),
                    ),
                    (
                        "told_in",
                        models.UUIDField(
                            help_text="The run, or the digest of an event without one, which no `Run` has."
                        ),
                    ),
                    (
                        "kind",
                        models.PositiveSmallIntegerField(
                            choices=[
                                (1, "Created"),
                                (2, "Altered"),
                                (3, "Overwritten"),
                                (4, "Emptied"),
                                (5, "Renamed"),
                                (6, "Dropped"),
                            ]
                        ),
                    ),
                    (
                        "previous",
                        models.BigIntegerField(
                            help_text="Of a rename, the dataset that the former name belongs to; else 0."
                        ),
                    ),
                    (
                        "job",
                        models.ForeignKey(
                            db_index=False,
                            help_text="That of a JobEvent.",
                            null=True,
                            on_delete=models.CASCADE,
                            related_name="+",
                            to="lineage.job",
                        ),
                    ),
                    ("first_at", models.DateTimeField()),
                    ("last_at", models.DateTimeField()),
                ],
                options={"indexes": [models.Index(fields=["dataset", "-last_at"], name="life_change_by_time")]},
            ),
            migrations.CreateModel(
                name="DirtyDataset",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("dataset_id", models.BigIntegerField()),
                    ("written_at", models.DateTimeField(null=True)),
                    (
                        "schema_at",
                        models.DateTimeField(help_text="With the digest, the observation that was added.", null=True),
                    ),
                    ("schema_digest", models.UUIDField(null=True)),
                    (
                        "facets",
                        ArrayField(
                            base_field=models.TextField(),
                            default=list,
                            help_text="Facets that `lineage.telling` passes on.",
                            size=None,
                        ),
                    ),
                    ("noted_at", models.DateTimeField(db_default=Now())),
                ],
            ),
            migrations.CreateModel(
                name="Event",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "received_at", "id", blank=True, editable=False, primary_key=True, serialize=False
                        ),
                    ),
                    ("id", models.BigIntegerField()),
                    ("received_at", models.DateTimeField()),
                    (
                        "digest",
                        models.UUIDField(
                            help_text="128 bits of BLAKE2b over the canonical event: equal for equal events."
                        ),
                    ),
                    ("event_time", models.DateTimeField()),
                    (
                        "kind",
                        models.CharField(
                            choices=[("run", "Run"), ("dataset", "Dataset"), ("job", "Job")], max_length=7
                        ),
                    ),
                    (
                        "event_type",
                        models.CharField(help_text="START, COMPLETE and so on, of a run.", max_length=8, null=True),
                    ),
                    ("run_id", models.UUIDField(null=True)),
                    (
                        "principal",
                        models.ForeignKey(
                            db_index=False, on_delete=models.DO_NOTHING, related_name="+", to="accounts.principal"
                        ),
                    ),
                    ("body", lineage.models.log.PackedText()),
                ],
                options={"db_table": "lineage_event", "managed": False},
            ),
            migrations.CreateModel(
                name="PendingEvent",
                fields=[
                    ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
                    ("received_at", models.DateTimeField()),
                    ("attempts", models.PositiveSmallIntegerField(db_default=0)),
                    ("not_before", models.DateTimeField(blank=True, null=True)),
                    ("last_error", models.TextField(blank=True, db_default="")),
                ],
            ),
            migrations.CreateModel(
                name="SetAsideEvent",
                fields=[
                    ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
                    ("received_at", models.DateTimeField()),
                    ("set_aside_at", models.DateTimeField(default=timezone.now)),
                    ("reason", models.TextField()),
                ],
            ),
            migrations.CreateModel(
                name="MarquezNote",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "kind",
                        models.CharField(
                            choices=[("namespace", "Namespace"), ("source", "Source"), ("tag", "Tag")], max_length=9
                        ),
                    ),
                    ("name", models.TextField()),
                    ("told", models.JSONField(default=dict)),
                    ("created_at", models.DateTimeField(default=timezone.now)),
                    ("updated_at", models.DateTimeField(default=timezone.now)),
                    ("told_by", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                ],
                options={"constraints": [models.UniqueConstraint(fields=("kind", "name"), name="marquez_note_once")]},
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
                    (
                        "first",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.dataset"
                        ),
                    ),
                    (
                        "second",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.dataset"
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
                            choices=[
                                ("open", "Waits for a decision"),
                                ("accepted", "Accepted"),
                                ("rejected", "Rejected"),
                            ],
                            db_default="open",
                            max_length=8,
                        ),
                    ),
                    (
                        "decided_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    ("decided_at", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "indexes": [models.Index(fields=["second", "first"], name="same_as_second")],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(("first__lt", models.F("second"))), name="same_as_in_order"
                        )
                    ],
                },
            ),
            migrations.CreateModel(
                name="RejectedEvent",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "token",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="accounts.apitoken"
                        ),
                    ),
                    ("rejected_at", models.DateTimeField(db_default=Now())),
                    (
                        "status",
                        models.PositiveSmallIntegerField(
                            help_text="The HTTP status of the answer, or what it would be for it alone."
                        ),
                    ),
                    (
                        "field",
                        models.TextField(
                            blank=True, help_text="Which member of the event, as a dotted path; empty for the whole."
                        ),
                    ),
                    ("reason", models.TextField()),
                    (
                        "body",
                        models.TextField(
                            blank=True, help_text="The beginning of it, secrets masked; empty where it was not read."
                        ),
                    ),
                    ("size", models.PositiveIntegerField(help_text="Bytes of the whole body.")),
                    (
                        "batch_index",
                        models.PositiveIntegerField(help_text="Its place in a batch, counted from 0.", null=True),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["token", "-id"], name="rejected_event_by_token"),
                        models.Index(fields=["rejected_at"], name="rejected_event_by_time"),
                    ]
                },
            ),
        ),
        migrations.RunSQL(CONTENT, "DROP VIEW lineage_content"),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(_event_log.CREATE, _event_log.DROP),
    ]
