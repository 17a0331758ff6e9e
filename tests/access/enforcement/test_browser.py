"""In a browser: ask for columns, approve the exact statements, and read them in PostgreSQL as whoever asked, until the end."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from access.models import AccessRequest, Grant
from access.provisioning.desired import Profile
from access.tasks import expire, reconcile_source
from accounts.models import Principal
from tests.access.enforcement.world import REFUSED, World, world_of
from tests.access.provisioning.postgres import Cluster, warehouse
from tests.browser.harness import Session, photograph, settled, violations
from tests.factories import person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db: None, embedded_cluster: Cluster) -> Iterator[World]:
    with warehouse(embedded_cluster, Profile.ROLE_MANAGING) as place:
        yield world_of(place)


def cookies(principal: Principal) -> dict[str, str]:
    client = Client()
    client.force_login(principal.user)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def test_ask_approve_read_and_be_refused_when_it_is_over(session: Session, world: World) -> None:
    reconcile_source(world.source.pk)
    ada = session.page(cookies=cookies(world.people["ada"]))
    ada.goto(session.url(f"{reverse('access:request_create')}?dataset={world.orders.pk}"))
    ada.get_by_label("Some columns").check()
    for column in ("id", "email"):
        ada.get_by_role("checkbox", name=column, exact=True).check()
    ada.get_by_label("What you need it for").fill("To see who needs help")
    ada.locator("input[name=days]").fill("2")
    ada.get_by_role("button", name="Ask for access").click()
    expect(ada.locator("main")).to_contain_text("To see who needs help")
    request = AccessRequest.objects.get()
    assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED

    owner = session.page(cookies=cookies(world.owner))
    owner.goto(session.url(reverse("access:request", args=[request.pk])))
    expect(owner.locator("main")).to_contain_text('GRANT SELECT ("email") ON TABLE "sales"."orders"')
    owner.get_by_role("button", name="Approve").first.click()
    owner.locator("dialog[open]").get_by_role("button", name="Approve").click()
    expect(owner.get_by_text("Approved").first).to_be_visible()
    grant = Grant.objects.get()
    reconcile_source(world.source.pk)
    assert world.state(grant) == "active"
    assert world.reads("ada", "SELECT id, email FROM sales.orders") == [(1, "ada@example.org")]
    assert world.reads("ada", "SELECT phone FROM sales.orders") == REFUSED
    ada.goto(session.url(reverse("access:request", args=[request.pk])))
    expect(ada.locator("main")).to_contain_text("Read back: it can be read.")

    with time_machine.travel(timezone.now() + dt.timedelta(days=2, seconds=1), tick=True):
        expire()
        reconcile_source(world.source.pk)
    assert world.state(grant) == "expired"
    assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED
    ada.goto(session.url(reverse("access:request", args=[request.pk])))
    expect(ada.locator("main")).to_contain_text("read back as gone")
    assert session.faults == []


def test_axe_finds_nothing_on_the_pages_of_enforcement(session: Session, world: World) -> None:
    world.set(mode="confirm")
    world.grant("ada", "id", "email")
    world.place.owner(f"GRANT SELECT ON sales.orders TO {world.login('bob')}")
    reconcile_source(world.source.pk)
    administrator = person(administrator=True)
    found: list[str] = []
    folder = os.environ.get("PHOTOGRAPHS")
    for name, url in (
        ("list", reverse("access:enforcement_list")),
        ("source", reverse("access:enforcement", args=[world.source.pk])),
        ("settings", reverse("access:enforcement_settings", args=[world.source.pk])),
        ("login", reverse("access:login_name", args=[world.source.pk])),
        ("inbox", reverse("access:inbox")),
    ):
        for theme, width in (("light", 1440), ("dark", 390)):
            page = session.page(theme=theme, width=width, cookies=cookies(administrator))
            page.goto(session.url(url))
            settled(page)
            found += [f"{name} {theme}: {line}" for line in violations(page)]
            if folder:
                photograph(page, Path(folder) / f"enforcement-{name}-{theme}.png")
    assert found == []
    assert session.faults == []
