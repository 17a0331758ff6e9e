"""The pages in a real Chromium: suggestions by keyboard, the tree opened in place, and nothing that axe objects to."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Principal
from catalog.search_index import refresh_search
from tests import factories
from tests.browser.harness import Session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cast() -> factories.Cast:
    cast = factories.personas()
    refresh_search([cast.dataset.pk])
    return cast


def cookies(principal: Principal) -> dict[str, str]:
    client = Client()
    client.force_login(principal.user)
    return {"session": client.cookies["session"].value}


def test_suggestions_come_while_typing_and_open_by_keyboard(cast: factories.Cast, session: Session) -> None:
    signed_in = cookies(cast.analyst)
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


def test_the_tree_opens_in_place_and_by_links_without_javascript(cast: factories.Cast, session: Session) -> None:
    signed_in = cookies(cast.analyst)
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


def test_the_api_page_works_under_the_content_policy(cast: factories.Cast, session: Session) -> None:
    signed_in = cookies(cast.analyst)
    page = session.page(cookies=signed_in)
    page.goto(session.url("/api/v2/docs/"))
    page.wait_for_selector("text=/api/v2/datasets/")
    assert session.faults == []
