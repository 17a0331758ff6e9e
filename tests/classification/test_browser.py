"""The review, categories and coverage in a real Chromium: by keyboard, and axe finds nothing."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import Principal
from catalog.models import Field
from classification.actions import draft_rule_set, edit_category, reject, suggest
from classification.coverage import keep_day
from classification.detectors import Contribution, EvidenceKind, Sensitivity, Verdict
from classification.models import Category, Label, NegativeRule
from classification.reclassifying import advance
from tests.browser.harness import Session, photograph, settled, violations
from tests.factories import Cast, dataset, field, personas

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVIDENCE = (Contribution(EvidenceKind.NAME, "the name says so", 3.1), Contribution(EvidenceKind.TYPE, "its type", -0.4))


@pytest.fixture
def cast() -> Cast:
    """Suggestions in three groups: health, e-mail (two columns) and names."""
    made = personas()
    near = dataset("near", domain=made.domain, source=made.source, fields=["email", "illness"])
    categories = {"email": "email", "name": "person_name", "illness": "health"}
    verdicts = {
        field.pk: Verdict(categories[str(field)], True, Sensitivity.CONFIDENTIAL, 0.8, EVIDENCE)
        for field in Field.objects.filter(dataset__in=[made.dataset, near])
        if str(field) in categories
    }
    suggest(verdicts=verdicts, by=Principal.objects.system())
    return made


def cookies(principal: Principal) -> dict[str, str]:
    client = Client()
    client.force_login(principal.user)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def open_review(session: Session, cast: Cast) -> Page:
    page = session.page(theme="light", width=1440, cookies=cookies(cast.steward))
    page.goto(session.url(reverse("classification:review")))
    return settled(page)


def test_suggestions_are_decided_by_keyboard(session: Session, cast: Cast) -> None:
    page = open_review(session, cast)
    page.keyboard.press("j")
    expect(page.locator("[data-review-group]").first.locator("input")).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_text("Accepted 1 column.")).to_be_visible()
    assert Label.objects.current().confirmed().get().category.slug == "health"

    page.keyboard.press("u")
    expect(page.get_by_text("Undone. 1 column again waits")).to_be_visible()
    assert not Label.objects.current().confirmed().exists()

    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-review-group] input:checked")).to_have_count(2)
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("[data-review-group] input:checked")).to_have_count(1)
    page.keyboard.press("r")
    page.keyboard.type("Just templates")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Rejected 2 columns.")).to_be_visible()
    assert set(Label.objects.current().filter(state="rejected").values_list("reason", flat=True)) == {"Just templates"}
    assert not NegativeRule.objects.exists()


def test_what_a_rejection_would_withdraw_is_shown_first(session: Session, cast: Cast) -> None:
    other = field(dataset("other", domain=cast.domain, source=cast.source, fields=[]), "email", native_type="citext")
    suggest(
        verdicts={other.pk: Verdict("email", True, Sensitivity.CONFIDENTIAL, 0.9, EVIDENCE)},
        by=Principal.objects.system(),
    )
    page = open_review(session, cast)
    group = page.locator("[data-review-group]", has_text="2 columns in 2 datasets")
    group.locator("input").check()
    page.get_by_label("Rule it out").select_option("domain")
    group.locator("input").focus()
    page.keyboard.press("p")
    told = page.locator("[data-review-withdrawals]")
    expect(told).to_contain_text("1 more column in 1 dataset")
    expect(told).to_contain_text("other")
    expect(page.locator("#withdrawals")).to_be_focused()
    expect(group.locator("input")).to_be_checked()
    assert violations(settled(page)) == []
    if folder := os.environ.get("PHOTOGRAPHS"):
        photograph(page, Path(folder) / "review-preview.png")
    assert not NegativeRule.objects.exists() and Label.objects.current().suggested().count() == 5
    page.get_by_label("Why").fill("Templates")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Rejected 2 columns.")).to_be_visible()
    assert Label.objects.current().suggested().filter(category__slug="email").count() == 0


def test_help_shows_the_keys(session: Session, cast: Cast) -> None:
    page = open_review(session, cast)
    page.keyboard.press("?")
    expect(page.get_by_text("accept what is chosen, or this group")).to_be_visible()


@pytest.mark.long
def test_axe_finds_nothing_and_the_console_is_silent(session: Session, cast: Cast) -> None:
    edit_category(category=Category.objects.get(slug="age"), changes={"enabled": False}, by=cast.administrator)
    preview = draft_rule_set(by=cast.administrator)
    while advance(preview.pk):
        pass
    waiting = list(Label.objects.current().suggested().filter(category__slug="person_name"))
    reject(labels=waiting, reason="Names of products", as_rule=NegativeRule.Scope.ALL, by=cast.administrator)
    keep_day(dt.datetime.now(tz=dt.UTC).date() - dt.timedelta(days=1))
    keep_day()
    names = ("review", "category_list", "rules_try", "category_add", "rule_sets", "coverage", "labels_import")
    urls = [reverse(f"classification:{name}") for name in names]
    urls += [reverse("portal:held", args=["health"]), reverse("portal:dataset", args=[cast.dataset.pk])]
    found: list[str] = []
    folder = os.environ.get("PHOTOGRAPHS")
    for url in urls:
        for theme, width in (("light", 1440), ("dark", 390)):
            page = session.page(theme=theme, width=width, cookies=cookies(cast.administrator))
            page.goto(session.url(url))
            settled(page)
            found += [f"{url} {theme}: {line}" for line in violations(page)]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{url} {theme}: scrolls sideways")
            if folder:
                photograph(page, Path(folder) / f"{url.strip('/').replace('/', '-')}-{theme}.png")
            page.context.close()
    assert found + session.faults == []
