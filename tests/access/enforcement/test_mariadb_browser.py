"""In a browser: ask for columns, approve, and read them in MariaDB as whoever asked, until the grant is over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from access.effective import who_reads
from access.models import AccessRequest, Grant
from access.tasks import expire, reconcile_source
from accounts.models import Principal
from tests.access.enforcement.test_mariadb import ADA, DENIED, Shop, clear, shop_of
from tests.browser.harness import Session, settled, violations
from tests.servers.databases import MariadbServer

pytestmark = [pytest.mark.browser, pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(transactional_db: None, mariadb_server: MariadbServer) -> Iterator[Shop]:
    clear(mariadb_server)
    yield shop_of(mariadb_server)
    clear(mariadb_server)


def cookies(principal: Principal) -> dict[str, str]:
    client = Client()
    client.force_login(principal.user)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def test_ask_approve_read_and_be_refused_when_it_is_over(session: Session, shop: Shop) -> None:
    ada = session.page(cookies=cookies(shop.people["ada"]))
    ada.goto(session.url(f"{reverse('access:request_create')}?dataset={shop.orders.pk}"))
    ada.get_by_label("Some columns").check()
    for column in ("id", "email"):
        ada.get_by_role("checkbox", name=column, exact=True).check()
    ada.get_by_label("What you need it for").fill("To see who needs help")
    ada.locator("input[name=days]").fill("2")
    ada.get_by_role("button", name="Ask for access").click()
    expect(ada.locator("main")).to_contain_text("To see who needs help")
    request = AccessRequest.objects.get()
    assert request.state == "pending"
    assert shop.reads(ADA, "id") in DENIED

    owner = session.page(cookies=cookies(shop.owner))
    owner.goto(session.url(reverse("access:request", args=[request.pk])))
    owner.get_by_role("button", name="Approve").first.click()
    owner.locator("dialog[open]").get_by_role("button", name="Approve").click()
    expect(owner.get_by_text("Approved").first).to_be_visible()
    grant = Grant.objects.get()
    reconcile_source(shop.source.pk)
    assert shop.state(grant) == "active"
    assert shop.reads(ADA, "id, email") == ((1, "ada@example.org"),)
    assert shop.reads(ADA, "phone") in DENIED

    owner.goto(session.url(reverse("access:readers", args=[shop.orders.pk])))
    settled(owner)
    expect(owner.locator("main")).to_contain_text(f"Grant {grant.pk}")
    expect(owner.locator("main")).to_contain_text("has the default role")
    assert violations(owner) == []
    ada.goto(session.url(reverse("access:reads", args=[shop.people["ada"].pk])))
    expect(ada.get_by_role("table", name="What can be read")).to_contain_text("email, id")

    with time_machine.travel(timezone.now() + dt.timedelta(days=2, seconds=1), tick=True):
        expire()
        reconcile_source(shop.source.pk)
        assert ADA not in {one.reader.name for one in who_reads(shop.orders, None).reading}
    assert shop.state(grant) == "expired"
    assert shop.reads(ADA, "id") in DENIED
    assert session.faults == []
