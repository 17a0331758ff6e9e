"""The pages in a real Chromium: suggestions by keyboard, the tree opened in place, and nothing that axe objects to."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from accounts.models import Principal
from catalog.search_index import refresh_search
from tests import factories
from tests.browser.harness import browser, settled, violations
from tests.thoroughness import LOOKS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def playwright_beside_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright's loop runs in this thread, which Django takes for asynchronous code."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture
def cast() -> factories.Cast:
    cast = factories.personas()
    refresh_search([cast.dataset.pk])
    return cast


def cookies(principal: Principal) -> dict[str, str]:
    client = Client()
    client.force_login(principal.user)
    return {"session": client.cookies["session"].value}


def test_suggestions_come_while_typing_and_open_by_keyboard(
    cast: factories.Cast, live_server: LiveServer, chromium_path: str
) -> None:
    signed_in = cookies(cast.analyst)
    with browser(live_server.url, chromium_path) as session:
        page = session.page(cookies=signed_in)
        page.goto(session.url("/"))
        page.keyboard.press("/")
        page.keyboard.type("emai")
        page.wait_for_selector("#find-list [role=option]")
        assert page.get_attribute("#find", "aria-expanded") == "true"
        assert "column email" in page.inner_text("#find-list")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/datasets/{cast.dataset.pk}/")
        assert session.faults == []


def test_the_tree_opens_in_place_and_by_links_without_javascript(
    cast: factories.Cast, live_server: LiveServer, chromium_path: str
) -> None:
    signed_in = cookies(cast.analyst)
    with browser(live_server.url, chromium_path) as session:
        page = session.page(cookies=signed_in)
        page.goto(session.url("/browse/"))
        page.click("summary:has-text('ontrack')")
        page.wait_for_selector(f"a[href='/datasets/{cast.dataset.pk}/']")
        plain = session.page(cookies=signed_in, javascript=False)
        plain.goto(session.url("/browse/"))
        plain.click("summary:has-text('ontrack')")
        plain.click("text=Show what is in ontrack")
        plain.wait_for_selector(f"a[href='/datasets/{cast.dataset.pk}/']")
        assert session.faults == []


@pytest.mark.long
def test_axe_finds_nothing_on_the_catalogs_pages(
    cast: factories.Cast, live_server: LiveServer, chromium_path: str
) -> None:
    dataset = f"/datasets/{cast.dataset.pk}"
    urls = (
        "/",
        "/search/?q=users",
        "/browse/",
        f"{dataset}/",
        f"{dataset}/activity/",
        "/domains/teaching/",
        f"{dataset}/edit/owners/",
    )
    signed_in = cookies(cast.steward)
    with browser(live_server.url, chromium_path) as session:
        for url in urls:
            for theme, width in LOOKS:
                page = session.page(theme=theme, width=width, cookies=signed_in)
                page.goto(session.url(url))
                assert violations(settled(page)) == [], url
                assert page.evaluate("document.documentElement.scrollWidth") <= width, url
                page.context.close()
        assert session.faults == []


def test_the_api_page_works_under_the_content_policy(
    cast: factories.Cast, live_server: LiveServer, chromium_path: str
) -> None:
    signed_in = cookies(cast.analyst)
    with browser(live_server.url, chromium_path) as session:
        page = session.page(cookies=signed_in)
        page.goto(session.url("/api/v2/docs/"))
        page.wait_for_selector("text=/api/v2/datasets/")
        assert session.faults == []
