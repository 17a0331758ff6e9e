"""The tables of crawls."""

from django.db import migrations, models
from django.utils import timezone

from common.tables import CreateTables


class Migration(migrations.Migration):
    initial = True

    replaces = [("ingestion", "0002_pushed_batches"), ("ingestion", "0003_sampling_progress")]

    dependencies = [
        ("accounts", "0001_initial"),
        ("catalog", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [
        CreateTables(
            migrations.CreateModel(
                name="Run",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="runs", to="catalog.source"
                        ),
                    ),
                    (
                        "state",
                        models.CharField(
                            choices=[
                                ("queued", "Queued"),
                                ("running", "Running"),
                                ("waiting", "Waiting for a person"),
                                ("succeeded", "Succeeded"),
                                ("failed", "Failed"),
                                ("cancelled", "Cancelled"),
                                ("lost", "Lost"),
                            ],
                            default="queued",
                            max_length=10,
                        ),
                    ),
                    (
                        "trigger",
                        models.CharField(
                            choices=[
                                ("person", "By hand"),
                                ("schedule", "By schedule"),
                                ("push", "Pushed"),
                                ("retry", "Again after a lost run"),
                            ],
                            max_length=10,
                        ),
                    ),
                    (
                        "requested_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("dry_run", models.BooleanField(default=False)),
                    (
                        "confirmed_by",
                        models.ForeignKey(
                            blank=True,
                            help_text="Who let the plan pass.",
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="+",
                            to="accounts.principal",
                        ),
                    ),
                    (
                        "retry_of",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.SET_NULL, related_name="retries", to="ingestion.run"
                        ),
                    ),
                    ("queued_at", models.DateTimeField(default=timezone.now)),
                    ("started_at", models.DateTimeField(blank=True, null=True)),
                    ("finished_at", models.DateTimeField(blank=True, null=True)),
                    ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                    ("cancel_requested_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "cancel_requested_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    ("fence", models.PositiveIntegerField(default=0)),
                    ("phase", models.CharField(blank=True, default="", max_length=20)),
                    ("datasets_read", models.PositiveIntegerField(default=0)),
                    ("datasets_expected", models.PositiveIntegerField(blank=True, null=True)),
                    ("tables_sampled", models.PositiveIntegerField(default=0)),
                    ("tables_to_sample", models.PositiveIntegerField(blank=True, null=True)),
                    ("schemas", models.JSONField(blank=True, default=list, help_text="Progress per schema.")),
                    ("plan", models.JSONField(blank=True, default=dict)),
                    ("message", models.TextField(blank=True, default="", help_text="How it ended, as a sentence.")),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["source", "-id"], name="run_of_source"),
                        models.Index(
                            condition=models.Q(("state", "running")), fields=["heartbeat_at"], name="run_running"
                        ),
                    ],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("state__in", ["queued", "running", "waiting"])),
                            fields=("source",),
                            name="run_one_open_per_source",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("finished_at__isnull", True),
                                ("started_at__isnull", True),
                                ("finished_at__gte", models.F("started_at")),
                                _connector="OR",
                            ),
                            name="run_ends_after_it_starts",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="PushedBatch",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "run",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="pushed", to="ingestion.run"
                        ),
                    ),
                    ("number", models.PositiveIntegerField()),
                    ("lines", models.BinaryField()),
                ],
                options={"constraints": [models.UniqueConstraint(fields=("run", "number"), name="pushed_batch_once")]},
            ),
            migrations.CreateModel(
                name="RunLogLine",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "run",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="log", to="ingestion.run"
                        ),
                    ),
                    ("at", models.DateTimeField(default=timezone.now)),
                    (
                        "severity",
                        models.CharField(
                            choices=[("info", "Info"), ("warning", "Warning"), ("error", "Error")],
                            default="info",
                            max_length=10,
                        ),
                    ),
                    ("text", models.TextField()),
                ],
                options={"indexes": [models.Index(fields=["run", "id"], name="run_log_in_order")]},
            ),
            migrations.CreateModel(
                name="CrawlSchedule",
                fields=[
                    (
                        "source",
                        models.OneToOneField(
                            on_delete=models.CASCADE,
                            primary_key=True,
                            related_name="schedule",
                            serialize=False,
                            to="catalog.source",
                        ),
                    ),
                    (
                        "periodic_task",
                        models.OneToOneField(
                            on_delete=models.PROTECT, related_name="+", to="django_celery_beat.periodictask"
                        ),
                    ),
                    ("set_by", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                    ("set_at", models.DateTimeField(default=timezone.now)),
                ],
            ),
        )
    ]
