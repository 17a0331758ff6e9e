"""Every page of the URL table in a real browser: readable by everybody, in both themes, wide and narrow, by keyboard and
without JavaScript.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import House
from tests.browser.harness import settled, violations
from tests.browser.pages import pages
from tests.contracts.url_visit import Row
from tests.thoroughness import looks

pytestmark = [pytest.mark.browser, pytest.mark.django_db]


def opened(house: House, path: str, persona: str = "steward", *, javascript: bool = True, width: int = 1440) -> Page:
    page = house.session.page(cookies=house.cookies(persona), javascript=javascript, width=width)
    page.goto(house.session.url(path))
    return page


@pytest.mark.parametrize(("row", "persona"), pages(), ids=str)
def test_page_is_accessible_and_quiet_in_every_look(house: House, row: Row, persona: str) -> None:
    house.session.faults.clear()
    path = row.path(house.world)
    page = house.page(persona)
    found: list[str] = []
    for theme, width in looks(f"{row} {persona}"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(house.session.url(path))
        settled(page)
        found += [f"{theme} {width}: {line}" for line in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{theme} {width}: the page is wider than the window")
    assert found == []
    assert house.session.faults == []


def test_the_first_tab_stop_skips_to_the_content(house: House) -> None:
    page = opened(house, "/")
    page.keyboard.press("Tab")
    assert "Skip" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.context.close()


def test_slash_leads_to_the_search_and_enter_finds(house: House) -> None:
    page = opened(house, f"/datasets/{house.world.users.pk}/")
    page.keyboard.press("/")
    page.keyboard.type("submissions")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=submissions*")
    expect(page.get_by_role("main").get_by_role("link", name="submissions").first).to_be_visible()
    page.context.close()


def test_tab_order_of_the_dataset_page_follows_the_page(house: House) -> None:
    """Focus goes down the document and is never lost or trapped."""
    page = opened(house, f"/datasets/{house.world.users.pk}/")
    settled(page)
    order = []
    for _ in range(40):
        page.keyboard.press("Tab")
        order.append(page.evaluate("() => [...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        if page.evaluate("document.activeElement === document.body"):
            break
    stops = order[:-1] if order[-1] <= order[0] else order
    assert len(stops) > 10
    assert stops == sorted(set(stops)), "focus jumps or returns"
    page.context.close()


def test_search_and_tabs_work_without_javascript(house: House) -> None:
    page = opened(house, "/", javascript=False)
    page.get_by_role("searchbox").or_(page.get_by_role("combobox")).last.fill("users")
    page.keyboard.press("Enter")
    page.get_by_role("main").get_by_role("link", name="users").first.click()
    for tab in ("lineage", "access", "activity"):
        page.locator(f'a[href*="/datasets/"][href$="/{tab}/"]').first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("users")
    page.context.close()


def test_access_is_asked_for_and_approved_without_javascript(house: House) -> None:
    purpose = "Write to everybody who has not handed in."
    page = opened(house, f"/access/request/?dataset={house.world.users.pk}", "outsider", javascript=False)
    page.get_by_label("purpose").or_(page.get_by_label("need")).first.fill(purpose)
    page.get_by_role("main").get_by_role("button").first.click()
    expect(page.get_by_role("main")).to_contain_text(purpose)
    path = page.url.removeprefix(house.session.base)
    page.context.close()
    page = opened(house, path, "owner", javascript=False)
    expect(page.get_by_role("main")).to_contain_text(purpose)
    page.goto(house.session.url(f"{path}approve/"))
    page.get_by_role("main").get_by_role("button", name="Approve").first.click()
    page.goto(house.session.url(path))
    expect(page.get_by_role("main")).to_contain_text("Approved")
    page.context.close()
