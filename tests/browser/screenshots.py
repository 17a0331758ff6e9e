"""A picture of every page of the URL table, by theme and width: `bin/screenshots [DIRECTORY]`.

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
    for row, persona in pages():
        for theme in ("light", "dark"):
            for look, width in WIDTHS.items():
                page = house.session.page(theme=theme, width=width, cookies=house.cookies(persona))
                page.goto(house.session.url(row.path(house.world)))
                photograph(page, directory / f"{file_name(row)}.{theme}.{look}.png")
                page.context.close()
    print(f"{len(pages()) * 2 * len(WIDTHS)} pictures are in {directory}.")
