"""How far the organisation came, for whom it may be shown, and day by day."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Principal
from catalog.models import Dataset
from classification.actions import accept, set_level, suggest
from classification.counting import count_noted
from classification.coverage import coverage_by, coverage_of_all, keep_day, trend
from classification.detectors import Sensitivity, Verdict
from classification.models import CoverageDay, Label, Level
from tests.factories import Cast, dataset, domain

By = CoverageDay.By


@pytest.fixture
def world(cast: Cast) -> Dataset:
    """users (id, name, email): e-mail decided, name suggested, id clear. Another dataset nobody looked at."""
    found = {"email": "email", "name": "person_name", "id": None}
    verdicts = {
        cast.field(name).pk: Verdict(category, category is not None, Sensitivity.INTERNAL, 0.9)
        for name, category in found.items()
    }
    suggest(verdicts=verdicts, by=Principal.objects.system())
    accept(labels=list(Label.objects.suggested().filter(field=cast.field("email"))), by=cast.steward)
    made = dataset(fields=["a", "b"], domain=domain("Payroll"))
    count_noted()
    return made


def test_every_column_is_counted_once(cast: Cast, world: Dataset) -> None:
    one = coverage_of_all(cast.administrator)
    assert (one.columns, one.decided, one.suggested, one.clear, one.undecided) == (5, 1, 1, 1, 2)
    assert one.share == 2 / 5


@pytest.mark.parametrize("by", list(By)[1:])
def test_parts_add_up_to_the_whole(cast: Cast, world: Dataset, by: By) -> None:
    parts = coverage_by(cast.administrator, by)
    assert sum(part.columns for part in parts) == 5
    assert sum(part.decided for part in parts) == 1
    assert len(parts) == 2


def test_only_what_the_reader_sees_is_counted(cast: Cast, world: Dataset) -> None:
    assert coverage_of_all(cast.analyst).columns == 3
    assert coverage_of_all(cast.outsider).columns == 0
    assert [part.name for part in coverage_by(cast.analyst, By.DOMAIN)] == [str(cast.domain)]


def test_a_day_is_kept_once_and_makes_a_trend(cast: Cast, world: Dataset) -> None:
    today = dt.datetime.now(tz=dt.UTC).date()
    keep_day(today - dt.timedelta(days=1))
    set_level(fields=[cast.field("name")], level=Level.objects.get(slug="internal"), reason="Known", by=cast.steward)
    keep_day(today)
    keep_day(today)
    assert [(day.day, day.decided) for day in trend()] == [(today - dt.timedelta(days=1), 1), (today, 2)]


def test_the_number_of_statements_does_not_grow_with_the_catalog(cast: Cast) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            keep_day()
        return len(queries)

    first = cost()
    for number in range(5):
        dataset(domain=domain(f"Domain {number}"), owner=cast.owner)
    assert cost() == first
