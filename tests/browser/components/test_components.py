"""The components, in a real browser under the real content security policy."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.harness import Session, Theme, settled, violations
from tests.thoroughness import looks

pytestmark = [
    pytest.mark.browser,
    pytest.mark.urls("tests.browser.components.urls"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def cookies(db) -> dict[str, str]:
    """A signed-in person's cookies."""
    user = User.objects.create_user(
        "ada", "ada@ontrack.example", "a long password", first_name="Ada", last_name="Okafor"
    )
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def opened(session: Session, cookies: dict[str, str], path: str = "/gallery/", **options) -> Page:
    page = session.page(cookies=cookies, **options)
    page.goto(session.url(path))
    return settled(page)


def test_gallery_has_no_axe_violation_in_any_theme_and_width(cookies, session):
    for theme, width in looks("gallery"):
        page = opened(session, cookies, theme=theme, width=width)
        assert violations(page) == [], (theme, width)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (theme, width)
        page.context.close()
    assert session.faults == []


@pytest.mark.parametrize(("system", "chosen"), [("light", "dark"), ("dark", "light")])
def test_chosen_theme_outlives_the_page_and_is_there_before_the_first_paint(
    cookies, session, system: Theme, chosen: str
):
    page = opened(session, cookies, theme=system)
    page.locator("summary", has_text="Your account").click()
    page.locator(f'[name="theme"][value="{chosen}"]').check(force=True)
    page.add_init_script(
        "const root = () => document.documentElement.dataset;"
        "addEventListener('readystatechange', () => { window.early ??= root().bsTheme }, true)"
    )
    page.reload()
    assert page.evaluate("window.early") == chosen
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == chosen


def test_slash_leads_to_suggestions_that_the_keyboard_can_open(cookies, session):
    page = opened(session, cookies)
    box = page.locator("#search")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("unit")
    options = page.locator("#search-list [role=option]")
    expect(options).to_have_count(2)
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id") or "")
    assert violations(page) == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/found/?name=unit_old")


def test_escape_closes_suggestions_and_keeps_the_words(cookies, session):
    page = opened(session, cookies)
    page.locator("#search").press_sequentially("unit")
    expect(page.locator("#search-list")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#search-list")).to_be_hidden()
    expect(page.locator("#search")).to_have_value("unit")


def test_polled_region_ends_by_itself_and_says_so(cookies, session):
    page = opened(session, cookies, "/run/")
    region = page.locator("#run")
    expect(region).to_have_text("4 of 4 tables")
    expect(region).not_to_have_attribute("hx-get", "/poll/")
    expect(page.locator("#announcer")).to_have_text("The run has ended.")


def test_dangerous_button_asks_in_a_dialog_and_gives_focus_back(cookies, session):
    page = opened(session, cookies)
    button = page.get_by_role("button", name="Cancel the run").first
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert violations(page, within="dialog[open]") == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_without_javascript_everything_is_still_there(cookies, session):
    page = opened(session, cookies, javascript=False, width=390)
    expect(page.get_by_role("cell", name="Restricted", exact=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    expect(page.locator("#search")).not_to_have_attribute("role", "combobox")
    page.get_by_text("Menu").click()
    expect(page.get_by_role("link", name="Home")).to_be_in_viewport(ratio=1)
    page.get_by_role("link", name="Cancel the run").click()
    expect(page.get_by_role("heading", name="Cancel this run?")).to_be_visible()
