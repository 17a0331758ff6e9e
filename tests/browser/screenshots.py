"""A picture of every page of the URL table, by theme and width: `bin/screenshots [DIRECTORY [WORD…]]`.

No test of its own accord (its name keeps pytest from collecting it): it needs the servers, the rows and the browser of
the browser tests, so it is run by pytest.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.conftest import House
from tests.browser.harness import ROOT, WIDTHS, photograph
from tests.browser.pages import file_name, pages

pytestmark = [pytest.mark.browser, pytest.mark.django_db]


def test_photograph_every_page(house: House) -> None:
    directory = Path(os.environ.get("SCREENSHOTS") or ROOT / "var" / "screenshots")
    words = os.environ.get("SCREENSHOTS_OF", "").split()
    chosen = [(row, persona) for row, persona in pages() if not words or any(word in file_name(row) for word in words)]
    for row, persona in chosen:
        # One context for all looks of a page: its files are fetched once.
        page = house.session.page(cookies=house.cookies(persona))
        for theme in ("light", "dark"):
            for look, width in WIDTHS.items():
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(house.session.url(row.path(house.world)))
                photograph(page, directory / f"{file_name(row)}.{theme}.{look}.png")
        page.context.close()
    assert chosen, f"No page has a name with {' or '.join(words)}."
    print(f"{len(chosen) * 2 * len(WIDTHS)} pictures are in {directory}.")
