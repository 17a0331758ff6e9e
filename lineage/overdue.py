"""When a run without an end is overdue: the one definition, as SQL, that lists, pages, filters and REST share."""

from __future__ import annotations

import datetime as dt

from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, Func, Value, When
from django.db.models.functions import Greatest, Least

LEAST_ALLOWED = dt.timedelta(minutes=10)
USUAL_TIMES = 3
WITHOUT_HISTORY = dt.timedelta(hours=24)
_LATEST = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


def due_at(began: str, usual_seconds: str) -> Least:
    """When a run that began at the column `began` should have ended, at the latest.

    It may take three times the median of its job's last 20 completed runs (the column `usual_seconds`), ten minutes at
    least, and 24 hours where the job has no completed run yet. Times that no clock shows stop at the year 9999.
    """
    usual = ExpressionWrapper(
        F(usual_seconds) * Value(USUAL_TIMES * dt.timedelta(seconds=1)), output_field=DurationField()
    )
    allowed = Case(
        When(**{f"{usual_seconds}__isnull": True}, then=Value(WITHOUT_HISTORY, output_field=DurationField())),
        default=Greatest(Value(LEAST_ALLOWED, output_field=DurationField()), usual),
        output_field=DurationField(),
    )
    # A generated column wants an immutable sum, which that of a time without a zone is.
    due = ExpressionWrapper(_utc(F(began)) + allowed, output_field=DateTimeField())
    return Least(_utc(due), Value(_LATEST, output_field=DateTimeField()), output_field=DateTimeField())


def _utc(moment: F | ExpressionWrapper) -> Func:
    """The time of a clock in UTC as one without a zone, and back."""
    return Func(Value("UTC"), moment, function="timezone", output_field=DateTimeField())
