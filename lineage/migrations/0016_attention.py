"""When a job's latest run is due, and how much the job needs somebody, as columns that lists sort by."""

import datetime as dt

from django.db import migrations, models
from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, Func, Q, Value, When
from django.db.models.functions import Coalesce, Greatest, Least


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
_ATTENTION = [(1, "Failed last"), (2, "Running"), (3, "Ended"), (4, "Never ran")]


class Migration(migrations.Migration):
    dependencies = [("lineage", "0015_changed_columns")]

    operations = [
        migrations.AddField(
            "job",
            "due_at",
            models.GeneratedField(
                expression=Case(When(latest_state="running", then=_DUE)),
                output_field=models.DateTimeField(null=True),
                db_persist=True,
                help_text="When its latest run should have ended; null once it has.",
            ),
        ),
        migrations.AddField(
            "job",
            "attention",
            models.GeneratedField(
                expression=Case(
                    When(latest_state="failed", then=1),
                    When(latest_state="running", then=2),
                    When(latest_state="", then=4),
                    default=3,
                ),
                output_field=models.SmallIntegerField(choices=_ATTENTION),
                db_persist=True,
            ),
        ),
        migrations.AddField(
            "job",
            "recent_at",
            models.GeneratedField(
                expression=Coalesce("latest_at", "first_seen", Value(dt.datetime(1970, 1, 1, tzinfo=dt.UTC))),
                output_field=models.DateTimeField(),
                db_persist=True,
                help_text="When its latest run began; of one that never ran, when it was first heard of.",
            ),
        ),
        migrations.AddIndex(
            "job",
            models.Index(
                name="job_by_attention", fields=["attention", "-recent_at", "id"], condition=Q(origin="pipeline")
            ),
        ),
        migrations.AddIndex(
            "job", models.Index(name="job_by_due", fields=["due_at", "id"], condition=Q(due_at__isnull=False))
        ),
        migrations.AddIndex(
            "run",
            models.Index(
                name="run_unsuccessful",
                fields=["ended_state", "-began_at", "-id"],
                condition=Q(ended_state__in=["failed", "aborted"]),
            ),
        ),
    ]
