"""How far the organisation came, for whom it may be shown, and day by day."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Principal
from catalog.models import Dataset
from classification.actions import accept, set_level, suggest
from classification.counting import count_noted, settle
from classification.coverage import TREND_DAYS, coverage_by, coverage_of_all, keep_day, recent_shares, trend
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


@pytest.mark.parametrize("by", list(By))
def test_parts_add_up_to_the_whole(cast: Cast, world: Dataset, by: By) -> None:
    parts = coverage_by(cast.administrator, by)
    assert sum(part.columns for part in parts) == 5
    assert sum(part.decided for part in parts) == 1
    assert len(parts) == 2


def test_only_what_the_reader_sees_is_counted(cast: Cast, world: Dataset) -> None:
    assert coverage_of_all(cast.analyst).columns == 3
    assert coverage_of_all(cast.outsider).columns == 0
    assert [part.name for part in coverage_by(cast.analyst, By.DOMAIN)] == [str(cast.domain)]


def days_ago(days: int) -> dt.date:
    return dt.datetime.now(tz=dt.UTC).date() - dt.timedelta(days=days)


def decide_one_more(cast: Cast) -> None:
    set_level(fields=[cast.field("name")], level=Level.objects.get(slug="internal"), reason="Known", by=cast.steward)
    settle()


def test_a_day_is_kept_once_and_makes_a_trend(cast: Cast, world: Dataset) -> None:
    keep_day(days_ago(1))
    decide_one_more(cast)
    keep_day()
    keep_day()
    assert [(day.day, day.decided) for day in trend(cast.administrator)] == [(days_ago(1), 1), (days_ago(0), 2)]


def test_a_day_that_is_kept_again_is_as_it_is_now(cast: Cast, world: Dataset) -> None:
    keep_day()
    Dataset.objects.filter(pk=world.pk).update(domain=cast.domain)
    count_noted()
    keep_day()
    assert set(CoverageDay.objects.values_list("domain_id", flat=True)) == {cast.domain.pk}


@pytest.mark.parametrize("by", list(By))
def test_each_part_has_a_trend_that_ends_with_what_is_covered_now(cast: Cast, world: Dataset, by: By) -> None:
    keep_day(days_ago(1))
    decide_one_more(cast)
    keep_day()
    shares = recent_shares(cast.administrator, by)
    for part in coverage_by(cast.administrator, by):
        days = trend(cast.administrator, by, part.subject)
        assert (days[-1].columns, days[-1].decided, days[-1].clear) == (part.columns, part.decided, part.clear)
        assert shares[part.subject] == [(day.decided + day.clear) / day.columns for day in days]
        assert len(days) == 2
    assert sorted(shares.values()) == [[0, 0], [2 / 3, 1]]


def test_a_trend_counts_only_domains_that_the_reader_sees(cast: Cast, world: Dataset) -> None:
    shared = dataset(source=cast.source, domain=world.domain, owner=cast.owner, fields=["c", "d"])
    count_noted()
    keep_day()
    assert [day.columns for day in trend(cast.administrator, By.SOURCE, cast.source.slug)] == [5]
    assert [day.columns for day in trend(cast.analyst, By.SOURCE, cast.source.slug)] == [3]
    assert [day.columns for day in trend(cast.analyst)] == [3]
    assert trend(cast.analyst, By.DOMAIN, shared.domain.slug) == []
    assert recent_shares(cast.analyst, By.DOMAIN).keys() == {cast.domain.slug}
    assert recent_shares(cast.analyst, By.SOURCE) == {cast.source.slug: [2 / 3]}
    assert trend(cast.outsider) == [] and recent_shares(cast.outsider, By.OWNER) == {}


def test_a_small_plot_has_few_points_spread_evenly_and_the_last_day(cast: Cast, world: Dataset) -> None:
    for back in (120, *range(100)):
        keep_day(days_ago(back))
    CoverageDay.objects.filter(day=days_ago(0)).update(clear=0)
    (shares,) = [
        shares
        for subject, shares in recent_shares(cast.administrator, By.SOURCE).items()
        if subject == cast.source.slug
    ]
    assert len(shares) == 13
    assert shares[-1] == 1 / 3 and set(shares[:-1]) == {2 / 3}


def test_days_of_sources_and_owners_are_forgotten_and_those_of_domains_are_not(cast: Cast, world: Dataset) -> None:
    keep_day(days_ago(TREND_DAYS + 1))
    keep_day(days_ago(TREND_DAYS))
    keep_day()
    first = {by: CoverageDay.objects.filter(by=by).earliest("day").day for by in By}
    assert first == {
        By.SOURCE: days_ago(TREND_DAYS),
        By.OWNER: days_ago(TREND_DAYS),
        By.DOMAIN: days_ago(TREND_DAYS + 1),
    }


def test_the_page_and_rest_show_the_trend_of_what_the_reader_sees(cast: Cast, world: Dataset, client: Client) -> None:
    keep_day(days_ago(1))
    decide_one_more(cast)
    keep_day()
    client.force_login(cast.analyst.user)
    page = client.get(reverse("classification:coverage"), {"by": "domain"}).content.decode()
    assert "Done within 90 days: from 67 % to 100 %" in page
    assert "Payroll" not in page
    listed = client.get("/api/v2/classification-coverage/", {"by": "domain"}).json()
    assert [(one["subject"], one["shares"]) for one in listed] == [(cast.domain.slug, [pytest.approx(2 / 3), 1.0])]
    days = client.get("/api/v2/classification-coverage/trend/", {"by": "domain", "subject": cast.domain.slug}).json()
    assert [(day["day"], day["decided"]) for day in days] == [(str(days_ago(1)), 1), (str(days_ago(0)), 2)]
    assert client.get("/api/v2/classification-coverage/trend/", {"subject": "x"}).status_code == 422


def test_the_number_of_statements_does_not_grow_with_the_catalog(cast: Cast) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            keep_day()
        return len(queries)

    first = cost()
    for number in range(5):
        dataset(domain=domain(f"Domain {number}"), owner=cast.owner)
    assert cost() == first == 4  # two are those of a transaction
