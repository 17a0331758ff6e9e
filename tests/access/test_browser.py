"""The pages of access, levels, tags and tokens in a real Chromium: axe finds nothing, the console stays silent."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from access.actions import (
    approve_request,
    delegate_decisions,
    open_in_emergency,
    publish_terms,
    request_access,
    save_draft,
    start_campaign,
)
from access.models import AccessRequest, Campaign, EmergencyReview, Finding, Grant, Policy, Terms, Vote
from access.recertifying import Chosen
from accounts.models import Principal
from catalog.actions import add_tag, create_tag
from catalog.models import Dataset, Field
from classification.actions import set_level
from tests.browser.harness import Session, photograph, settled, violations
from tests.factories import Cast, dataset, personas, standard_levels

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cast() -> Cast:
    """People with a request that waits, one that was approved, and columns of three levels."""
    made, levels = personas(), standard_levels()
    for name, slug in (("email", "restricted"), ("name", "confidential"), ("id", "internal")):
        set_level(fields=[made.field(name)], level=levels[slug], reason="It says so in the handbook", by=made.steward)
    request_access(
        dataset=made.dataset,
        fields=[made.field("email"), made.field("name")],
        purpose="To see which students need help before the second deadline",
        days=14,
        by=made.analyst,
    )
    earlier = request_access(dataset=made.dataset, purpose="A survey of the first week", days=7, by=made.outsider)
    approve_request(request=earlier, by=made.owner, reason="As agreed with the teaching team")
    tasks = dataset("tasks", domain=made.domain, source=made.source)
    id_of_task = Field.objects.get(dataset=tasks, path=["id"])
    set_level(fields=[id_of_task], level=levels["internal"], reason="A number", by=made.steward)
    set_level(datasets=[tasks], level=levels["confidential"], reason="It holds marks", by=made.steward)
    request_access(dataset=tasks, purpose="To plan the next term", days=90, by=made.owner)
    now = timezone.now()
    delegate_decisions(
        giver=made.owner, receiver=made.steward, valid_from=now, valid_to=now + dt.timedelta(days=5),
        reason="On leave", by=made.owner,
    )  # fmt: skip
    publish_terms(
        name="Marks", text="Nobody can be *told* from what I publish.", domain=made.domain, by=made.administrator
    )
    open_in_emergency(
        dataset=made.dataset, reason="The nightly import is down", hours=2, by=made.analyst,
        accepts=[terms.pk for terms in Terms.objects.all()],
    )  # fmt: skip
    start_campaign(name="Spring", chosen=Chosen(), due_at=now + dt.timedelta(days=9), by=made.administrator)
    save_draft(dataset=tasks, purpose="To compare", by=made.analyst)
    add_tag(datasets=[tasks], tag=create_tag(name="exam period", by=made.steward), by=made.steward)
    create_tag(name="to be replaced", by=made.administrator)
    return made


def cookies(principal: Principal) -> dict[str, str]:
    client = Client()
    client.force_login(principal.user)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def pages(cast: Cast) -> list[tuple[str, str, Principal]]:
    waiting = AccessRequest.objects.pending().get(dataset=cast.dataset, requester=cast.analyst)
    granted = AccessRequest.objects.get(state="approved", is_emergency=False, requester=cast.outsider)
    review, campaign, terms = EmergencyReview.objects.get(), Campaign.objects.get(), Terms.objects.get()
    tasks = Dataset.objects.get(name="tasks")
    return [
        ("inbox-of-owner", reverse("access:inbox"), cast.owner),
        ("inbox-of-outsider", reverse("access:inbox"), cast.outsider),
        ("request-to-decide", reverse("access:request", args=[waiting.pk]), cast.owner),
        ("request-granted", reverse("access:request", args=[granted.pk]), cast.outsider),
        ("request-form", f"{reverse('access:request_create')}?dataset={cast.dataset.pk}", cast.steward),
        ("request-form-of-analyst", f"{reverse('access:request_create')}?dataset={tasks.pk}", cast.analyst),
        ("schema-as-the-dataset", reverse("portal:dataset", args=[tasks.pk]), cast.analyst),
        ("access-of-owner", reverse("portal:dataset_tab", args=[cast.dataset.pk, "access"]), cast.owner),
        ("access-of-analyst", reverse("portal:dataset_tab", args=[tasks.pk, "access"]), cast.analyst),
        ("refuse-page", reverse("access:request_deny", args=[waiting.pk]), cast.owner),
        ("own", reverse("access:own"), cast.analyst),
        ("emergency-form", reverse("access:emergency_open", args=[tasks.pk]), cast.analyst),
        ("emergency", reverse("access:request", args=[review.request_id]), cast.owner),
        ("emergency-review", reverse("access:emergency_review", args=[review.pk]), cast.owner),
        ("delegations", reverse("access:delegations"), cast.administrator),
        ("terms-list", reverse("access:terms"), cast.administrator),
        ("terms", reverse("access:terms_version", args=[terms.slug, 1]), cast.administrator),
        ("campaigns", reverse("access:campaigns"), cast.administrator),
        ("campaign-form", reverse("access:campaign_add"), cast.administrator),
        ("campaign", reverse("access:campaign", args=[campaign.pk]), cast.owner),
        ("people", reverse("access:people"), cast.administrator),
        ("person", reverse("access:person", args=[cast.owner.pk]), cast.administrator),
        ("levels", reverse("classification:level_list"), cast.administrator),
        ("level-form", reverse("classification:level_add"), cast.administrator),
        ("level-delete", reverse("classification:level_delete", args=["restricted"]), cast.administrator),
        ("dataset-level", reverse("classification:dataset_level", args=[cast.dataset.pk]), cast.steward),
        ("tags", reverse("catalog:tag_list"), cast.steward),
        ("tag-form", reverse("catalog:tag_add"), cast.steward),
        ("dataset-tags", reverse("catalog:dataset_tags", args=[tasks.pk]), cast.steward),
        ("tokens", reverse("accounts:token_list"), cast.administrator),
        ("token-form", reverse("accounts:token_add"), cast.administrator),
    ]


@pytest.mark.long
def test_axe_finds_nothing_and_the_console_is_silent(session: Session, cast: Cast) -> None:
    found: list[str] = []
    folder = os.environ.get("PHOTOGRAPHS")
    for name, url, who in pages(cast):
        for theme, width in (("light", 1440), ("dark", 390)):
            page = session.page(theme=theme, width=width, cookies=cookies(who))
            page.goto(session.url(url))
            settled(page)
            found += [f"{name} {theme}: {line}" for line in violations(page)]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{name} {theme}: scrolls sideways")
            if folder:
                photograph(page, Path(folder) / f"{name}-{theme}.png")
            page.context.close()
    assert found + session.faults == []


@pytest.mark.parametrize("javascript", [True, False])
def test_an_owner_refuses_in_the_inbox(session: Session, cast: Cast, javascript: bool) -> None:
    page = session.page(cookies=cookies(cast.owner), javascript=javascript)
    page.goto(session.url(reverse("access:inbox")))
    waiting = page.locator("#waiting")
    waiting.get_by_text("Refuse", exact=True).first.click()
    form = page.locator("dialog[open] form") if javascript else page.locator("main form")
    form.get_by_label("Why").fill("Ask for fewer columns")
    form.get_by_role("button", name="Refuse").click()
    expect(page.get_by_text("Refused. Ana sees your reason.")).to_be_visible()
    refused = AccessRequest.objects.get(requester=cast.analyst, state="denied")
    assert (refused.state, refused.decision_reason) == ("denied", "Ask for fewer columns")


def test_the_dialog_that_the_inbox_shares_is_of_the_row_that_was_pressed(session: Session, cast: Cast) -> None:
    tasks = Dataset.objects.get(name="tasks")
    accepted = [terms.pk for terms in Terms.objects.all()]
    request_access(dataset=tasks, purpose="A survey of the last week", days=5, by=cast.outsider, accepts=accepted)
    page = session.page(cookies=cookies(cast.steward))
    page.goto(session.url(reverse("access:inbox")))
    settled(page)
    dialog = page.locator("dialog[open]")
    first = page.locator("[data-inbox-item]", has_text="Ana asks for")
    first.get_by_role("button", name="Approve").click()
    expect(dialog.get_by_label("For how many days")).to_have_value("14")
    expect(dialog).to_contain_text("The grant begins now.")
    dialog.get_by_label("A word to the requester").fill("Meant for Ana")
    dialog.get_by_role("button", name="Go back").click()
    expect(first.get_by_role("button", name="Approve")).to_be_focused()
    page.locator("[data-inbox-item]", has_text="A survey of the last week").get_by_role(
        "button", name="Approve"
    ).click()
    expect(dialog.get_by_label("For how many days")).to_have_value("5")
    expect(dialog.get_by_label("For how many days")).to_have_attribute("max", "5")
    expect(dialog.get_by_label("A word to the requester")).to_have_value("")
    dialog.get_by_label("A word to the requester").fill("Meant for the other")
    dialog.get_by_role("button", name="Approve").click()
    page.wait_for_load_state()
    votes = Vote.objects.filter(by=cast.steward, reason__startswith="Meant for")
    assert [(vote.step.request.requester, vote.reason) for vote in votes] == [(cast.outsider, "Meant for the other")]
    page.context.close()
    assert session.faults == []


@pytest.mark.parametrize("name", ["access:inbox", "access:delegations"])
def test_no_two_buttons_of_a_list_sound_the_same(session: Session, cast: Cast, name: str) -> None:
    tasks = Dataset.objects.get(name="tasks")
    request_access(
        dataset=tasks, purpose="Another", days=5, by=cast.outsider, accepts=[one.pk for one in Terms.objects.all()]
    )
    now = timezone.now()
    delegate_decisions(
        giver=cast.owner, receiver=cast.outsider, valid_from=now, valid_to=now + dt.timedelta(days=1), by=cast.owner
    )
    page = session.page(cookies=cookies(cast.owner))
    page.goto(session.url(reverse(name)))
    settled(page)
    heard = (
        page.locator("main table")
        .locator("a.btn, button.btn")
        .evaluate_all("all => all.map((one) => one.ariaLabel || one.textContent.trim())")
    )
    assert len(heard) > 1 and sorted(set(heard)) == sorted(heard)
    page.context.close()


def test_the_inbox_is_walked_and_decided_by_keys(session: Session, cast: Cast) -> None:
    page = session.page(cookies=cookies(cast.owner))
    page.goto(session.url(reverse("access:inbox")))
    settled(page)
    items = page.locator("[data-inbox-item]")
    kept = page.locator("[data-inbox-item]", has_text="still need")
    for _ in range(items.count()):
        page.keyboard.press("j")
        if kept.locator("[data-inbox-open]:focus").count():
            break
    page.keyboard.press("r")
    expect(page.locator("dialog[open]")).to_contain_text("Remove this grant?")
    expect(page.locator("dialog[open]")).to_contain_text("on users ends now.")
    page.keyboard.press("Escape")
    kept.locator("[data-inbox-open]").focus()
    page.keyboard.press("a")
    expect(page.get_by_text("1 grant kept.")).to_be_visible()
    assert Grant.objects.get(is_emergency=False).recertifications.get().outcome == "kept"
    page.context.close()
    assert session.faults == []


def test_what_nobody_approved_is_shown_and_adopted_by_keys(session: Session, cast: Cast) -> None:
    Finding.objects.create(
        source=cast.source,
        kind=Finding.Kind.PRIVILEGE,
        key="1",
        sentence="ana may read all of public.users.",
        principal=cast.analyst,
        dataset=cast.dataset,
        remedy=['REVOKE SELECT ON TABLE "public"."users" FROM "ana"'],
    )
    page = session.page(cookies=cookies(cast.steward))
    page.goto(session.url(reverse("access:inbox")))
    settled(page)
    found = page.locator("[data-inbox-item]", has_text="ana may read all of")
    found.locator("[data-inbox-open]").focus()
    expect(found.get_by_text("REVOKE SELECT")).to_be_hidden()
    page.keyboard.press("r")
    expect(found.get_by_text("REVOKE SELECT")).to_be_visible()
    found.locator("[data-inbox-open]").focus()
    page.keyboard.press("a")
    expect(page.locator("dialog[open]")).to_contain_text("Adopt this as a grant?")
    page.context.close()
    assert session.faults == []


def test_a_word_as_long_as_a_line_pushes_no_button_out_of_the_inbox(session: Session, cast: Cast) -> None:
    waiting = AccessRequest.objects.pending().filter(requester=cast.analyst, is_emergency=False)
    assert waiting.update(purpose="https://example.org/" + "report" * 40) == 1
    page = session.page(cookies=cookies(cast.owner), width=1280)
    page.goto(session.url(reverse("access:inbox")))
    settled(page)
    boxes = page.locator("main .dc-table-box")
    assert boxes.evaluate_all("boxes => boxes.map((box) => box.scrollWidth - box.clientWidth)") == [0]
    expect(page.locator("#waiting").get_by_role("button", name="Refuse").first).to_be_in_viewport(ratio=1)
    page.context.close()


def test_ticking_a_column_asks_for_some_and_everything_is_asked_for_again_by_saying_so(
    session: Session, cast: Cast
) -> None:
    page = session.page(cookies=cookies(cast.steward))
    page.goto(session.url(f"{reverse('access:request_create')}?dataset={cast.dataset.pk}"))
    settled(page)
    shown = page.locator("#ruling").inner_text()
    expect(page.get_by_label("The whole dataset")).to_be_checked()
    page.get_by_role("checkbox", name="id", exact=True).check()
    expect(page.get_by_label("Some columns")).to_be_checked()
    expect(page.locator("#ruling")).not_to_have_text(shown)
    expect(page.locator("#ruling")).to_contain_text("365 days")
    page.get_by_label("The whole dataset").check()
    expect(page.locator("#ruling")).to_have_text(shown, use_inner_text=True)
    page.context.close()
    assert session.faults == []


def test_ticking_columns_tells_what_policy_says(session: Session, cast: Cast) -> None:
    page = session.page(cookies=cookies(cast.steward))
    page.goto(session.url(f"{reverse('access:request_create')}?dataset={cast.dataset.pk}"))
    settled(page)
    shown = page.locator("#ruling").inner_text()
    page.get_by_label("Some columns").check()
    page.get_by_role("checkbox", name="id", exact=True).check()
    expect(page.locator("#ruling")).not_to_have_text(shown)
    expect(page.locator("#ruling")).to_contain_text("365 days")
    page.context.close()
    assert session.faults == []


@pytest.mark.parametrize("javascript", [True, False])
def test_a_policy_gets_one_more_step_and_enter_saves_it(session: Session, cast: Cast, javascript: bool) -> None:
    page = session.page(cookies=cookies(cast.administrator), javascript=javascript)
    page.goto(session.url(reverse("access:policy_add")))
    page.get_by_label("Name", exact=True).fill("Two must agree")
    page.get_by_label("Ask for approval").check()
    page.get_by_label("Read", exact=True).uncheck()
    page.get_by_label("Ask for access").check()
    page.get_by_label("Everybody", exact=True).check()
    page.get_by_text("Who must approve requests").click()
    page.get_by_label("Step 1: approval of").select_option("owners")
    page.get_by_role("button", name="Add another step").click()
    expect(page.get_by_label("Step 2: approval of")).to_be_in_viewport()
    page.get_by_label("Step 2: approval of").select_option("stewards")
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="Who gains and who loses")).to_be_visible()
    steps = Policy.objects.get(name="Two must agree").versions.get().contents.steps
    assert [step.audience.value for step in steps] == ["owners", "stewards"]
    page.context.close()
    assert session.faults == []
