"""Pictures of runs in a real browser: the tree on an axis of time and durations by state, with and without JavaScript."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.tokens import mint
from lineage.draining import drain
from lineage.intake import accept_batch
from lineage.models import Run
from tests import factories
from tests.browser.conftest import House
from tests.browser.harness import settled, violations
from tests.lineage.events import run_event, run_id
from tests.thoroughness import looks

pytestmark = [pytest.mark.browser, pytest.mark.django_db]


@pytest.fixture(scope="module")
def paths(house: House, django_db_blocker: Any) -> dict[str, str]:
    """A DAG of today with tasks and their parts, one failed and one overdue; a job with 30 runs."""
    with django_db_blocker.unblock():
        began = timezone.now() - dt.timedelta(minutes=50)
        events: list[dict[str, Any]] = []

        def tell(name: str, run: str, start: float, end: float | None, kind: str = "COMPLETE", by: str = "") -> str:
            """A run from and until so many minutes after `began`."""
            facets = {"parent": {"run": {"runId": by}, "job": {"namespace": "airflow", "name": "dag"}}} if by else {}
            for moment, told in ((start, "START"), (end, kind)):
                if moment is not None:
                    event = run_event(told, job=name, run=run, run_facets=facets, inputs=["house"])
                    events.append(event | {"eventTime": (began + dt.timedelta(minutes=moment)).isoformat()})
            return run

        dag = tell("nightly", run_id(), 0, None)
        load = tell("nightly.load", run_id(), 1, 24, by=dag)
        for number in range(6):
            tell(f"nightly.load.table_{number}", run_id(), 2 + 3 * number, 4 + 3.5 * number, by=load)
        check = tell("nightly.check", run_id(), 25, 31, "FAIL", by=dag)
        tell("nightly.check.totals", run_id(), 26, 31, "FAIL", by=check)
        for number in range(30):
            kind = "FAIL" if number % 9 == 4 else "ABORT" if number == 20 else "COMPLETE"
            tell("nightly.publish", run_id(), -1440 * (30 - number), -1440 * (30 - number) + 2 + number % 7, kind)
        late = tell("nightly.publish", run_id(), 26, None, by=dag)
        sender = factories.pipeline("runner")
        token = mint(principal=sender, name="runs", scopes=["lineage:write"], by=sender).token
        accept_batch(json.dumps(events).encode(), token=token)
        drain()
        return {
            "tree": f"/jobs/runs/{late}/",
            "job": f"/jobs/{Run.objects.get(pk=late).job_id}/",
            "list": "/jobs/runs/",
        }


def opened(house: House, path: str, **options: Any) -> Page:
    page = house.session.page(cookies=house.cookies("administrator"), **options)
    page.goto(house.session.url(path))
    return settled(page)


@pytest.mark.parametrize("name", ["tree", "job", "list"])
def test_pictures_of_runs_have_no_fault_and_stay_on_the_page(house, paths, name):
    for theme, width in looks(name):
        page = opened(house, paths[name], theme=theme, width=width)
        assert violations(page) == [], (theme, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, theme
        page.context.close()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_bar_stands_where_its_run_was(house, paths, javascript):
    page = opened(house, paths["tree"], javascript=javascript)
    rows = page.locator(".dc-gantt tbody tr")
    names = [rows.nth(index).locator("th").inner_text().split()[0] for index in range(rows.count())]
    assert names == [
        "nightly", "nightly.load", *(f"nightly.load.table_{number}" for number in range(6)), "nightly.check",
        "nightly.check.totals", "nightly.publish",
    ]  # fmt: skip

    def box(name: str, part: str = "rect") -> tuple[float, float]:
        row = rows.nth(names.index(name))
        whole, bar = row.locator("svg.dc-gantt-bar").bounding_box(), row.locator(part).last.bounding_box()
        assert whole is not None and bar is not None
        return (bar["x"] - whole["x"]) / whole["width"], bar["width"] / whole["width"]

    # The axis is some 50 minutes long: the root runs until now.
    assert box("nightly") == pytest.approx((0, 1), abs=0.01)
    assert box("nightly.load") == pytest.approx((1 / 50, 23 / 50), abs=0.02)
    # Its job usually takes minutes, so this one was due after ten, and has been late since.
    assert rows.last.inner_text().count("Overdue") == 1
    assert box("nightly.publish", "rect.is-overdue") == pytest.approx((0.77, 0.23), abs=0.06)


def test_the_tree_is_walked_by_keyboard(house, paths):
    page = opened(house, paths["tree"])
    page.get_by_role("region", name="Runs of the same root").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "nightly"
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Run of nightly")


def test_what_the_picture_of_durations_says_the_table_says_too(house, paths):
    page = opened(house, paths["job"], javascript=False)
    assert page.locator(".dc-bars-plot rect").count() == 31
    assert "1 overdue" in page.locator(".dc-bars-caption").inner_text()
    assert page.get_by_role("table", name="Runs").locator("tbody tr").count() == 25
    # The bars are pictures of links that the table has: no stop for the keyboard.
    assert page.locator(".dc-bars-plot a:not([tabindex='-1'])").count() == 0
